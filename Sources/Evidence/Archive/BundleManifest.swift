package import Model
package import Reporting

/// What a bundle says of itself: which files, by which command, of what.
package struct BundleManifest: Sendable {
    package static let schema = "gwsniff.bundle/1"
    package static let name = "manifest.json"

    /// The command as it was given, secrets overwritten.
    package var command: [String]
    /// Of what was linked: name and version.
    package var libraries: [String]
    /// What the size limit took away, in sentences.
    package var leftOut: [String] = []
    package var isRedacted: Bool
    package var isAnonymized: Bool
    /// The evidence has what opens its TLS sessions, as far as the input had it.
    package var includesTLSSecrets = false
    /// Where the bundle was split: which volume this is, from 1, and the name and the files of each.
    package var volume: (number: Int, all: [(name: String, files: [String])])?

    package init(command: [String], libraries: [String], isRedacted: Bool, isAnonymized: Bool) {
        self.command = command
        self.libraries = libraries
        self.isRedacted = isRedacted
        self.isAnonymized = isAnonymized
    }

    package func file(_ report: Report, _ files: [ArchiveFile]) -> ArchiveFile {
        let sources = report.sources.map { source in
            JSONValue.object([
                .init("name", .string(source.name)), .init("format", .string(source.format)),
                .init("packets", .integer(Int64(source.packets))), .init("bytes", .integer(source.bytes)),
            ])
        }
        let entries = files.map { file in
            JSONValue.object([
                .init("name", .string(file.name)), .init("bytes", .integer(Int64(file.bytes.count))),
                .init("sha256", .string(SHA256.hexadecimal(of: file.bytes))),
            ])
        }
        var members: [JSONValue.Member] = [
            .init("schema", .string(Self.schema)),
            .init("tool", .object([.init("name", .string("gwsniff")), .init("version", .string(gwsniffVersion))])),
            .init("libraries", .array(libraries.map { .string($0) })),
            .init("command", .array(command.map { .string($0) })),
            .init("sources", .array(sources)),
            .init("redacted", .bool(isRedacted)),
            .init("addressesMapped", .bool(isAnonymized)),
            .init("tlsSecretsIncluded", .bool(includesTLSSecrets)),
            .init("leftOut", .array(leftOut.map { .string($0) })),
            .init("files", .array(entries)),
        ]
        if let volume {
            let others = volume.all.map {
                JSONValue.object([.init("name", .string($0.name)), .init("files", .strings($0.files))])
            }
            members.append(.init("volume", .count(volume.number)))
            members.append(.init("volumes", .array(others)))
        }
        return ArchiveFile(name: Self.name, bytes: Array((JSONValue.object(members).pretty + "\n").utf8))
    }
}

extension EvidencePackets {
    /// Words of a command without credentials, query values and what else looks like a secret.
    /// - Parameter omitted: options that are left out with their value.
    package static func redactedCommand(_ words: [String], without omitted: Set<String> = []) -> [String] {
        var text = TextRedaction()
        var kept: [String] = []
        var isValue = false
        for word in words {
            if isValue {
                isValue = false
            } else if omitted.contains(word) {
                isValue = true
            } else if !omitted.contains(where: { word.hasPrefix($0 + "=") }) {
                kept.append(text.redacted(word, asValue: true))
            }
        }
        return kept
    }
}

extension JSONValue {
    /// A report that was written with its secrets: what looks like one is overwritten in every text, names of members stay.
    package var redacted: JSONValue {
        var redaction = TextRedaction()
        return redacted(by: &redaction)
    }

    private func redacted(by redaction: inout TextRedaction) -> JSONValue {
        switch self {
        case .string(let text): .string(redaction.redacted(text, asValue: false))
        case .array(let values): .array(values.map { $0.redacted(by: &redaction) })
        case .object(let members): .object(members.map { .init($0.name, $0.value.redacted(by: &redaction)) })
        case .null, .bool, .integer: self
        }
    }
}

extension Report {
    /// Overwrites what looks like a secret in its texts. Query values are masked whatever is asked for.
    package mutating func redact() {
        var redaction = TextRedaction()
        changeTexts { redaction.redacted($0, asValue: false) }
    }
}

extension TextRedaction {
    /// - Parameter asValue: as the value of a field; otherwise as a sentence, whose question marks begin no query.
    mutating func redacted(_ string: String, asValue: Bool) -> String {
        var bytes = Array(string.utf8)
        if asValue { value(&bytes, 0..<bytes.count) } else { sentence(&bytes, 0..<bytes.count) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
