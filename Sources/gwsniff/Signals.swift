import ArgumentParser
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What signals asked for. A handler may run at any instruction, so it only counts in a lock-free atomic; the run looks
/// at the counts when it next may stop.
enum Signals {
    private static let stops = Atomic<Int>(0)
    private static let statistics = Atomic<Int>(0)
    private static let rotations = Atomic<Int>(0)
    private static let recordings = Atomic<Int>(0)

    /// SIGINT and SIGTERM ask the run to finish with a report, SIGUSR1 asks for statistics. A second SIGINT or SIGTERM
    /// ends the process at once: the first one gave the handler back.
    static func install() {
        // Touched here once, so that no handler is the first to initialise them.
        stops.store(0, ordering: .relaxed)
        statistics.store(0, ordering: .relaxed)
        let stop: @convention(c) (Int32) -> Void = { number in
            Signals.stops.add(1, ordering: .relaxed)
            _ = signal(number, SIG_DFL)
        }
        let count: @convention(c) (Int32) -> Void = { _ in
            Signals.statistics.add(1, ordering: .relaxed)
        }
        handle(SIGINT, stop)
        handle(SIGTERM, stop)
        handle(SIGUSR1, count)
        // A closed pipe is a failed write: what is open is finished first.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Ends the process as SIGPIPE ends one that does not handle it, without a word: who stops reading, as `head` does, knows it.
    static func endByClosedPipe() -> ExitCode {
        _ = signal(SIGPIPE, SIG_DFL)
        _ = raise(SIGPIPE)
        // It is blocked: the status that shells give for it.
        return ExitCode(128 + SIGPIPE)
    }

    /// Of a live run. SIGHUP goes on in the next file where there is one. Where there is none it asks for the report, as when a terminal
    /// goes away, unless whoever started the run had it ignored (nohup): so does tcpdump. SIGUSR2 asks for the packets of the moment.
    static func installLive(writes: Bool) {
        rotations.store(0, ordering: .relaxed)
        recordings.store(0, ordering: .relaxed)
        if writes {
            handle(SIGHUP) { _ in Signals.rotations.add(1, ordering: .relaxed) }
        } else if !isIgnored(SIGHUP) {
            handle(SIGHUP) { number in
                Signals.stops.add(1, ordering: .relaxed)
                _ = signal(number, SIG_DFL)
            }
        }
        handle(SIGUSR2) { _ in Signals.recordings.add(1, ordering: .relaxed) }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #elseif canImport(Musl)
            let handler = action.__sa_handler.sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Without SA_RESTART: a read that waits on a pipe has to return, or a stop would wait for the next packet.
    private static func handle(_ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #elseif canImport(Musl)
            action.__sa_handler.sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
        sigemptyset(&action.sa_mask)
        sigaction(number, &action, nil)
    }

    /// Some signal came that nobody acted on yet.
    static var areWaiting: Bool { wantsStop || statistics.load(ordering: .relaxed) > 0 }

    static var wantsStop: Bool { stops.load(ordering: .relaxed) > 0 }

    /// True once for any number of SIGUSR1 since the last call.
    static func takeStatisticsRequest() -> Bool {
        statistics.load(ordering: .relaxed) > 0 && statistics.exchange(0, ordering: .relaxed) > 0
    }

    /// The same for SIGHUP.
    static func takeRotationRequest() -> Bool {
        rotations.load(ordering: .relaxed) > 0 && rotations.exchange(0, ordering: .relaxed) > 0
    }

    /// The same for SIGUSR2.
    static func takeRecordingRequest() -> Bool {
        recordings.load(ordering: .relaxed) > 0 && recordings.exchange(0, ordering: .relaxed) > 0
    }
}
