import Model

/// The client closed or reset its connection before the answer was complete (RFC 9112 §9.6); the gateway then gave up
/// on the upstream (nginx and Caddy at once, Apache and HAProxy without `option abortonclose` only when they notice).
enum ClientAbort: Detector {
    static let cause = Cause.clientAbort

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let left = attempt.clientLeft else { return nil }
        // An attempt that had failed before the client left failed by itself.
        if let ending = attempt.ending, ending.isFromServer, ending.frame.time < left.time,
            attempt.stage != .complete
        {
            return nil
        }
        let waited = attempt.client.map { Phrases.duration(left.time - $0.start) } ?? ""
        return Verdict(
            cause,
            blame: .client,
            frames: attempt.requestFrames + [EvidenceFrame(left, role: "client closes", direction: nil)]
                + attempt.endingFrames,
            explanation:
                "The client closed its connection \(waited) after its request, before the answer was complete.",
            ruledOut: [
                RuledOut(.responseTimeout, "the client's close came before the gateway ended the upstream exchange")
            ]
        )
    }
}
