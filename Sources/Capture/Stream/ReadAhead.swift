import Dispatch

/// Reads the next block of a stream, in a thread of its own, while the one before is looked at.
///
/// One block is on its way at a time: `begin`, then `finish`, by turns, from one thread. Between the two the stream belongs to the reader.
final class ReadAhead {
    /// What the two threads share; the semaphores say whose turn it is.
    private final class Desk: @unchecked Sendable {
        let stream: any ByteStream
        let begun = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        /// Nil for no more.
        var block: UnsafeMutableRawBufferPointer?
        var count = 0
        var failure: CaptureError?

        init(_ stream: any ByteStream) {
            self.stream = stream
        }

        func work() {
            while true {
                begun.wait()
                guard let block else { return }
                do throws(CaptureError) {
                    count = try stream.read(into: block)
                } catch {
                    failure = error
                }
                done.signal()
            }
        }
    }

    private let desk: Desk
    private(set) var isUnderWay = false

    init(_ stream: any ByteStream) {
        let desk = Desk(stream)
        self.desk = desk
        DispatchQueue(label: "gwsniff.read-ahead").async { desk.work() }
    }

    deinit {
        if isUnderWay { desk.done.wait() }
        desk.block = nil
        desk.begun.signal()
    }

    /// Starts to read into a block, which must stay where it is until `finish`, or until the reader is gone.
    func begin(into block: UnsafeMutableRawBufferPointer) {
        isUnderWay = true
        desk.block = block
        desk.begun.signal()
    }

    /// Waits for what was begun.
    /// - Returns: how many bytes came; 0 at the end.
    func finish() throws(CaptureError) -> Int {
        desk.done.wait()
        isUnderWay = false
        if let failure = desk.failure { throw failure }
        return desk.count
    }
}
