import Model

/// A point of packet time in milliseconds. Frame numbers follow from it, so that the order of packets over all
/// connections of a test is the order of their times, and times before zero are possible.
func frame(_ milliseconds: Double) -> FrameReference {
    let microseconds = Int64((milliseconds * 1000).rounded())
    return FrameReference(
        number: Int(microseconds) + 1_000_000_000,
        time: Timestamp(nanoseconds: (microseconds + 1_000_000_000) * 1000)
    )
}

func end(_ address: String, _ port: UInt16) -> Endpoint {
    Endpoint(address: IPAddress(address) ?? IPAddress(v4: 0), port: port)
}

/// One connection's facts, told packet by packet: each call is what a dissector would note of it. Times are in
/// milliseconds.
struct Line {
    var facts: ConnectionFacts

    static func from(_ client: Endpoint, to server: Endpoint) -> Line {
        var line = Line(
            facts: ConnectionFacts(
                stream: 0,
                client: client,
                server: server,
                first: frame(1_000_000_000)
            )
        )
        line.facts.last = frame(-900_000)
        line.facts.orientation = .payload
        return line
    }

    // MARK: Opening

    func syn(_ times: Double...) -> Line {
        var line = self
        line.facts.orientation = .handshake
        for time in times { line.add(.syn, .fromClient, time, flags: .syn, offset: 0) }
        return line
    }

    func synAck(_ times: Double...) -> Line {
        var line = self
        for time in times { line.add(.synAck, .fromServer, time, flags: [.syn, .ack], offset: 0, acknowledged: 0) }
        return line
    }

    func handshakeAck(at time: Double) -> Line {
        var line = self
        line.add(.handshakeAck, .fromClient, time, flags: .ack, offset: 0, acknowledged: 0)
        return line
    }

    /// SYN, SYN-ACK and ACK; the round trip is measured from the first to the last.
    func handshake(at time: Double, roundTrip: Double = 0.2) -> Line {
        syn(time).synAck(time + roundTrip / 2).handshakeAck(at: time + roundTrip)
    }

    func challengeAck(at time: Double) -> Line {
        var line = self
        line.add(.challengeAck, .fromServer, time, flags: .ack, offset: 0)
        return line
    }

    // MARK: Messages

    /// A complete request of `bytes`, acknowledged 0.3 ms later unless said otherwise.
    func request(
        _ target: String = "/a",
        at time: Double,
        method: String = "GET",
        bytes: Int64 = 120,
        fields: [FieldLine] = [],
        isAcknowledged: Bool = true,
        _ change: (inout RequestFacts) -> Void = { _ in }
    ) -> Line {
        var line = self
        let start = facts.fromClient.highestEnd
        var request = RequestFacts(start: start, firstFrame: frame(time))
        request.headEnd = start + bytes
        request.end = start + bytes
        request.headFrame = frame(time)
        request.method = method
        request.target = target
        request.version = "HTTP/1.1"
        request.host = "shop.test"
        request.fields = fields
        line.data(.fromClient, time, bytes)
        if isAcknowledged {
            request.acknowledged = frame(time + 0.3)
            line.acknowledge(.fromClient, at: time + 0.3)
        }
        change(&request)
        line.facts.application = .http1
        line.facts.exchanges.append(ExchangeFacts(index: facts.exchanges.count, request: request))
        return line
    }

    /// A response head and `body` bytes; complete where `body` reaches `length` (nil: as much as came).
    func response(
        _ status: Int,
        at time: Double,
        until: Double? = nil,
        head: Int64 = 100,
        body: Int64 = 20,
        of length: Int64? = nil,
        page: String = "",
        isAcknowledged: Bool = true,
        _ change: (inout ResponseFacts) -> Void = { _ in }
    ) -> Line {
        answer(at: time, until: until, bytes: head + body, isAcknowledged: isAcknowledged) { response in
            response.status = status
            response.version = "HTTP/1.1"
            response.firstLine = "HTTP/1.1 \(status) Reason"
            response.headBytes = head
            response.headEnd = response.start + head
            response.headFrame = frame(time)
            response.body.framing = .contentLength(length ?? body)
            response.body.seen = body
            response.bodyPrefix = Array(page.utf8)
            response.completion = body >= length ?? body ? .complete : .incompleteBody
            if response.completion == .complete { response.end = response.start + head + body }
            change(&response)
        }
    }

    /// The first `bytes` of a head, without its blank line.
    func partialHead(_ bytes: Int64 = 60, status: Int? = 200, at time: Double, until: Double? = nil) -> Line {
        answer(at: time, until: until, bytes: bytes) { response in
            response.status = status
            response.firstLine = "HTTP/1.1 200 OK"
            response.headBytes = bytes
            response.completion = .incompleteHead
        }
    }

    /// Bytes that begin with no status line.
    func banner(_ text: String, _ recognised: ProtocolName? = nil, at time: Double) -> Line {
        answer(at: time, bytes: Int64(text.utf8.count)) { response in
            response.firstLine = text
            response.recognised = recognised
            response.completion = .notHTTP
            response.deviations = [Deviation(kind: .notHTTP, offset: response.start)]
        }
    }

