package import Logging
package import Model
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes what is new about every second, on a thread of its own: a slow disk or a full one never holds up the capture. What could not be
/// written is kept, within bounds, and tried again.
package final class HistoryWriter: Sendable {
    private struct State {
        var shown: HistoryState
        var isStopping = false
    }

    private static let pruneInterval = 60.0

    private let feed: Feed
    private let clock: @Sendable () -> Double
    /// What "now" is for the age of entries.
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let state: Mutex<State>
    private let done = DispatchGate()

    package init(
        _ store: sending HistoryStore,
        feed: Feed,
        clock: @escaping @Sendable () -> Double,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.feed = feed
        self.clock = clock
        self.now = now
        self.logger = logger
        state = Mutex(State(shown: HistoryState(path: store.path)))
        let box = Box(store)
        Threads.start("history") { [self] in run(box.store) }
    }

    /// The store is handed to the thread and used nowhere else.
    private final class Box: @unchecked Sendable {
        let store: HistoryStore
        init(_ store: sending HistoryStore) { self.store = store }
    }

    package var shown: HistoryState { state.withLock { $0.shown } }

    /// Writes what is left and ends.
    package func stop() {
        state.withLock { $0.isStopping = true }
        done.wait()
    }

    private func run(_ store: HistoryStore) {
        var pending = HistoryChanges()
        var nextPrune = 0.0
        var isOver = false
        while !isOver {
            isOver = state.withLock { $0.isStopping }
            if !isOver { usleep(200_000) }
            pending.merge(feed.takeChanges())
            let isDue = clock() >= nextPrune
            write(&pending, store, prunes: isDue)
            if isDue { nextPrune = clock() + Self.pruneInterval }
            // Five looks a second would be five commits a second.
            for _ in 0..<4 where !isOver && !state.withLock({ $0.isStopping }) { usleep(200_000) }
        }
        done.open()
    }

    private func write(_ pending: inout HistoryChanges, _ store: HistoryStore, prunes: Bool) {
        do throws(HistoryError) {
            try store.write(pending)
            let leftOut = pending.leftOut
            pending = HistoryChanges()
            if prunes { try store.prune(now: now()) }
            let bytes = (try? store.size()) ?? 0
            let recovered = state.withLock { state in
                defer { state.shown.failure = nil }
                state.shown.bytes = bytes
                state.shown.leftOut += leftOut
                return state.shown.failure != nil
            }
            if recovered { logger.notice("\(store.path): the history takes what is written again") }
        } catch {
            let isNew = state.withLock { state in
                defer { state.shown.failure = error.message }
                state.shown.failures += 1
                return state.shown.failure == nil
            }
            if isNew { logger.error("\(store.path): \(error.message); kept in memory, and tried again") }
        }
    }
}
