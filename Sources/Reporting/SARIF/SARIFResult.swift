import Model

/// A finding as a result (SARIF §3.27).
struct SARIFResult {
    private let finding: Finding
    private let report: Report
    private let causes: [Cause]
    private let example: Occurrence?

    init(_ finding: Finding, _ report: Report, _ causes: [Cause]) {
        self.finding = finding
        self.report = report
        self.causes = causes
        example = Phrases.example(finding)
    }

    func value() -> JSONValue {
        var members: [JSONValue.Member] = [.init("ruleId", .string(finding.cause.rawValue))]
        if let index = causes.firstIndex(of: finding.cause) { members.append(.init("ruleIndex", .count(index))) }
        members += [
            .init("level", .string(level)),
            .init("message", message),
            .init("locations", .array([location(frames: example.map(numbers) ?? [])])),
            // At least 1 by §3.27.18; a note without attempts is still one result.
            .init("occurrenceCount", .count(max(1, finding.severity == .failure ? finding.count : finding.attempts))),
            .init(
                "partialFingerprints",
                .object([.init(SARIFReport.fingerprint, .string(Fingerprint.of(finding)))])
            ),
        ]
        if let flow { members.append(.init("codeFlows", .array([flow]))) }
        members.append(.init("properties", properties))
        return .object(members)
    }

    private var level: String {
        switch finding.severity {
        case .failure: "error"
        case .nearMiss: "warning"
        case .note: "note"
        }
    }

    /// Title, extent, explanation and remedies: what a platform shows of a result is its message.
    private var message: JSONValue {
        var parts = [
            finding.title + ".", Phrases.standing(finding).capitalizedFirst + ".", Phrases.extent(finding) + ".",
        ]
        if let example { parts.append(TargetMask.maskedText(example.explanation)) }
        let plain = parts.joined(separator: " ")
        var text = SafeText.terminal(plain)
        var markdown = SafeText.markdown(plain)
        if !finding.remedies.isEmpty {
            text += "\n\nWhat to change:\n"
            markdown += "\n\n**What to change**\n\n"
            for remedy in finding.remedies {
                text += "- \(remedy.gateway): \(remedy.text)\n"
                markdown += "- \(SafeText.markdown(remedy.gateway)): \(SafeText.markdownKeepingCode(remedy.text))\n"
            }
        }
        return .object([.init("text", .string(text)), .init("markdown", .string(markdown))])
    }

    /// The capture, where there is one only: the frames of several are numbered as those of their merge, and which file a
    /// frame came from is not in a report. And the upstream, as what is affected.
    private func location(frames: [Int], message: String? = nil) -> JSONValue {
        var members: [JSONValue.Member] = []
        if report.sources.count == 1, let source = report.sources.first {
            members.append(
                .init(
                    "physicalLocation",
                    .object([
                        .init(
                            "artifactLocation",
                            .object([
                                .init("uri", .string(SARIFLocation.uri(source.name))), .init("index", .count(0)),
                            ])
                        )
                    ])
                )
            )
        }
        if let name = finding.upstream ?? finding.upstreamName {
            members.append(
                .init(
                    "logicalLocations",
                    .array([
                        .object([.init("name", .string(SafeText.terminal(name))), .init("kind", .string("resource"))])
                    ])
                )
            )
        }
        if let message { members.append(.init("message", SARIFReport.text(message))) }
        var properties: [JSONValue.Member] = [.init("frames", .array(frames.map(JSONValue.count)))]
        if message == nil, let stream = example?.stream { properties.append(.init("tcpStream", .count(stream))) }
        members.append(.init("properties", .object(properties)))
        return .object(members)
    }

    private func numbers(_ occurrence: Occurrence) -> [Int] { occurrence.frames.map(\.number) }

    /// The packets that decide, in the ladder's order.
    private var flow: JSONValue? {
        guard let example, !example.frames.isEmpty else { return nil }
        let steps = example.frames.map { frame -> JSONValue in
            .object([
                .init(
                    "location",
                    location(
                        frames: [frame.number],
                        message: "frame \(frame.number): \(TargetMask.maskedText(frame.role))"
                    )
                ),
                .init("executionTimeUtc", .string(frame.time.rfc3339)),
            ])
        }
        return .object([
            .init("message", SARIFReport.text("The packets that decide, in the order of the ladder")),
            .init("threadFlows", .array([.object([.init("locations", .array(steps))])])),
        ])
    }

    private var properties: JSONValue {
        .object([
            .init("id", .string(finding.id)),
            .init("severity", .string(finding.severity.rawValue)),
            .init("confidence", .string(finding.confidence.rawValue)),
            .init("blame", .string(finding.blame.rawValue)),
            .init("variant", .optional(finding.variant)),
            .init("gateway", .optional(finding.gateway?.description)),
            .init("upstream", .optional(finding.upstream)),
            .init("upstreamName", .optional(finding.upstreamName)),
            .init("requests", .count(finding.count)),
            .init("attempts", .count(finding.attempts)),
            .init("first", .string(finding.first.rfc3339)),
            .init("last", .string(finding.last.rfc3339)),
            .init("pattern", .optional(finding.pattern.map(TargetMask.maskedText))),
            .init("statusMismatch", .optional(finding.statusMismatch)),
            .init("ruledOut", JSONReport.ruledOut(finding)),
            .init("missing", .strings(finding.missing.map(TargetMask.maskedText))),
            .init("displayFilter", .string(finding.displayFilter)),
        ])
    }
}
