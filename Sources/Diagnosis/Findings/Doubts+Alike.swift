import Model

extension Incidents {
    /// Requests that are the same to the letter.
    private struct Alike: Hashable {
        var gateway: Int
        var method: String
        var target: String
    }

    /// Requests alike that are looked at for one: bounds the work under a load test.
    private static let fewAlike = 256

    /// Of requests that are the same to the letter and open at once, each may have had the answer that seems to be refused. It was refused only
    /// where none of them was answered so.
    mutating func doubtMistakenRefusals() {
        var doubtful: [(request: Int, attempt: Int)] = []
        for (number, request) in join.requests.enumerated() {
            for index in request.attempts where join.attempts[index].verdict?.cause == .gatewayRejectedResponse {
                doubtful.append((number, index))
            }
        }
        guard !doubtful.isEmpty else { return }
        // HAProxy's page in place of an answer may have the answer's status.
        let refused = Set(doubtful.map(\.request))
        var answered: [Alike: [Int]] = [:]
        for (number, request) in join.requests.enumerated()
        where !request.isFailed && request.end != nil && !refused.contains(number) {
            guard let key = alike(request) else { continue }
            answered[key, default: []].append(number)
        }
        for key in answered.keys { answered[key]?.sort { join.requests[$0].start < join.requests[$1].start } }
        for (number, index) in doubtful {
            let attempt = join.attempts[index]
            guard let key = alike(join.requests[number]), let others = answered[key],
                let answer = join.response(of: attempt), let status = answer.status
            else { continue }
            let until = others.partitionPoint { join.requests[$0].start > attempt.start }
            let isAmbiguous = others[..<until].suffix(Self.fewAlike).contains { other in
                let candidate = join.requests[other]
                guard let end = candidate.end else { return false }
                return candidate.status == status && end + Join.slack >= answer.lastFrame.time
            }
            if isAmbiguous {
                doubt(
                    index,
                    of: join.requests[number],
                    missing:
                        "what tells requests apart that are the same and open at once: this answer may be another's"
                )
            }
        }
    }

    private func alike(_ request: ClientRequest) -> Alike? {
        join.request(of: request).map {
            Alike(gateway: join.host(request.gateway.address), method: $0.method, target: $0.target)
        }
    }
}
