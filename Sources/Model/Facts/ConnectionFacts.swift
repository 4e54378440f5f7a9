/// What one half-connection showed: counters over its whole life.
package struct HalfConnectionFacts: Sendable {
    package var packets = 0
    /// Payload bytes on the wire, retransmissions included.
    package var payloadBytes: Int64 = 0
    package var firstFrame: FrameReference?
    package var lastFrame: FrameReference?
    /// First and last segment that carried payload new to the stream.
    package var firstDataFrame: FrameReference?
    package var lastDataFrame: FrameReference?
    /// Offset after the last byte that arrived without a hole before it (captured or, where the peer acknowledged
    /// bytes that the capture missed, skipped).
    package var contiguousEnd: Int64 = 0
    /// Offset after the highest byte seen.
    package var highestEnd: Int64 = 0
    /// Highest acknowledgment that the *peer* sent for this direction, and the packet that first carried it.
    package var acknowledgedEnd: Int64 = 0
    package var acknowledgedFrame: FrameReference?
    /// Segments by what they were repeated for, and where what they repeat was lost. SYN and FIN count.
    package var repetitions = RepetitionCounts()
    package var retransmissions: Int { repetitions.resent }
    package var outOfOrder: Int { repetitions[.outOfOrder] }
    /// Wireshark's classes of the same and other segments.
    package var analysis = AnalysisCounts()
    package var duplicateAcks: Int { analysis[.duplicateAck] }
    package var zeroWindows: Int { analysis[.zeroWindow] }
    /// Bytes that the peer acknowledged and the capture never showed.
    package var missedBytes: Int64 = 0
    /// Bytes of its payload that a snap length cut off.
    package var snappedBytes: Int64 = 0
    /// Times that its bytes stood behind their own acknowledgment, by the capture's order and by its time stamps.
    package var acknowledgedEarly = 0
    /// Hop limit (IPv4 TTL) of this sender's SYN, SYN-ACK or first data segment: the baseline for its resets.
    package var hopLimit: UInt8?
    /// Hop limits of all packets of this sender but its resets.
    package var hopLimits = HopLimits()
    /// Packets of this sender but its resets that forbid fragmentation (IPv4), and those that allow it.
    package var unfragmentable = 0
    package var fragmentable = 0
    /// Payload bytes of the longest segment; of the longest that certainly got through: the peer acknowledged it, or as
    /// much of it as the peer's maximum segment size (offload shows several segments as one).
    package var longestSegment = 0
    package var longestAcknowledged = 0
    package var usesTimestamps = false
    /// Its SYN or SYN-ACK carries all usual options in the order in which Linux writes them: MSS, SACK permitted, timestamps,
    /// window scale. Nil where none was seen, or one without all of these.
    package var opensLikeLinux: Bool?
    /// Packets but resets whose IPv4 identification, not 0, follows on that of the packet before (by less than 256 either way),
    /// and those whose does not.
    package var identificationSteps = 0
    package var identificationJumps = 0
    package var windowScale: UInt8?
    package var maximumSegmentSize: UInt16?
    /// The first payload bytes, at most 64.
    package var firstBytes: [UInt8] = []

    package init() {}
}

/// One TCP life between two endpoints: what the packets said, no judgement.
package struct ConnectionFacts: Sendable {
    /// Wireshark's `tcp.stream` in the unfiltered capture.
    package var stream: Int
    package var client: Endpoint
    package var server: Endpoint
    /// How the client was told from the server.
    package enum Orientation: UInt8, Sendable {
        /// A SYN or SYN-ACK was seen.
        case handshake
        /// The payload of either side decided (a request, a response).
        case payload
        /// Port numbers or the order of packets: may be wrong.
        case guess
    }
    package var orientation: Orientation = .handshake
    package var first: FrameReference
    package var last: FrameReference
    /// Interfaces on which its packets were captured, ascending, at most 8.
    package var interfaces: [Int] = []
    package var fromClient = HalfConnectionFacts()
    package var fromServer = HalfConnectionFacts()
    /// Notable segments in capture order. Bounded: the first 96 and the last 160 are kept, `droppedEvents` counts
    /// the rest. SYN, SYN-ACK, FIN, RST and the handshake's ACK are dropped last.
    package var events: [TCPEvent] = []
    package var droppedEvents = 0
    /// Resets, at most 8.
    package var resets: [ResetFacts] = []
    /// ICMP errors that quote a segment of this connection.
    package var icmpErrors: [ICMPErrorFacts] = []
    package var application: ApplicationFacts = .unknown
    package var exchanges: [ExchangeFacts] = []
    /// Exchanges that were too many to keep.
    package var droppedExchanges = 0
    /// False while the connection was still open when the capture (or the snapshot) ended.
    package var isClosed = false

    package init(stream: Int, client: Endpoint, server: Endpoint, first: FrameReference) {
        self.stream = stream
        self.client = client
        self.server = server
        self.first = first
        self.last = first
    }

    package subscript(direction: Direction) -> HalfConnectionFacts {
        get { direction == .fromClient ? fromClient : fromServer }
        set {
            if direction == .fromClient { fromClient = newValue } else { fromServer = newValue }
        }
    }

    /// The end that sends in `direction`.
    package func sender(_ direction: Direction) -> Endpoint {
        direction == .fromClient ? client : server
    }
}

/// What a connection carried, as far as its bytes told.
package enum ApplicationFacts: Sendable {
    /// No payload, or none that was recognised.
    case unknown
    /// HTTP/1.x: the exchanges are in `ConnectionFacts.exchanges`.
    case http1
    case tls(TLSFacts)
    /// Recognised but not dissected.
    case other(ProtocolName)
}

/// What the clear part of a TLS connection showed (RFC 8446 §4, §5; RFC 6066 §3).
package struct TLSFacts: Sendable {
    package struct Alert: Sendable {
        package var direction: Direction
        /// 1 warning, 2 fatal; nil where the record was encrypted.
        package var level: UInt8?
        package var description: UInt8?
        package var frame: FrameReference

        package init(direction: Direction, level: UInt8?, description: UInt8?, frame: FrameReference) {
            self.direction = direction
            self.level = level
            self.description = description
            self.frame = frame
        }
    }
    package var clientHello: FrameReference?
    package var serverHello: FrameReference?
    package var serverName: String?
    package var applicationProtocols: [String] = []
    /// How many cipher suites the client offered.
    package var cipherSuites = 0
    package var alerts: [Alert] = []
    /// Application-data records (type 23) per direction, and the first and last of them.
    package var clientRecords = 0
    package var serverRecords = 0
    package var lastClientRecord: FrameReference?
    package var lastServerRecord: FrameReference?

    package init() {}
}

/// A protocol recognised by its first bytes. The raw value is what a finding's `variant` shows.
package enum ProtocolName: String, Sendable, CaseIterable {
    case http1 = "http"
    case http2
    case tls
    case ssh
    case smtp
    case ftp
    case pop3
    case imap
    case mysql
    case postgresql
    case redis
    case memcached
    case mongodb
    case amqp
    case fastcgi
    case uwsgi
    case ajp
    case proxyV1 = "proxy-v1"
    case proxyV2 = "proxy-v2"
}
