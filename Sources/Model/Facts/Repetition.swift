/// Why a segment starts before the highest byte seen of its direction: what sent it, told from acknowledgments, SACK blocks,
/// timestamps, IPv4 identifications and measured round trips, not from fixed times as Wireshark tells it.
package enum Repetition: UInt8, Sendable, Hashable, CaseIterable {
    /// The retransmission timer ran out (RFC 6298), or what went with the segment whose timer did.
    case timeout
    /// The receiver showed a hole: duplicate ACKs (RFC 5681 §3.2), SACK (RFC 6675), or the delivery of what was sent later (RACK,
    /// RFC 8985 §6).
    case fast
    /// The last segment once more, to draw an acknowledgment (RFC 8985 §7).
    case tailLossProbe
    /// The receiver had it already: acknowledged or SACKed before, or told so afterwards by D-SACK (RFC 2883) or by the timestamp that its
    /// acknowledgment echoes (Eifel, RFC 3522).
    case spurious
    /// Sent again, and nothing in the capture says why.
    case unclear
    /// Sent before what the capture showed before it: overtaken on the way, not sent again.
    case outOfOrder
    /// The very packet, captured twice: it has the identification and the timestamp of the first.
    case captureCopy

    /// The sender sent bytes again.
    package var isResend: Bool {
        switch self {
        case .timeout, .fast, .tailLossProbe, .spurious, .unclear: true
        case .outOfOrder, .captureCopy: false
        }
    }
}

/// Where a segment, or its acknowledgment, was lost, seen from the point of capture.
package enum LossPlace: UInt8, Sendable, Hashable, CaseIterable {
    /// Between sender and capture: it was never captured, and the receiver did not get it either.
    case beforeCapture
    /// Between capture and receiver: it was captured and never acknowledged, so that it or its acknowledgment did not arrive.
    case afterCapture
    /// It was not lost on the way: the receiver got it, and the capture does not have it.
    case inCapture
}

/// How many segments of one direction were of each class.
package struct RepetitionCounts: Sendable, Hashable {
    private var classes = SIMD8<UInt32>()
    private var places = SIMD4<UInt32>()

    package init() {}

    package subscript(repetition: Repetition) -> Int { Int(classes[Int(repetition.rawValue)]) }
    package subscript(place: LossPlace) -> Int { Int(places[Int(place.rawValue)]) }

    /// Segments that were sent again.
    package var resent: Int {
        Repetition.allCases.reduce(0) { $0 + ($1.isResend ? self[$1] : 0) }
    }

    package mutating func count(_ repetition: Repetition, _ place: LossPlace?) {
        classes[Int(repetition.rawValue)] &+= 1
        if let place { count(place) }
    }

    package mutating func count(_ place: LossPlace) { places[Int(place.rawValue)] &+= 1 }

    /// Takes one back that turned out to be of another class.
    package mutating func discount(_ repetition: Repetition, _ place: LossPlace?) {
        classes[Int(repetition.rawValue)] &-= 1
        if let place { places[Int(place.rawValue)] &-= 1 }
    }

    package static func += (counts: inout RepetitionCounts, other: RepetitionCounts) {
        counts.classes &+= other.classes
        counts.places &+= other.places
    }
}
