#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file or standard input, read by `read(2)`.
final class FileStream: ByteStream {
    private let name: String
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private let isStopped: @Sendable () -> Bool
    /// Where the bytes of a pipe are kept, or come from.
    private let spool: Spool?
    private let replays: Bool
    private var position = 0
    private var head: [UInt8] = []
    private var headPosition = 0
    /// Bytes handed out, peeked ones not counted before they are read.
    private(set) var bytesRead: Int64 = 0

    var problem: StreamProblem? { nil }

    /// - Parameters:
    ///   - path: a path, or "-" for standard input.
    ///   - isStopped: asked when a signal interrupts a read; true ends the stream there, as if its writer had closed it.
    ///   - spools: where pipes are kept, or come from when they are read for the second time.
    init(
        path: String,
        spools: Spools? = nil,
        isStopped: @escaping @Sendable () -> Bool
    ) throws(CaptureError) {
        name = path == "-" ? "standard input" : path
        self.isStopped = isStopped
        spool = spools?.spool(for: path)
        replays = spool != nil && spools?.isReplaying == true
        if replays {
            descriptor = -1
            ownsDescriptor = false
            return
        }
        if path == "-" {
            descriptor = 0
            ownsDescriptor = false
            return
        }
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        ownsDescriptor = true
        guard descriptor >= 0 else { throw FileStream.openError(path, errno) }
    }

    deinit {
        if ownsDescriptor { _ = close(descriptor) }
    }

    static func openError(_ path: String, _ code: Int32) -> CaptureError {
        let message = "\(path): cannot be opened: \(String(cString: strerror(code)))"
        return CaptureError(code == EACCES || code == EPERM ? .permission : .cannotOpen, message)
    }

    /// The first bytes of the stream, fewer than `count` where it is shorter; `read` delivers them again.
    func peek(_ count: Int) throws(CaptureError) -> [UInt8] {
        while head.count < count {
            let more = UnsafeMutableRawBufferPointer.allocate(byteCount: count - head.count, alignment: 1)
            defer { more.deallocate() }
            let got = try readDescriptor(more)
            if got == 0 { break }
            head.append(contentsOf: more[0..<got])
        }
        return head
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
        var count = min(buffer.count, head.count - headPosition)
        if count > 0 {
            head.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[headPosition..<headPosition + count]))
            }
            headPosition += count
        } else {
            count = try readDescriptor(buffer)
        }
        bytesRead &+= Int64(count)
        return count
    }

    func leap(_ count: Int64) -> Bool {
        guard headPosition == head.count, spool == nil else { return false }
        return lseek(descriptor, off_t(count), SEEK_CUR) >= 0
    }

    private func readDescriptor(_ buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
        if replays, let spool {
            let count = try spool.read(into: buffer, at: position, name: name)
            position += count
            return count
        }
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #else
                let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 {
                if let spool {
                    try spool.append(UnsafeRawBufferPointer(rebasing: buffer[0..<count]), name: name)
                }
                return count
            }
            let code = errno
            guard code == EINTR else {
                throw CaptureError(
                    code == EISDIR ? .cannotOpen : .readFailed,
                    "\(name): cannot be read: \(String(cString: strerror(code)))"
                )
            }
            if isStopped() { return 0 }
        }
    }
}
