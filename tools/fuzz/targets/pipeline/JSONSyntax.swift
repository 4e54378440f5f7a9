/// Whether a text is JSON (RFC 8259), and nothing more.
struct JSONSyntax {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Nil where the text is one value.
    mutating func problem() -> String? {
        guard value(0) else { return "wrong at byte \(position) of \(bytes.count)" }
        skipSpace()
        return position == bytes.count ? nil : "more at byte \(position)"
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func word(_ text: StaticString) -> Bool {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, "\(text)".utf8.elementsEqual(bytes[position..<end]) else { return false }
        position = end
        return true
    }

    private mutating func value(_ depth: Int) -> Bool {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return list(depth, end: "}", isObject: true)
        case UInt8(ascii: "["): return list(depth, end: "]", isObject: false)
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func list(_ depth: Int, end: Unicode.Scalar, isObject: Bool) -> Bool {
        guard depth < 64 else { return false }
        position += 1
        if take(end) { return true }
        repeat {
            skipSpace()
            if isObject { guard string(), take(":") else { return false } }
            guard value(depth + 1) else { return false }
        } while take(",")
        return take(end)
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"):
                guard let escape = current else { return false }
                position += 1
                if escape == UInt8(ascii: "u") {
                    for _ in 0..<4 {
                        guard let digit = current, Character(Unicode.Scalar(digit)).isHexDigit else { return false }
                        position += 1
                    }
                } else if !"\"\\/bfnrt".utf8.contains(escape) {
                    return false
                }
            case 0..<0x20: return false
            default: break
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        if current == UInt8(ascii: "-") { position += 1 }
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { return false }
        if current == UInt8(ascii: ".") {
            position += 1
            let fraction = position
            while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
            guard position > fraction else { return false }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { position += 1 }
            let exponent = position
            while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
            return position > exponent
        }
        return true
    }
}
