/// A request of HTTP/1.1 (RFC 9112) as far as this server needs it: small, with a body of known length.
package struct HTTPRequest: Sendable, Equatable {
    package var method: String
    /// Decoded; begins with a slash.
    package var path: String
    /// In order, decoded.
    package var query: [Field] = []
    /// Names in lower case; of equal ones all, in order.
    package var fields: [Field] = []
    package var body: [UInt8] = []

    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(method: String, path: String) {
        self.method = method
        self.path = path
    }

    /// The field's value, nil where it is not there or not there once.
    package func field(_ name: String) -> String? {
        let all = fields.filter { $0.name == name }
        return all.count == 1 ? all[0].value : nil
    }

    package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// Bytes to a request: whole, or nothing yet, or a status that says what is wrong.
package enum HTTPRequestReader {
    /// Bytes of request line and fields; more are answered with 431.
    static let largestHead = 16 << 10
    /// Bytes of a body; more are answered with 413.
    static let largestBody = 4 << 10

    package enum Outcome: Equatable {
        case incomplete
        case request(HTTPRequest)
        case refused(Int)
    }

    package static func read(_ bytes: [UInt8]) -> Outcome {
        guard let end = headEnd(bytes) else { return bytes.count > largestHead ? .refused(431) : .incomplete }
        guard end.head <= largestHead else { return .refused(431) }
        var lines: [String] = []
        // By bytes: to Swift, CR LF is one character.
        for line in bytes[..<end.head].split(separator: 0x0a, omittingEmptySubsequences: false) {
            let bytes = line.last == 0x0d ? line.dropLast() : line
            guard let text = String(validating: bytes, as: UTF8.self) else { return .refused(400) }
            lines.append(text)
        }
        let parts = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1."), isToken(parts[0]) else { return .refused(400) }
        guard var request = request(parts[0], parts[1]) else { return .refused(400) }
        for line in lines where !line.isEmpty {
            // RFC 9112 §5.1: no space before the colon; §5.2: a line that begins with one is obsolete folding.
            guard let colon = line.firstIndex(of: ":"), isToken(String(line[..<colon])) else { return .refused(400) }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            request.fields.append(HTTPRequest.Field(line[..<colon].lowercased(), trimmed(value)))
        }
        // RFC 9112 §3.2: exactly one Host in HTTP/1.1.
        guard request.field("host") != nil else { return .refused(400) }
        guard !request.fields.contains(where: { $0.name == "transfer-encoding" }) else { return .refused(501) }
        let lengths = request.fields.filter { $0.name == "content-length" }
        guard lengths.count <= 1 else { return .refused(400) }
        guard let length = Int(lengths.first?.value ?? "0"), length >= 0 else { return .refused(400) }
        guard length <= largestBody else { return .refused(413) }
        guard bytes.count - end.body >= length else { return .incomplete }
        request.body = Array(bytes[end.body..<(end.body + length)])
        return .request(request)
    }

    /// Where the fields end and where the body begins.
    private static func headEnd(_ bytes: [UInt8]) -> (head: Int, body: Int)? {
        var place = 0
        while let feed = bytes[place...].firstIndex(of: 0x0a) {
            let next = feed + 1
            if next < bytes.count, bytes[next] == 0x0a { return (next, next + 1) }
            if next + 1 < bytes.count, bytes[next] == 0x0d, bytes[next + 1] == 0x0a { return (next, next + 2) }
            place = next
        }
        return nil
    }

    private static func request(_ method: String, _ target: String) -> HTTPRequest? {
        guard target.hasPrefix("/"), target.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        let sides = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = decoded(sides[0], plusIsSpace: false) else { return nil }
        var request = HTTPRequest(method: method, path: path)
        guard sides.count == 2 else { return request }
        for pair in sides[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(sides[0], plusIsSpace: true),
                let value = decoded(sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            else { return nil }
            request.query.append(HTTPRequest.Field(name, value))
        }
        return request
    }

    /// RFC 3986 §2.1; nil where a sequence is broken or the bytes are no UTF-8.
    static func decoded(_ text: Substring, plusIsSpace: Bool) -> String? {
        guard text.utf8.contains(where: { $0 == 0x25 || $0 == 0x2b }) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
