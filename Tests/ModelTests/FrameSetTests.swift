import Testing

@testable import Model

@Suite struct FrameSetTests {
    private static let members = [1, 2, 63, 64, 65, 511, 512, 513, 5_000]

    private static func set(_ members: [Int]) -> FrameSet {
        var set = FrameSet()
        for member in members { set.insert(member) }
        return set
    }

    @Test("A set holds what was put in, and nothing else")
    func contains() {
        let set = Self.set(Self.members)
        for frame in -1...6_000 { #expect(set.contains(frame) == Self.members.contains(frame)) }
        #expect(set.count == Self.members.count)
    }

    @Test("The rank of a frame is the number of members before it")
    func rank() {
        var set = Self.set(Self.members)
        set.countRanks()
        for frame in 0...20_000 { #expect(set.rank(frame) == Self.members.count { $0 < frame }) }
    }

    @Test("Members are found by their place")
    func member() {
        let set = Self.set(Self.members)
        for (place, frame) in Self.members.enumerated() { #expect(set.member(at: place) == frame) }
        #expect(set.member(at: Self.members.count) == nil)
    }

    @Test("A union holds the members of both, whichever is longer")
    func union() {
        var left = Self.set([3, 700])
        left.formUnion(Self.set([4, 90_000]))
        #expect(left.count == 4 && left.contains(90_000) && left.contains(3))
        left.formUnion(Self.set([5]))
        #expect(left.count == 5)
    }
}

@Suite struct DurationHistogramTests {
    @Test("A rank's value is exact below 128 ns and at most 1.6 % low above")
    func values() {
        var histogram = DurationHistogram()
        let values = (0..<4_000).map { Nanoseconds($0) * Nanoseconds($0) * 97 }
        for value in values { histogram.add(value) }
        for rank in stride(from: 0, to: 4_000, by: 37) {
            let (value, exact) = (histogram.value(atRank: rank), values[rank])
            #expect(value <= exact && Double(value) >= Double(exact) * 0.984)
        }
        #expect(histogram.minimum == 0 && histogram.maximum == values[3_999])
        #expect(histogram.value(atRank: 3_999) <= histogram.maximum)
    }

    @Test("Two histograms add up to the one of all values")
    func sum() {
        var (left, right, all) = (DurationHistogram(), DurationHistogram(), DurationHistogram())
        for value in 1...500 as ClosedRange<Nanoseconds> {
            if value % 3 == 0 { left.add(value * 1_000) } else { right.add(value * 1_000) }
            all.add(value * 1_000)
        }
        left.add(right)
        #expect(left.count == all.count && left.minimum == all.minimum && left.maximum == all.maximum)
        for rank in 0..<500 { #expect(left.value(atRank: rank) == all.value(atRank: rank)) }
    }

    @Test("what was forgotten is counted, and the rest is as it was")
    func forgets() {
        var whole = FrameSet()
        let members = (0..<2_000).map { $0 * 7 + $0 % 3 }
        for member in members { whole.insert(member) }
        var short = whole
        short.forget(before: 5_000)
        #expect(short.size < whole.size)
        whole.countRanks()
        short.countRanks()
        for frame in stride(from: 5_000, to: 15_000, by: 13) {
            #expect(short.rank(frame) == whole.rank(frame))
            #expect(short.contains(frame) == whole.contains(frame))
        }
        #expect(short.count == whole.count)
        short.insert(20_000)
        short.insert(3)
        short.countRanks()
        #expect(short.rank(20_001) == members.count + 1)
    }
}
