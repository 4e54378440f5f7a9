/// What is wrong with the configuration: a line for the user that names the place and what is allowed there.
package struct ConfigurationError: Error, Equatable, Sendable {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// Puts a configuration together: an option goes before the environment, that before the file, that before the default.
package enum ConfigurationLoader {
    /// An option of the command line that stands for a setting.
    package struct Option: Sendable {
        /// As it was typed: "--iface", "--set history.max-age".
        package var spelling: String
        package var setting: String
        package var value: RawValue

        package init(spelling: String, setting: String, value: RawValue) {
            self.spelling = spelling
            self.setting = setting
            self.value = value
        }
    }

    /// Variables that begin like a setting's and are none.
    private static let otherVariables: Set<String> = ["GWSNIFFD_CONFIG"]

    /// - Parameters:
    ///   - file: the name and the text of the configuration file; nil where there is none.
    ///   - environment: all of it; only GWSNIFFD_... is looked at, and an unknown one of these is an error.
    /// - Throws: all that is wrong, a line each.
    package static func load(
        file: (name: String, text: String)?,
        environment: [String: String],
        options: [Option]
    ) throws(ConfigurationError) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        var errors: [String] = []
        func take(_ name: String, _ value: RawValue, where place: String) {
            guard let setting = byName[name] else {
                errors.append("\(place): there is no setting \(shown(name)); \(neighbours(of: name))")
                return
            }
            if case .empty = value, !setting.isOptional {
                errors.append("\(place): \(name) has no value; allowed: \(setting.allowed)")
                return
            }
            if !setting.apply(value, &configuration) {
                errors.append("\(place): \(name) is \(value.shown); allowed: \(setting.allowed)")
            }
        }
        if let file {
            for entry in try ConfigurationFile.entries(of: file.text, name: file.name) {
                take(entry.name, entry.value, where: "\(file.name):\(entry.line)")
            }
        }
        for (variable, text) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix(Setting.variablePrefix) && !otherVariables.contains(variable) {
            guard let setting = byVariable[variable] else {
                errors.append(
                    "environment: there is no setting for \(shown(variable)); gwsniffd --help names those there are"
                )
                continue
            }
            take(setting.name, text.isEmpty ? .empty : .text(text), where: "environment: \(variable)")
        }
        for option in options { take(option.setting, option.value, where: option.spelling) }
        guard errors.isEmpty else { throw ConfigurationError(errors.joined(separator: "\n")) }
        return configuration
    }

    private static let byName = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.name, $0) })
    private static let byVariable = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.variable, $0) })

    private static func shown(_ name: String) -> String {
        name.count > 80 ? name.prefix(77) + "..." : name
    }

    private static func neighbours(of name: String) -> String {
        let section = name.prefix { $0 != "." }
        let there = Settings.all.map(\.name).filter { $0.hasPrefix(section + ".") }
        if !there.isEmpty { return "there are \(there.joined(separator: ", "))" }
        var sections: [Substring] = []
        for setting in Settings.all {
            let section = setting.name.prefix { $0 != "." }
            if sections.last != section { sections.append(section) }
        }
        return "the sections are \(sections.joined(separator: ", "))"
    }
}
