import Model

/// What the packets of one host look like, over the whole capture and all its ports: what a reset that bears its address is
/// compared with. Resets themselves are left out, for any of them may be forged.
struct HostProfile {
    private(set) var hopLimits = HopLimits()
    private(set) var unfragmentable = 0
    private(set) var fragmentable = 0
    /// SYN-ACKs with identification 0, as Linux writes them, and with another one (IPv4).
    private(set) var plainOpenings = 0
    private(set) var numberedOpenings = 0
    /// SYN to SYN-ACK: how many were measured, and the shortest.
    private(set) var openings = 0
    private(set) var shortestOpening = Nanoseconds.max

    mutating func note(_ half: HalfConnectionFacts) {
        hopLimits.formUnion(half.hopLimits)
        unfragmentable += half.unfragmentable
        fragmentable += half.fragmentable
    }

    mutating func note(_ timeline: ConnectionTimeline) {
        for event in timeline.synAcks {
            if let identification = event.identification {
                if identification == 0 { plainOpenings += 1 } else { numberedOpenings += 1 }
            }
        }
        guard timeline.syns.count == 1, let syn = timeline.syns.first, let synAck = timeline.synAcks.first else {
            return
        }
        openings += 1
        shortestOpening = min(shortestOpening, max(0, synAck.frame.time - syn.frame.time))
    }

    /// Stateless answers of this host carry identification 0 (RFC 6864 §4.1: the field means nothing where DF is set).
    var numbersNothingStateless: Bool { plainOpenings > 0 && numberedOpenings == 0 }
    /// All that it sends forbids fragmentation.
    var forbidsFragments: Bool { unfragmentable > 0 && fragmentable == 0 }
}

struct HostProfiles {
    private var profiles: [IPAddress: HostProfile] = [:]
    /// The capture shows packets on both sides of a router: hop limits one apart may belong to one host.
    private let sawBothSides: Bool

    init(_ facts: TrafficFacts, _ timelines: [ConnectionTimeline]) {
        sawBothSides = facts.counters.routedDuplicates > 0
        for (connection, timeline) in zip(facts.connections, timelines) {
            profiles[connection.client.address, default: HostProfile()].note(connection.fromClient)
            profiles[connection.server.address, default: HostProfile()].note(connection.fromServer)
            profiles[connection.server.address, default: HostProfile()].note(timeline)
        }
    }

    subscript(address: IPAddress) -> HostProfile { profiles[address] ?? HostProfile() }

    /// Nil where there is nothing to compare with.
    func isOwnHopLimit(_ limit: UInt8, of profile: HostProfile) -> Bool? {
        if profile.hopLimits.isEmpty { return nil }
        if profile.hopLimits.contains(limit) { return true }
        guard sawBothSides else { return false }
        return profile.hopLimits.contains(limit &- 1) || profile.hopLimits.contains(limit &+ 1)
    }
}
