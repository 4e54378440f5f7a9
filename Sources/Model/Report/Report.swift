/// One input of a run.
package struct SourceSummary: Sendable {
    package var name: String
    /// "pcap", "pcap (nanoseconds)", "pcapng", "live", with the compression in front: "gzip pcapng".
    package var format: String
    package var linkTypes: [LinkType]
    package var packets: Int
    package var bytes: Int64
    /// Nil, or where and how the file was cut short.
    package var truncated: String?
    /// Packets that the kernel or the interface dropped before the capture, where it says so.
    package var dropped: Int?
    /// When they were, as far as it says.
    package var losses: [CaptureLoss] = []

    package init(
        name: String,
        format: String,
        linkTypes: [LinkType] = [],
        packets: Int = 0,
        bytes: Int64 = 0,
        truncated: String? = nil,
        dropped: Int? = nil
    ) {
        self.name = name
        self.format = format
        self.linkTypes = linkTypes
        self.packets = packets
        self.bytes = bytes
        self.truncated = truncated
        self.dropped = dropped
    }
}

package struct Roles: Sendable {
    package var gateways: [IPAddress] = []
    package var upstreams: [Endpoint] = []
    package var isGiven = false
    /// One sentence a gateway: by what it was recognised as one.
    package var reasons: [String] = []
    /// Which product a gateway is, where its answers or requests give it away.
    package var software: [GatewaySoftware] = []

    package init() {}
}

/// A gateway's product, and by what it was recognised.
package struct GatewaySoftware: Sendable {
    package var gateway: IPAddress
    package var name: String
    /// The end of a sentence that begins with the gateway: "its error page is signed nginx".
    package var evidence: String

    package init(gateway: IPAddress, name: String, evidence: String) {
        self.gateway = gateway
        self.name = name
        self.evidence = evidence
    }
}

/// A request that got an error from the gateway, a relayed one, or no answer.
package struct ClientError: Sendable {
    package var time: Timestamp
    package var status: Int?
    package var request: RequestSummary?
    package var stream: Int
    package var frame: Int?
    package var findings: [String]
    package var why: String?

    package init(
        time: Timestamp,
        status: Int?,
        request: RequestSummary?,
        stream: Int,
        frame: Int?,
        findings: [String] = [],
        why: String? = nil
    ) {
        self.time = time
        self.status = status
        self.request = request
        self.stream = stream
        self.frame = frame
        self.findings = findings
        self.why = why
    }
}

/// Order statistics of a set of durations; nil where there were none.
package struct DurationSummary: Sendable {
    package var count: Int
    package var minimum: Nanoseconds
    package var median: Nanoseconds
    package var ninetyNinth: Nanoseconds
    package var maximum: Nanoseconds
    /// All of them, in classes of round bounds without a hole.
    package var classes: [DurationClass]

    package init(
        count: Int,
        minimum: Nanoseconds,
        median: Nanoseconds,
        ninetyNinth: Nanoseconds,
        maximum: Nanoseconds,
        classes: [DurationClass]
    ) {
        self.count = count
        self.minimum = minimum
        self.median = median
        self.ninetyNinth = ninetyNinth
        self.maximum = maximum
        self.classes = classes
    }

    package init?(_ values: [Nanoseconds]) {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        count = sorted.count
        minimum = sorted[0]
        median = sorted[(sorted.count - 1) / 2]
        ninetyNinth = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        maximum = sorted[sorted.count - 1]
        classes = DurationClass.classes(of: sorted.map { ($0, 1) })
    }

    package init?(_ histogram: DurationHistogram) {
        guard histogram.count > 0 else { return nil }
        count = histogram.count
        minimum = histogram.minimum
        median = histogram.value(atRank: (count - 1) / 2)
        ninetyNinth = histogram.value(atRank: min(count - 1, count * 99 / 100))
        maximum = histogram.maximum
        classes = DurationClass.classes(of: histogram.ascending)
    }
}

package struct UpstreamSummary: Sendable {
    package var endpoint: Endpoint
    package var connections = 0
    package var exchanges = 0
    package var failures = 0
    /// SYN to SYN-ACK as seen at the capture point.
    package var connectTime: DurationSummary?
    /// End of request to first byte of response.
    package var firstByteTime: DurationSummary?
    /// All of them.
    package var connectTimes = DurationHistogram()
    package var firstByteTimes = DurationHistogram()
    package var resets = 0
    package var retransmissions = 0
    /// Those of connections that were dissected in full: in a large capture fewer than there were.
    package var repetitions = RepetitionCounts()

    package init(endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}

/// Everything that a run has to say; each output format is a rendering of this value.
package struct Report: Sendable {
    package var sources: [SourceSummary] = []
    package var firstPacket: Timestamp?
    package var lastPacket: Timestamp?
    package var packets = 0
    package var quality = CaptureQuality()
    package var roles = Roles()
    package var findings: [Finding] = []
    /// Client requests seen on client legs (or, where none was captured, upstream exchanges and attempts).
    package var totalRequests = 0
    package var failedRequests = 0
    /// Requests without a good answer, among the total, that there was no memory to look at: at least `failedRequests` failed.
    package var notLookedAt = 0
    /// Of some requests only: those chosen by status, time, path or id.
    package var isSelective = false
    /// False where no client leg was captured or readable and the counts come from the upstream legs.
    package var countsClientRequests = true
    package var clientErrors: [ClientError] = []
    /// Client errors of a long run that are only counted.
    package var clientErrorsLeftOut = 0
    /// All client errors by status; 0 for none.
    package var clientErrorStatuses: [Int: Int] = [:]
    package var upstreams: [UpstreamSummary] = []
    /// The connections that findings name, by their `tcp.stream`; empty where nobody can say where their packets are.
    package var connections: [Int: ConnectionSpan] = [:]

    package init() {}
}
