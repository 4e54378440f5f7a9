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

    /// What a reset's sender looked like against the upstream's other packets.
    func resetOrigin(_ reset: TCPEvent) -> (isForeign: Bool, text: String?) {
        guard let usual = connection.fromServer.hopLimit else { return (false, nil) }
        if usual != reset.hopLimit {
            return (true, "its hop limit is \(reset.hopLimit) where the upstream's other packets have \(usual)")
        }
        return (false, "its hop limit is the upstream's own (\(usual))")
    }
}
