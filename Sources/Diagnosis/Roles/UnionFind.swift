import Model

/// Disjoint sets of addresses with path halving.
struct UnionFind {
    private var numbers: [IPAddress: Int] = [:]
    private var parents: [Int] = []

    mutating func touch(_ address: IPAddress) { _ = find(address) }

    mutating func find(_ address: IPAddress) -> Int {
        guard let number = numbers[address] else {
            numbers[address] = parents.count
            parents.append(parents.count)
            return parents.count - 1
        }
        var root = number
        while parents[root] != root {
            parents[root] = parents[parents[root]]
            root = parents[root]
        }
        return root
    }

    mutating func join(_ left: IPAddress, _ right: IPAddress) {
        let (a, b) = (find(left), find(right))
        // The smaller number stays the root, so that the result does not depend on hashing order.
        if a < b { parents[b] = a } else if b < a { parents[a] = b }
    }
}
