import Model

/// Sentences that the text and the Markdown report share. Nothing here is escaped; the formats do that.
enum Phrases {
    /// "failure, high confidence, on the upstream's side".
    static func standing(_ finding: Finding) -> String {
        let severity =
            switch finding.severity {
            case .failure: "failure"
            case .nearMiss: "near miss"
            case .note: "note"
            }
        return "\(severity), \(finding.confidence.rawValue) confidence, \(side(finding.blame))"
    }

    static func side(_ blame: Blame) -> String {
        switch blame {
        case .dns: "blame: name resolution"
        case .unknown: "blame: not known"
        default: "blame: \(blame.rawValue)"
        }
    }

    /// Whose side it is, for somebody who does not read packets.
    static func responsibility(_ finding: Finding) -> String {
        let upstream = finding.upstream ?? finding.upstreamName
        let server = upstream.map { "the application server behind the gateway, \($0)" } ?? "the application server"
        return switch finding.blame {
        case .upstream: "Upstream: \(server)"
        case .network: "Network: the path between the gateway and \(upstream ?? "the application server")"
        case .firewall: "Firewall: a filter between the gateway and \(upstream ?? "the application server")"
        case .gateway: "Gateway: the proxy itself or its configuration"
        case .client: "Client: who made the request, or the path to them"
        case .dns: "Name resolution: what DNS told the gateway"
        case .unknown: "Not known: the packets do not decide it"
        }
    }

    /// "03:12:07 to 03:19:40 UTC on 2026-11-22", "at 03:12:07 UTC on 2026-11-22".
    static func period(_ first: Timestamp, _ last: Timestamp) -> String {
        let from = CivilTime(first)
        let to = CivilTime(last)
        if from.date != to.date { return "\(from.date) \(from.clock()) to \(to.date) \(to.clock()) UTC" }
        if from.clock() == to.clock() { return "\(from.clock()) UTC on \(from.date)" }
        return "\(from.clock()) to \(to.clock()) UTC on \(from.date)"
    }

    /// "36 requests in 38 attempts; first 03:12:07.120, last 03:19:40.008 UTC; gateway 10.0.0.2".
    static func extent(_ finding: Finding) -> String {
        var text: String
        if finding.severity == .failure {
            text = Numbers.counted(finding.count, "request")
            if finding.attempts != finding.count { text += " in \(Numbers.counted(finding.attempts, "attempt"))" }
        } else {
            text = Numbers.counted(finding.attempts, "attempt")
        }
        let first = CivilTime(finding.first)
        let last = CivilTime(finding.last)
        if finding.first == finding.last {
            text += "; at \(first.clock(digits: 3)) UTC"
        } else if first.date == last.date {
            text += "; first \(first.clock(digits: 3)), last \(last.clock(digits: 3)) UTC"
        } else {
            text += "; first \(first.date) \(first.clock(digits: 3)), last \(last.date) \(last.clock(digits: 3)) UTC"
        }
        if let gateway = finding.gateway { text += "; gateway \(gateway)" }
        if let name = finding.upstreamName { text += "; name \(name)" }
        return text
    }

    /// "GET shop.example/cart?id=***".
    static func request(_ request: RequestSummary) -> String {
        let target = request.maskedTarget
        let host = target.hasPrefix("/") ? request.host ?? "" : ""
        return "\(request.method) \(host)\(target)"
    }

    /// "502 to the client", "closed without an answer", "200 to the client, cut short".
    static func outcome(_ client: ClientOutcome) -> String {
        let status = client.status.map { "\($0) to the client" }
        switch client.saw {
        case .answer, .gatewayError: return status ?? "an answer to the client"
        case .relayedError: return "\(status ?? "an error to the client"), relayed"
        case .alteredAnswer: return "\(status ?? "an answer to the client") that hides it"
        case .nothing: return "closed without an answer"
        case .rawBytes: return "bytes without a status line to the client"
        case .cutBody: return "\(status ?? "an answer to the client"), cut short"
        case .left: return status.map { "\($0), which left before the end" } ?? "the client left without an answer"
        }
    }

    /// "attempt 2, tcp.stream 4, 10.0.0.2:41234 to 10.0.3.7:8080".
    static func connection(_ occurrence: Occurrence) -> String {
        var parts: [String] = []
        if occurrence.attempt > 1 { parts.append("attempt \(occurrence.attempt)") }
        if let stream = occurrence.stream { parts.append("tcp.stream \(stream)") }
        if let from = occurrence.from, let to = occurrence.to { parts.append("\(from) to \(to)") }
        return parts.joined(separator: ", ")
    }

    /// The occurrence that a reader should look at: the first that shows most, request and client included.
    static func example(_ finding: Finding) -> Occurrence? {
        func worth(_ occurrence: Occurrence) -> Int {
            (occurrence.request == nil ? 0 : 1) + (occurrence.client == nil ? 0 : 2)
                + (occurrence.frames.isEmpty ? 0 : 4)
        }
        // `max` gives the last of equals; the strict comparison over reversed order gives the first.
        return finding.occurrences.reversed().max { worth($0) < worth($1) }
    }

