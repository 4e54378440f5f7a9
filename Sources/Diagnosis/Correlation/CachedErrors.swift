import Model

/// Errors that a gateway's cache gave: nothing was asked upstream, and the answer says so or is an older one again.
struct CachedErrors {
    private let join: Join
    /// Errors that upstreams made and gateways passed on, by what was asked for.
    private var relayed: [Asked: [Relayed]] = [:]

    private struct Asked: Hashable {
        var front: Endpoint
        var host: String?
        var target: String
    }

    private struct Relayed {
        var time: Timestamp
        var status: Int
        var digest: UInt64
        var length: Int64
        var frame: FrameReference
    }

    init(_ join: Join) {
        self.join = join
        for request in join.requests {
            guard case .error(let status) = request.outcome, let end = request.end,
                let asked = join.request(of: request),
                let told = join.response(of: request), told.body.seen > 0, GatewayKind(response: told) == nil
            else { continue }
            let isRelayed = request.attempts.contains {
                let answer = join.response(of: join.attempts[$0])
                return answer?.status == status && answer?.body.digest == told.body.digest
            }
            guard isRelayed else { continue }
            relayed[Asked(front: request.gateway, host: asked.host, target: asked.target), default: []].append(
                Relayed(
                    time: end,
                    status: status,
                    digest: told.body.digest,
                    length: told.body.seen,
                    frame: told.firstFrame
                )
            )
        }
    }

    func verdict(_ request: ClientRequest, clientFrames: [EvidenceFrame]) -> Verdict? {
        guard case .error(let status) = request.outcome, let told = join.response(of: request) else { return nil }
        if let mark = Self.mark(told) {
            return verdict(
                clientFrames,
                "The gateway answered \(status) out of a cache (\(mark)); nothing was asked upstream."
            )
        }
        guard let asked = join.request(of: request), told.body.seen > 0 else { return nil }
        let before = relayed[Asked(front: request.gateway, host: asked.host, target: asked.target)]?.last {
            $0.time < request.start && $0.status == status && $0.digest == told.body.digest
                && $0.length == told.body.seen
        }
        guard let before else { return nil }
        return verdict(
            [EvidenceFrame(before.frame, role: "the same error, passed on from the upstream then")] + clientFrames,
            "The gateway answered \(status) without asking upstream, byte for byte the error that it had passed on "
                + "\(Phrases.duration(request.start - before.time)) before for the same target.",
            confidence: .medium
        )
    }

    private func verdict(_ frames: [EvidenceFrame], _ explanation: String, confidence: Confidence = .high) -> Verdict {
        Verdict(
            .cachedError,
            confidence: confidence,
            blame: .gateway,
            frames: frames,
            explanation: explanation,
            ruledOut: [RuledOut(.noUpstreamAttempt, "the answer is an older one, not the gateway's own")]
        )
    }

    /// What in a response says that a cache stored it: Age above 0 (RFC 9111 §5.1), Cache-Status with `hit` (RFC 9211 §2.1),
    /// and the fields of products: X-Cache and X-Cache-Status (nginx as configured, Squid, Fastly), CF-Cache-Status, X-Varnish with two numbers.
    static func mark(_ response: ResponseFacts) -> String? {
        for field in response.fields {
            let value = field.value.lowercased()
            switch field.name {
            case "age":
                if let age = Int(value), age > 0 { return "Age: \(age)" }
            case "x-cache", "x-cache-status", "cf-cache-status", "x-proxy-cache":
                if value.hasPrefix("hit") || value.hasPrefix("tcp_hit") || value.hasPrefix("stale") {
                    return "\(field.name): \(field.value)"
                }
            case "cache-status":
                let parameters = value.split(separator: ";").map { $0.filter { $0 != " " } }
                if parameters.contains("hit") { return "Cache-Status: \(field.value)" }
            case "x-varnish":
                if value.split(separator: " ").count == 2 { return "X-Varnish: \(field.value)" }
            default: break
            }
        }
        return nil
    }
}
