package import Model

/// What the user told us about the network, and how far packet time may be trusted to be complete.
package struct DiagnosisOptions: Sendable {
    /// Addresses said to be gateways; inferred where empty.
    package var gateways: [AddressPrefix] = []
    package var upstreams: [AddressPrefix] = []
    /// Which requests the report is about.
    package var selection = RequestSelection()
    /// Live: facts after this moment may still change, so nothing is concluded from their absence. Nil: the capture is
    /// over.
    package var horizon: Timestamp?

    package init() {}
}

/// From facts to findings. Pure: no bytes, no clock, no I/O.
package enum Diagnosis {
    package static func report(on facts: TrafficFacts, options: DiagnosisOptions = DiagnosisOptions()) -> Report {
        let map = RoleMap.infer(from: facts, options: options)
        let horizon = options.horizon ?? facts.counters.last ?? Timestamp(nanoseconds: .max)
        let incidents = Incidents(Join(facts, map), horizon: horizon, isFinal: options.horizon == nil)
        let selected = incidents.all.filter { incident in
            // Where the client's request is known, it decides: what is shown and what is counted must be the same requests.
            if let request = incident.request { return incidents.isSelected(request, options.selection) }
            let asked = incident.occurrence.request
            return options.selection.matches(
                time: incident.occurrence.time,
                status: nil,
                target: asked?.target,
                id: asked?.id
            )
        }
        let grouped = Grouping.findings(from: selected)
        var report = Report()
        report.packets = facts.counters.packets
        report.firstPacket = facts.counters.first
        report.lastPacket = facts.counters.last
        report.quality = CaptureJudgement(facts).quality
        report.roles = map.roles
        report.roles.software = software(incidents, map.roles.gateways)
        report.findings = grouped.map(\.finding)
        report.upstreams =
            facts.background.map { Summaries.upstreams(incidents.join, $0) } ?? Summaries.upstreams(incidents.join)
        count(into: &report, incidents, grouped, options)
        return report
    }

    /// One entry a product and host: a host of several addresses is named by its first.
    private static func software(_ incidents: Incidents, _ gateways: [IPAddress]) -> [GatewaySoftware] {
        var seen: Set<Int> = []
        return gateways.compactMap { gateway in
            let host = incidents.join.host(gateway)
            guard let mark = incidents.gateways.marks[host], seen.insert(host).inserted else { return nil }
            return GatewaySoftware(gateway: gateway, name: mark.kind.rawValue, evidence: mark.evidence)
        }
    }

    private static func count(
        into report: inout Report,
        _ incidents: Incidents,
        _ grouped: [(finding: Finding, requests: Set<Int>)],
        _ options: DiagnosisOptions
    ) {
        let join = incidents.join
        var findings: [Int: [Finding]] = [:]
        for group in grouped {
            for request in group.requests { findings[request, default: []].append(group.finding) }
        }
        // What was asked is not known of what was counted in the background: no path chooses it.
        let isBlind = options.selection.pathGlob != nil || options.selection.requestID != nil
        let counted = isBlind ? [] : join.facts.background?.counted ?? []
        // Between two gateways a request is both legs; the client's is the outermost.
        let outermost = join.requests.indices.filter {
            !join.map.isUpstreamLeg[join.requests[$0].connection] && !incidents.loops.members.contains($0)
        }
        for number in outermost {
            let request = join.requests[number]
            let asked = join.request(of: request)
            let summary = asked.map(incidents.summary)
            guard incidents.isSelected(request, options.selection) else { continue }
            // Good ones are counted already.
            if !(asked.map { counted.contains($0.firstFrame.number) } ?? false) { report.totalRequests += 1 }
            let own = findings[number] ?? []
            if own.contains(where: { $0.severity == .failure }) { report.failedRequests += 1 }
            // Of a loop whose first request was missed no client is known.
            guard isClientError(request), incidents.loops.roots[number]?.isHeadless != true else { continue }
            let determined = own.filter { $0.cause != .undetermined }
            report.clientErrors.append(
                ClientError(
                    time: request.end ?? request.start,
                    status: request.status,
                    request: summary,
                    stream: join.facts.connections[request.connection].stream,
                    frame: join.response(of: request)?.firstFrame.number,
                    findings: determined.map(\.id),
                    why: determined.isEmpty ? why(own, request) : nil
                )
            )
        }
        report.clientErrors.sort { $0.time < $1.time }
        if let background = join.facts.background {
            report.totalRequests += backgroundRequests(background, join, clientsAreSeen: !outermost.isEmpty)
        }
        if outermost.isEmpty {
            report.countsClientRequests = false
            let twice = join.attempts.count { attempt in
                guard attempt.parent == nil, !attempt.isHealthCheck else { return false }
                return join.request(of: attempt).map { counted.contains($0.firstFrame.number) } ?? false
            }
            report.totalRequests += incidents.unseenRequests - twice
            let failing = grouped.filter { $0.finding.severity == .failure }
            report.failedRequests = failing.reduce(into: Set<Int>()) { $0.formUnion($1.requests) }.count
        }
    }

    /// Requests that went well and were not looked at: those at the listeners, or, where none was seen, at the upstreams.
    private static func backgroundRequests(_ background: BackgroundFacts, _ join: Join, clientsAreSeen: Bool) -> Int {
        let upstreams = Set(join.map.roles.upstreams)
        var listeners: Set<Endpoint> = []
        for (index, connection) in join.facts.connections.enumerated() where join.map.isClientLeg[index] {
            if !join.map.isUpstreamLeg[index] { listeners.insert(connection.server) }
        }
        let counted = clientsAreSeen ? listeners : upstreams
        let exchanges = background.selected ?? background.servers.mapValues(\.exchanges)
        return exchanges.reduce(0) { $0 + (counted.contains($1.key) ? $1.value : 0) }
    }

    private static func isClientError(_ request: ClientRequest) -> Bool {
        switch request.outcome {
        case .error, .noAnswer, .garbage: true
        case .aborted(_, let status): status == nil
        case .crossedClose: true
        case .answered, .cut, .open: false
        }
    }

    private static func why(_ findings: [Finding], _ request: ClientRequest) -> String {
        if case .crossedClose = request.outcome {
            return "the gateway's close of an idle client connection crossed the request; the client may repeat it"
        }
        if case .aborted = request.outcome { return "the client closed before any upstream was tried" }
        return findings.first?.missing.first ?? "nothing in the capture explains it"
    }
}
