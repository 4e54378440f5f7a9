import Model

/// A request line (RFC 9112 §3) as read, laxly: what gateways accept is parsed and its faults are listed.
struct RequestLine {
    var method = ""
    var target = ""
    var version = ""
    var fault: Deviation.Kind?
    /// Whether what follows can be parsed as a head.
    var isReadable = false

    init(_ line: ArraySlice<UInt8>) {
        guard let firstSpace = line.firstIndex(of: Octet.space), firstSpace > line.startIndex else {
            method = line.escaped(limit: 32)
            fault = .invalidRequestLine
            return
        }
        let name = line[..<firstSpace]
        method = name.escaped(limit: 32)
        guard let lastSpace = line.lastIndex(of: Octet.space), lastSpace > firstSpace else {
            // HTTP/0.9 has no version: nothing of RFC 9112 applies to what follows.
            target = line[(firstSpace + 1)...].escaped(limit: 2048)
            fault = .invalidRequestLine
            return
        }
        let middle = line[(firstSpace + 1)..<lastSpace]
        target = middle.escaped(limit: 2048)
        let last = line[(lastSpace + 1)...]
        version = last.escaped(limit: 16)
        guard let number = VersionText(last) else {
            fault = last.prefix(5).equalsIgnoringCase("http/") ? .lowerCaseVersion : .invalidRequestLine
            if fault == .lowerCaseVersion, last.starts(with: VersionText.name) { fault = .invalidVersion }
            return
        }
        isReadable = number.major == 1
        if number.major != 1 || !number.isPlain { fault = .invalidVersion }
        let hasBadTarget = middle.isEmpty || middle.contains { $0 == Octet.space || Octet.isControl($0) }
        if !name.allSatisfy(Octet.isToken) || hasBadTarget { fault = .invalidRequestLine }
    }
}

extension RequestLine {
    /// What is left of a request line whose end was not captured: a method with the space behind it, and the target as
    /// far as it goes. `version` is empty unless it is whole; `isReadable` tells whether there is a method at all.
    init(cut line: ArraySlice<UInt8>) {
        guard let space = line.firstIndex(of: Octet.space), space > line.startIndex else { return }
        let name = line[..<space]
        let target = line[(space + 1)...].prefix { $0 != Octet.space }
        guard name.count <= 32, name.allSatisfy(Octet.isToken), !target.contains(where: Octet.isControl)
        else { return }
        method = name.escaped(limit: 32)
        self.target = target.escaped(limit: 2048)
        isReadable = true
        let last = line[target.endIndex...].dropFirst()
        if let number = VersionText(last), number.isPlain { version = last.escaped(limit: 16) }
    }
}

/// A status line (RFC 9112 §4). Where `status` is nil the line is none, and `fault` says why.
struct StatusLine {
    var version = ""
    var status: Int?
    var fault: Deviation.Kind?
    /// Position of the fault in the line.
    var faultIndex = 0
    var hasControl = false
    var hasBareReturn = false

    init(_ line: ArraySlice<UInt8>) {
        let bytes = Array(line)
        let versionEnd = bytes.firstIndex(of: Octet.space) ?? bytes.count
        version = bytes[..<versionEnd].escaped(limit: 16)
        guard let number = VersionText(bytes[..<versionEnd]) else {
            fault = bytes.starts(with: VersionText.name) ? .invalidVersion : .lowerCaseVersion
            return
        }
        // nginx 1.22 and HAProxy 2.6 skip further spaces before the code.
        var index = versionEnd
        while index < bytes.count, bytes[index] == Octet.space { index += 1 }
        var end = index
        while end < bytes.count, Octet.isDigit(bytes[end]) { end += 1 }
        let isDelimited = end == bytes.count || Octet.isBlank(bytes[end])
        guard end - index == 3, isDelimited, bytes[index] != 0x30 else {
            fault = .invalidStatusCode
            faultIndex = index
            return
        }
        let code = bytes[index..<end].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        status = code
        // RFC 9110 §15: a code outside 100 to 599 is invalid and to be treated as 5xx.
        if code >= 600 {
            (fault, faultIndex) = (.invalidStatusCode, index)
        } else if number.major != 1 || !number.isPlain {
            fault = .invalidVersion
        } else if end == bytes.count {
            // The space after the code is required even where no reason follows (RFC 9112 §4).
            (fault, faultIndex) = (.missingReason, end)
        }
        let reason = bytes[end...]
        hasBareReturn = reason.contains(Octet.carriageReturn)
        hasControl = reason.contains { Octet.isControl($0) && $0 != Octet.carriageReturn }
    }

    /// False once the bytes cannot become a status line whatever follows. Letter case is forgiven here: `http/1.1` is
    /// a faulty status line rather than another protocol.
    static func canStart(with bytes: some Collection<UInt8>) -> Bool {
        zip(bytes, VersionText.name).allSatisfy { Octet.lowered($0) == Octet.lowered($1) }
    }
}

/// `HTTP/1.1` (RFC 9112 §2.3); more digits than one are read, as nginx does.
struct VersionText {
    static let name = Array("HTTP/".utf8)

    var major: Int
    /// One digit, point, one digit.
    var isPlain: Bool

    init?(_ text: ArraySlice<UInt8>) {
        guard text.starts(with: Self.name), text.count <= 12 else { return nil }
        let digits = text.dropFirst(Self.name.count)
        guard let point = digits.firstIndex(of: 0x2e) else { return nil }
        let (high, low) = (digits[..<point], digits[(point + 1)...])
        guard !high.isEmpty, !low.isEmpty, high.allSatisfy(Octet.isDigit), low.allSatisfy(Octet.isDigit) else {
            return nil
        }
        major = high.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        isPlain = high.count == 1 && low.count == 1
    }
}
