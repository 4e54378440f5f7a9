import ArgumentParser
import Dispatch
import Logging
import Service

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs the service until a signal ends it.
enum Running {
    static func run(_ configuration: ServiceConfiguration, replay: [String]) throws {
        // What it writes holds other people's requests.
        umask(0o077)
        let environment = Environment.all
        let logger = ServiceLog.logger(configuration.log, isJournal: environment["JOURNAL_STREAM"] != nil)
        let source: any CaptureSource =
            replay.isEmpty
            ? LiveSource(configuration, clock: Clocks.monotonic) : ReplaySource(replay, configuration)
        let service = Service(configuration, source: source, environment: environment, logger: logger)
        let signals = SignalSources()
        defer { signals.all.forEach { $0.cancel() } }
        do throws(ServiceError) {
            // Not before: the sources have a thread.
            try service.run(opened: { signals.all = handleSignals(service.feed, logger) })
        } catch {
            throw Failing.fail(error.message, hint: error.hint, status: error.status)
        }
    }

    private final class SignalSources {
        var all: [any DispatchSourceSignal] = []
    }

    /// On a queue of their own; the capture's thread may be busy.
    private static func handleSignals(_ feed: Feed, _ logger: Logger) -> [any DispatchSourceSignal] {
        _ = signal(SIGPIPE, SIG_IGN)
        let queue = DispatchQueue(label: "gwsniffd.signals")
        func handle(_ number: Int32, _ body: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: body)
            source.resume()
            return source
        }
        func end(_ number: Int32) -> any DispatchSourceSignal {
            handle(number) {
                // A second one ends the process at once.
                _ = signal(number, SIG_DFL)
                logger.notice("ending")
                feed.stop()
            }
        }
        return [
            end(SIGINT), end(SIGTERM),
            handle(SIGHUP) { feed.rotate() },
            handle(SIGUSR1) { logger.notice("\(LogLines.figures(feed.picture))") },
            handle(SIGUSR2) {
                if !feed.record("asked for by signal") { logger.warning("so many recordings wait already") }
            },
        ]
    }
}
