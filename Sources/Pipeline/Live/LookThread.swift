import Diagnosis
import Dispatch
import Model
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks, one at a time, on a thread of its own: reading goes on meanwhile, and before it where both want the processor.
final class LookThread: @unchecked Sendable {
    struct Result {
        var snapshot: LiveSnapshot
        var examination: Examination
        var report: Report?
    }

    private enum State {
        case idle, busy
        case done(Result)
    }

    /// Both are handed over and used on one side at a time.
    private struct Handed<Value>: @unchecked Sendable {
        var value: Value
    }

    private let queue = DispatchQueue(label: "looks")
    private let state = Mutex(Handed(value: State.idle))
    private let over = DispatchSemaphore(value: 0)

    /// Nothing is looked at, and nothing waits to be taken.
    var isIdle: Bool {
        state.withLock { state in
            if case .idle = state.value { return true }
            return false
        }
    }

    /// Begins a look, where none goes on.
    func start(_ snapshot: LiveSnapshot) {
        guard isIdle else { return }
        state.withLock { $0.value = .busy }
        let handed = Handed(value: snapshot)
        queue.async { [self] in
            Self.givePrecedence()
            let (examination, report) = handed.value.examine()
            let result = Handed(
                value: State.done(Result(snapshot: handed.value, examination: examination, report: report))
            )
            state.withLock { $0 = result }
            over.signal()
        }
    }

    /// What was found, once; nil while it goes on.
    func takeResult() -> Result? {
        let result = state.withLock { state -> Handed<Result?> in
            guard case .done(let result) = state.value else { return Handed(value: nil) }
            state.value = .idle
            return Handed(value: result)
        }
        if result.value != nil { over.wait() }
        return result.value
    }

    /// Waits for a look that goes on, of which nobody wants to know any more.
    func finish() {
        guard !isIdle else { return }
        over.wait()
        state.withLock { $0.value = .idle }
    }

    /// To the threads that read: a packet is lost by waiting there, and none here.
    private static func givePrecedence() {
        #if canImport(Glibc)
            // Of this thread alone: setpriority(2), "C library/kernel differences". Relative to what the process was started with.
            let usual = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), __id_t(getpid()))
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, min(19, usual &+ 4))
        #endif
    }
}
