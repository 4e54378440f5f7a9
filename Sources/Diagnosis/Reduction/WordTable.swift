import Model

/// A number for each of many words: open addressing with linear probing, places of what is removed are filled at once.
///
/// A class with memory of its own: as a value in an array it was copied as a whole at every change, because who changes it holds on to it
/// while it looks for the place.
final class WordTable {
    private struct Slot: BitwiseCopyable {
        var word: UInt64 = 0
        /// -1 where the place is free.
        var value: Int32 = -1
    }

    /// One more than `mask`: a power of two.
    private var slots = WordTable.places(256)
    private var mask = 255
    private(set) var count = 0
    /// Words are hashes of what strangers wrote: they shall not choose their places.
    private let seed: UInt64

    init() {
        var random = SystemRandomNumberGenerator()
        seed = random.next()
    }

    deinit {
        slots.deallocate()
    }

    private static func places(_ count: Int) -> UnsafeMutablePointer<Slot> {
        let places = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        places.initialize(repeating: Slot(), count: count)
        return places
    }

    @inline(__always)
    private func home(_ word: UInt64) -> Int { Int(truncatingIfNeeded: seed.mixed(word)) & mask }

    @inline(__always)
    private func place(of word: UInt64) -> Int {
        var index = home(word)
        while slots[index].value >= 0, slots[index].word != word { index = (index &+ 1) & mask }
        return index
    }

    /// -1 for none.
    @inline(__always)
    subscript(word: UInt64) -> Int { Int(slots[place(of: word)].value) }

    /// Sets a number and returns the one before, -1 for none.
    @inline(__always)
    func update(_ word: UInt64, _ value: Int) -> Int {
        let index = place(of: word)
        let old = slots[index].value
        slots[index] = Slot(word: word, value: Int32(truncatingIfNeeded: value))
        if old < 0 {
            count &+= 1
            if count * 2 > mask { grow() }
        }
        return Int(old)
    }

    func remove(_ word: UInt64) {
        var hole = place(of: word)
        guard slots[hole].value >= 0 else { return }
        count &-= 1
        var index = (hole &+ 1) & mask
        while slots[index].value >= 0 {
            // Whatever may stand in the hole, which is no nearer to its own place than its home, moves there.
            if (index &- home(slots[index].word)) & mask >= (index &- hole) & mask {
                slots[hole] = slots[index]
                hole = index
            }
            index = (index &+ 1) & mask
        }
        slots[hole].value = -1
    }

    @inline(never)
    private func grow() {
        let (old, count) = (slots, mask + 1)
        (slots, mask) = (Self.places(count * 2), count * 2 - 1)
        for index in 0..<count where old[index].value >= 0 { slots[place(of: old[index].word)] = old[index] }
        old.deallocate()
    }
}
