import Model

/// All TCP connections of a capture, by their endpoints, numbered as Wireshark numbers `tcp.stream`.
///
/// A connection leaves the table 60 s of packet time after it closed, when its endpoints are used again, or after
/// two hours without a packet; its facts move to `finished`. Its number stays known: a late packet on the same
/// endpoints belongs to it.
struct ConnectionTable<Parser: ConnectionParser> {
    enum Entry {
        case live(Connection<Parser>)
        case gone(Former)
    }

    /// What numbering needs of a connection that left.
    struct Former {
        var stream: Int
        var lowerBase: UInt32?
        var upperBase: UInt32?
        /// Position of its facts in `finished`.
        var index: Int
    }

    /// RFC 9293 §3.4.3: twice the segment lifetime; Linux waits 60 s (`TCP_TIMEWAIT_LEN`).
    static var lingerTime: Nanoseconds { .seconds(60) }
    /// After FINs of both sides nothing new comes: the parser may go early.
    static var orderlyTime: Nanoseconds { .seconds(2) }
    /// Linux probes an idle connection after two hours (`tcp_keepalive_time`).
    static var idleTime: Nanoseconds { .seconds(7200) }
    /// Waiting payload of all connections together, unless somebody says another number.
    static var usualBuffer: Int { 64 << 20 }
    static var largestStrayCount: Int { 4096 }

    var entries: [FlowKey: Entry] = [:]
    var recent: Connection<Parser>?
    private var nextStream = 0
    var clock: Timestamp?
    var bufferedCost = 0
    var largestBuffer = Self.usualBuffer
    private var retiring = DeadlineQueue<Connection<Parser>>()
    private var leaving = DeadlineQueue<Connection<Parser>>()
    private var packetsUntilIdleSweep = 1 << 20
    /// Streams that only an ICMP error has named so far.
    var quotedStreams: [FlowKey: Int] = [:]
    var finished: [ConnectionFacts] = []
    var finishedDNS: [DNSFacts] = []
    var strayICMPErrors: [ICMPErrorFacts] = []

    // MARK: Segments

    mutating func accept(_ segment: Segment, _ record: PacketRecord, _ bytes: RawSpan) {
        advance(to: record.timestamp)
        let connection = connection(of: segment, record, bytes)
        let wasClosed = connection.isClosed
        let cost = connection.bufferedCost
        connection.accept(segment, record, bytes)
        bufferedCost += connection.bufferedCost - cost
        if bufferedCost > largestBuffer {
            bufferedCost -= connection.bufferedCost
            connection.shed()
            bufferedCost += connection.bufferedCost
        }
        if connection.isClosed, !wasClosed, let clock {
            if connection.ranOut { retiring.append(connection, due: clock + Self.orderlyTime) }
            leaving.append(connection, due: clock + Self.lingerTime)
        }
    }

    private mutating func connection(
        of segment: Segment,
        _ record: PacketRecord,
        _ bytes: RawSpan
    ) -> Connection<Parser> {
        let key = FlowKey(segment.source, segment.destination)
        if let recent, recent.key == key, !recent.isSuperseded(by: segment) { return recent }
        var stream: Int?
        var previousLife: Int?
        var reusesPorts = false
        switch entries[key] {
        case .live(let connection):
            if !connection.isSuperseded(by: segment) {
                recent = connection
                return connection
            }
            previousLife = finished.count
            reusesPorts = true
            release(connection)
        case .gone(let former):
            previousLife = former.index
            reusesPorts = isNewLife(segment, after: former)
            if !reusesPorts { stream = former.stream }
        case nil:
            stream = quotedStreams.removeValue(forKey: key)
        }
        let connection = Connection<Parser>(
            stream: stream ?? takeStreamNumber(),
            key: key,
            previousLife: previousLife,
            segment: segment,
            payload: bytes.extracting(segment.payload.clamped(to: 0..<bytes.byteCount)),
            frame: FrameReference(number: record.number, time: record.timestamp)
        )
        if reusesPorts { connection.noteReusedPorts() }
        entries[key] = .live(connection)
        recent = connection
        return connection
    }

    /// A part of the connection of `segment` was left out: it goes on where `span` says.
    func resume(_ segment: Segment, _ span: FlowSpan) {
        guard case .live(let connection) = entries[FlowKey(segment.source, segment.destination)] else { return }
        connection.resume(span)
    }

    private mutating func takeStreamNumber() -> Int {
        defer { nextStream += 1 }
        return nextStream
    }

