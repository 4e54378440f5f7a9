/// Reads a page back, strictly: every element closed in order, every attribute quoted, no stray angle bracket or ampersand.
struct MarkupReader {
    struct Element {
        var name: String
        var attributes: [String: String]
    }

    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// All that a page may use.
    static let attributes: Set<String> = [
        "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "aria-labelledby", "aria-label",
        "role",
        "tabindex", "scope", "title", "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r",
        "d",
        "text-anchor",
    ]
    private static let void: Set<String> = ["meta", "br", "hr", "img", "input", "link"]

    let source: String
    private(set) var elements: [Element] = []
    /// Texts outside the style sheet, unescaped, a blank between two.
    private(set) var text = ""

    init(_ source: String) throws {
        self.source = source
        var rest = Substring(source)
        guard rest.hasPrefix("<!DOCTYPE html>\n") else { throw Fault(description: "no doctype") }
        rest = rest.dropFirst(16)
        var open: [String] = []
        while let character = rest.first {
            if character != "<" {
                let end = rest.firstIndex(of: "<") ?? rest.endIndex
                let piece = rest[..<end]
                if open.last != "style" {
                    if piece.contains(">") { throw Fault(description: "a stray > in \(piece)") }
                    text += (try MarkupReader.unescaped(piece)) + " "
                }
                rest = rest[end...]
            } else if rest.hasPrefix("</") {
                guard let end = rest.firstIndex(of: ">") else { throw Fault(description: "an open end tag") }
                let name = String(rest[..<end].dropFirst(2))
                guard open.popLast() == name else { throw Fault(description: "</\(name)> closes something else") }
                rest = rest[end...].dropFirst()
            } else {
                let element = try MarkupReader.start(&rest)
                elements.append(element)
                if !MarkupReader.void.contains(element.name) { open.append(element.name) }
            }
        }
        guard open.isEmpty else { throw Fault(description: "not closed: \(open)") }
    }

    private static func start(_ rest: inout Substring) throws -> Element {
        rest = rest.dropFirst()
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) }
        guard !name.isEmpty else { throw Fault(description: "a stray < before \(rest.prefix(20))") }
        rest = rest[name.endIndex...]
        var attributes: [String: String] = [:]
        while rest.first == " " {
            rest = rest.dropFirst()
            let key = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            guard rest[key.endIndex...].hasPrefix("=\""), !key.isEmpty else {
                throw Fault(description: "no attribute: \(rest.prefix(20))")
            }
            rest = rest[key.endIndex...].dropFirst(2)
            guard let end = rest.firstIndex(of: "\"") else { throw Fault(description: "an open attribute") }
            guard !rest[..<end].contains("<"), attributes[String(key)] == nil else {
                throw Fault(description: "attribute \(key)")
            }
            attributes[String(key)] = try unescaped(rest[..<end])
            rest = rest[end...].dropFirst()
        }
        guard rest.first == ">" else { throw Fault(description: "<\(name) has \(rest.prefix(20))") }
        rest = rest.dropFirst()
        return Element(name: String(name), attributes: attributes)
    }

    private static func unescaped(_ text: Substring) throws -> String {
        let known = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "#39": "'"]
        var result = ""
        var parts = text.split(separator: "&", omittingEmptySubsequences: false)[...]
        result += parts.popFirst() ?? ""
        for part in parts {
            guard let end = part.firstIndex(of: ";"), let character = known[String(part[..<end])] else {
                throw Fault(description: "a stray & before \(part.prefix(20))")
            }
            result += character + part[end...].dropFirst()
        }
        return result
    }
}
