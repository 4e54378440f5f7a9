/// A set of frame numbers: a bit for each.
package struct FrameSet: Sendable {
    private var words: [UInt64] = []
    /// Members before each block of words, once counted.
    private var ranks: [Int] = []
    private static let wordsPerRank = 8

    package init() {}

    package mutating func insert(_ frame: Int) {
        guard frame >= 0 else { return }
        let word = frame >> 6
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, words.count / 2 + 64)))
        }
        words[word] |= 1 << UInt64(frame & 63)
    }

    @inline(__always)
    package func contains(_ frame: Int) -> Bool {
        let word = frame >> 6
        return word >= 0 && word < words.count && words[word] & (1 << UInt64(frame & 63)) != 0
    }

    package mutating func formUnion(_ other: FrameSet) {
        if words.count < other.words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices { words[index] |= other.words[index] }
        ranks = []
    }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

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
        guard frame > 0, !ranks.isEmpty else { return 0 }
        let word = min(frame >> 6, words.count - 1)
        let block = word / Self.wordsPerRank
        var sum = ranks[block]
        for index in block * Self.wordsPerRank..<word { sum += words[index].nonzeroBitCount }
        let below = frame >> 6 < words.count ? words[word] & (1 << UInt64(frame & 63) &- 1) : words[word]
        return sum + below.nonzeroBitCount
    }
}