    private func isNewLife(_ segment: Segment, after former: Former) -> Bool {
        guard segment.flags.contains(.syn), !segment.flags.contains(.ack) else { return false }
        let base = segment.source < segment.destination ? former.lowerBase : former.upperBase
        return base != nil && base != segment.sequence
    }

    // MARK: ICMP

    /// Ties an error to the connection that it quotes.
    mutating func attach(_ error: ICMPErrorFacts) {
        guard error.quotedProtocol == 6 else {
            keepStray(error)
            return
        }
        let key = FlowKey(error.quotedSource, error.quotedDestination)
        if tie(error, key) { return }
        // Wireshark numbers the quoted header as a stream of its own when it is the first of its endpoints.
        if entries[key] == nil, quotedStreams[key] == nil, quotedStreams.count < Self.largestStrayCount {
            quotedStreams[key] = takeStreamNumber()
        }
        keepStray(error)
    }

    mutating func tie(_ error: ICMPErrorFacts, _ key: FlowKey) -> Bool {
        let index: Int
        switch entries[key] {
        case .live(let connection):
            if connection.matches(error) {
                connection.attach(error)
                return true
            }
            guard let previous = connection.previousLife else { return false }
            index = previous
        case .gone(let former):
            index = former.index
        case nil:
            return false
        }
        guard finished.indices.contains(index) else { return false }
        if finished[index].icmpErrors.count < Connection<Parser>.largestICMPCount {
            finished[index].icmpErrors.append(error)
        }
        return true
    }

    mutating func keepStray(_ error: ICMPErrorFacts) {
        if strayICMPErrors.count < Self.largestStrayCount { strayICMPErrors.append(error) }
    }

    // MARK: Time

    /// Packet time moved on: what is over and old enough leaves.
    private mutating func advance(to time: Timestamp) {
        let now = max(clock ?? time, time)
        clock = now
        while let connection = retiring.removeFirst(dueBy: now) { retire(connection) }
        while let connection = leaving.removeFirst(dueBy: now) {
            if connection.isClosed, isLive(connection) { release(connection) }
        }
        packetsUntilIdleSweep -= 1
        if packetsUntilIdleSweep == 0 {
            packetsUntilIdleSweep = 1 << 20
            for case .live(let connection) in entries.values where now - connection.clock > Self.idleTime {
                release(connection)
            }
        }
    }

    private func isLive(_ connection: Connection<Parser>) -> Bool {
        if case .live(let current)? = entries[connection.key] { return current === connection }
        return false
    }

    mutating func retire(_ connection: Connection<Parser>) {
        bufferedCost -= connection.bufferedCost
        connection.retire()
        bufferedCost += connection.bufferedCost
    }

    mutating func release(_ connection: Connection<Parser>) {
        retire(connection)
        if recent === connection { recent = nil }
        let clientIsLower = connection.clientEndpoint < connection.serverEndpoint
        let former = Former(
            stream: connection.stream,
            lowerBase: (clientIsLower ? connection.client : connection.server).baseSequence,
            upperBase: (clientIsLower ? connection.server : connection.client).baseSequence,
            index: finished.count
        )
        entries[connection.key] = .gone(former)
        finished.append(connection.snapshot())
        finishedDNS += connection.dnsMessages
    }

    // MARK: Facts

    /// The capture is over: every connection states all it knows.
    mutating func finish() {
        for entry in entries.values {
            if case .live(let connection) = entry { retire(connection) }
        }
        tieStrays()
    }

    /// An error may stand in the file before the packet that it quotes.
    mutating func tieStrays() {
        let strays = strayICMPErrors
        strayICMPErrors = []
        for error in strays {
            let key = FlowKey(error.quotedSource, error.quotedDestination)
            if error.quotedProtocol != 6 || !tie(error, key) { keepStray(error) }
        }
    }

    /// Everything stated so far, connections by stream number. Changes nothing.
    func state(into facts: inout TrafficFacts) {
        facts.connections = finished
        facts.dns += finishedDNS
        for entry in entries.values {
            guard case .live(let connection) = entry else { continue }
            facts.connections.append(connection.snapshot())
            facts.dns += connection.dnsMessages
        }
        facts.connections.sort { ($0.stream, $0.first.number) < ($1.stream, $1.first.number) }
        facts.dns.sort { $0.frame.number < $1.frame.number }
        facts.strayICMPErrors = strayICMPErrors
    }
}
