/// RFC 8259 read back: reports that are compared or attached, and what a ticket system answers. Nothing in it is trusted.
package struct JSONReader {
    package struct Fault: Error {
        /// Bytes from the start.
        package var offset: Int
        package var reason: String
    }

    /// A report nests ten deep.
    private static let depthLimit = 64

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// One value and nothing behind it but white space.
    package static func value(of bytes: [UInt8]) throws(Fault) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.fault("more behind the end") }
        return value
    }

    private func fault(_ reason: String) -> Fault { Fault(offset: position, reason: reason) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Fault) -> JSONValue {
        guard depth < JSONReader.depthLimit else { throw fault("nested too deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw fault("it ends in the middle")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Fault) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw fault("no JSON value") }
        position += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(Fault) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("no member's name") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("no colon") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw fault("neither comma nor end of an object") }
        }
    }

    private mutating func array(depth: Int) throws(Fault) -> JSONValue {
        position += 1
        var items: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(items) }
            guard take(UInt8(ascii: ",")) else { throw fault("neither comma nor end of an array") }
        }
    }

    /// Integers as they are; what has a fraction or an exponent, or is beyond 64 bits, is cut to one: reports have none.
    private mutating func number() throws(Fault) -> JSONValue {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw fault("no JSON value") }
        return .integer(Int64(min(max(double, -9e18), 9e18)))
    }

    private mutating func string() throws(Fault) -> String {
        position += 1
        var units: [UInt8] = []
        while true {
            guard let byte = next else { throw fault("a string without end") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &units)
            case ..<0x20: throw fault("a control character in a string")
            default: units.append(byte)
            }
        }
    }

    private mutating func escape(into units: inout [UInt8]) throws(Fault) {
        guard let byte = next else { throw fault("a string without end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0c)
        case UInt8(ascii: "n"): units.append(0x0a)
        case UInt8(ascii: "r"): units.append(0x0d)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            var code = try codeUnit()
            if (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: "\\u".utf8) {
                let rest = position
                position += 2
                let low = try codeUnit()
                if (0xdc00..<0xe000).contains(low) {
                    code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
                } else {
                    position = rest
                }
            }
            // Half a pair is no character.
            units += Array(String(Character(Unicode.Scalar(code) ?? "\u{fffd}")).utf8)
        default: throw fault("an unknown escape")
        }
    }

    private mutating func codeUnit() throws(Fault) -> UInt32 {
        guard position + 4 <= bytes.count,
            let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw fault("no four digits behind \\u") }
        position += 4
        return code
    }
}

extension JSONValue {
    /// Nil where the bytes are no JSON.
    package static func parsed(_ bytes: [UInt8]) -> JSONValue? { try? JSONReader.value(of: bytes) }

    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var items: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }
}
