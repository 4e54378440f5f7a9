import Model

/// The packets that nearly every verdict shows, under the same names everywhere.
extension AttemptContext {
    func frame(_ event: TCPEvent, _ role: String) -> EvidenceFrame {
        EvidenceFrame(event.frame, role: role, direction: event.direction)
    }

    var requestFrames: [EvidenceFrame] {
        guard let request else { return [] }
        let label = request.method.isEmpty ? "request" : "\(request.method) request"
        return [EvidenceFrame(request.firstFrame, role: label, direction: .fromClient)]
    }

    var acknowledgedFrames: [EvidenceFrame] {
        guard let frame = request?.acknowledged else { return [] }
        return [EvidenceFrame(frame, role: "ACK of the request", direction: .fromServer)]
    }

    var responseFrames: [EvidenceFrame] {
        guard let response else { return [] }
        let label = response.status.map { "response head, status \($0)" } ?? "first bytes of the response"
        return [EvidenceFrame(response.firstFrame, role: label, direction: .fromServer)]
    }

    /// "FIN from upstream", "RST from gateway".
    func name(_ event: TCPEvent) -> String {
        if !event.isReset, timeline.inferred.contains(event.direction) {
            return "ACK of a FIN from \(event.isFromServer ? "upstream" : "gateway") that the capture missed"
        }
        return "\(event.isReset ? "RST" : "FIN") from \(event.isFromServer ? "upstream" : "gateway")"
    }

    /// Time since the request's first byte, for a role or a sentence.
    func sinceRequest(_ event: TCPEvent) -> String? {
        guard let request else { return nil }
        return Phrases.duration(event.frame.time - request.firstFrame.time)
    }

    var endingFrames: [EvidenceFrame] {
        guard let ending else { return [] }
        let after = sinceRequest(ending).map { ", \($0) after the request" } ?? ""
        return [frame(ending, name(ending) + after)]
    }

    /// Why a reset is the endpoint's own, where something shows it.
    func ruledOutMiddlebox(_ reset: TCPEvent) -> [RuledOut] {
        let origin = origin(reset)
        guard origin.isCompared else { return [] }
        return [RuledOut(.middleboxReset, origin.ownTexts.joined(separator: "; "))]
    }

    /// What a verdict that a firewall or a device on the path may share leaves open.
    func missingOrigin(_ origin: ResetOrigin, _ finer: Cause) -> [String] {
        if origin.isCompared {
            return ["whether a filter on that host itself sent the reset (\(finer.rawValue)): it would look the same"]
        }
        return [
            "another packet of that host to compare with: \(finer.rawValue), a reset that a filter forged, is not ruled out"
        ]
    }
}
