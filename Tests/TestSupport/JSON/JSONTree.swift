/// A parsed JSON text; written apart from the renderer under test, so that one checks the other.
package indirect enum JSONTree: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    package struct SyntaxError: Error, CustomStringConvertible {
        package var description: String
    }

    package init(parsing text: String) throws {
        var parser = JSONTreeParser(text)
        self = try parser.document()
    }

    package subscript(name: String) -> JSONTree? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    package subscript(index: Int) -> JSONTree? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var items: [JSONTree] {
        if case .array(let items) = self { items } else { [] }
    }

    package var number: Double? {
        if case .number(let value) = self { value } else { nil }
    }
}

/// RFC 8259, strict: no comments, no trailing commas, no control characters, each name once in an object.
private struct JSONTreeParser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func document() throws -> JSONTree {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("text after the value") }
        return value
    }

    private func error(_ what: String) -> JSONTree.SyntaxError { .init(description: "\(what) at byte \(position)") }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ byte: Character) -> Bool {
        guard position < bytes.count, bytes[position] == byte.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func word(_ word: String) -> Bool {
        guard bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func value(depth: Int) throws -> JSONTree {
        guard depth < 64 else { throw error("too deep") }
        skipSpace()
        guard position < bytes.count else { throw error("no value") }
        if take("{") { return try object(depth: depth) }
        if take("[") { return try array(depth: depth) }
        if bytes[position] == UInt8(ascii: "\"") { return .string(try string()) }
        if word("null") { return .null }
        if word("true") { return .bool(true) }
        if word("false") { return .bool(false) }
        let start = position
        while position < bytes.count, "+-.eE0123456789".utf8.contains(bytes[position]) { position += 1 }
        guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
            throw error("no value")
        }
        return .number(number)
    }

    private mutating func object(depth: Int) throws -> JSONTree {
        var members: [String: JSONTree] = [:]
        skipSpace()
        if take("}") { return .object([:]) }
        repeat {
            skipSpace()
            let name = try string()
            skipSpace()
            guard take(":") else { throw error("no colon") }
            guard members.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
                throw error("\(name) twice")
            }
            skipSpace()
        } while take(",")
        guard take("}") else { throw error("object not closed") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> JSONTree {
        var items: [JSONTree] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            items.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw error("array not closed") }
        return .array(items)
    }

    private mutating func string() throws -> String {
        guard take("\"") else { throw error("no string") }
        var units: [UInt16] = []
        var plain = position
        func flush(_ units: inout [UInt16]) {
            units += Array(String(decoding: bytes[plain..<position], as: UTF8.self).utf16)
        }
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                flush(&units)
                position += 1
                return String(decoding: units, as: UTF16.self)
            case UInt8(ascii: "\\"):
                flush(&units)
                position += 1
                units.append(try escape())
                plain = position
            case 0..<0x20:
                throw error("control character in a string")
            default:
                position += 1
            }
        }
        throw error("string not closed")
    }

    private mutating func escape() throws -> UInt16 {
        guard position < bytes.count else { throw error("escape cut") }
        defer { position += 1 }
        switch Character(Unicode.Scalar(bytes[position])) {
        case "\"": return 0x22
        case "\\": return 0x5c
        case "/": return 0x2f
        case "b": return 8
        case "f": return 12
        case "n": return 10
        case "r": return 13
        case "t": return 9
        case "u":
            guard position + 4 < bytes.count,
                let unit = UInt16(String(decoding: bytes[(position + 1)...(position + 4)], as: UTF8.self), radix: 16)
            else { throw error("bad \\u escape") }
            position += 4
            return unit
        default: throw error("unknown escape")
        }
    }
}
