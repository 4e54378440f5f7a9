package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// When a savefile that is being written ends and the next begins, as tcpdump(1) has it.
package struct Rotation: Sendable, Equatable {
    /// `-C`: bytes after which the next file begins.
    package var size: Int64?
    /// `-G`: seconds after which the next file begins.
    package var seconds: Int64?
    /// `-W`: with `-C` the names go round after so many; with `-G` alone the run ends after so many.
    package var count: Int?

    package init(size: Int64? = nil, seconds: Int64? = nil, count: Int? = nil) {
        self.size = size
        self.seconds = seconds
        self.count = count
    }

    /// The run ends when the last file is full.
    package var endsRun: Bool { size == nil && seconds != nil && count != nil }
}

/// Names of the files that a rotation writes, as tcpdump(1) makes them.
///
/// `-G`: the name goes through strftime(3), in local time. `-C`: a number follows, from the second file on; with `-W` from the first on,
/// from 0, with as many digits as the largest needs. Behind them stands what says how the file is compressed.
package struct SavefileNames: Sendable {
    private let template: String
    private let suffix: String
    private let rotation: Rotation
    private var number = 0

    package init(path: String, rotation: Rotation) {
        suffix = BlockCompression(path: path).suffix
        template = String(path.dropLast(suffix.count))
        self.rotation = rotation
    }

    /// The name for a file that begins at `time`.
    package func name(at time: Timestamp) -> String {
        var name = rotation.seconds == nil ? template : Self.formatted(template, time)
        if rotation.size != nil {
            if let count = rotation.count {
                let digits = String(max(0, count - 1)).utf8.count
                let text = String(number)
                name += String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
            } else if number > 0 {
                name += String(number)
            }
        } else if number > 0 {
            // Asked for by a signal.
            name += String(number)
        }
        return name + suffix
    }

    /// The next name is that of the file after this one.
    package mutating func advance(startsInterval: Bool) {
        number += 1
        if rotation.size != nil, let count = rotation.count, number >= max(1, count) { number = 0 }
        // Within another interval the names begin anew.
        if startsInterval, rotation.seconds != nil { number = 0 }
    }

    /// For names that sort by time: "20261127T153000Z".
    package static func utc(_ time: Timestamp) -> String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(time.nanoseconds / 1_000_000_000)" }
        return formatted("%Y%m%dT%H%M%SZ", parts)
    }

    private static func formatted(_ template: String, _ time: Timestamp) -> String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        guard template.utf8.contains(UInt8(ascii: "%")), localtime_r(&seconds, &parts) != nil else { return template }
        return formatted(template, parts)
    }

    private static func formatted(_ template: String, _ parts: tm) -> String {
        var parts = parts
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = strftime(&buffer, buffer.count, template, &parts)
        guard count > 0 else { return template }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
