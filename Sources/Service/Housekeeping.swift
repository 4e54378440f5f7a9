import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What has to be done now and then, on a thread of its own: evidence within its size, and signs of life for the service manager.
final class Housekeeping: Sendable {
    private static let pruneSeconds = 5.0
    private static let aliveSeconds = 5.0

    private let isStopping = Atomic(false)
    private let done = DispatchGate()

    init(_ feed: Feed, _ evidence: EvidenceDirectory?, _ manager: ServiceManager, _ logger: Logger) {
        Threads.start("housekeeping") { [self] in
            var nextPrune = 0.0
            var nextSign = 0.0
            while !isStopping.load(ordering: .relaxed) {
                let now = Clocks.monotonic()
                if let evidence, now >= nextPrune {
                    nextPrune = now + Self.pruneSeconds
                    let gone = evidence.prune()
                    if gone > 0 {
                        logger.info("\(gone) of the oldest evidence files went, to keep to recorder.max-size")
                    }
                }
                // A capture that hangs is to be started anew: nothing is said for it.
                if now >= nextSign, feed.silence < Health.longestSilence {
                    nextSign = now + Self.aliveSeconds
                    manager.alive()
                }
                usleep(200_000)
            }
            done.open()
        }
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        done.wait()
    }
}
