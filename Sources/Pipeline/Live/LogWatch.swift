package import Capture

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Follows logs as `tail -F` does: from their present end on, and into the file that takes the place of one that was moved away or cut.
///
/// Nothing in it waits: it is asked now and then, reads what is there up to a bound, and what a line says beyond 8 KiB is left out.
package final class LogWatch {
    /// Logs that can be followed.
    package static let largestCount = 64
    /// Bytes that are read of one log at a time.
    private static let portion = 256 << 10
    private static let largestLine = 8 << 10

    private struct Log {
        var path: String
        var descriptor: Int32 = -1
        var device: dev_t = 0
        var inode: ino_t = 0
        var offset: off_t = 0
        /// A line without its end so far.
        var rest: [UInt8] = []
        /// It could not be opened, and that was said.
        var isMissing = false
    }

    private var logs: [Log]
    private let pattern: LogPattern
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var warnings: [CaptureError] = []

    /// - Parameter pattern: a POSIX extended regular expression; nil for the usual lines.
    /// - Throws: where it is none. A log that is not there is a warning: it may come.
    package init(_ paths: [String], pattern text: String?) throws(CaptureError) {
        guard let pattern = LogPattern(text ?? LogPattern.usual) else {
            throw CaptureError(.filterInvalid, "'\(text ?? "")' is no extended regular expression")
        }
        self.pattern = pattern
        logs = paths.prefix(Self.largestCount).map { Log(path: $0) }
        for place in logs.indices { open(place, fromEnd: true) }
    }

    deinit {
        for log in logs where log.descriptor >= 0 { close(log.descriptor) }
    }

    package func takeWarnings() -> [CaptureError] {
        defer { warnings = [] }
        return warnings
    }

    /// The first line of each log that matches, of those that came since the last call.
    package func matches() -> [(path: String, line: String)] {
        logs.indices.compactMap { place in
            var match = read(place)
            if hasMoved(place) {
                // What was written before it was moved has been read.
                close(place)
                open(place, fromEnd: false)
                match = match ?? read(place)
            }
            return match.map { (logs[place].path, $0) }
        }
    }

    private func open(_ place: Int, fromEnd: Bool) {
        // Not blocking: it may be a pipe.
        #if canImport(Glibc)
            let descriptor = Glibc.open(logs[place].path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        #elseif canImport(Musl)
            let descriptor = Musl.open(logs[place].path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        #else
            let descriptor = Darwin.open(logs[place].path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        #endif
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            if !logs[place].isMissing {
                logs[place].isMissing = true
                warnings.append(CaptureError(.cannotOpen, "\(logs[place].path): \(reason); it is tried again"))
            }
            return
        }
        logs[place].isMissing = false
        logs[place].descriptor = descriptor
        (logs[place].device, logs[place].inode) = (status.st_dev, status.st_ino)
        logs[place].offset = fromEnd ? max(0, lseek(descriptor, 0, SEEK_END)) : 0
        logs[place].rest = []
    }

    private func close(_ place: Int) {
        if logs[place].descriptor >= 0 { close(logs[place].descriptor) }
        logs[place].descriptor = -1
    }

    private func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }

    /// Another file has the name, or this one was cut (`copytruncate`).
    private func hasMoved(_ place: Int) -> Bool {
        let log = logs[place]
        var status = stat()
        guard stat(log.path, &status) == 0 else {
            // Between two files; the next look tells.
            return false
        }
        guard log.descriptor >= 0 else { return true }
        // A pipe has no size.
        let isCut = status.st_mode & S_IFMT == S_IFREG && status.st_size < log.offset
        return status.st_ino != log.inode || status.st_dev != log.device || isCut
    }

    /// Reads on; the first line that matches.
    private func read(_ place: Int) -> String? {
        guard logs[place].descriptor >= 0 else { return nil }
        var match: String?
        var left = Self.portion
        while left > 0 {
            let count = buffer.withUnsafeMutableBytes { room -> Int in
                guard let base = room.baseAddress else { return 0 }
                return recv(logs[place].descriptor, into: base, room.count)
            }
            guard count > 0 else { break }
            logs[place].offset += off_t(count)
            left -= count
            take(buffer[..<count], place, &match)
        }
        return match
    }

    private func recv(_ descriptor: Int32, into base: UnsafeMutableRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, base, count)
        #elseif canImport(Musl)
            Musl.read(descriptor, base, count)
        #else
            Darwin.read(descriptor, base, count)
        #endif
    }

    private func take(_ bytes: ArraySlice<UInt8>, _ place: Int, _ match: inout String?) {
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.endIndex
            let room = Self.largestLine - logs[place].rest.count
            logs[place].rest += bytes[start..<end].prefix(max(0, room))
            guard end < bytes.endIndex else { return }
            if match == nil {
                let line = String(decoding: logs[place].rest.filter { $0 >= 0x20 && $0 != 0x7f }, as: UTF8.self)
                if pattern.matches(line) { match = String(line.prefix(200)) }
            }
            logs[place].rest.removeAll(keepingCapacity: true)
            start = end + 1
        }
    }
}
