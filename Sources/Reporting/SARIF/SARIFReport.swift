import Diagnosis
package import Model

/// `--format sarif`: SARIF 2.1.0 (OASIS, errata 01), for platforms that collect the findings of tools.
///
/// A cause is a rule, a finding a result, the capture the artifact that was analysed. Frames are no lines of a text, so
/// they are no regions: their numbers stand in property bags, and the packets that decide are a thread flow.
package enum SARIFReport {
    static let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    /// The version of what goes into a fingerprint (§3.27.17) stands in its name.
    static let fingerprint = "gwsniff/v1"

    package static func render(_ report: Report) -> String {
        value(report).pretty + "\n"
    }

    static func value(_ report: Report) -> JSONValue {
        // Those that were found, in the order of the catalogue; `ruleIndex` points into this.
        let causes = Cause.allCases.filter { cause in report.findings.contains { $0.cause == cause } }
        let run: [JSONValue.Member] = [
            .init(
                "tool",
                .object([
                    .init(
                        "driver",
                        .object([
                            .init("name", .string("gwsniff")),
                            .init("version", .string(gwsniffVersion)),
                            .init("semanticVersion", .string(gwsniffVersion)),
                            .init("rules", .array(causes.map(SARIFRule.value))),
                        ])
                    )
                ])
            ),
            .init("invocations", .array([invocation(report)])),
            .init("artifacts", .array(report.sources.map(artifact))),
            .init("results", .array(report.findings.map { SARIFResult($0, report, causes).value() })),
            .init("properties", properties(report)),
        ]
        return .object([
            .init("$schema", .string(schema)),
            .init("version", .string("2.1.0")),
            .init("runs", .array([.object(run)])),
        ])
    }

    /// What the capture lacks is what a reader of the results has to be told (§3.20.21).
    private static func invocation(_ report: Report) -> JSONValue {
        let remarks = Phrases.captureDamage(report)
        var members: [JSONValue.Member] = [.init("executionSuccessful", .bool(true))]
        if !remarks.isEmpty {
            members.append(
                .init(
                    "toolExecutionNotifications",
                    .array(
                        remarks.map {
                            .object([.init("level", .string("warning")), .init("message", text($0))])
                        }
                    )
                )
            )
        }
        return .object(members)
    }

    private static func artifact(_ source: SourceSummary) -> JSONValue {
        .object([
            .init("location", .object([.init("uri", .string(SARIFLocation.uri(source.name)))])),
            .init("roles", .strings(["analysisTarget"])),
            .init(
                "properties",
                .object([
                    .init("format", .string(source.format)),
                    .init("linkTypes", .strings(source.linkTypes.map(\.displayName))),
                    .init("packets", .count(source.packets)),
                    .init("bytes", .integer(source.bytes)),
                ])
            ),
        ])
    }

    private static func properties(_ report: Report) -> JSONValue {
        .object([
            .init("summary", .string(Headline.text(report))),
            .init("requests", .count(report.totalRequests)),
            .init("failedRequests", .count(report.failedRequests)),
            .init("firstPacket", .optional(report.firstPacket?.rfc3339)),
            .init("lastPacket", .optional(report.lastPacket?.rfc3339)),
            .init("quality", .string(report.quality.verdict.rawValue)),
        ])
    }

    /// A message (§3.11): plain text.
    static func text(_ text: String) -> JSONValue { .object([.init("text", .string(SafeText.terminal(text)))]) }
}

/// Where a capture is, as SARIF wants it.
enum SARIFLocation {
    /// A URI reference (RFC 3986): an absolute path becomes `file:///...`, all else a relative reference.
    static func uri(_ name: String) -> String {
        var path = ""
        for byte in name.utf8 {
            let isPlain =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-._~/".utf8.contains(byte)
                }
            if isPlain {
                path.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                path += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return path.hasPrefix("/") ? "file://" + (path.hasPrefix("//") ? String(path.dropFirst()) : path) : path
    }
}
