import Model

extension WithoutAttempt {
    private struct Kind: Hashable {
        var key: Key
        var status: Int?
    }

    /// A request for which the capture shows nothing, among others of its kind that met the same error because a name or a neighbour was asked
    /// for in vain: its own question is one packet or two, and may have been missed.
    func doubtLonely(_ results: inout [(number: Int, request: ClientRequest, result: Result)]) {
        var inVain: Set<Kind> = []
        for entry in results {
            let cause = entry.result.verdict.cause
            guard cause == .dnsFailure || cause == .hostUnreachable, let kind = kind(entry.request) else { continue }
            inVain.insert(kind)
        }
        guard !inVain.isEmpty else { return }
        for index in results.indices where results[index].result.verdict.cause == .noUpstreamAttempt {
            guard let kind = kind(results[index].request), inVain.contains(kind) else { continue }
            results[index].result.verdict = Verdict(
                .undetermined,
                confidence: .low,
                blame: .unknown,
                frames: results[index].result.verdict.frames,
                explanation:
                    "The capture shows nothing that was asked for this request, and the likes of it failed at a lookup.",
                missing: ["a lookup as failed for the other requests of this kind"]
            )
        }
    }

    private func kind(_ request: ClientRequest) -> Kind? {
        key(request).map { Kind(key: $0, status: request.status) }
    }
}
