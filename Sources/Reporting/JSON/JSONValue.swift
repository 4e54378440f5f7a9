/// A JSON text (RFC 8259) whose objects keep the order of their members, so that the same report gives the same bytes.
package enum JSONValue: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    package static func optional(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
    package static func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    package static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    /// On one line, without spaces.
    package var compact: String {
        var text = ""
        write(to: &text, indent: nil)
        return text
    }

    /// Two spaces a level; empty arrays and objects, and arrays of plain values that are short, stay on a line.
    package var pretty: String {
        var text = ""
        write(to: &text, indent: 0)
        return text
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .string(let value): JSONValue.quote(value, to: &text)
        case .array(let values):
            let inner = values.contains { $0.isStructure } ? indent : nil
            JSONValue.writeList(values, "[", "]", to: &text, indent: inner, spaced: indent != nil) {
                value,
                text,
                inner in
                value.write(to: &text, indent: inner)
            }
        case .object(let members):
            JSONValue.writeList(members, "{", "}", to: &text, indent: indent, spaced: indent != nil) {
                member,
                text,
                inner in
                JSONValue.quote(member.name, to: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(to: &text, indent: inner)
            }
        }
    }

    private var isStructure: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    private static func writeList<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        to text: inout String,
        indent: Int?,
        spaced: Bool,
        each: (Element, inout String, Int?) -> Void
    ) {
        text += open
        let inner = indent.map { $0 + 1 }
        for (index, element) in elements.enumerated() {
            if index > 0 { text += indent == nil && spaced ? ", " : "," }
            if let inner { text += "\n" + String(repeating: "  ", count: inner) }
            each(element, &text, inner)
        }
        if let indent, !elements.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
        text += close
    }

    /// RFC 8259 §7, and beyond it DEL, C1 and invisible characters are escaped: a report is often read in a terminal.
    private static func quote(_ value: String, to text: inout String) {
        // Nearly all are printable ASCII, and need nothing.
        let isPlain = value.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        guard !isPlain else {
            text += "\""
            text += value
            text += "\""
            return
        }
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where SafeText.isUnsafe(scalar):
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
