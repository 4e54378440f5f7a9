#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One file that grows by runs of whole blocks: either all of a run is in it or nothing.
final class SavefileDisk {
    let name: String
    private let descriptor: Int32
    private let closes: Bool
    private let compression: BlockCompression
    /// Bytes in the file.
    private(set) var size: Int64 = 0
    private var isOpen = true

    /// Creates a file, or empties the one that is there; "-" is standard output.
    /// - Parameter isPrivate: its owner alone can read it.
    init(path: String, compression: BlockCompression, isPrivate: Bool) throws(CaptureError) {
        self.compression = compression
        guard path != "-" else {
            (name, descriptor, closes) = ("standard output", 1, false)
            return
        }
        name = path
        closes = true
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else {
            isOpen = false
            throw CaptureError(unwritable: path)
        }
    }

    deinit {
        if isOpen, closes { _ = close(descriptor) }
    }

    /// Takes what is left of a run that failed away again.
    func append(_ run: [UInt8]) throws(CaptureError) {
        guard let bytes = compression.compressed(run) else {
            throw CaptureError(.writeFailed, "\(name): cannot be compressed: no memory")
        }
        let count = bytes.withUnsafeBytes { FileDescriptor.write($0, to: descriptor) }
        guard count == bytes.count else {
            let error = CaptureError(unwritable: name)
            if closes, ftruncate(descriptor, off_t(size)) == 0 { _ = lseek(descriptor, off_t(size), SEEK_SET) }
            throw error
        }
        size += Int64(count)
    }

    /// Standard output.
    var isPipe: Bool { !closes }

    /// Whether the name still leads to this file.
    var isAtItsName: Bool {
        guard closes else { return true }
        var (own, named) = (stat(), stat())
        guard fstat(descriptor, &own) == 0, stat(name, &named) == 0 else { return false }
        return own.st_ino == named.st_ino && own.st_dev == named.st_dev
    }

    func finish() throws(CaptureError) {
        guard isOpen, closes else { return }
        isOpen = false
        // A full disk may show only here (NFS, quotas).
        if close(descriptor) != 0 { throw CaptureError(unwritable: name) }
    }
}
