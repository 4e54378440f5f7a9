import Yams

/// A configuration file as settings with their lines; what they mean is not looked at here.
struct ConfigurationFile {
    struct Entry {
        var name: String
        var value: RawValue
        var line: Int
    }

    /// - Throws: where the text is no YAML, or has another shape than sections of settings.
    static func entries(of text: String, name file: String) throws(ConfigurationError) -> [Entry] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw ConfigurationError(unreadable(error, file))
        } catch {
            throw ConfigurationError("\(file): \(error)")
        }
        guard let root, root.null == nil else { return [] }
        guard case .mapping(let sections) = root else {
            throw ConfigurationError("\(file):\(line(root)): settings stand in sections, such as \"capture:\"")
        }
        var entries: [Entry] = []
        for (key, node) in sections {
            let section = try word(key, file)
            if node.null != nil { continue }
            guard case .mapping(let settings) = node else {
                throw ConfigurationError("\(file):\(line(key)): \(section) is a section; its settings stand below it")
            }
            for (key, node) in settings {
                let name = section + "." + (try word(key, file))
                entries.append(Entry(name: name, value: try value(node, name, file), line: line(key)))
            }
        }
        return entries
    }

    private static func value(_ node: Node, _ name: String, _ file: String) throws(ConfigurationError) -> RawValue {
        switch node {
        case .scalar(let scalar):
            // `~`, `null` and nothing at all; a quoted "" is an empty text.
            return node.null != nil ? .empty : .text(scalar.string)
        case .sequence(let nodes):
            var values: [String] = []
            for node in nodes { values.append(try word(node, file)) }
            return .list(values)
        case .mapping(let mapping):
            var table: [RawValue.Entry] = []
            for (key, node) in mapping {
                let entry = try word(key, file)
                guard case .sequence(let nodes) = node else {
                    table.append(RawValue.Entry(name: entry, values: [try word(node, file)]))
                    continue
                }
                var values: [String] = []
                for node in nodes { values.append(try word(node, file)) }
                table.append(RawValue.Entry(name: entry, values: values))
            }
            return .table(table)
        case .alias:
            throw ConfigurationError("\(file):\(line(node)): \(name) is an alias that leads nowhere")
        }
    }

    private static func word(_ node: Node, _ file: String) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node else {
            throw ConfigurationError("\(file):\(line(node)): a plain value is expected here")
        }
        return scalar.string
    }

    private static func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

    private static func unreadable(_ error: YamlError, _ file: String) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(file):\(mark.line): not YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "\(file):\(context.mark.line): \(duplicates.map { "\($0)" }.joined(separator: ", ")) is set twice"
        case .reader(let problem, let offset, _, _):
            "\(file): not YAML at byte \(offset ?? 0): \(problem)"
        default:
            "\(file): not YAML: \(error)"
        }
    }
}
