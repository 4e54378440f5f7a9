import Model

/// A value as it was written, before anybody knows what it means.
package enum RawValue: Sendable, Equatable {
    /// Nothing, or `null`.
    case empty
    case text(String)
    case list([String])
    case table([Entry])

    package struct Entry: Sendable, Equatable {
        package var name: String
        package var values: [String]
    }

    /// In an error message; cut, for a file may be anything.
    var shown: String {
        let text =
            switch self {
            case .empty: "nothing"
            case .text(let text): "'\(text)'"
            case .list(let values) where values.isEmpty: "empty"
            case .list(let values): values.map { "'\($0)'" }.joined(separator: ", ")
            case .table(let entries): entries.map(\.name).joined(separator: ", ")
            }
        return text.count > 80 ? text.prefix(77) + "..." : text
    }
}

/// One thing that can be set: its name in the file, what is allowed, and where the value goes.
package struct Setting: Sendable {
    /// "history.max-age": section and key.
    package var name: String
    /// The end of "is 'x'; allowed: ...".
    package var allowed: String
    /// How an empty value is taken: "off" and the like need one.
    var isOptional = false
    /// False where the value is none of those allowed.
    var apply: @Sendable (RawValue, inout ServiceConfiguration) -> Bool

    /// "GWSNIFFD_HISTORY_MAX_AGE".
    package var variable: String { Self.variablePrefix + name.uppercased().map { $0.isLetter ? $0 : "_" } }

    static let variablePrefix = "GWSNIFFD_"
}

extension Setting {
    static func text(
        _ name: String,
        _ allowed: String,
        _ set: @escaping @Sendable (String, inout ServiceConfiguration) -> Bool
    ) -> Setting {
        Setting(name: name, allowed: allowed) { value, configuration in
            guard case .text(let text) = value else { return false }
            return set(text, &configuration)
        }
    }

    /// Nil for nothing and for `off`; else what `parsed` makes of the text, which gives nil for what is not allowed.
    static func optional<Value>(
        _ name: String,
        _ allowed: String,
        _ place: any WritableKeyPath<ServiceConfiguration, Value?> & Sendable,
        _ parsed: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        Setting(name: name, allowed: allowed, isOptional: true) { value, configuration in
            var text = ""
            switch value {
            case .empty: break
            case .text(let given): text = given == "off" ? "" : given
            case .list, .table: return false
            }
            let result = text.isEmpty ? nil : parsed(text)
            guard text.isEmpty || result != nil else { return false }
            configuration[keyPath: place] = result
            return true
        }
    }

    static func list(
        _ name: String,
        _ allowed: String,
        _ set: @escaping @Sendable ([String], inout ServiceConfiguration) -> Bool
    ) -> Setting {
        Setting(name: name, allowed: allowed, isOptional: true) { value, configuration in
            switch value {
            case .empty: set([], &configuration)
            // One line, as in the environment: commas or spaces.
            case .text(let text): set(Self.words(text), &configuration)
            case .list(let values): set(values, &configuration)
            case .table: false
            }
        }
    }

    static func words(_ text: String) -> [String] {
        text.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
    }

    static func bool(
        _ name: String,
        _ set: @escaping @Sendable (Bool, inout ServiceConfiguration) -> Void
    ) -> Setting {
        text(name, "true or false") { text, configuration in
            switch text.lowercased() {
            case "true", "yes", "on": set(true, &configuration)
            case "false", "no", "off": set(false, &configuration)
            default: return false
            }
            return true
        }
    }

    static func number(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ set: @escaping @Sendable (Int, inout ServiceConfiguration) -> Void
    ) -> Setting {
        bounded(name, "", range, \.description, { Int($0) }, set)
    }

    static func size(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ set: @escaping @Sendable (Int, inout ServiceConfiguration) -> Void
    ) -> Setting {
        bounded(name, "a size such as 512M, ", range, { Quantity.text(bytes: $0) }, { Quantity.bytes($0) }, set)
    }

    static func time(
        _ name: String,
        _ range: ClosedRange<Nanoseconds>,
        _ set: @escaping @Sendable (Nanoseconds, inout ServiceConfiguration) -> Void
    ) -> Setting {
        bounded(name, "a time such as 30s, ", range, { Quantity.text(time: $0) }, { Quantity.time($0) }, set)
    }

    /// A value that is read from text and lies in a range.
    private static func bounded<Value: Comparable & Sendable>(
        _ name: String,
        _ kind: String,
        _ range: ClosedRange<Value>,
        _ shown: (Value) -> String,
        _ parsed: @escaping @Sendable (String) -> Value?,
        _ set: @escaping @Sendable (Value, inout ServiceConfiguration) -> Void
    ) -> Setting {
        text(name, "\(kind)\(shown(range.lowerBound)) to \(shown(range.upperBound))") { text, configuration in
            guard let value = parsed(text), range.contains(value) else { return false }
            set(value, &configuration)
            return true
        }
    }
}
