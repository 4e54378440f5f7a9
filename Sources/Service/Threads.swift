import Foundation

/// Threads with a name, for what waits or works for long.
enum Threads {
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = "gwsniffd-\(name)"
        // As the main thread has: the analysis recurses nowhere, and libraries may.
        thread.stackSize = 8 << 20
        thread.start()
    }
}

/// Opened once; who waits goes on then.
package final class DispatchGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func open() { semaphore.signal() }

    package func wait() {
        semaphore.wait()
        semaphore.signal()
    }
}
