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
///
/// The thread is kept from the first look to the last: it gives up its precedence for good, and others that are lent it later, such as the
/// savefile's, must not lose theirs.
final class LookThread: @unchecked Sendable {
    struct Result {
        var snapshot: LiveSnapshot
        var examination: Examination
        var report: Report?
    }

    private enum State {
        case idle, busy, over
        case asked(LiveSnapshot)
        case done(Result)
    }

    /// Both are handed over and used on one side at a time.
    private struct Handed<Value>: @unchecked Sendable {
        var value: Value
    }

    private var hasBegun = false
    private let state = Mutex(Handed(value: State.idle))
    /// Signalled where a look is wanted, or none any more; and where one is done.
    private let wanted = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

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
        let handed = Handed(value: State.asked(snapshot))
        state.withLock { $0 = handed }
        if !hasBegun {
            hasBegun = true
            DispatchQueue(label: "looks").async { self.work() }
        }
        wanted.signal()
    }

    private func work() {
        Self.givePrecedence()
        while true {
            wanted.wait()
            let asked = state.withLock { state -> Handed<LiveSnapshot?> in
                guard case .asked(let snapshot) = state.value else { return Handed(value: nil) }
                state.value = .busy
                return Handed(value: snapshot)
            }
            guard let snapshot = asked.value else { return }
            let (examination, report) = snapshot.examine()
            let result = Handed(
                value: State.done(Result(snapshot: snapshot, examination: examination, report: report))
            )
            state.withLock { $0 = result }
            done.signal()
        }
    }

    /// What was found, once; nil while it goes on.
    func takeResult() -> Result? {
        let result = state.withLock { state -> Handed<Result?> in
            guard case .done(let result) = state.value else { return Handed(value: nil) }
            state.value = .idle
            return Handed(value: result)
        }
        if result.value != nil { done.wait() }
        return result.value
    }

    /// Waits for a look that goes on, of which nobody wants to know any more. There are no more.
    func finish() {
        if !isIdle { done.wait() }
        state.withLock { $0.value = .over }
        wanted.signal()
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
