import Model

extension WithoutAttempt {
    private struct Kind: Hashable {
        var key: Key
        var status: Int?
    }

    /// A request for which the capture shows nothing, among others of its kind that met the same error of the gateway because an upstream or a
    /// name was asked in vain: what was asked for this one may have been missed.
    func doubtLonely(_ results: inout [(number: Int, request: ClientRequest, result: Result)]) {
        var inVain: Set<Kind> = []
        for request in join.requests where request.isFailed && !request.isRelayed(in: join) {
            let isExplained = request.attempts.contains { attempt in
                join.attempts[attempt].verdict.map { $0.cause != .undetermined } ?? false
            }
            if isExplained, let kind = kind(request) { inVain.insert(kind) }
        }
        for entry in results {
            let cause = entry.result.verdict.cause
            guard cause == .dnsFailure || cause == .hostUnreachable, let kind = kind(entry.request) else { continue }
            inVain.insert(kind)
        }
        guard !inVain.isEmpty else { return }
        for index in results.indices where results[index].result.verdict.cause == .noUpstreamAttempt {
            guard let kind = kind(results[index].request), inVain.contains(kind) else { continue }
            results[index].result.verdict = .undetermined(
                results[index].result.verdict.frames,
                "The capture shows nothing that was asked for this request; the likes of it were asked upstream and failed.",
                missing: ["an attempt or a lookup as failed for the other requests of this kind"]
            )
        }
    }

    private func kind(_ request: ClientRequest) -> Kind? {
        key(request).map { Kind(key: $0, status: request.status) }
    }
}
