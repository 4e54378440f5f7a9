package import Capture
package import Model
import Reporting

/// Where files of evidence go: a directory, an archive.
package protocol EvidenceSink {
    /// - Parameter name: without directory.
    mutating func put(_ name: String, _ bytes: [UInt8]) throws(CaptureError)
}

/// What is said of the evidence as a whole.
package struct EvidenceLabel: Sendable {
    /// What was read, as in the report.
    package var sources: [String]
    /// Secrets were overwritten.
    package var isRedacted: Bool
    /// Addresses were mapped.
    package var isAnonymized: Bool

    package init(sources: [String], isRedacted: Bool, isAnonymized: Bool = false) {
        self.sources = sources
        self.isRedacted = isRedacted
        self.isAnonymized = isAnonymized
    }
}

extension EvidencePackets {
    package static let schema = "gwsniff.evidence/1"
    package static let manifestName = "manifest.json"
    package static let wholeName = "all.pcapng"

    /// Writes a file for each finding, one for all, and the manifest.
    /// - Parameter hasWhole: the one for all, too.
    /// - Returns: for each finding of the report where its packets are; nil where it has none.
    package func write<Sink: EvidenceSink>(
        _ label: EvidenceLabel,
        hasWhole: Bool = true,
        to sink: inout Sink
    ) throws(CaptureError) -> [EvidenceReference?] {
        var references: [EvidenceReference?] = []
        var entries: [JSONValue] = []
        for (index, finding) in plan.findings.enumerated() {
            let file = EvidenceFile(self, finding: index, name: "\(finding.id)-\(finding.cause.rawValue).pcapng")
            guard file.packetCount > 0 else {
                references.append(nil)
                continue
            }
            let filter = file.displayFilter(self, finding: index)
            references.append(EvidenceReference(file: file.name, displayFilter: filter.text))
            entries.append(try put(file, label, filter: filter, to: &sink))
        }
        if hasWhole, !packets.isEmpty {
            let file = EvidenceFile(self, finding: nil, name: Self.wholeName)
            entries.append(try put(file, label, filter: nil, to: &sink))
        }
        let manifest = JSONValue.object([
            .init("schema", .string(Self.schema)),
            .init("tool", .object([.init("name", .string("gwsniff")), .init("version", .string(gwsniffVersion))])),
            .init("sources", .array(label.sources.map { .string($0) })),
            .init("redacted", .bool(label.isRedacted)),
            .init("addressesMapped", .bool(label.isAnonymized)),
            .init("tlsSecretsIncluded", .bool(tls != nil)),
            .init("files", .array(entries)),
        ])
        try sink.put(Self.manifestName, Array((manifest.pretty + "\n").utf8))
        return references
    }

    private func put<Sink: EvidenceSink>(
        _ file: EvidenceFile,
        _ label: EvidenceLabel,
        filter: DisplayFilter?,
        to sink: inout Sink
    ) throws(CaptureError) -> JSONValue {
        let bytes = file.image(self, comment: comment(file, label, filter: filter))
        try sink.put(file.name, bytes)
        let finding = file.finding.map { plan.findings[$0] }
        var members: [JSONValue.Member] = [
            .init("name", .string(file.name)),
            .init("finding", finding.map { .string($0.id) } ?? .null),
            .init("cause", finding.map { .string($0.cause.rawValue) } ?? .null),
            .init("packets", .integer(Int64(file.packetCount))),
            .init("bytes", .integer(Int64(bytes.count))),
            .init("sha256", .string(SHA256.hexadecimal(of: bytes))),
            .init("displayFilter", filter.map { .string($0.text) } ?? .null),
            .init("displayFilterLeftOut", .count(filter?.leftOut ?? 0)),
            .init("displayFilters", .object(filters(file))),
            .init("connections", .array(file.connections.map { connection($0, file) })),
            .init("decisive", .array(file.decisive.map(decisive))),
        ]
        if let count = file.sessions(self) {
            members.append(.init("tlsSessions", .count(count.sessions)))
            members.append(.init("tlsSessionsWithSecrets", .count(count.withSecrets)))
        }
        return .object(members)
    }

    /// In the file of all findings each of them has a filter of its own.
    private func filters(_ file: EvidenceFile) -> [JSONValue.Member] {
        plan.findings.indices.filter { file.finding == nil || file.finding == $0 }.map {
            .init(plan.findings[$0].id, .string(file.displayFilter(self, finding: $0).text))
        }
    }

    private func connection(_ connection: EvidenceFile.Connection, _ file: EvidenceFile) -> JSONValue {
        let leg = plan.legs[connection.leg]
        let span = leg.span
        let isContext = file.finding.map(leg.context.contains) ?? (leg.context.count == leg.findings.count)
        return .object([
            .init("tcpStream", .integer(Int64(connection.stream))),
            .init("originalTcpStream", .integer(Int64(span.stream))),
            .init("from", .string(span.client.description)),
            .init("to", .string(span.server.description)),
            .init("packets", .integer(Int64(connection.packets))),
            .init("leftOut", .integer(Int64(leftOut[connection.leg] ?? 0))),
            .init("isContext", .bool(isContext)),
        ])
    }

    private func decisive(_ packet: EvidenceFile.Decisive) -> JSONValue {
        .object([
            .init("frame", .integer(Int64(packet.number))),
            .init("originalFrame", .integer(Int64(packet.original))),
            .init("role", .string(packet.text)),
        ])
    }

    private func comment(_ file: EvidenceFile, _ label: EvidenceLabel, filter: DisplayFilter?) -> String {
        var lines: [String] = []
        if let index = file.finding {
            let finding = plan.findings[index]
            lines.append("\(finding.id) \(finding.cause.rawValue): \(TargetMask.maskedText(finding.title))")
        } else {
            lines.append(
                "all findings: \(plan.findings.map { "\($0.id) \($0.cause.rawValue)" }.joined(separator: ", "))"
            )
        }
        lines.append("from \(label.sources.joined(separator: ", ")); comments tell the frame numbers there")
        if let filter {
            let rest = filter.leftOut > 0 ? " (\(filter.leftOut) more did not fit)" : ""
            lines.append("display filter: \(filter.text)\(rest)")
        }
        if label.isRedacted { lines.append("secrets are overwritten") }
        if label.isAnonymized { lines.append("addresses are mapped") }
        if let count = file.sessions(self), count.withSecrets > 0 {
            lines.append("TLS secrets: of \(count.withSecrets) of \(Numbers.counted(count.sessions, "session"))")
        }
        return lines.map { SafeText.terminal($0) }.joined(separator: "\n")
    }
}
