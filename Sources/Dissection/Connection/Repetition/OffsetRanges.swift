/// Stream offsets as ascending ranges without overlap, at most `capacity`: what a receiver said by SACK blocks that it has.
struct OffsetRanges: Sendable {
    /// A receiver names at most four blocks in a packet (RFC 2018 §3), the latest first.
    static let capacity = 16

    private(set) var ranges: [Range<Int64>] = []

    var last: Int64? { ranges.last?.upperBound }

    func contains(_ range: Range<Int64>) -> Bool {
        ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
    }

    /// False where all of it was known before, or where there are too many ranges already.
    mutating func insert(_ range: Range<Int64>) -> Bool {
        guard !range.isEmpty, !contains(range) else { return false }
        var merged = range
        var kept: [Range<Int64>] = []
        for other in ranges {
            if other.upperBound < merged.lowerBound || merged.upperBound < other.lowerBound {
                kept.append(other)
            } else {
                merged = min(other.lowerBound, merged.lowerBound)..<max(other.upperBound, merged.upperBound)
            }
        }
        guard kept.count < Self.capacity else { return false }
        kept.insert(merged, at: kept.firstIndex { $0.lowerBound > merged.lowerBound } ?? kept.endIndex)
        ranges = kept
        return true
    }

    /// What lies before `offset` is acknowledged anyway.
    mutating func drop(before offset: Int64) {
        guard let first = ranges.first, first.lowerBound < offset else { return }
        ranges = ranges.compactMap { $0.upperBound <= offset ? nil : max($0.lowerBound, offset)..<$0.upperBound }
    }

    mutating func removeAll() { ranges = [] }
}
