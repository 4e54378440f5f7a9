/// The part of JSON Schema 2020-12 that the schemas of this project use. A keyword that it does not know is an error, so
/// that no schema looks checked and is not.
package struct JSONSchema: Sendable {
    private let root: JSONTree
    private static let annotations: Set<String> = ["$schema", "$id", "$defs", "title", "description"]

    package init(_ root: JSONTree) { self.root = root }

    /// Every violation with the path to it; empty for a valid document.
    package func violations(in document: JSONTree) -> [String] {
        check(document, root, at: "$")
    }

    private func check(_ value: JSONTree, _ schema: JSONTree, at path: String) -> [String] {
        guard case .object(let keywords) = schema else {
            if case .bool(true) = schema { return [] }
            return ["\(path): not allowed"]
        }
        return keywords.sorted { $0.key < $1.key }.flatMap { keyword, rule in
            check(value, keyword, rule, keywords, at: path)
        }
    }

    private func check(
        _ value: JSONTree,
        _ keyword: String,
        _ rule: JSONTree,
        _ schema: [String: JSONTree],
        at path: String
    ) -> [String] {
        switch keyword {
        case "$ref":
            guard let name = rule.string, name.hasPrefix("#/$defs/"),
                let target = root["$defs"]?[String(name.dropFirst(8))]
            else { return ["\(path): unknown reference \(rule)"] }
            return check(value, target, at: path)
        case "type":
            let names = rule.string.map { [$0] } ?? rule.items.compactMap(\.string)
            return names.contains { isType(value, $0) } ? [] : ["\(path): not of type \(names.joined(separator: "|"))"]
        case "const":
            return value == rule ? [] : ["\(path): not \(rule)"]
        case "enum":
            return rule.items.contains(value) ? [] : ["\(path): \(value) is not listed"]
        case "anyOf":
            return rule.items.contains { check(value, $0, at: path).isEmpty } ? [] : ["\(path): fits no alternative"]
        case "oneOf":
            let count = rule.items.filter { check(value, $0, at: path).isEmpty }.count
            return count == 1 ? [] : ["\(path): fits \(count) alternatives"]
        case "required":
            guard case .object(let members) = value else { return [] }
            return rule.items.compactMap(\.string).filter { members[$0] == nil }.map { "\(path): lacks \($0)" }
        case "properties":
            guard case .object(let members) = value, case .object(let rules) = rule else { return [] }
            return members.sorted { $0.key < $1.key }.flatMap { name, member in
                rules[name].map { check(member, $0, at: "\(path).\(name)") } ?? []
            }
        case "additionalProperties":
            guard case .object(let members) = value else { return [] }
            var known: Set<String> = []
            if case .object(let properties)? = schema["properties"] { known = Set(properties.keys) }
            return members.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
                .flatMap { check($0.value, rule, at: "\(path).\($0.key)") }
        case "items":
            return value.items.enumerated().flatMap { check($0.element, rule, at: "\(path)[\($0.offset)]") }
        case "maxItems":
            return Double(value.items.count) <= rule.number ?? 0 ? [] : ["\(path): too many items"]
        case "minimum":
            return (value.number ?? .infinity) >= rule.number ?? 0 ? [] : ["\(path): too small"]
        case "maximum":
            return (value.number ?? -.infinity) <= rule.number ?? 0 ? [] : ["\(path): too large"]
        case "pattern":
            guard let text = value.string else { return [] }
            guard let pattern = rule.string, let regex = try? Regex(pattern) else { return ["\(path): bad pattern"] }
            return text.contains(regex) ? [] : ["\(path): \"\(text)\" does not match \(pattern)"]
        default:
            return JSONSchema.annotations.contains(keyword) ? [] : ["\(path): keyword \(keyword) is not supported"]
        }
    }

    private func isType(_ value: JSONTree, _ name: String) -> Bool {
        switch (value, name) {
        case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
            (.object, "object"):
            true
        case (.number(let number), "integer"): number == number.rounded()
        default: false
        }
    }
}
