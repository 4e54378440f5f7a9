package import Model

/// Chooses the parser of a connection by its client's first bytes and hands the bytes on to it.
///
/// Until the client has spoken, the server's bytes are read as HTTP: a banner is an answer that no request asked for.
/// If the client then proves to speak another protocol, what was read is dropped.
package struct ApplicationDispatcher: ApplicationParser {
    private enum Choice {
        case undecided, http1, tls, dns, fastcgi
        case other(ProtocolName)
        /// Nothing that is known: no bytes are looked at any more.
        case unknown
    }

    /// A client's delivery that was too short to tell its protocol.
    private struct Held {
        var bytes: [UInt8]
        var offset: Int64
        var context: DeliveryContext
    }

    private var choice = Choice.undecided
    private var startsAtBeginning: Bool
    private var http: HTTP1Parser
    private var tls: TLSParser
    private var dns = DNSStreamParser()
    private var fastcgi: FastCGIParser
    private var held: [Held] = []
    /// First bytes of either direction, at most `ProtocolProbe.longestNeeded` (and a PROXY header's before them).
    private var clientBytes: [UInt8] = []
    private var serverBytes: [UInt8] = []

    private static let longestClientStart = ProtocolProbe.longestNeeded + 1024

    /// `startsAtBeginning`: the connection's SYN was seen, so that offset 0 is the first byte of either direction.
    package init(startsAtBeginning: Bool = false) {
        self.startsAtBeginning = startsAtBeginning
        http = HTTP1Parser(startsAtBeginning: startsAtBeginning)
        tls = TLSParser(startsAtBeginning: startsAtBeginning)
        fastcgi = FastCGIParser(startsAtBeginning: startsAtBeginning)
    }

    /// The messages of a connection between these ends that carried DNS.
    package func dnsMessages(client: Endpoint, server: Endpoint) -> [DNSFacts] {
        dns.messages(client: client, server: server)
    }

    package mutating func forget(before time: Timestamp) {
        http.forget(before: time)
        fastcgi.forget(before: time)
    }

    /// Writes what the connection carried into its facts.
    package func state(into facts: inout ConnectionFacts) {
        facts.exchanges = []
        switch choice {
        case .http1:
            facts.application = .http1
            facts.exchanges = http.exchanges
            facts.droppedExchanges = http.dropped
        case .tls: facts.application = .tls(tls.facts)
        case .fastcgi:
            facts.application = .other(.fastcgi)
            // To a server that speaks something else nothing was asked.
            guard !fastcgi.isAnsweredOtherwise else { break }
            facts.exchanges = fastcgi.exchanges
            facts.droppedExchanges = fastcgi.dropped
        case .other(let name): facts.application = .other(name)
        case .dns, .unknown: facts.application = .unknown
        case .undecided where startsAtBeginning:
            // The client has said nothing, or too little.
            switch ProtocolProbe.examine(serverBytes, from: .fromServer) {
            case .certain(.http1):
                facts.application = .http1
                facts.exchanges = http.exchanges
            case .certain(let name): facts.application = .other(name)
            case .unsure, .unknown:
                let isProxied = examineClient().headerLength > 0
                let name = clientBytes.first == ProxyHeader.textStart[0] ? ProtocolName.proxyV1 : .proxyV2
                facts.application = isProxied ? .other(name) : .unknown
            }
        case .undecided:
            facts.application = http.exchanges.isEmpty ? .unknown : .http1
            facts.exchanges = http.exchanges
        }
    }

    package mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        guard bytes.byteCount > 0 else { return }
        switch choice {
        case .http1: http.consume(bytes, at: offset, context)
        case .tls: tls.consume(bytes, at: offset, context)
        case .fastcgi: fastcgi.consume(bytes, at: offset, context)
        case .dns: dns.consume(bytes, at: offset, context)
        case .other, .unknown: break
        case .undecided where !startsAtBeginning: consumeMidStream(bytes, at: offset, context)
        case .undecided where context.direction == .fromServer:
            for index in 0..<min(bytes.byteCount, ProtocolProbe.longestNeeded - serverBytes.count) {
                serverBytes.append(bytes.byte(index))
            }
            http.consume(bytes, at: offset, context)
        case .undecided: decide(bytes, at: offset, context)
        }
    }

    package mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        switch choice {
        case .http1: http.gap(length, at: offset, context)
        case .tls: tls.gap(length, at: offset, context)
        case .fastcgi: fastcgi.gap(length, at: offset, context)
        case .dns: dns.gap(length, at: offset, context)
        case .other, .unknown: break
        case .undecided:
            if context.direction == .fromClient {
                if MessageStart.request(clientBytes) == .yes {
                    // No line end is to come; the method and the start of a target tell enough.
                    choice = .http1
                    for delivery in held {
                        http.consume(delivery.bytes.span.bytes, at: delivery.offset, delivery.context)
                    }
                    held = []
                    return http.gap(length, at: offset, context)
                }
                // The bytes that would have told the protocol are missing.
                startsAtBeginning = false
                tls = TLSParser(startsAtBeginning: false)
                fastcgi = FastCGIParser(startsAtBeginning: false)
                held = []
            }
            http.gap(length, at: offset, context)
        }
    }

    package mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {
        switch choice {
        case .http1, .undecided: http.acknowledged(upTo: offset, context)
        case .fastcgi: fastcgi.acknowledged(upTo: offset, context)
        case .tls, .dns, .other, .unknown: break
        }
    }

    package mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {
        switch choice {
        case .http1, .undecided: http.retransmitted(range, context)
        case .fastcgi: fastcgi.retransmitted(range, context)
        case .tls, .dns, .other, .unknown: break
        }
    }

    package mutating func finished(at offset: Int64, _ context: DeliveryContext) {
        switch choice {
        case .http1, .undecided: http.finished(at: offset, context)
        case .fastcgi: fastcgi.finished(at: offset, context)
        case .tls, .dns, .other, .unknown: break
        }
    }

    /// Ordinary HTTP/1 exchanges were left out: both directions stand between messages, at these offsets.
    package mutating func jump(client: Int64, server: Int64) {
        choice = .http1
        held = []
        http.jump(client: client, server: server)
    }

    // MARK: Choice

    private mutating func decide(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        let room = Self.longestClientStart - clientBytes.count
        for index in 0..<min(bytes.byteCount, room) { clientBytes.append(bytes.byte(index)) }
        let query = ProtocolProbe.nameQuery(clientBytes)
        if query == .yes {
            choice = .dns
            for delivery in held { dns.consume(delivery.bytes.span.bytes, at: delivery.offset, delivery.context) }
            dns.consume(bytes, at: offset, context)
            held = []
            dropHTTP()
            return
        }
        let (answer, headerLength) = examineClient()
        switch answer {
        case .certain(.http1):
            choice = .http1
            for delivery in held { http.consume(delivery.bytes.span.bytes, at: delivery.offset, delivery.context) }
            http.consume(bytes, at: offset, context)
        case .certain(.tls):
            choice = .tls
            for delivery in held {
                startTLS(delivery.bytes.span.bytes, delivery.offset, headerLength, delivery.context)
            }
            startTLS(bytes, offset, headerLength, context)
            dropHTTP()
        case .certain(.fastcgi) where headerLength == 0:
            choice = .fastcgi
            for delivery in held { fastcgi.consume(delivery.bytes.span.bytes, at: delivery.offset, delivery.context) }
            fastcgi.consume(bytes, at: offset, context)
            dropHTTP()
        case .certain(let name):
            choice = .other(name)
            dropHTTP()
        case .unknown where query == .open:
            hold(bytes, at: offset, context)
            return
        case .unknown:
            if case .certain(let name) = ProtocolProbe.examine(serverBytes, from: .fromServer), name != .http1 {
                choice = .other(name)
            } else {
                choice = .unknown
            }
            dropHTTP()
        case .unsure:
            hold(bytes, at: offset, context)
            return
        }
        held = []
    }

    private mutating func hold(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        held.append(Held(bytes: (0..<bytes.byteCount).map { bytes.byte($0) }, offset: offset, context: context))
    }

    /// Hands on the bytes behind a PROXY protocol header of `headerLength` bytes.
    private mutating func startTLS(
        _ bytes: RawSpan,
        _ offset: Int64,
        _ headerLength: Int,
        _ context: DeliveryContext
    ) {
        let skipped = Int(max(0, min(Int64(bytes.byteCount), Int64(headerLength) - offset)))
        guard skipped < bytes.byteCount else { return }
        tls.consume(bytes.extracting(droppingFirst: skipped), at: offset + Int64(skipped), context)
    }

    private mutating func dropHTTP() {
        http = HTTP1Parser(startsAtBeginning: false)
    }

    /// What the client speaks, behind a PROXY protocol header if there is one, and that header's length.
    private func examineClient() -> (ProtocolProbe.Answer, headerLength: Int) {
        var header = ProxyHeader()
        for (index, byte) in clientBytes.enumerated() {
            switch header.take(byte) {
            case .more: continue
            case .notProxy: return (ProtocolProbe.examine(clientBytes, from: .fromClient), 0)
            case .complete:
                let answer = ProtocolProbe.examine(Array(clientBytes[(index + 1)...]), from: .fromClient)
                return (answer, index + 1)
            }
        }
        guard clientBytes.count >= Self.longestClientStart else { return (.unsure, 0) }
        return (ProtocolProbe.examine(clientBytes, from: .fromClient), 0)
    }

    /// Without the first bytes, TLS and FastCGI are told by a delivery that begins with a record; HTTP finds its own way in.
    private mutating func consumeMidStream(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        if http.exchanges.isEmpty, context.direction == .fromClient, FastCGIRecords.isStart(bytes, .fromClient),
            bytes.byteCount >= 16
        {
            choice = .fastcgi
            fastcgi = FastCGIParser(startsAtBeginning: false)
            fastcgi.consume(bytes, at: offset, context)
            dropHTTP()
            return
        }
        http.consume(bytes, at: offset, context)
        guard http.exchanges.isEmpty, bytes.byteCount >= 6,
            ProtocolProbe.tlsRecord((0..<6).map { bytes.byte($0) }) == .certain(.tls)
        else { return }
        choice = .tls
        tls.consume(bytes, at: offset, context)
        dropHTTP()
    }
}
