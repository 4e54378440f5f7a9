import Model

/// Bytes that HTTP/1 gives a meaning to, and the classes of RFC 9110 §5.6.2.
enum Octet {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let slash: UInt8 = 0x2f
    static let colon: UInt8 = 0x3a
    static let semicolon: UInt8 = 0x3b

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    static func lowered(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte | 0x20 : byte }

    /// tchar of RFC 9110 §5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        if isDigit(byte) || lowered(byte) &- 0x61 < 26 { return true }
        switch byte {
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e...0x60, 0x7c, 0x7e: return true
        default: return false
        }
    }

    /// CTL of RFC 5234 without HTAB, which a field value may hold (RFC 9110 §5.5).
    static func isControl(_ byte: UInt8) -> Bool { (byte < space && byte != tab) || byte == 0x7f }

    /// 0 to 15, or nil.
    static func hexValue(_ byte: UInt8) -> Int64? {
        if isDigit(byte) { return Int64(byte &- 0x30) }
        let letter = lowered(byte) &- 0x61
        return letter < 6 ? Int64(letter) + 10 : nil
    }
}

extension Sequence<UInt8> {
    /// At most `limit` of the bytes as text, those outside printable ASCII as `\xNN` (the form of `FieldLine`).
    func escaped(limit: Int) -> String {
        let whole = withContiguousStorageIfAvailable { all -> String? in
            let bytes = all.prefix(limit)
            for byte in bytes where byte < 0x20 || byte > 0x7e { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        if let whole = whole ?? nil { return whole }
        var text = ""
        for byte in prefix(limit) {
            if (0x20...0x7e).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "\\x0" : "\\x"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    /// FNV-1a, 64 bit (draft-eastlake-fnv).
    func fnv1a() -> UInt64 {
        reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension Collection<UInt8> where Element: Equatable {
    /// Equal to `text` (lower case) but for the case of ASCII letters.
    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return String(decoding: map(Octet.lowered), as: UTF8.self) == text.description
    }
}

extension [Deviation] {
    /// More deviations of one message than these tell nothing new; a hostile head could hold a million.
    private static let mostPerMessage = 24
    private static let mostPerKind = 3

    mutating func note(_ kind: Deviation.Kind, at offset: Int64, _ excerpt: some Sequence<UInt8> = EmptyCollection()) {
        guard count < Self.mostPerMessage else { return }
        var same = 0
        for deviation in self where deviation.kind == kind { same += 1 }
        guard same < Self.mostPerKind else { return }
        let text = excerpt.escaped(limit: 80)
        append(Deviation(kind: kind, offset: offset, excerpt: text.isEmpty ? nil : text))
    }
}

extension MessageBody {
    /// How many body bytes enter the digest.
    static let digestWindow: Int64 = 4096

    /// Counts a run of body bytes; only those within the first 4096 are looked at.
    mutating func add(_ bytes: RawSpan, _ range: Range<Int>) {
        if seen < Self.digestWindow, !hasGap {
            let end = range.lowerBound + Int(Swift.min(Int64(range.count), Self.digestWindow - seen))
            for index in range.lowerBound..<end {
                digest = (digest ^ UInt64(bytes.byte(index))) &* 0x100_0000_01b3
            }
        }
        seen += Int64(range.count)
    }

    mutating func add(_ byte: UInt8) {
        if seen < Self.digestWindow, !hasGap {
            digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        seen += 1
    }
}
