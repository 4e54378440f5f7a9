import Model

/// What the beginning of a message looks like.
enum StartLines {
    private static let longest = 16 << 10

    /// A method, a target and HTTP/1 to the end of the line (RFC 9112 §3), or as much of it as there is behind the method.
    static func isRequest(_ text: [UInt8], at start: Int) -> Bool {
        guard let space = text[start...].prefix(33).firstIndex(of: 0x20), space > start,
            text[start..<space].allSatisfy({ (0x41...0x5a).contains($0) || $0 == UInt8(ascii: "-") }),
            space + 1 < text.count
        else { return false }
        guard let end = text[space...].prefix(longest).firstIndex(of: 0x0a) else {
            // The line goes on in what was not captured.
            return text[space + 1] == UInt8(ascii: "/") || text[(space + 1)...].starts(with: "http".utf8)
        }
        let line = text[space..<end]
        guard let last = line.lastIndex(of: 0x20), last > space else { return false }
        return text[(last + 1)..<end].prefix(5).map(ASCII.lowered).elementsEqual("http/".utf8)
    }

    /// `HTTP/` and a digit.
    static func isStatus(_ text: [UInt8], at start: Int) -> Bool {
        text.count - start >= 6 && text[start..<start + 5].elementsEqual("HTTP/".utf8) && text[start + 5] &- 0x30 < 10
    }

    /// A record header of TLS (RFC 8446 §5.1).
    static func isRecord(_ text: [UInt8], at start: Int) -> Bool {
        text.count - start >= 5 && (20...24).contains(text[start]) && text[start + 1] == 3 && text[start + 2] <= 4
            && Int(text[start + 3]) << 8 | Int(text[start + 4]) <= 1 << 14 + 2_048
    }

    /// A FastCGI record with which a request begins, or which an application sends (Specification 1.0 §3.3).
    static func isScriptRecord(_ bytes: [UInt8], at index: Int, isClient: Bool) -> Bool {
        guard bytes.count - index >= 8, bytes[index] == 1, bytes[index + 7] == 0,
            bytes[index + 2] | bytes[index + 3] > 0
        else { return false }
        let length = Int(bytes[index + 4]) << 8 | Int(bytes[index + 5])
        if isClient { return bytes[index + 1] == 1 && length == 8 && bytes[index + 6] == 0 }
        return bytes[index + 1] == 3 && length == 8 || bytes[index + 1] == 6 || bytes[index + 1] == 7
    }
}
