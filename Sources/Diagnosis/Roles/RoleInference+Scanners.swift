import Model

extension RoleInference {
    /// A gateway dials a few ports; who tries dozens of them and asks nothing is a scanner.
    func scanners() -> Set<IPAddress> {
        var dialled: [IPAddress: Set<Endpoint>] = [:]
        for connection in facts.connections where connection.exchanges.isEmpty {
            dialled[connection.client.address, default: []].insert(connection.server)
        }
        let asking = Set(facts.connections.lazy.filter { !$0.exchanges.isEmpty }.map(\.client.address))
        return Set(dialled.lazy.filter { $0.value.count > 32 && !asking.contains($0.key) }.map(\.key))
    }
}
