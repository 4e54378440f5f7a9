import Model

extension RoleInference {
    /// On one host, where all share one address, servers of one group are asked the same at the same time, and lie inside each other's
    /// requests by chance: now and then, in either order, and many end after what they began in. Behind a second gateway most lies inside that,
    /// wholly, and nothing around it.
    mutating func dropSiblings() {
        var related: [Passage: Int] = [:]
        var nested: [Passage: Int] = [:]
        for (edge, count) in edges {
            related[Passage(outer: edge.front, inner: edge.dialled.to), default: 0] += count.related
            nested[Passage(outer: edge.front, inner: edge.dialled.to), default: 0] += count.nested
        }
        var outers: [Endpoint: Set<Endpoint>] = [:]
        for edge in accepted { outers[edge.dialled.to, default: []].insert(edge.front) }
        for edge in accepted where edge.front.address == edge.dialled.from {
            let passage = Passage(outer: edge.front, inner: edge.dialled.to)
            let count = related[passage] ?? 0
            let isByChance =
                (related[Passage(outer: edge.dialled.to, inner: edge.front)] ?? 0) * 4 >= count
                || (nested[passage] ?? 0) * 5 < count * 4
            let outer = outers[edge.front, default: []].filter { outer in
                let common = related[Passage(outer: outer, inner: edge.dialled.to)] ?? 0
                return common > count || isByChance && common > 0
            }.min()
            guard let outer else { continue }
            accepted.remove(edge)
            accepted.insert(Edge(front: outer, dialled: edge.dialled))
        }
    }
}
