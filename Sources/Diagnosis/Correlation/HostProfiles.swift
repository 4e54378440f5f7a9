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
    /// SYNs and SYN-ACKs with options as Linux writes them, and with others.
    private(set) var linuxOpenings = 0
    private(set) var otherOpenings = 0
    /// Resets with ACK flag and timestamp option: only the end itself knows what to write there.
    private(set) var timestampedAborts = 0
    private var identificationSteps = 0
    private var identificationJumps = 0

    mutating func note(_ half: HalfConnectionFacts) {
        hopLimits.formUnion(half.hopLimits)
        unfragmentable += half.unfragmentable
        fragmentable += half.fragmentable
        identificationSteps += half.identificationSteps
        identificationJumps += half.identificationJumps
        if let isLinux = half.opensLikeLinux {
            if isLinux { linuxOpenings += 1 } else { otherOpenings += 1 }
        }
    }

    mutating func note(_ reset: TCPEvent) {
        if reset.flags.contains(.ack), reset.hasTimestampOption { timestampedAborts += 1 }
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
    /// An abort of a live socket on this host carries the timestamp option where its connection has it: Linux writes it (118 of 118
    /// seen), other systems need not: BSD's `tcp_output` long left it out of resets.
    var abortsWithTimestamps: Bool { timestampedAborts > 0 || linuxOpenings > 0 && otherOpenings == 0 }
    /// Its packets are numbered one after the other, so that a number elsewhere is somebody else's. Some systems draw lots.
    var numbersInSequence: Bool { identificationSteps >= 2 && identificationJumps == 0 }
    /// All that it sends forbids fragmentation.
    var forbidsFragments: Bool { unfragmentable > 0 && fragmentable == 0 }
}

struct HostProfiles {
    private var profiles: [IPAddress: HostProfile] = [:]
    /// The capture shows packets on both sides of so many routers: hop limits no farther apart may belong to one host.
    private let routers: UInt8

    init(_ facts: TrafficFacts, _ timelines: [ConnectionTimeline]) {
        routers = facts.counters.routedHops
        for (connection, timeline) in zip(facts.connections, timelines) {
            profiles[connection.client.address, default: HostProfile()].note(connection.fromClient)
            profiles[connection.server.address, default: HostProfile()].note(connection.fromServer)
            profiles[connection.server.address, default: HostProfile()].note(timeline)
            for reset in connection.resets {
                profiles[connection.sender(reset.event.direction).address, default: HostProfile()].note(reset.event)
            }
        }
    }

    subscript(address: IPAddress) -> HostProfile { profiles[address] ?? HostProfile() }

    /// Nil where there is nothing to compare with.
    func isOwnHopLimit(_ limit: UInt8, of profile: HostProfile) -> Bool? {
        if profile.hopLimits.isEmpty { return nil }
        if profile.hopLimits.contains(limit) { return true }
        return profile.hopLimits.values.contains { max($0, limit) - min($0, limit) <= routers }
    }
}
