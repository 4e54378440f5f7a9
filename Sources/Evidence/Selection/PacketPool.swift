import Model

/// A packet that was chosen, with its bytes.
struct ChosenPacket {
    var record: PacketRecord
    var bytes: [UInt8]
    /// The leg that it belongs to; nil for names, neighbours and decisive packets of no connection.
    var leg: Int?
    /// Findings that it belongs to.
    var findings: [Int]
    /// Which packet of its leg it is, from 0.
    var ordinal = 0

    /// Bytes that it takes, about.
    var cost: Int { bytes.count + 96 }
}

/// The packets of the legs whose first finding is the same, within the bounds of that finding.
///
/// Kept are the opening of each leg, its decisive packets with those around them, and of the rest the latest: where room is
/// wanted, the leg with the most of these gives its oldest, those first that the finding only leans on.
struct PacketPool {
    private struct Leg {
        /// For good.
        var kept: [ChosenPacket] = []
        /// The latest, oldest first from `start` on.
        var recent: [ChosenPacket] = []
        var start = 0
        var recentCost = 0
        /// Packets that are still kept for good behind a decisive one.
        var following = 0
        var leftOut = 0
        /// It is none that the finding names.
        var isContext = false

        var isEmpty: Bool { start == recent.count }
    }

    private static let openingCount = 12
    private static let neighbourCount = 24

    private var legs: [Int: Leg] = [:]
    private var count = 0
    private var bytes = 0
    /// Of them, those that are kept for good.
    private var keptCount = 0
    private var keptBytes = 0
    private let limits: (packets: Int, bytes: Int)

    init(packets: Int, bytes: Int) {
        limits = (packets, bytes)
    }

    mutating func add(_ packet: ChosenPacket, to index: Int, isContext: Bool, isDecisive: Bool) {
        var leg = legs.removeValue(forKey: index) ?? Leg(isContext: isContext)
        count += 1
        bytes += packet.cost
        if isDecisive {
            let tail = leg.recent[leg.start...].suffix(Self.neighbourCount)
            leg.kept += tail
            leg.recent.removeLast(tail.count)
            leg.recentCost -= tail.reduce(0) { $0 + $1.cost }
            for packet in tail { keep(packet) }
            keep(packet)
            leg.kept.append(packet)
            leg.following = Self.neighbourCount
        } else if hasRoom, leg.kept.count < Self.openingCount || leg.following > 0 {
            keep(packet)
            leg.kept.append(packet)
            leg.following -= 1
        } else {
            leg.recent.append(packet)
            leg.recentCost += packet.cost
        }
        legs[index] = leg
        while isFull, dropOldest() {}
    }

    private mutating func keep(_ packet: ChosenPacket) {
        keptCount += 1
        keptBytes += packet.cost
    }

    /// For one more that is kept for good.
    private var hasRoom: Bool { keptCount < limits.packets && keptBytes < limits.bytes }

    private var isFull: Bool { count > limits.packets || bytes > limits.bytes }

    /// False where nothing is left that may go.
    private mutating func dropOldest() -> Bool {
        // At most 21 occurrences with two legs each, and their context. The tie is decided by the index, not by the dictionary's order.
        func rank(_ entry: (key: Int, value: Leg)) -> (Int, Int, Int) {
            (entry.value.isContext && !entry.value.isEmpty ? 1 : 0, entry.value.recentCost, -entry.key)
        }
        let largest = legs.max { rank($0) < rank($1) }
        guard let index = largest?.key, let leg = largest?.value, !leg.isEmpty else { return false }
        let cost = leg.recent[leg.start].cost
        legs[index]?.recent[leg.start].bytes = []
        legs[index]?.start += 1
        legs[index]?.recentCost -= cost
        legs[index]?.leftOut += 1
        count -= 1
        bytes -= cost
        if let start = legs[index]?.start, start > 1_024, start * 2 > legs[index]?.recent.count ?? 0 {
            legs[index]?.recent.removeFirst(start)
            legs[index]?.start = 0
        }
        return true
    }

    /// All that is kept, in no order, and how many packets of each leg are not.
    func drain() -> (packets: [ChosenPacket], leftOut: [Int: Int]) {
        var packets: [ChosenPacket] = []
        var leftOut: [Int: Int] = [:]
        for (index, leg) in legs {
            packets += leg.kept + leg.recent[leg.start...]
            if leg.leftOut > 0 { leftOut[index] = leg.leftOut }
        }
        return (packets, leftOut)
    }
}
