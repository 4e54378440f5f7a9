/// An ICMP or ICMPv6 error message (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3) tied to the packet that it quotes.
package struct ICMPErrorFacts: Sendable {
    package var frame: FrameReference
    /// Who sent the error: a router, a filter, or the destination itself.
    package var sender: IPAddress
    package var isIPv6: Bool
    package var type: UInt8
    package var code: UInt8
    /// Source and destination of the quoted packet.
    package var quotedSource: Endpoint
    package var quotedDestination: Endpoint
    /// IP protocol number of the quoted packet (6 TCP, 17 UDP).
    package var quotedProtocol: UInt8
    /// Sequence number of the quoted TCP header, where enough of it was quoted.
    package var quotedSequence: UInt32?
    /// Next-hop MTU of "fragmentation needed" or "packet too big".
    package var mtu: UInt32?

    package init(
        frame: FrameReference,
        sender: IPAddress,
        isIPv6: Bool,
        type: UInt8,
        code: UInt8,
        quotedSource: Endpoint,
        quotedDestination: Endpoint,
        quotedProtocol: UInt8,
        quotedSequence: UInt32? = nil,
        mtu: UInt32? = nil
    ) {
        self.frame = frame
        self.sender = sender
        self.isIPv6 = isIPv6
        self.type = type
        self.code = code
        self.quotedSource = quotedSource
        self.quotedDestination = quotedDestination
        self.quotedProtocol = quotedProtocol
        self.quotedSequence = quotedSequence
        self.mtu = mtu
    }
}

/// A burst of address resolution for one neighbour: ARP (RFC 826) or neighbour solicitation (RFC 4861 §4.3).
/// Requests less than 5 s apart by the same asker belong to one burst.
package struct NeighbourFacts: Sendable {
    package var asker: IPAddress
    package var target: IPAddress
    /// The first 8 requests.
    package var requests: [FrameReference]
    package var requestCount: Int
    package var last: FrameReference
    /// The reply or advertisement, if one came.
    package var answered: FrameReference?

    package init(asker: IPAddress, target: IPAddress, first: FrameReference) {
        self.asker = asker
        self.target = target
        requests = [first]
        requestCount = 1
        last = first
    }
}

/// A DNS message over UDP or TCP (RFC 1035 §4), as far as a lookup needs it.
package struct DNSFacts: Sendable {
    package var frame: FrameReference
    package var client: Endpoint
    package var server: Endpoint
    package var id: UInt16
    package var isResponse: Bool
    /// Question name without the final dot, lower case, bytes outside printable ASCII escaped as `\DDD`.
    package var name: String
    package var type: UInt16
    package var responseCode: UInt8
    package var isTruncated: Bool
    /// Addresses of the A and AAAA records of the answer section, at most 32.
    package var addresses: [IPAddress]
    /// Smallest TTL of the answer, seconds.
    package var timeToLive: UInt32?
    /// Records of the answer section that the header announces and that are not in the packet as captured, or were not read.
    package var missingAnswers = 0

    package init(
        frame: FrameReference,
        client: Endpoint,
        server: Endpoint,
        id: UInt16,
        isResponse: Bool,
        name: String,
        type: UInt16,
        responseCode: UInt8 = 0,
        isTruncated: Bool = false,
        addresses: [IPAddress] = [],
        timeToLive: UInt32? = nil
    ) {
        self.frame = frame
        self.client = client
        self.server = server
        self.id = id
        self.isResponse = isResponse
        self.name = name
        self.type = type
        self.responseCode = responseCode
        self.isTruncated = isTruncated
        self.addresses = addresses
        self.timeToLive = timeToLive
    }
}

/// Everything that the dissection of a capture (or of a part of it) states.
package struct TrafficFacts: Sendable {
    package var connections: [ConnectionFacts] = []
    /// ICMP errors that quote no connection of the capture (UDP, or the quoted packet was not captured).
    package var strayICMPErrors: [ICMPErrorFacts] = []
    package var dns: [DNSFacts] = []
    /// DNS messages that were too many to keep.
    package var droppedDNS = 0
    package var neighbours: [NeighbourFacts] = []
    package var counters = CaptureCounters()
    /// The rest of the capture, where `connections` are not all that it has.
    package var background: BackgroundFacts?

    package init() {}
}
