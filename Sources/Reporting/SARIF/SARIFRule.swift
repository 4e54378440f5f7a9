import Diagnosis
import Model

/// A cause as a reportingDescriptor (SARIF §3.49), with its guide as help.
enum SARIFRule {
    static func value(_ cause: Cause) -> JSONValue {
        let title = cause.title(upstream: nil)
        let guide = CauseGuides.guide(for: cause)
        var members: [JSONValue.Member] = [
            .init("id", .string(cause.rawValue)),
            .init("name", .string(name(cause))),
            .init("shortDescription", SARIFReport.text(title + ".")),
            .init("fullDescription", SARIFReport.text(guide?.whatHappened ?? title + ".")),
            .init("help", help(cause, guide)),
            .init("defaultConfiguration", .object([.init("level", .string("error"))])),
        ]
        let tags = ["http", "gateway", cause.group.rawValue] + cause.generalCauses.map(\.name)
        var properties: [JSONValue.Member] = [.init("tags", .strings(tags))]
        if let error = cause.proxyStatus { properties.append(.init("proxyStatus", .string(error))) }
        members.append(.init("properties", .object(properties)))
        return .object(members)
    }

    /// "StaleKeepaliveReuse": identifiers in the style that §3.49.7 gives as an example.
    private static func name(_ cause: Cause) -> String {
        cause.rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func help(_ cause: Cause, _ guide: CauseGuide?) -> JSONValue {
        guard let guide else { return SARIFReport.text(cause.title(upstream: nil)) }
        let sections: [(String, [String])] = [
            ("The packets show", guide.signature),
            ("Looks like it", guide.lookAlikes.map { "\($0.cause.rawValue): \($0.distinction)" }),
            ("What to change", guide.remedies.map { "\($0.gateway): \($0.text)" }),
            ("Sources", guide.sources),
        ]
        var plain = guide.whatHappened + "\n"
        var markdown = SafeText.markdownKeepingCode(guide.whatHappened) + "\n"
        for (title, entries) in sections where !entries.isEmpty {
            plain += "\n\(title):\n" + entries.map { "- \($0)\n" }.joined()
            markdown += "\n**\(title)**\n\n" + entries.map { "- \(SafeText.markdownKeepingCode($0))\n" }.joined()
        }
        return .object([.init("text", .string(plain)), .init("markdown", .string(markdown))])
    }
}
