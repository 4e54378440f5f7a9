/// The flag bits of a TCP header (RFC 9293 §3.1).
package struct TCPFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    @inlinable package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    // Computed, and the two questions below without the general machinery of option sets: they are asked of every packet.
    @inlinable package static var fin: TCPFlags { TCPFlags(rawValue: 0x001) }
    @inlinable package static var syn: TCPFlags { TCPFlags(rawValue: 0x002) }
    @inlinable package static var rst: TCPFlags { TCPFlags(rawValue: 0x004) }
    @inlinable package static var psh: TCPFlags { TCPFlags(rawValue: 0x008) }
    @inlinable package static var ack: TCPFlags { TCPFlags(rawValue: 0x010) }
    @inlinable package static var urg: TCPFlags { TCPFlags(rawValue: 0x020) }
    @inlinable package static var ece: TCPFlags { TCPFlags(rawValue: 0x040) }
    @inlinable package static var cwr: TCPFlags { TCPFlags(rawValue: 0x080) }
    /// SYN, FIN and RST: those that open or close.
    @inlinable package static var control: TCPFlags { TCPFlags(rawValue: 0x007) }
    @inlinable package static var synOrFin: TCPFlags { TCPFlags(rawValue: 0x003) }

    @inlinable @inline(__always)
    package func contains(_ other: TCPFlags) -> Bool { rawValue & other.rawValue == other.rawValue }
    @inlinable @inline(__always)
    package func isDisjoint(with other: TCPFlags) -> Bool { rawValue & other.rawValue == 0 }
}

/// One segment worth remembering: what it was, and the header fields by which its sender can be judged.
///
/// Stream offsets count payload bytes of one direction from 0; the SYN is not counted, a FIN stands at the offset
/// after the last byte. They are signed: bytes before the first one seen have negative offsets.
package struct TCPEvent: Sendable {
    /// Names and rules are Wireshark's (`tcp.analysis.*`) where it has one, so that its display filters find the same packets; what we
    /// take a repeated segment for is `repetition`.
    package enum Kind: UInt8, Sendable {
        case syn
        case synAck
        /// The client's first ACK of the SYN-ACK.
        case handshakeAck
        /// A pure ACK in answer to a SYN whose number does not acknowledge it (RFC 5961 §4).
        case challengeAck
        case fin
        case rst
        case retransmission
        case fastRetransmission
        case spuriousRetransmission
        case outOfOrder
        /// "Previous segment(s) not captured": a jump in the sequence numbers.
        case lostSegment
        /// "ACKed unseen segment": the capture missed bytes that the receiver got.
        case ackLostSegment
        case zeroWindow
        case zeroWindowProbe
        case zeroWindowProbeAck
        case windowFull
        case keepAlive
        case keepAliveAck
        /// Overlapping data that differs from what was seen before.
        case overlapMismatch
    }

    package var kind: Kind
    /// Of a segment that starts before the highest byte seen.
    package var repetition: Repetition?
    /// Where the segment before this one, of the same bytes, was lost; of `ackLostSegment`, what the acknowledgment is for.
    package var lossPlace: LossPlace?
    package var direction: Direction
    package var frame: FrameReference
    /// Offset of the segment's first byte in its own direction.
    package var offset: Int64
    /// Payload bytes.
    package var length: Int
    /// The acknowledgment number as an offset into the opposite direction; nil without ACK flag, or while that
    /// direction's numbering is unknown.
    package var acknowledgedOffset: Int64?
    package var flags: TCPFlags
    /// Window field, unscaled.
    package var window: UInt16
    /// IPv4 TTL or IPv6 hop limit.
    package var hopLimit: UInt8
    /// IPv4 identification; nil for IPv6.
    package var identification: UInt16?
    /// Also where the capture cut the options off.
    package var hasTimestampOption: Bool
    /// IPv4 "don't fragment"; nil for IPv6.
    package var forbidsFragments: Bool?
    /// Sequence number as on the wire.
    package var sequence: UInt32
    /// Acknowledgment number as on the wire (whatever the flags say).
    package var acknowledgment: UInt32

    package init(
        kind: Kind,
        direction: Direction,
        frame: FrameReference,
        offset: Int64,
        length: Int = 0,
        acknowledgedOffset: Int64? = nil,
        flags: TCPFlags = [],
        window: UInt16 = 0,
        hopLimit: UInt8 = 64,
        identification: UInt16? = nil,
        hasTimestampOption: Bool = false,
        forbidsFragments: Bool? = nil,
        sequence: UInt32 = 0,
        acknowledgment: UInt32 = 0
    ) {
        self.kind = kind
        self.direction = direction
        self.frame = frame
        self.offset = offset
        self.length = length
        self.acknowledgedOffset = acknowledgedOffset
        self.flags = flags
        self.window = window
        self.hopLimit = hopLimit
        self.identification = identification
        self.hasTimestampOption = hasTimestampOption
        self.forbidsFragments = forbidsFragments
        self.sequence = sequence
        self.acknowledgment = acknowledgment
    }

    /// Bytes that were sent again, and that the receiver did not have as far as anything shows.
    package var isRepair: Bool { repetition.map { $0.isResend && $0 != .spurious } ?? false }
}
