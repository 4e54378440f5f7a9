import Model

/// What the sieve knows of one open connection: numbers only, no references, so that a million of them are cheap.
struct FlowState {
    /// One direction's numbering and what its sender's packets were like.
    struct Half {
        /// Time of the last packet, and of the last acknowledgment.
        var lastTime: Int64 = .min
        var acknowledgmentTime: Int64 = .min
        /// The sequence number after what was read.
        var next: UInt32 = 0
        /// The first and the last byte of what is missing before `next`, where something is.
        var holeStart: UInt32 = 0
        var holeEnd: UInt32 = 0
        /// Sequence number by which Wireshark tells a new connection (see `HalfConnection.baseSequence`).
        var base: UInt32 = 0
        var lastSequence: UInt32 = 0
        var lastAcknowledgment: UInt32 = 0
        var lastLength: UInt32 = 0
        /// Its clock (TSval) with its last packet; 0 where it told none.
        var clock: UInt32 = 0
        /// The number that its latest acknowledgment asks for.
        var acknowledged: UInt32 = 0
        /// Where a FIN stands that came before bytes that stand before it.
        var earlyFIN: UInt32 = 0
        var lastIdentification: UInt16 = 0
        var lastInterface: UInt16 = 0
        var lastFlags: UInt16 = 0
        var hasSent = false
        /// Its clock was seen to move.
        var hasMovingClock = false
        var isNumbered = false
        var hasBase = false
        var sawSYN = false
        var sawFIN = false
        var hasEarlyFIN = false

        @inline(__always)
        var hasHole: Bool { holeStart != holeEnd }

        /// It sent more than its SYN.
        @inline(__always)
        var hasBrought: Bool { hasSent && isNumbered && next &- base > 1 }
    }

    /// What is read next of one direction.
    enum Phase: UInt8 {
        /// Mid-stream: nothing is known yet.
        case lost
        case betweenMessages
        /// A head of which the first bytes stand in a buffer of the lane.
        case head
        case body
        case chunks
        /// A body that the server's close ends.
        case untilClose
        /// Not read any more.
        case ignored
    }

    enum Verdict: UInt8 {
        case ordinary
        /// Told as suspect to its end: of no more interest here.
        case told
        case foreign
    }

    /// Where an exchange begins: its first frame, and both ends' next sequence numbers before it.
    struct Beginning {
        var frame: Int
        var upward: UInt32 = 0
        var downward: UInt32 = 0
    }

    /// A connection that is disturbed more often than this is told to its end.
    static let mostDisturbances: UInt8 = 16

    var words: FlowWords
    var upward = Half()
    var downward = Half()
    /// First frame; -1 where nothing is followed.
    var flow: Int
    var lastFrame: Int
    var firstTime: Int64
    var lastTime: Int64
    var synTime: Int64 = .min
    /// Of the handshake, as `Connection` measures it.
    var roundTrip: Int64 = -1
    var current: Beginning
    var previous: Beginning
    /// First byte of the request, its last byte, and the first of the answer.
    var begun: Int64 = 0
    var asked: Int64 = 0
    var answered: Int64 = .min
    var requestLeft: Int64 = 0
    var responseLeft: Int64 = 0
    /// Content-Length of the answer; -1 without one.
    var responseLength: Int64 = -1
    var question: UInt64 = 0
    var tail: UInt64 = 0
    var agent: UInt64 = 0
    var chunk = ChunkSieve()
    var exchanges: UInt32 = 0
    var serverNumber: Int32 = -1
    /// Buffer with the start of a head; -1 for none.
    var buffer: Int32 = -1
    var status: UInt16 = 0
    var disturbances: UInt8 = 0
    var verdict = Verdict.ordinary
    var requestPhase: Phase
    var responsePhase: Phase
    /// The end that `client` is stands first in the key.
    var clientIsLow: Bool
    var isMidstream: Bool
    var isConnected = false
    var isAwaiting = false
    /// Told as suspect; what comes next may be ordinary again.
    var isDisturbed = false
    var requestIsHead = false
    var willClose = false
    /// Reset while it was idle.
    var isLingering = false
    /// `current` and `previous` came to a digest.
    var currentIsCounted = false
    var previousIsCounted = false

    @inline(__always)
    init(_ segment: SieveSegment, clientIsLow: Bool, isMidstream: Bool) {
        words = segment.words
        self.clientIsLow = clientIsLow
        self.isMidstream = isMidstream
        flow = segment.frame
        current = Beginning(frame: segment.frame)
        previous = current
        firstTime = segment.time
        lastTime = segment.time
        lastFrame = segment.frame
        requestPhase = isMidstream ? .lost : .betweenMessages
        responsePhase = isMidstream ? .lost : .betweenMessages
    }

    // Asked of a state in its place: a call would be handed a copy of all of it.

    /// A request was begun and has no complete answer yet.
    @inline(__always)
    var isInExchange: Bool {
        isAwaiting || requestPhase == .body || requestPhase == .head || requestPhase == .chunks
    }

