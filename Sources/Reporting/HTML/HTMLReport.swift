package import Model

/// `--format html`: one file for a manager, who reads the top of it, and for the engineer who has to believe the rest.
///
/// It loads nothing and runs nothing: its policy (Content Security Policy Level 3) allows the page's own style sheet, by
/// its hash, and nothing else. So what came off the wire could not act even if it became markup, which `Markup` rules out.
package enum HTMLReport {
    package static func render(_ report: Report) -> String {
        let title = "gwsniff report"
        let page = tag("html", ["lang": "en"]) {
            tag("head") {
                Markup.void("meta", ["charset": "utf-8"])
                Markup.void(
                    "meta",
                    ["http-equiv": "Content-Security-Policy", "content": PageStyle.policy]
                )
                Markup.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                Markup.void("meta", ["name": "color-scheme", "content": "light dark"])
                Markup.void("meta", ["name": "referrer", "content": "no-referrer"])
                Markup.void("meta", ["name": "generator", "content": "gwsniff \(gwsniffVersion)"])
                tag("title") { "\(title): \(Headline.text(report))" }
                tag("style") { Markup.constant(PageStyle.sheet) }
            }
            tag("body") {
                tag("a", ["class": "skip", "href": "#findings"]) { "Skip to the findings" }
                tag("header") {
                    tag("h1") { title }
                    tag("p", ["class": "headline \(tone(report))"]) { Headline.text(report) }
                }
                tag("main") {
                    HTMLSummary.markup(report)
                    findings(report)
                    HTMLUpstreams.markup(report)
                    capture(report)
                }
                tag("footer") {
                    tag("p") {
                        "gwsniff \(gwsniffVersion). Frame numbers and tcp.stream are Wireshark's. Times are UTC. "
                        "Query values are masked."
                    }
                }
            }
        }
        return "<!DOCTYPE html>\n" + page.source + "\n"
    }

    private static func tone(_ report: Report) -> String {
        if report.failedRequests > 0 || report.findings.contains(where: { $0.severity == .failure }) { return "bad" }
        return report.totalRequests > 0 ? "good" : "fair"
    }

    private static func findings(_ report: Report) -> Markup {
        let groups: [(Severity, String)] = [
            (.failure, "Failures"), (.nearMiss, "Near misses: a retry hid them"),
            (.note, "Notes: nothing failed by these"),
        ]
        return tag("section", ["id": "findings", "aria-labelledby": "findings-title", "tabindex": "-1"]) {
            tag("h2", ["id": "findings-title"]) { "Findings" }
            if report.findings.isEmpty { tag("p") { "None." } }
            HTMLSummary.index(report)
            for (severity, title) in groups {
                let chosen = report.findings.filter { $0.severity == severity }
                if !chosen.isEmpty {
                    tag("h3", ["class": "group"]) { title }
                    for finding in chosen { HTMLFinding(finding).markup() }
                }
                if severity == .failure { unexplained(report) }
            }
        }
    }

    private static func unexplained(_ report: Report) -> Markup {
        let groups = Phrases.unexplained(report)
        guard !groups.isEmpty else { return .empty }
        let rows = groups.map { group -> [Markup] in
            [
                .text(Numbers.grouped(group.errors.count)), .text(group.why),
                .text(group.errors.first.map(Phrases.clientError) ?? ""),
            ]
        }
        return .joined([
            .element("h3", ["class": "group"], .text("Undetermined")),
            .table(
                caption: "Errors that the packets do not explain",
                kind: "plain",
                heading: ["errors", "what was missing", "such as"],
                rows: rows
            ),
        ])
    }

    private static func capture(_ report: Report) -> Markup {
        tag("section", ["aria-labelledby": "capture-title"]) {
            tag("h2", ["id": "capture-title"]) { "Capture" }
            tag("dl", ["class": "facts"]) {
                if let roles = Phrases.roles(report.roles) { HTMLFinding.fact("Gateway", .text(roles)) }
                if let software = Phrases.software(report.roles) { HTMLFinding.fact("Product", .text(software)) }
                HTMLFinding.fact("Quality", .text(Phrases.capture(report)))
                let damage = Phrases.captureDamage(report)
                if !damage.isEmpty {
                    HTMLFinding.fact("Remarks", tag("ul") { for entry in damage { tag("li") { entry } } })
                }
            }
            if !report.sources.isEmpty {
                Markup.table(
                    caption: "Sources of the capture",
                    kind: "plain",
                    heading: ["source", "format", "link types", "packets", "bytes"],
                    rows: report.sources.map { source in
                        [
                            source.name, source.format, source.linkTypes.map(\.displayName).joined(separator: ", "),
                            Numbers.grouped(source.packets), Numbers.grouped(source.bytes),
                        ].map(Markup.text)
                    }
                )
            }
        }
    }
}
