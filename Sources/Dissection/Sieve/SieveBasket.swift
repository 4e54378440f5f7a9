import Model

/// What the lanes of one sieve found, in the order of its packets, and counted.
final class SieveBasket {
    var found = SieveHarvest()
    /// The figures of each server, of all lanes together: of each lane for itself they would not stay in the caches.
    var servers: [ServerStatistics] = []
    private var numbers = NumberTable<Endpoint>(largest: Sieve.laneCount * SieveLane.largestServerCount)

    /// Where the figures of a server stand.
    func place(of server: Endpoint) -> Int {
        let number = numbers.number(of: server)
        if number == servers.count { servers.append(ServerStatistics()) }
        return number
    }

    func add(to servers: inout [Endpoint: ServerStatistics]) {
        for (endpoint, statistics) in zip(numbers.keys, self.servers) {
            servers[endpoint, default: ServerStatistics()].add(statistics)
        }
    }
}
