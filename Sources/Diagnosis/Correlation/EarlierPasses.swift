import Model

/// Requests of a gateway's own address that were there before the capture began: what the same address asks meanwhile may be a later pass of
/// the same loop, of which the capture misses the first.
struct EarlierPasses {
    private struct Key: Hashable {
        var client: IPAddress
        var gateway: Endpoint
    }

    /// The latest end.
    private var ends: [Key: Timestamp] = [:]

    init(_ join: Join) {
        for request in join.requests where request.client.address == request.gateway.address {
            guard join.request(of: request) == nil else { continue }
            let key = Key(client: request.client.address, gateway: request.gateway)
            let end = request.end ?? Timestamp(nanoseconds: .max)
            ends[key] = max(ends[key] ?? end, end)
        }
    }

    /// What is missing to tell.
    func gap(for request: ClientRequest) -> String? {
        let key = Key(client: request.client.address, gateway: request.gateway)
        guard let end = ends[key], end >= request.start else { return nil }
        return "the beginning of the capture: the gateway's own address was asking it before"
    }
}
