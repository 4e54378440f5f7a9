import Model

/// One try of a gateway at an upstream: an exchange, or a connection that never got as far as a request.
struct Attempt {
    /// Index into `TrafficFacts.connections`.
    var connection: Int
    /// Index into the connection's exchanges; nil for a connection without request.
    var exchange: Int?
    /// SYN of a fresh connection, else first byte of the request.
    var start: Timestamp
    /// When its outcome was known to the gateway; nil while it is open.
    var end: Timestamp?
    var upstream: Endpoint
    /// The address that the gateway dialled from.
    var dialler: IPAddress
    /// Which client request it was made for: index into the join's requests.
    var parent: Int?
    /// Position among the attempts of its request, from 1.
    var ordinal = 1
    var outcome: Outcome = .open
    var isHealthCheck = false
    /// Worth knowing about an attempt that did not fail.
    var remarks: [Verdict] = []

    enum Outcome {
        /// A complete response that the gateway could use.
        case answered(status: Int)
        case failed(Verdict)
        /// Nothing is wrong and nothing is complete: still running when the capture ended.
        case open
        /// A connection that was opened and closed without a request, and without a sign of failure.
        case unused
    }

    var verdict: Verdict? {
        if case .failed(let verdict) = outcome { return verdict }
        return nil
    }

    var isAnswered: Bool {
        if case .answered = outcome { return true }
        return false
    }
}

/// The one cause of a failed attempt, with what speaks for and against it.
struct Verdict {
    var cause: Cause
    var variant: String?
    var confidence: Confidence
    var blame: Blame
    var frames: [EvidenceFrame]
    var explanation: String
    var ruledOut: [RuledOut]
    var missing: [String]
    /// The name behind the upstream, where DNS told it.
    var upstreamName: String?

    init(
        _ cause: Cause,
        variant: String? = nil,
        confidence: Confidence = .high,
        blame: Blame,
        frames: [EvidenceFrame],
        explanation: String,
        ruledOut: [RuledOut] = [],
        missing: [String] = []
    ) {
        self.cause = cause
        self.variant = variant
        self.confidence = confidence
        self.blame = blame
        self.frames = frames
        self.explanation = explanation
        self.ruledOut = ruledOut
        self.missing = missing
    }

    /// Names no cause: the packets do not decide it.
    static func undetermined(_ frames: [EvidenceFrame], _ explanation: String, missing: [String]) -> Verdict {
        Verdict(
            .undetermined,
            confidence: .low,
            blame: .unknown,
            frames: frames,
            explanation: explanation,
            missing: missing
        )
    }
}
