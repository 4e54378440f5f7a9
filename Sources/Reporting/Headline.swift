package import Model

/// The one line that could be read aloud: how many requests failed, of what mostly, from when to when.
package enum Headline {
    package static func text(_ report: Report) -> String {
        let worst = report.findings.filter { $0.severity == .failure }.max { left, right in
            // The first of equals: findings come worst first.
            left.count < right.count
        }
        if report.failedRequests > 0 || worst != nil { return failures(report, worst: worst) }
        let hidden = report.findings.filter { $0.severity == .nearMiss }.reduce(0) { $0 + $1.attempts }
        if report.totalRequests > 0 {
            let all = "No failed \(noun(report)) among \(Numbers.grouped(report.totalRequests))"
            return hidden == 0 ? all + "." : all + "; a retry hid \(Numbers.counted(hidden, "failed attempt"))."
        }
        return nothingSeen(report)
    }

    private static func failures(_ report: Report, worst: Finding?) -> String {
        let failed = max(report.failedRequests, worst?.count ?? 0)
        let total = max(report.totalRequests, failed)
        let least = report.notLookedAt > 0 ? "At least " : ""
        let verb =
            total == 1
            ? "The only \(noun(report)) failed"
            : "\(least)\(Numbers.grouped(failed)) of \(counted(total, report)) failed"
        let share = total == 1 || failed == total ? "" : " (\(Numbers.share(failed, of: total)))"
        guard let worst else {
            let all = report.clientErrors
            return verb + share + ", cause undetermined" + span(all.first?.time, all.last?.time, date: true) + "."
        }
        let part =
            worst.count >= failed && report.notLookedAt == 0
            ? (failed > 1 ? ", all of them: " : ": ") : ", \(Numbers.grouped(worst.count)) of them: "
        return verb + share + part + SafeText.terminal(midSentence(worst.title))
            + span(worst.first, worst.last, date: true)
            + "."
    }

    /// A title after a colon: articles lose their capital, names and abbreviations keep it.
    private static func midSentence(_ title: String) -> String {
        for article in ["The ", "No ", "A ", "An "] where title.hasPrefix(article) {
            return article.lowercased() + title.dropFirst(article.count)
        }
        return title
    }

    /// "; first 03:12:07, last 03:19:40 UTC on 2026-11-22".
    static func span(_ first: Timestamp?, _ last: Timestamp?, date: Bool) -> String {
        guard let first, let last else { return "" }
        let from = CivilTime(first)
        let to = CivilTime(last)
        if from.date != to.date {
            return "; first \(from.date) \(from.clock()), last \(to.date) \(to.clock()) UTC"
        }
        let day = date ? " on \(from.date)" : ""
        if from.clock() == to.clock() { return "; at \(from.clock()) UTC\(day)" }
        return "; first \(from.clock()), last \(to.clock()) UTC\(day)"
    }

    private static func nothingSeen(_ report: Report) -> String {
        let connections = report.upstreams.reduce(0) { $0 + $1.connections }
        if report.packets == 0 { return "No requests seen: the capture has no packets." }
        var seen = Numbers.counted(report.packets, "packet")
        if connections > 0 { seen += " and \(Numbers.counted(connections, "upstream connection"))" }
        if report.quality.undecodedPackets == report.packets {
            let types = report.sources.flatMap(\.linkTypes).map(\.displayName)
            let named = types.isEmpty ? "" : " (link type \(types.joined(separator: ", ")))"
            return "No requests seen: none of the \(seen) could be decoded\(named)."
        }
        if report.isSelective {
            return "No request was chosen: of the capture's \(seen) none belongs to a request that matches."
        }
        if report.roles.isGiven, report.roles.gateways.isEmpty || connections == 0 {
            return
                "No requests seen: the capture has \(seen), but no readable HTTP/1 exchange of the gateway that was given."
        }
        return "No requests seen: the capture has \(seen), but no readable HTTP/1 exchange."
    }

    private static func noun(_ report: Report) -> String {
        report.countsClientRequests ? "request" : "upstream request"
    }

    private static func counted(_ count: Int, _ report: Report) -> String {
        Numbers.counted(count, noun(report))
    }
}
