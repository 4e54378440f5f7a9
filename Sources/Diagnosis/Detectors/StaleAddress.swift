import Model

extension Incidents {
    /// What only a wrong address explains beside the cause that the packets of the connection show.
    private static let wrongAddress: Set<Cause> = [
        .connectRefused, .handshakeResetByFirewall, .icmpPortUnreachable, .icmpAdminProhibited, .hostUnreachable,
        .connectTimeout, .tlsUnknownCA, .tlsExpiredCert, .tlsHostnameMismatch, .tlsCertificateRejected,
    ]

    /// Failed attempts at an address that the newest answer for the name no longer holds.
    mutating func adoptStaleAddresses() {
        let configured = configuredNames()
        for index in join.attempts.indices {
            let attempt = join.attempts[index]
            guard let verdict = attempt.verdict, Self.wrongAddress.contains(verdict.cause),
                let stale = staleAnswer(for: attempt, configured[attempt.upstream])
            else { continue }
            join.attempts[index].outcome = .failed(self.verdict(stale, verdict, attempt))
        }
    }

    private struct Stale {
        var name: String
        /// The answer that held the address; nil where the name was learnt from the gateway's requests.
        var given: Lookup?
        var newest: Lookup
    }

    /// A name ties the address: it was an answer for it before, or the gateway puts it into the Host field of what it sends there.
    private func staleAnswer(for attempt: Attempt, _ configured: String?) -> Stale? {
        let address = attempt.upstream.address
        let known = lookups.newest(for: address, before: attempt.start)
        // Another name that still holds it is reason enough to dial it.
        guard !known.contains(where: { $0.newest.addresses.contains(address) }) else { return nil }
        var candidates = known.map { Stale(name: $0.name, given: $0.given, newest: $0.newest) }
        if candidates.isEmpty, let configured, let newest = lookups.newest(for: configured, before: attempt.start),
            !newest.addresses.contains(address)
        {
            candidates = [Stale(name: configured, given: nil, newest: newest)]
        }
        // Answers that rotate through more addresses than one of them holds take none away.
        return candidates.last { !lookups.isGivenAgain(address, for: $0.name, after: attempt.start) }
    }

    /// The names that gateways replace the client's Host with (nginx and httpd by default), by upstream.
    private func configuredNames() -> [Endpoint: String] {
        var result: [Endpoint: String] = [:]
        for attempt in join.attempts where result[attempt.upstream] == nil {
            guard let parent = attempt.parent, let asked = join.request(of: attempt)?.host,
                let wanted = join.request(of: join.requests[parent])?.host, asked != wanted
            else { continue }
            let name = asked.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? asked
            if name.utf8.contains(UInt8(ascii: ".")), IPAddress(name) == nil {
                result[attempt.upstream] = name.lowercased()
            }
        }
        return result
    }

    private func verdict(_ stale: Stale, _ verdict: Verdict, _ attempt: Attempt) -> Verdict {
        var result = verdict
        let addresses = stale.newest.addresses.prefix(4).map(\.description).joined(separator: ", ")
        let works = join.attempts.contains {
            $0.isAnswered && stale.newest.addresses.contains($0.upstream.address)
        }
        result.cause = .staleAddress
        result.variant = nil
        result.blame = .dns
        result.confidence = stale.given != nil && works ? .high : .medium
        result.upstreamName = stale.name
        if let frame = stale.given?.answered {
            result.frames.append(EvidenceFrame(frame, role: "\(stale.name) was \(attempt.upstream.address)"))
        }
        if let frame = stale.newest.answered {
            result.frames.append(EvidenceFrame(frame, role: "\(stale.name) is \(addresses)"))
        }
        result.explanation =
            "The gateway dialled \(attempt.upstream), but the newest answer for \(stale.name) is \(addresses). "
            + verdict.explanation
        result.ruledOut = [RuledOut(verdict.cause, "that is how the old address fails; DNS has another one")]
        if !works { result.missing.append("a connection to the new address that works") }
        return result
    }
}