    private func answer(
        at time: Double,
        until: Double? = nil,
        bytes: Int64,
        isAcknowledged: Bool = true,
        _ change: (inout ResponseFacts) -> Void
    ) -> Line {
        var line = self
        var response = ResponseFacts(start: facts.fromServer.highestEnd, firstFrame: frame(time))
        response.lastFrame = frame(until ?? time)
        line.data(.fromServer, time, bytes)
        line.touch(.fromServer, frame(until ?? time))
        line.facts.fromServer.lastDataFrame = frame(until ?? time)
        if isAcknowledged { line.acknowledge(.fromServer, at: (until ?? time) + 0.05) }
        change(&response)
        line.facts.exchanges[facts.exchanges.count - 1].response = response
        return line
    }

    /// Interim answers of 60 bytes each, before whatever else comes.
    func interim(_ statuses: Int..., at time: Double) -> Line {
        var line = self
        for status in statuses {
            line.data(.fromServer, time, 60)
            line.acknowledge(.fromServer, at: time + 0.05)
            line.facts.exchanges[facts.exchanges.count - 1].interim.append(
                InterimResponse(status: status, frame: frame(time))
            )
            line.facts.exchanges[facts.exchanges.count - 1].interimCount += 1
            line.facts.exchanges[facts.exchanges.count - 1].interimEnd = line.facts.fromServer.highestEnd
        }
        return line
    }

    /// `name` spoken by the client from its first byte on, and what the server said first.
    func speaking(_ name: ProtocolName, at time: Double, answered answer: String? = nil) -> Line {
        var line = self
        line.facts.application = .other(name)
        line.data(.fromClient, time, 100)
        line.acknowledge(.fromClient, at: time + 0.1)
        guard let answer else { return line }
        line.facts.fromServer.firstBytes = Array(answer.utf8)
        line.data(.fromServer, time + 0.5, Int64(answer.utf8.count))
        return line
    }

    /// A PROXY header before what else the client sends.
    func proxied() -> Line {
        var line = self
        line.facts.fromClient.firstBytes = Array("PROXY TCP4 192.0.2.10 ".utf8)
        return line
    }

    /// The client's own window is closed.
    func clientZeroWindow(at times: Double...) -> Line {
        var line = self
        for time in times { line.add(.zeroWindow, .fromClient, time, flags: .ack, offset: facts.fromClient.highestEnd) }
        return line
    }

    // MARK: Trouble

    /// The last `length` bytes of that direction again.
    func again(_ direction: Direction, length: Int64 = 120, at times: Double...) -> Line {
        var line = self
        for time in times {
            line.add(
                .retransmission,
                direction,
                time,
                flags: .ack,
                offset: facts[direction].highestEnd - length,
                length: Int(length)
            )
        }
        return line
    }

    /// `bytes` beyond a hole of `missing` bytes that never closes.
    func hole(_ missing: Int64, then bytes: Int64, at time: Double) -> Line {
        var line = self
        line.touch(.fromServer, frame(time))
        line.facts.fromServer.highestEnd += missing + bytes
        line.facts.fromServer.payloadBytes += bytes
        return line
    }

    func zeroWindow(at times: Double...) -> Line {
        var line = self
        for time in times { line.add(.zeroWindow, .fromServer, time, flags: .ack, offset: 0) }
        return line
    }

    func icmp(
        _ type: UInt8,
        _ code: UInt8,
        isIPv6: Bool = false,
        at time: Double,
        sender: IPAddress = IPAddress(v4: 10, 0, 0, 254)
    ) -> Line {
        var line = self
        line.facts.icmpErrors.append(
            ICMPErrorFacts(
                frame: frame(time),
                sender: sender,
                isIPv6: isIPv6,
                type: type,
                code: code,
                quotedSource: facts.client,
                quotedDestination: facts.server,
                quotedProtocol: 6
            )
        )
        return line
    }

    // MARK: Closing

    /// `acknowledging` is an offset into the other direction; nil for all that came from there.
    func fin(_ direction: Direction, at time: Double, acknowledging: Int64? = nil) -> Line {
        var line = self
        line.facts.isClosed = true
        line.add(
            .fin,
            direction,
            time,
            flags: [.fin, .ack],
            offset: facts[direction].highestEnd,
            acknowledged: acknowledging ?? facts[direction.reversed].highestEnd
        )
        return line
    }

