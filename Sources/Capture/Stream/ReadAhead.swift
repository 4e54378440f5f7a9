import Dispatch

/// Reads the next block of a stream while the one before is looked at.
///
/// One block is on its way at a time: `begin`, then `finish`, by turns, from one thread. Between the two the stream belongs to the reader.
final class ReadAhead: @unchecked Sendable {
    private let stream: any ByteStream
    private let queue = DispatchQueue(label: "gwsniff.read-ahead")
    private let done = DispatchSemaphore(value: 0)
    private var count = 0
    private var failure: CaptureError?
    private(set) var isUnderWay = false

    init(_ stream: any ByteStream) {
        self.stream = stream
    }

    /// Starts to read into a block, which must stay where it is until `finish`.
    func begin(into block: UnsafeMutableRawBufferPointer) {
        isUnderWay = true
        let place = Place(block: block)
        queue.async { [self] in
            do throws(CaptureError) {
                count = try stream.read(into: place.block)
            } catch {
                failure = error
            }
            done.signal()
        }
    }

    /// Waits for what was begun.
    /// - Returns: how many bytes came; 0 at the end.
    func finish() throws(CaptureError) -> Int {
        done.wait()
        isUnderWay = false
        if let failure { throw failure }
        return count
    }

    private struct Place: @unchecked Sendable {
        let block: UnsafeMutableRawBufferPointer
    }
}
