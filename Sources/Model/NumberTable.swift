/// What a `NumberTable` can be asked for at every exchange.
package protocol NumberTableKey: Equatable {
    func hash(_ seed: UInt64) -> UInt64
}

/// Numbers things from 0 in the order in which they come: open addressing, one look at memory a question.
///
/// Swift's dictionary asks the same through SipHash and witness tables, at six times the time.
package struct NumberTable<Key: NumberTableKey> {
    package private(set) var keys: [Key] = []
    private var slots: [Int32] = Array(repeating: -1, count: 64)
    private let seed: UInt64
    private let largest: Int

    /// - Parameter largest: this many are told apart; all that come later share the last number.
    package init(largest: Int) {
        self.largest = max(largest, 1)
        var random = SystemRandomNumberGenerator()
        seed = random.next()
    }

    @inline(__always)
    private func place(of key: Key) -> Int {
        var index = Int(truncatingIfNeeded: key.hash(seed)) & (slots.count &- 1)
        while slots[index] >= 0, keys[Int(slots[index])] != key { index = (index &+ 1) & (slots.count &- 1) }
        return index
    }

    package func contains(_ key: Key) -> Bool { slots[place(of: key)] >= 0 }

    @inline(__always)
    package mutating func number(of key: Key) -> Int {
        let index = place(of: key)
        return slots[index] >= 0 ? Int(slots[index]) : insert(key, at: index)
    }

    @inline(never)
    private mutating func insert(_ key: Key, at index: Int) -> Int {
        guard keys.count < largest else { return keys.count - 1 }
        slots[index] = Int32(keys.count)
        keys.append(key)
        if keys.count * 2 > slots.count {
            slots = Array(repeating: -1, count: slots.count * 2)
            for (number, key) in keys.enumerated() { slots[place(of: key)] = Int32(number) }
        }
        return keys.count - 1
    }
}

extension UInt64 {
    /// All bits of both in all bits of the result.
    @inline(__always)
    package func mixed(_ other: UInt64) -> UInt64 {
        let product = (self ^ other).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return product.high ^ product.low
    }
}

extension IPAddress: NumberTableKey {
    @inline(__always)
    package func hash(_ seed: UInt64) -> UInt64 { seed.mixed(low).mixed(high) }
}

extension Endpoint: NumberTableKey {
    @inline(__always)
    package func hash(_ seed: UInt64) -> UInt64 { address.hash(seed).mixed(UInt64(port)) }
}

extension BackgroundFacts.Passing: NumberTableKey {
    @inline(__always)
    package func hash(_ seed: UInt64) -> UInt64 { front.hash(upstream.hash(dialler.hash(seed))) }
}
