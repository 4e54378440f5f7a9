/// Bytes in order, from a file, a pipe or a decompressor.
protocol ByteStream: AnyObject {
    /// Reads at least one byte into `buffer`, which is not empty; 0 means the end, of which `problem` says more.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int

    /// Set once `read` returned 0 although the stream was not complete.
    var problem: StreamProblem? { get }
}

enum StreamProblem: Equatable {
    case cut(String)
    case damaged(String)
}
