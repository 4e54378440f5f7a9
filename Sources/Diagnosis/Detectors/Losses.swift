import Model

/// What sent bytes again and where they were lost, in words.
extension AttemptContext {
    /// Bytes of one direction from `offset` on that were sent again and that the receiver did not have, as far as anything shows.
    func retransmissions(_ direction: Direction, from offset: Int64) -> [TCPEvent] {
        connection.events.filter {
            $0.direction == direction && $0.length > 0 && $0.offset >= offset && $0.isRepair
        }
    }

    /// `role` with what sent the segment again.
    func again(_ event: TCPEvent, _ role: String) -> EvidenceFrame {
        frame(event, event.repetition?.trigger.map { "\(role) (\($0))" } ?? role)
    }

    /// Where all of `repeats` were lost; nil where that differs or is not known.
    func lossPlace(of repeats: [TCPEvent]) -> String? {
        guard let first = repeats.first, let place = first.lossPlace,
            repeats.allSatisfy({ $0.lossPlace == place && $0.direction == first.direction })
        else { return nil }
        let upstream = "\(upstream)"
        let (sender, receiver) = first.isFromServer ? (upstream, "the gateway") : ("the gateway", upstream)
        switch place {
        case .beforeCapture:
            return
                "the capture shows none of them before that, so that they were lost between \(sender) and the point of capture"
        case .afterCapture:
            return
                "the capture shows each of them, so that they or their acknowledgments were lost between the point of capture "
                + "and \(receiver)"
        case .inCapture: return nil
        }
    }
}

extension Repetition {
    /// Nil where it is not known, or no resending.
    fileprivate var trigger: String? {
        switch self {
        case .timeout: "retransmission timeout"
        case .fast: "fast retransmission"
        case .tailLossProbe: "tail loss probe"
        case .spurious: "in vain: it had arrived"
        case .unclear, .outOfOrder, .captureCopy: nil
        }
    }
}
