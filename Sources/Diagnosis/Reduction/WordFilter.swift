/// Whether a word may be among some: it says yes to all of them and to few others.
struct WordFilter {
    private var bits = [UInt64](repeating: 0, count: 1 << 10)

    @inline(__always)
    private func place(_ word: UInt64) -> (Int, UInt64) {
        (Int(word >> 6 & 0x3ff), 1 << (word & 63))
    }

    @inline(__always)
    func contains(_ word: UInt64) -> Bool {
        let (index, bit) = place(word)
        return bits[index] & bit != 0
    }

    mutating func insert(_ word: UInt64) {
        let (index, bit) = place(word)
        bits[index] |= bit
    }
}
