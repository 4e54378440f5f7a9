import Capture
import Dispatch
import Model
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Takes packets from the interfaces and appends them to the ring, on a thread of its own that does nothing else.
final class CaptureThread: @unchecked Sendable {
    /// What the thread last said of itself.
    struct State: Sendable {
        var statistics: [LiveCapture.Statistics] = []
        var summaries: [SourceSummary] = []
        var warnings: [CaptureError] = []
        var isOver = false
    }

    /// How long a call for the next packet waits before the thread looks whether it is to stop.
    private static let patienceMilliseconds: Int32 = 100
    private static let statisticsInterval: Int64 = 250_000_000
    /// A ring that stays full for so long costs packets; until then they wait in the kernel.
    private static let fullPatience: Int64 = 1_000_000_000

    private let capture: LiveCapture
    private let ring: PacketRing
    private let limit: Int
    /// Wall clock; packets that were stamped later are not taken.
    private let stopTime = Atomic<Int64>(.max)
    private let overrun = Atomic<Int>(0)
    private let state = Mutex(State())

    /// - Parameter limit: packets after which it ends.
    init(_ capture: LiveCapture, _ ring: PacketRing, limit: Int?) {
        self.capture = capture
        self.ring = ring
        self.limit = limit ?? .max
    }

    func start() {
        DispatchQueue(label: "capture").async {
            Self.takePrecedence()
            self.run()
        }
    }

    /// Before the thread that analyses, where that is allowed: nothing is lost by waiting there. Not by the queue's quality of service, which
    /// complains on standard error where it is not.
    private static func takePrecedence() {
        #if canImport(Glibc)
            // Of this thread alone: setpriority(2), "C library/kernel differences".
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -4)
        #endif
    }

    /// Asks the thread to end. It still takes what the kernel has of the time before, for which somebody has to go on reading.
    func requestStop() {
        stopTime.store(LiveRun.wallClock().nanoseconds, ordering: .releasing)
    }

    var current: State { state.withLock { $0 } }

    /// Warnings since the last call.
    func takeWarnings() -> [CaptureError] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// Packets that the ring had no room for.
    var overruns: Int { overrun.load(ordering: .relaxed) }

    private func run() {
        var count = 0
        var nextStatistics = Self.now()
        loop: while count < limit {
            switch capture.advance(timeoutMilliseconds: Self.patienceMilliseconds) {
            case .ended: break loop
            case .idle:
                if stopTime.load(ordering: .acquiring) != .max { break loop }
            case .packet(let record):
                if record.timestamp.nanoseconds > stopTime.load(ordering: .relaxed) { break loop }
                count &+= 1
                if !capture.withPacket({ ring.append(record, $0) }) { wait(record) }
            }
            guard count & 255 == 0 || capture.isIdle else { continue }
            let now = Self.now()
            if now >= nextStatistics {
                nextStatistics = now + Self.statisticsInterval
                publish(isOver: false)
            }
        }
        publish(isOver: true)
    }

    /// The ring is full.
    private func wait(_ record: PacketRecord) {
        let start = Self.now()
        while Self.now() - start < Self.fullPatience {
            usleep(200)
            if capture.withPacket({ ring.append(record, $0) }) { return }
        }
        overrun.add(1, ordering: .relaxed)
    }

    private func publish(isOver: Bool) {
        let new = State(
            statistics: capture.statistics,
            summaries: capture.summaries,
            warnings: capture.takeWarnings(),
            isOver: isOver
        )
        state.withLock { state in
            let before = state.warnings
            state = new
            state.warnings = before + new.warnings
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