    /// The client has not acknowledged all of the server's bytes.
    @inline(__always)
    var isAnswerUnacknowledged: Bool {
        exchanges > 0 && upward.acknowledgmentTime != .min
            && Int32(bitPattern: downward.next &- upward.acknowledged) > 0
    }

    /// The client ended the connection first, and right after the answer: that may be its habit, or be for the answer.
    @inline(__always)
    var wasCutShort: Bool {
        !downward.sawFIN && answered != .min
            && (lastTime &- answered < 200_000_000 || lastTime &- downward.lastTime < 50_000_000)
    }

    /// A request begins with this packet.
    mutating func begin(at frame: Int, _ time: Int64, sequence: UInt32) {
        begun = time
        // The first one's span begins with the connection.
        if exchanges > 0 || isMidstream || disturbances > 0 {
            previous = current
            previousIsCounted = currentIsCounted
        }
        current = Beginning(frame: frame, upward: sequence, downward: downward.next)
        currentIsCounted = false
    }

    private func span(through last: Int) -> FlowSpan {
        var span = FlowSpan(flow: flow, from: previous.frame, through: last)
        span.clientIsLow = clientIsLow
        span.ends = (words.low, words.high)
        span.upward = previous.upward
        span.downward = previous.downward
        span.counted = (currentIsCounted ? current.frame : -1, previousIsCounted ? previous.frame : -1)
        return span
    }

    /// - Parameter ends: client and server.
    mutating func takeDigest(_ ends: (client: Endpoint, server: Endpoint)) -> ExchangeDigest {
        currentIsCounted = true
        var digest = ExchangeDigest(
            span: span(through: lastFrame),
            start: Timestamp(nanoseconds: exchanges == 0 && synTime != .min ? min(begun, synTime) : begun),
            begun: Timestamp(nanoseconds: begun),
            asked: Timestamp(nanoseconds: asked),
            end: Timestamp(nanoseconds: lastTime),
            status: Int(status),
            client: ends.client.address,
            server: ends.server
        )
        digest.question = question
        digest.tail = tail
        digest.agent = agent
        digest.length = responseLength
        exchanges &+= 1
        return digest
    }

    /// - Parameters:
    ///   - last: last frame of the span.
    ///   - ends: client and server.
    func suspect(
        _ kind: Suspect.Kind,
        through last: Int,
        _ ends: (client: Endpoint, server: Endpoint),
        isInExchange: Bool
    ) -> Suspect {
        var suspect = Suspect(
            kind: kind,
            span: span(through: last),
            start: Timestamp(nanoseconds: isInExchange ? begun : firstTime),
            end: Timestamp(nanoseconds: lastTime),
            frame: lastFrame,
            client: ends.client.address,
            server: ends.server
        )
        if isInExchange { (suspect.question, suspect.tail) = (question, tail) }
        return suspect
    }

    /// Nothing is known of the exchange in progress any more.
    mutating func disturb() {
        isDisturbed = true
        disturbances &+= 1
        isAwaiting = false
        willClose = false
        requestPhase = .lost
        responsePhase = .lost
    }
}

/// Reads chunk framing (RFC 9112 §7.1) without extensions and trailers.
struct ChunkSieve {
    enum Step: UInt8 {
        case size, sizeEnd, data, dataReturn, dataEnd, lastReturn, lastEnd
    }

    enum Outcome {
        case more, end, unusual
    }

    private(set) var left: Int64 = 0
    private(set) var step = Step.size
    private var digits: UInt8 = 0

    /// Takes the bytes from `offset` on, as far as the body goes.
    mutating func take(_ bytes: RawSpan, _ offset: inout Int) -> Outcome {
        while offset < bytes.byteCount {
            if step == .data {
                let count = min(left, Int64(bytes.byteCount &- offset))
                skip(count)
                offset = offset &+ Int(count)
                continue
            }
            let byte = bytes.byte(offset)
            offset = offset &+ 1
            switch step {
            case .size:
                if let value = Octet.hexValue(byte), digits < 12 {
                    left = left << 4 | value
                    digits = digits &+ 1
                } else if byte == Octet.carriageReturn, digits > 0 {
                    step = .sizeEnd
                } else {
                    return .unusual
                }
            case .sizeEnd:
                guard byte == Octet.lineFeed else { return .unusual }
                digits = 0
                step = left == 0 ? .lastReturn : .data
            case .dataReturn:
                guard byte == Octet.carriageReturn else { return .unusual }
                step = .dataEnd
            case .dataEnd:
                guard byte == Octet.lineFeed else { return .unusual }
                step = .size
            case .lastReturn:
                guard byte == Octet.carriageReturn else { return .unusual }
                step = .lastEnd
            case .lastEnd:
                return byte == Octet.lineFeed ? .end : .unusual
            case .data: break
            }
        }
        return .more
    }

    /// `count` bytes of chunk data, no more than `left`.
    mutating func skip(_ count: Int64) {
        left = left &- count
        if left <= 0 {
            left = 0
            step = .dataReturn
        }
    }
}
