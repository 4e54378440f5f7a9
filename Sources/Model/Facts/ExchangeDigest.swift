/// One exchange that went well, as little of it as tells whose partner it is on the other leg.
///
/// The sieve makes them of ordinary traffic, which is counted and not kept; see `Suspect` for the rest.
package struct ExchangeDigest: Sendable {
    package var span: FlowSpan
    /// Hash over method and target: equal on both legs of a gateway that passes targets on unchanged.
    package var question: UInt64 = 0
    /// Hash over method and what follows the last slash of the path: mostly equal where a gateway rewrites prefixes.
    package var tail: UInt64 = 0
    /// Hash of the User-Agent, which gateways pass on.
    package var agent: UInt64 = 0
    /// Content-Length of the answer; -1 without one.
    package var length: Int64 = -1
    /// SYN of the connection for its first exchange, else the first byte of the request.
    package var start: Timestamp
    /// First byte of the request.
    package var begun: Timestamp
    /// Last byte of the request.
    package var asked: Timestamp
    /// Last byte of the response.
    package var end: Timestamp
    package var status: Int
    package var client: IPAddress
    package var server: Endpoint

    package init(
        span: FlowSpan,
        start: Timestamp,
        begun: Timestamp,
        asked: Timestamp,
        end: Timestamp,
        status: Int,
        client: IPAddress,
        server: Endpoint
    ) {
        self.span = span
        self.start = start
        self.begun = begun
        self.asked = asked
        self.end = end
        self.status = status
        self.client = client
        self.server = server
    }
}

/// A part of a connection: an exchange with the one before it.
package struct FlowSpan: Sendable {
    /// First frame of the connection: its identity.
    package var flow: Int
    /// First frame of the span.
    package var from: Int
    /// Last frame, but for what follows it before the client's next payload; `Int.max` for the rest of the connection.
    package var through: Int
    /// The client is the lower of the two ends.
    package var clientIsLow = false
    /// The two ends, as the sieve names them.
    package var ends: (low: UInt64, high: UInt64) = (0, 0)
    /// Sequence numbers of the client's and of the server's next byte before `from`.
    package var upward: UInt32 = 0
    package var downward: UInt32 = 0
    /// First frames of the requests in it that have digests, and are counted as such; -1 for none.
    package var counted = (-1, -1)

    package init(flow: Int, from: Int, through: Int) {
        self.flow = flow
        self.from = from
        self.through = through
    }
}

/// A part of a connection that is not ordinary and is therefore to be looked at in full.
package struct Suspect: Sendable {
    package enum Kind: UInt8, Sendable {
        /// A request without a good answer, or with a 5xx.
        case exchange
        /// Nothing was asked: the connect failed, or the server ended what had begun.
        case connect
        /// The packets are too much out of order, or not what the sieve reads.
        case odd
        /// Another protocol than HTTP/1, or nothing at all: a few of each are enough.
        case foreign
        /// A good answer, stated as such too, whose receiver ended the connection at once: it may not have liked it.
        case cut
    }

    package var kind: Kind
    package var span: FlowSpan
    package var question: UInt64 = 0
    package var tail: UInt64 = 0
    /// First byte of the request, or first packet of the connection.
    package var start: Timestamp
    package var end: Timestamp
    /// The packet that decided it.
    package var frame: Int
    package var client: IPAddress
    package var server: Endpoint

    package init(
        kind: Kind,
        span: FlowSpan,
        start: Timestamp,
        end: Timestamp,
        frame: Int,
        client: IPAddress,
        server: Endpoint
    ) {
        self.kind = kind
        self.span = span
        self.start = start
        self.end = end
        self.frame = frame
        self.client = client
        self.server = server
    }
}

/// A connection whose open span ends before this frame: what follows is ordinary again.
package struct Calm: Sendable {
    package var flow: Int
    package var frame: Int
    package var time: Timestamp

    package init(flow: Int, frame: Int, time: Timestamp) {
        self.flow = flow
        self.frame = frame
        self.time = time
    }
}

/// What the sieve found in a stretch of the capture.
package struct SieveHarvest: Sendable {
    package var digests: [ExchangeDigest] = []
    package var suspects: [Suspect] = []
    package var calms: [Calm] = []

    package init() {}

    package var isEmpty: Bool { digests.isEmpty && suspects.isEmpty && calms.isEmpty }

    package mutating func add(_ more: SieveHarvest) {
        digests += more.digests
        suspects += more.suspects
        calms += more.calms
    }

    package mutating func clear() {
        digests.removeAll(keepingCapacity: true)
        suspects.removeAll(keepingCapacity: true)
        calms.removeAll(keepingCapacity: true)
    }
}