    /// Which of the six general causes this one belongs to, and which it is not; nil where none fits.
    static func general(_ finding: Finding) -> String? {
        let meant = finding.cause.generalCauses
        guard !meant.isEmpty else { return nil }
        let others = GeneralCause.allCases.filter { !meant.contains($0) }
        let supported = meant.map(\.name).joined(separator: ", ")
        guard finding.confidence == .high else { return "points to \(supported)" }
        return "\(supported); nothing points to \(others.map(\.name).joined(separator: ", "))"
    }

    /// Errors without a finding, grouped by what was missing, the most frequent first.
    static func unexplained(_ report: Report) -> [(why: String, errors: [ClientError])] {
        var order: [String] = []
        var groups: [String: [ClientError]] = [:]
        for error in report.clientErrors where error.findings.isEmpty {
            let why = TargetMask.maskedText(error.why ?? "the packets do not decide it")
            if groups[why] == nil { order.append(why) }
            groups[why, default: []].append(error)
        }
        return order.enumerated()
            .map { (offset: $0.offset, why: $0.element, errors: groups[$0.element] ?? []) }
            .sorted { ($1.errors.count, $0.offset) < ($0.errors.count, $1.offset) }
            .map { ($0.why, $0.errors) }
    }

    /// "503 for GET /x at 03:12:07.120 UTC, frame 12, tcp.stream 3".
    static func clientError(_ error: ClientError) -> String {
        var text = error.status.map(String.init) ?? "no answer"
        if let request = error.request { text += " for \(Phrases.request(request))" }
        text += " at \(CivilTime(error.time).clock(digits: 3)) UTC"
        if let frame = error.frame { text += ", frame \(frame)" }
        return text + ", tcp.stream \(error.stream)"
    }

    /// The rows of the upstream table, heading first; the worst upstreams first, at most `limit`.
    static func upstreams(_ report: Report, limit: Int) -> (rows: [[String]], hidden: Int) {
        let sorted = report.upstreams.sorted {
            ($1.failures, $1.exchanges, $0.endpoint) < ($0.failures, $0.exchanges, $1.endpoint)
        }
        func pair(_ summary: DurationSummary?) -> String {
            guard let summary else { return "-" }
            return "\(Numbers.duration(summary.median)) / \(Numbers.duration(summary.ninetyNinth))"
        }
        let heading = [
            "upstream", "conns", "exchanges", "failed", "connect p50 / p99", "first byte p50 / p99", "resets", "resent",
        ]
        let rows = sorted.prefix(limit).map {
            [
                $0.endpoint.description, Numbers.grouped($0.connections), Numbers.grouped($0.exchanges),
                Numbers.grouped($0.failures), pair($0.connectTime), pair($0.firstByteTime), Numbers.grouped($0.resets),
                Numbers.grouped($0.retransmissions),
            ]
        }
        return ([heading] + rows, max(0, sorted.count - limit))
    }

    /// "good; 12,410 packets, 4.1 MB, 03:00:00 to 03:20:00 UTC on 2026-11-22".
    static func capture(_ report: Report) -> String {
        var text = "\(report.quality.verdict.rawValue); \(Numbers.counted(report.packets, "packet"))"
        let bytes = report.sources.reduce(Int64(0)) { $0.addingSaturating($1.bytes) }
        if bytes > 0 { text += ", \(Numbers.bytes(bytes))" }
        if report.sources.count > 1 { text += " from \(report.sources.count) sources" }
        if let first = report.firstPacket, let last = report.lastPacket {
            let from = CivilTime(first)
            let to = CivilTime(last)
            text +=
                from.date == to.date
                ? ", \(from.clock()) to \(to.clock()) UTC on \(from.date)"
                : ", \(from.date) \(from.clock()) to \(to.date) \(to.clock()) UTC"
        }
        return text
    }

    /// What is wrong with the capture, a line each; empty where nothing is.
    static func captureDamage(_ report: Report) -> [String] {
        report.sources.compactMap { source in source.truncated.map { "\(source.name): \($0)" } } + report.quality.notes
    }

    /// "10.0.0.2 (inferred: ...)"; nil where no gateway is known.
    static func roles(_ roles: Roles) -> String? {
        guard !roles.gateways.isEmpty else { return nil }
        let listed = roles.gateways.prefix(4).map(\.description).joined(separator: ", ")
        let more = roles.gateways.count > 4 ? " and \(roles.gateways.count - 4) more" : ""
        if roles.isGiven { return "\(listed)\(more) (given)" }
        return "\(listed)\(more) (inferred\(roles.reasons.first.map { ": \($0)" } ?? ""))"
    }

    /// "10.0.0.2 is nginx: its error page is signed nginx"; nil where no product was recognised.
    static func software(_ roles: Roles) -> String? {
        guard !roles.software.isEmpty else { return nil }
        let listed = roles.software.prefix(4).map { "\($0.gateway) is \($0.name): \($0.evidence)" }
        let more = roles.software.count > 4 ? " and \(roles.software.count - 4) more" : ""
        return listed.joined(separator: "; ") + more
    }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
