/// Bytes in order, from a file, a pipe or a decompressor.
protocol ByteStream: AnyObject {
    /// Reads at least one byte into `buffer`, which is not empty; 0 means the end, of which `problem` says more.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int

    /// Leaves `count` bytes out, which need not be there; false where that cannot be had without reading them.
    func leap(_ count: Int64) -> Bool

    /// Set once `read` returned 0 although the stream was not complete.
    var problem: StreamProblem? { get }
}

extension ByteStream {
    func leap(_ count: Int64) -> Bool { false }
}

enum StreamProblem: Equatable {
    case cut(String)
    case damaged(String)
}
