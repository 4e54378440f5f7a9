import Reporting

/// What a ticket has to know of a report, out of its JSON. The report may come from elsewhere: texts are made safe where they are
/// written, and bounded here.
package struct Findings: Sendable {
    package struct Finding: Sendable {
        var cause: String
        var title: String
        var isNearMiss: Bool
        var count: Int
        var upstream: String?
        var confidence: String?
        var blame: String?
        /// What to change, in the words of the guide, and for which gateway.
        var remedy: (gateway: String, text: String)?
        /// What makes it the same finding in the next report.
        var identity: String
    }

    var headline: String
    /// Requests that failed, with a cause or without.
    var failed = 0
    var findings: [Finding] = []
    /// What a poor capture has to say of itself.
    var quality: String?

    private static let textLimit = 400

    /// - Parameter bytes: what `--format json` wrote.
    package init(json bytes: [UInt8], name: String) throws(AttachFailure) {
        do {
            // The same checks, and the same words, as where reports are compared.
            _ = try ReportFile(name: name, bytes: bytes)
        } catch {
            throw AttachFailure(
                .data,
                "\(name) \(error.reason)",
                hint: "gwsniff bundle and gwsniff --format json write what can be attached"
            )
        }
        let root = (try? JSONReader.value(of: bytes)) ?? Self.lastLine(bytes)
        let products = (root["roles"]?["software"]?.items ?? []).compactMap { $0["name"]?.string }
        for item in root["findings"]?.items ?? [] {
            // Notes failed nothing.
            if item["severity"]?.string != "note" { findings.append(Self.finding(item, products: products)) }
        }
        findings = findings.filter { !$0.isNearMiss } + findings.filter(\.isNearMiss)
        headline = Self.headline(root, findings)
        failed = Int(clamping: root["requests"]?["failed"]?.integer ?? 0)
        if let verdict = root["capture"]?["quality"]?["verdict"]?.string, verdict != "good" {
            let notes = root["capture"]?["quality"]?["notes"]?.items?.compactMap(\.string) ?? []
            quality = Self.short(([verdict] + notes.prefix(3)).joined(separator: "; "))
        }
    }

    private static func lastLine(_ bytes: [UInt8]) -> JSONValue {
        bytes.split(separator: 0x0a).last.flatMap { try? JSONReader.value(of: Array($0)) } ?? .null
    }

    private static func short(_ text: String) -> String { SafeText.terminal(text, limit: textLimit) }

    /// - Parameter products: of the gateways, where they are known: what to change in another one helps nobody.
    private static func finding(_ item: JSONValue, products: [String]) -> Finding {
        func text(_ name: String) -> String? { item[name]?.string.map(short) }
        let isNearMiss = item["severity"]?.string == "nearMiss"
        let count = item[isNearMiss ? "attempts" : "count"]?.integer ?? 0
        let upstream = text("upstream")
        let name = text("upstreamName")
        let remedy = item["remedies"]?.items?.first { $0["gateway"]?.string.map(products.contains) ?? false }
        let parts = ["cause", "variant", "severity", "gateway", "upstream", "upstreamName"]
        return Finding(
            cause: text("cause") ?? "?",
            title: text("title") ?? text("cause") ?? "?",
            isNearMiss: isNearMiss,
            count: Int(min(max(count, 0), 1 << 48)),
            upstream: upstream.map { address in name.map { "\(address) (\($0))" } ?? address } ?? name,
            confidence: text("confidence"),
            blame: text("blame"),
            remedy: remedy.flatMap { value in
                value["text"]?.string.map { (short(value["gateway"]?.string ?? ""), short($0)) }
            },
            identity: parts.map { text($0) ?? "" }.joined(separator: "\n")
        )
    }

    private static func headline(_ root: JSONValue, _ findings: [Finding]) -> String {
        let total = max(0, root["requests"]?["total"]?.integer ?? 0)
        let failed = max(0, root["requests"]?["failed"]?.integer ?? 0)
        let noun = root["requests"]?["counted"]?.string == "upstream" ? "upstream request" : "request"
        var text =
            if total > 0 {
                "\(Numbers.grouped(failed)) of \(Numbers.counted(Int(clamping: total), noun)) failed"
            } else {
                Numbers.counted(findings.count, "finding")
            }
        if let first = root["capture"]?["firstPacket"]?.string, let last = root["capture"]?["lastPacket"]?.string {
            // To the second: the files have the rest.
            text += "; packets from \(clock(first)) to \(clock(last)) UTC"
        }
        return text + "."
    }

    private static func clock(_ time: String) -> String {
        SafeText.terminal(String(time.prefix(19)).split(separator: "T").joined(separator: " "))
    }
}
