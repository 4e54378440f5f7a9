/// A decisive packet and what it shows.
package struct EvidenceFrame: Sendable, Hashable {
    package var number: Int
    package var time: Timestamp
    /// "SYN", "RST from upstream, 0.21 ms after the request": short, for a ladder.
    package var role: String
    /// Which way it went on its connection; nil for packets of no connection (ARP, DNS, ICMP).
    package var direction: Direction?

    package init(_ frame: FrameReference, role: String, direction: Direction? = nil) {
        number = frame.number
        time = frame.time
        self.role = role
        self.direction = direction
    }
}

/// One request, as a report names it. Query values are masked.
package struct RequestSummary: Sendable, Hashable {
    package var method: String
    package var host: String?
    package var target: String
    package var id: String?

    package init(method: String, host: String?, target: String, id: String? = nil) {
        self.method = method
        self.host = host
        self.target = target
        self.id = id
    }
}

/// What the client got. `status` nil: no status line came.
package struct ClientOutcome: Sendable, Hashable {
    package enum Saw: String, Sendable, CaseIterable {
        /// A complete answer that is no error.
        case answer
        /// A complete answer that differs from the upstream's broken one: a hidden break, a rewritten error.
        case alteredAnswer = "altered-answer"
        /// An error that the gateway made.
        case gatewayError = "gateway-error"
        /// An error that the gateway passed on.
        case relayedError = "relayed-error"
        /// The connection was closed without a byte of answer.
        case nothing
        /// Bytes without a status line, as in HTTP/0.9.
        case rawBytes = "raw-bytes"
        /// A status, and a body that ended early or broken.
        case cutBody = "cut-body"
        /// It closed first.
        case left
    }

    package var status: Int?
    package var saw: Saw
    package var stream: Int
    package var frame: Int?

    package init(status: Int?, saw: Saw, stream: Int, frame: Int?) {
        self.status = status
        self.saw = saw
        self.stream = stream
        self.frame = frame
    }
}

package struct Occurrence: Sendable {
    package var time: Timestamp
    /// The upstream connection (or, without attempt, the client's).
    package var from: Endpoint?
    package var to: Endpoint?
    package var stream: Int?
    package var frames: [EvidenceFrame]
    package var request: RequestSummary?
    package var client: ClientOutcome?
    /// Which attempt of its request this was, from 1; 0 where nothing was dialled.
    package var attempt: Int
    package var explanation: String
    /// The byte stream of its connection around it, by time; empty where that is not known.
    package var sequence: [SequencePoint] = []

    package init(
        time: Timestamp,
        from: Endpoint?,
        to: Endpoint?,
        stream: Int?,
        frames: [EvidenceFrame],
        request: RequestSummary?,
        client: ClientOutcome?,
        attempt: Int,
        explanation: String
    ) {
        self.time = time
        self.from = from
        self.to = to
        self.stream = stream
        self.frames = frames
        self.request = request
        self.client = client
        self.attempt = attempt
        self.explanation = explanation
    }
}

package struct RuledOut: Sendable, Hashable {
    package var cause: Cause
    package var why: String

    package init(_ cause: Cause, _ why: String) {
        self.cause = cause
        self.why = why
    }
}

package struct Remedy: Sendable, Hashable {
    /// "nginx", "HAProxy", "upstream", "network" ...
    package var gateway: String
    package var text: String

    package init(_ gateway: String, _ text: String) {
        self.gateway = gateway
        self.text = text
    }
}

/// Where a finding's packets were written to.
package struct EvidenceReference: Sendable, Hashable {
    /// Name of the file in the directory of the evidence.
    package var file: String
    /// `displayFilter` for that file, which numbers frames and connections anew.
    package var displayFilter: String

    package init(file: String, displayFilter: String) {
        self.file = file
        self.displayFilter = displayFilter
    }
}

/// One cause at one upstream.
package struct Finding: Sendable {
    /// "F1", "F2" ... in report order, the worst first.
    package var id: String
    package var cause: Cause
    package var variant: String?
    package var title: String
    package var confidence: Confidence
    package var blame: Blame
    package var severity: Severity
    /// A remark where the client's status is not the one that this gateway gives for the cause.
    package var statusMismatch: String?
    package var gateway: IPAddress?
    /// "address:port", a bare address, or nil where nothing was dialled.
    package var upstream: String?
    package var upstreamName: String?
    /// Client requests hit, each once.
    package var count: Int
    /// Upstream attempts that failed this way.
    package var attempts: Int
    package var first: Timestamp
    package var last: Timestamp
    /// The first 20 and the last.
    package var occurrences: [Occurrence]
    /// What the occurrences have in common, in a sentence.
    package var pattern: String?
    package var ruledOut: [RuledOut]
    package var missing: [String]
    package var remedies: [Remedy]
    /// Wireshark display filter.
    package var displayFilter: String
    /// `tcp.stream` of connections that the verdict leans on beside those that the occurrences name.
    package var context: [Int] = []
    /// Nil where no evidence was written.
    package var evidence: EvidenceReference?

    package init(
        id: String,
        cause: Cause,
        variant: String? = nil,
        title: String,
        confidence: Confidence,
        blame: Blame,
        severity: Severity,
        statusMismatch: String? = nil,
        gateway: IPAddress? = nil,
        upstream: String? = nil,
        upstreamName: String? = nil,
        count: Int,
        attempts: Int,
        first: Timestamp,
        last: Timestamp,
        occurrences: [Occurrence] = [],
        pattern: String? = nil,
        ruledOut: [RuledOut] = [],
        missing: [String] = [],
        remedies: [Remedy] = [],
        displayFilter: String = ""
    ) {
        self.id = id
        self.cause = cause
        self.variant = variant
        self.title = title
        self.confidence = confidence
        self.blame = blame
        self.severity = severity
        self.statusMismatch = statusMismatch
        self.gateway = gateway
        self.upstream = upstream
        self.upstreamName = upstreamName
        self.count = count
        self.attempts = attempts
        self.first = first
        self.last = last
        self.occurrences = occurrences
        self.pattern = pattern
        self.ruledOut = ruledOut
        self.missing = missing
        self.remedies = remedies
        self.displayFilter = displayFilter
    }
}
