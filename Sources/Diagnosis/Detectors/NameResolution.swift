import Model

extension Lookups {
    func verdict(_ found: Found, clientFrames: [EvidenceFrame]) -> Verdict {
        let lookup = found.lookup
        var verdict = Verdict(
            .dnsFailure,
            variant: found.failure.rawValue,
            confidence: found.isBackground ? .medium : .high,
            blame: .dns,
            frames: frames(of: found) + clientFrames,
            explanation: sentence(found),
            ruledOut: [
                RuledOut(.noUpstreamAttempt, "a lookup of \(lookup.name) failed, and nothing was dialled after it"),
                RuledOut(.connectTimeout, "no SYN left the gateway for this request"),
            ]
        )
        if found.isBackground {
            verdict.missing = ["the gateway's configuration: whether this request goes to \(lookup.name)"]
        }
        verdict.upstreamName = lookup.name
        return verdict
    }

    private func sentence(_ found: Found) -> String {
        let lookup = found.lookup
        let server = lookup.queries.last.map { "\($0.server)" } ?? "the name server"
        let what =
            switch found.failure {
            case .nxdomain: "\(server) said that \(lookup.name) does not exist"
            case .nodata: "\(server) has no address for \(lookup.name)"
            case .servfail: "\(server) failed to look up \(lookup.name) (SERVFAIL)"
            case .refused: "\(server) refused to look up \(lookup.name)"
            case .formatError: "\(server) could not read the query for \(lookup.name) (FORMERR)"
            case .notImplemented: "\(server) does not answer such queries as that for \(lookup.name) (NOTIMP)"
            case .unreachable:
                "The query for \(lookup.name) drew an ICMP error: nothing listens at \(server), or a filter rejects"
            case .timeout:
                "\(server) did not answer \(Phrases.count(lookup.queries.count, "query", plural: "queries")) for \(lookup.name)"
            }
        return what
            + (found.isBackground
                ? ", the latest that the gateway knew when the request came." : "; nothing was dialled.")
    }

    private func frames(of found: Found) -> [EvidenceFrame] {
        var frames: [EvidenceFrame] = []
        for query in found.lookup.queries where query.sent.time <= found.horizon {
            frames.append(EvidenceFrame(query.sent, role: "\(typeName(query.type)) query for \(query.name)"))
            guard let answer = query.answer, answer.frame.time <= found.horizon else { continue }
            switch answer.result {
            case .failed(.unreachable): frames.append(EvidenceFrame(answer.frame, role: "ICMP error to the query"))
            case .failed(let failure):
                frames.append(EvidenceFrame(answer.frame, role: "\(failure.rawValue) for \(query.name)"))
            case .truncated: frames.append(EvidenceFrame(answer.frame, role: "truncated answer"))
            case .good: frames.append(EvidenceFrame(answer.frame, role: "answer for \(query.name)"))
            }
        }
        // The last ones decide.
        return frames.suffix(6).map { $0 }
    }

    private func typeName(_ type: UInt16) -> String {
        switch type {
        case 1: "A"
        case 28: "AAAA"
        default: "SRV"
        }
    }
}

extension Incidents {
    /// Lookups in vain by gateways whose clients' requests cannot be read: one request each.
    mutating func collectLookups() {
        for host in join.map.opaqueHosts.sorted() where join.map.diallers[host] != nil {
            let readable = join.requests.filter { join.host($0.gateway.address) == host }
            let isGo = gateways[host] == .caddy || gateways[host] == .traefik
            let failures = lookups.failures(of: host, until: horizon, repeatsAtOnce: isGo)
            for found in failures where !Self.isWithin(readable, found.lookup) {
                let verdict = withoutClientLeg(lookups.verdict(found, clientFrames: []))
                all.append(
                    Incident(
                        verdict: verdict,
                        severity: .failure,
                        upstream: nil,
                        requestNumber: join.requests.count + unseenRequests,
                        request: nil,
                        occurrence: Occurrence(
                            time: verdict.frames.last?.time ?? found.lookup.start,
                            from: nil,
                            to: nil,
                            stream: nil,
                            frames: verdict.frames,
                            request: nil,
                            client: nil,
                            attempt: 0,
                            explanation: verdict.explanation
                        ),
                        gateway: found.lookup.asker,
                        kind: gateways[host],
                        attempts: 0
                    )
                )
                unseenRequests += 1
            }
        }
    }

    /// One of the requests that can be read was open when the lookup began: it has been asked already.
    private static func isWithin(_ requests: [ClientRequest], _ lookup: Lookup) -> Bool {
        let next = requests.partitionPoint { $0.start > lookup.start }
        return requests[..<next].suffix(64).contains { $0.end.map { $0 >= lookup.start } ?? true }
    }
}
