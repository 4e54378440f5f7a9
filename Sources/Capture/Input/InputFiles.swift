#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One file to read, after directories were walked.
struct InputFile {
    var path: String
    /// Named by the user, so that it must be a capture; files found in a directory may be anything.
    var isNamed: Bool
    /// A regular file can be opened again and has a size; a pipe cannot and has not.
    var isRegular: Bool
    /// Bytes; 0 where it is not known.
    var size: Int64
}

/// The files that a list of paths stands for: directories are walked to the bottom, in the order of their names' bytes, a file
/// that was reached before is left out.
struct InputFiles {
    private struct Identity: Hashable {
        var device: UInt64
        var node: UInt64
    }
    /// Deeper nesting is no capture archive, and the walk is recursive.
    private static let maximumDepth = 64

    private(set) var files: [InputFile] = []
    private(set) var warnings: [CaptureError] = []
    private var seen: Set<Identity> = []

    init(paths: [String]) {
        for path in paths { addNamed(path) }
    }

    private mutating func addNamed(_ path: String) {
        if path == "-" {
            files.append(InputFile(path: path, isNamed: true, isRegular: false, size: 0))
            return
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            warnings.append(FileStream.openError(path, errno))
            return
        }
        guard isNew(status) else {
            warnings.append(CaptureError(.cannotOpen, "\(path): named twice, read once"))
            return
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            walk(path, depth: 0)
        } else {
            add(path, status, isNamed: true)
        }
    }

    private mutating func add(_ path: String, _ status: stat, isNamed: Bool) {
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        files.append(
            InputFile(path: path, isNamed: isNamed, isRegular: isRegular, size: isRegular ? Int64(status.st_size) : 0)
        )
    }

    private mutating func isNew(_ status: stat) -> Bool {
        let identity = Identity(device: UInt64(truncatingIfNeeded: status.st_dev), node: UInt64(status.st_ino))
        return seen.insert(identity).inserted
    }

    private mutating func walk(_ directory: String, depth: Int) {
        guard let handle = opendir(directory) else {
            warnings.append(FileStream.openError(directory, errno))
            return
        }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(handle)
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let prefix = directory.hasSuffix("/") ? directory : directory + "/"
        for name in names {
            let path = prefix + name
            var status = stat()
            // Links are followed, and what was seen before is left out, so that a link to above ends.
            guard stat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR where depth < InputFiles.maximumDepth:
                if isNew(status) { walk(path, depth: depth + 1) }
            case S_IFREG:
                if isNew(status) { add(path, status, isNamed: false) }
            default:
                // A pipe or a device in a directory would block or never end.
                break
            }
        }
    }
}
