import Model

/// Who is a gateway, where it listens, and which connections are its legs.
struct RoleMap {
    /// Leg of each connection, by index into `TrafficFacts.connections`. One between two gateways is both.
    var isUpstreamLeg: [Bool]
    var isClientLeg: [Bool]
    /// Addresses of one gateway share a number.
    var host: [IPAddress: Int] = [:]
    /// Hosts with a listener whose requests cannot be read (TLS), or whose listeners were not captured at all.
    var opaqueHosts: Set<Int> = []
    /// Addresses that gateways dialled from, by host.
    var diallers: [Int: Set<IPAddress>] = [:]
    var roles = Roles()
    /// What the user said are upstreams, seen or not.
    var givenUpstreams: [AddressPrefix] = []
}

extension RoleMap {
    static func infer(from facts: TrafficFacts, options: DiagnosisOptions, _ keys: MessageKeys? = nil) -> RoleMap {
        var inference = RoleInference(facts, options, keys ?? MessageKeys(facts))
        inference.findEdges()
        return inference.assign()
    }
}
