import Model

extension Incidents {
    /// Between two gateways in a row a request is asked by a gateway for somebody: it counts as that one's, however often it was asked.
    mutating func countByOutermost() {
        let join = join
        guard join.requests.contains(where: { join.map.isUpstreamLeg[$0.connection] }) else { return }
        struct Place: Hashable {
            var connection: Int
            var exchange: Int
        }
        var askers: [Place: Int] = [:]
        for attempt in join.attempts {
            guard let exchange = attempt.exchange, let parent = attempt.parent else { continue }
            askers[Place(connection: attempt.connection, exchange: exchange)] = parent
        }
        for index in all.indices {
            var number = all[index].requestNumber
            // More gateways in a row than that are a loop.
            for _ in 0..<8 {
                guard number < join.requests.count,
                    let asker = askers[
                        Place(connection: join.requests[number].connection, exchange: join.requests[number].exchange)
                    ], asker != number
                else { break }
                number = asker
            }
            all[index].requestNumber = number
        }
    }
}
