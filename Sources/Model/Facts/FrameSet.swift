/// A set of frame numbers: a bit for each, but for those before a point from which on it is known.
package struct FrameSet: Sendable {
    private var words: [UInt64] = []
    /// Words before `words[0]` that were let go, and the members in them.
    private var base = 0
    private var earlier = 0
    /// Members before each block of words, once counted.
    private var ranks: [Int] = []
    private static let wordsPerRank = 8

    package init() {}

    package mutating func insert(_ frame: Int) {
        let word = frame >> 6 - base
        guard word >= 0 else { return }
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, words.count / 2 + 64)))
        }
        words[word] |= 1 << UInt64(frame & 63)
    }

    @inline(__always)
    package func contains(_ frame: Int) -> Bool {
        let word = frame >> 6 &- base
        return word >= 0 && word < words.count && words[word] & (1 << UInt64(frame & 63)) != 0
    }

    /// The frames before `frame`, or some of them, need not be known any more; how many members they had is.
    package mutating func forget(before frame: Int) {
        let count = min(frame >> 6 - base, words.count)
        guard count > 0 else { return }
        for word in words[..<count] { earlier += word.nonzeroBitCount }
        words.removeFirst(count)
        base += count
        ranks = []
    }

    /// Both know the same frames.
    package mutating func formUnion(_ other: FrameSet) {
        if words.count < other.words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices { words[index] |= other.words[index] }
        ranks = []
    }

    /// Frames that it can tell of without growing.
    package var size: Int { words.count << 6 }

    package var count: Int { words.reduce(earlier) { $0 + $1.nonzeroBitCount } }

    /// The member at `position` in ascending order; nil where there are fewer.
    package func member(at position: Int) -> Int? {
        var left = position
        for (index, word) in words.enumerated() {
            let count = word.nonzeroBitCount
            if left >= count {
                left -= count
                continue
            }
            var word = word
            for _ in 0..<left { word &= word - 1 }
            return index << 6 + word.trailingZeroBitCount
        }
        return nil
    }

    /// Prepares `rank`; to be called again after a change.
    package mutating func countRanks() {
        ranks = []
        ranks.reserveCapacity(words.count / Self.wordsPerRank + 1)
        var sum = 0
        for (index, word) in words.enumerated() {
            if index % Self.wordsPerRank == 0 { ranks.append(sum) }
            sum += word.nonzeroBitCount
        }
    }

    /// How many members are smaller than `frame`.
    package func rank(_ frame: Int) -> Int {
        guard frame >> 6 >= base, !ranks.isEmpty else { return earlier }
        let place = frame >> 6 - base
        let word = min(place, words.count - 1)
        let block = word / Self.wordsPerRank
        var sum = earlier + ranks[block]
        for index in block * Self.wordsPerRank..<word { sum += words[index].nonzeroBitCount }
        let below = place < words.count ? words[word] & (1 << UInt64(frame & 63) &- 1) : words[word]
        return sum + below.nonzeroBitCount
    }
}