    /// `isBare` for a reset without ACK, as it answers where no socket is; `wentOn` for a packet by which its sender goes on.
    func rst(
        _ direction: Direction,
        at time: Double,
        hopLimit: UInt8 = 64,
        isBare: Bool = false,
        wentOn: Double? = nil,
        previous: UInt16? = nil,
        _ change: (inout TCPEvent) -> Void = { _ in }
    ) -> Line {
        var line = self
        line.facts.isClosed = true
        let answered = facts[direction.reversed].lastFrame
        line.add(
            .rst,
            direction,
            time,
            flags: isBare ? .rst : [.rst, .ack],
            offset: facts[direction].highestEnd,
            acknowledged: isBare ? nil : facts[direction.reversed].highestEnd,
            hopLimit: hopLimit
        )
        guard let index = line.facts.events.firstIndex(where: { $0.frame == frame(time) && $0.kind == .rst }) else {
            return line
        }
        change(&line.facts.events[index])
        var reset = ResetFacts(event: line.facts.events[index], sentEnd: facts[direction].highestEnd)
        reset.answered = answered
        reset.wentOn = wentOn.map { frame($0) }
        reset.previousIdentification = previous
        line.facts.resets.append(reset)
        return line
    }

    /// Both ends use the timestamp option (RFC 7323), and their SYNs are Linux's or another system's.
    func withTimestamps(linux isLinux: Bool = true) -> Line {
        var line = self
        line.facts.fromClient.opensLikeLinux = isLinux
        line.facts.fromServer.opensLikeLinux = isLinux
        line.facts.fromClient.usesTimestamps = true
        line.facts.fromServer.usesTimestamps = true
        return line
    }

    /// How the server's IPv4 identifications follow one another.
    func numbered(steps: Int, jumps: Int) -> Line {
        var line = self
        line.facts.fromServer.identificationSteps = steps
        line.facts.fromServer.identificationJumps = jumps
        return line
    }

    /// Both ends offer segments of that many bytes.
    func segments(of size: UInt16) -> Line {
        var line = self
        line.facts.fromClient.maximumSegmentSize = size
        line.facts.fromServer.maximumSegmentSize = size
        return line
    }

    /// A bare ACK.
    func ack(_ direction: Direction, at time: Double) -> Line {
        var line = self
        line.touch(direction, frame(time))
        return line
    }

    // MARK: Bookkeeping

    private mutating func add(
        _ kind: TCPEvent.Kind,
        _ direction: Direction,
        _ time: Double,
        flags: TCPFlags,
        offset: Int64,
        length: Int = 0,
        acknowledged: Int64? = nil,
        hopLimit: UInt8 = 64
    ) {
        touch(direction, frame(time))
        if kind != .rst {
            facts[direction].hopLimit = facts[direction].hopLimit ?? hopLimit
            facts[direction].hopLimits.insert(hopLimit)
        }
        var event = TCPEvent(
            kind: kind,
            direction: direction,
            frame: frame(time),
            offset: offset,
            length: length,
            acknowledgedOffset: acknowledged,
            flags: flags,
            hopLimit: hopLimit
        )
        if kind == .retransmission { (event.repetition, event.lossPlace) = (.timeout, .afterCapture) }
        facts.events.append(event)
        facts.events.sort { $0.frame.number < $1.frame.number }
    }

    private mutating func touch(_ direction: Direction, _ reference: FrameReference) {
        facts[direction].packets += 1
        facts[direction].firstFrame = facts[direction].firstFrame ?? reference
        if facts[direction].lastFrame?.number ?? 0 < reference.number { facts[direction].lastFrame = reference }
        if reference.number < facts.first.number { facts.first = reference }
        if reference.number > facts.last.number { facts.last = reference }
    }

    private mutating func data(_ direction: Direction, _ time: Double, _ bytes: Int64) {
        touch(direction, frame(time))
        facts[direction].hopLimit = facts[direction].hopLimit ?? 64
        facts[direction].hopLimits.insert(64)
        facts[direction].payloadBytes += bytes
        facts[direction].contiguousEnd += bytes
        facts[direction].highestEnd += bytes
        facts[direction].firstDataFrame = facts[direction].firstDataFrame ?? frame(time)
        facts[direction].lastDataFrame = frame(time)
    }

    /// The other end acknowledges all that came in `direction`.
    private mutating func acknowledge(_ direction: Direction, at time: Double) {
        touch(direction.reversed, frame(time))
        facts[direction].acknowledgedEnd = facts[direction].highestEnd
        facts[direction].acknowledgedFrame = frame(time)
    }
}

extension Line {
    /// A ClientHello of 300 bytes, acknowledged, and what else the handshake showed.
    func hello(
        at time: Double,
        named name: String? = "shop.test",
        suites: Int = 30,
        alert: UInt8? = nil,
        _ change: (inout TLSFacts) -> Void = { _ in }
    ) -> Line {
        var line = speaking(.tls, at: time, answered: alert.map { _ in "\u{15}\u{3}\u{3}\0\u{2}" })
        var tls = TLSFacts()
        tls.clientHello = frame(time)
        tls.serverName = name
        tls.cipherSuites = suites
        if let alert {
            tls.alerts = [
                TLSFacts.Alert(direction: .fromServer, level: 2, description: alert, frame: frame(time + 0.5))
            ]
        }
        change(&tls)
        line.facts.application = .tls(tls)
        return line
    }

    /// A request that came in FastCGI.
    func scripted(at time: Double) -> Line {
        var line = request(at: time)
        line.facts.application = .other(.fastcgi)
        return line
    }
}
