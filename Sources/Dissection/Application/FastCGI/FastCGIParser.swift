package import Model

/// FastCGI (Specification 1.0, Open Market 1996) in both directions of one connection: requests of a gateway to php-fpm and its like, as
/// exchanges. Of several requests at one time each goes by its id.
///
/// What a gap hides is unknown: a request or response that lost a part of its head has `body.hasGap` set, and reading goes on at the next
/// delivery that begins with a record.
package struct FastCGIParser: ApplicationParser {
    package private(set) var exchanges: [ExchangeFacts] = []
    package private(set) var dropped = 0
    /// The first bytes of the server are no record: it speaks something else.
    package private(set) var isAnsweredOtherwise = false

    private struct Open {
        var exchange: Int
        var variables = MetaVariables()
        var pairs = PairReader()
        var response: ScriptResponse?
        var isHeadWhole = false
    }

    private var client: FastCGIRecords
    private var server: FastCGIRecords
    private var hasServerBytes = false
    /// Requests under way, by id.
    private var open: [UInt16: Open] = [:]
    private var acknowledgedEnd: Int64 = 0
    private var acknowledgedFrame: FrameReference?
    private var clientEnd: Int64 = 0

    /// More are not kept of one connection: the older half goes.
    private static let largestExchangeCount = 8_192
    /// Nor are more requests followed at one time.
    private static let largestOpenCount = 256

    package init(startsAtBeginning: Bool) {
        client = FastCGIRecords(isLost: !startsAtBeginning)
        server = FastCGIRecords(isLost: !startsAtBeginning)
        hasServerBytes = !startsAtBeginning
    }

    package mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        guard bytes.byteCount > 0 else { return }
        if context.direction == .fromServer, !hasServerBytes {
            hasServerBytes = true
            isAnsweredOtherwise = bytes.byte(0) != 1
        }
        var records = context.direction == .fromClient ? client : server
        if records.isLost {
            guard FastCGIRecords.isStart(bytes, context.direction) else { return skip(bytes, at: offset, context) }
            records.isLost = false
        }
        var index = 0
        while index < bytes.byteCount, !records.isLost {
            let place = offset + Int64(index)
            if records.contentLeft > 0 {
                let taken = records.takeContent(bytes.byteCount - index)
                take(bytes, index..<(index + taken), at: place, records, context.frame)
                index += taken
            } else if records.paddingLeft > 0 {
                index += records.takePadding(bytes.byteCount - index)
            } else {
                index += 1
                if records.takeHeader(bytes.byte(index - 1), at: place) { begin(records, context) }
            }
        }
        if context.direction == .fromClient {
            client = records
            clientEnd = offset + Int64(bytes.byteCount)
            settleAcknowledgment()
        } else {
            server = records
        }
        if records.isLost { lose(context.direction) }
    }

    private mutating func skip(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        guard context.direction == .fromClient else { return }
        clientEnd = offset + Int64(bytes.byteCount)
        settleAcknowledgment()
    }

    package mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        guard length > 0 else { return }
        if context.direction == .fromClient {
            client.lose()
            clientEnd = offset + length
        } else {
            hasServerBytes = true
            server.lose()
        }
        lose(context.direction)
    }

    package mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {
        guard context.direction == .fromClient else { return }
        acknowledgedEnd = max(acknowledgedEnd, offset)
        acknowledgedFrame = context.frame
        settleAcknowledgment()
    }

    package mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {
        guard context.direction == .fromClient, let last = exchanges.indices.last,
            let request = exchanges[last].request, request.start < range.upperBound,
            request.end ?? .max > range.lowerBound
        else { return }
        exchanges[last].request?.retransmissions += 1
        exchanges[last].request?.lastRetransmission = context.frame
    }

    package mutating func finished(at offset: Int64, _ context: DeliveryContext) {}

    /// Exchanges that were over before `time` are not asked for any more.
    mutating func forget(before time: Timestamp) {
        let over = exchanges.prefix { exchange in
            let last = [exchange.request?.lastFrame.time, exchange.response?.lastFrame.time].compactMap { $0 }.max()
            return last.map { $0 < time } ?? false
        }
        removeFirst(min(over.count, exchanges.count - 1))
    }

    private mutating func removeFirst(_ count: Int) {
        let count = min(count, open.values.map(\.exchange).min() ?? count)
        guard count > 0 else { return }
        exchanges.removeFirst(count)
        for id in open.keys { open[id]?.exchange -= count }
        dropped += count
    }

    // MARK: Records

    private mutating func begin(_ records: FastCGIRecords, _ context: DeliveryContext) {
        switch (context.direction, records.kind) {
        case (.fromClient, .beginRequest?): beginRequest(records, context.frame)
        case (.fromClient, .params?) where records.length == 0: endParameters(records, context.frame)
        case (.fromClient, .stdin?) where records.length == 0:
            let end = records.start + 8
            change(records.id) {
                $0.request?.end = end
                $0.request?.lastFrame = context.frame
            }
        case (.fromServer, .endRequest?) where records.length == 0:
            endRequest(records, records.start + 8, context.frame)
        default: break
        }
    }

    private mutating func take(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        at offset: Int64,
        _ records: FastCGIRecords,
        _ frame: FrameReference
    ) {
        guard open[records.id] != nil else { return }
        switch records.kind {
        case .params?:
            // In its place: taken out, what was gathered would be copied with every delivery.
            for index in range {
                guard let pair = open[records.id]?.pairs.take(bytes.byte(index)) else { continue }
                open[records.id]?.variables.take(pair.name, pair.value, at: offset)
            }
            change(records.id) { $0.request?.lastFrame = frame }
        case .stdin?:
            change(records.id) {
                $0.request?.body.add(bytes, range)
                $0.request?.lastFrame = frame
            }
        case .stdout?:
            if open[records.id]?.response == nil {
                let isHead = open[records.id]?.variables.method == "HEAD"
                open[records.id]?.response = ScriptResponse(start: records.start, frame: frame, isHead: isHead)
            }
            open[records.id]?.response?.take(bytes, range, at: offset, frame)
            let response = open[records.id]?.response?.facts
            change(records.id) { $0.response = response }
        case .endRequest? where records.contentLeft == 0:
            endRequest(records, offset + Int64(range.count), frame)
        default: break
        }
    }

    private mutating func beginRequest(_ records: FastCGIRecords, _ frame: FrameReference) {
        if exchanges.count >= Self.largestExchangeCount { removeFirst(exchanges.count / 2) }
        guard records.id > 0, exchanges.count < 4 * Self.largestExchangeCount,
            open.count < Self.largestOpenCount || open[records.id] != nil
        else { return }
        open[records.id] = Open(exchange: exchanges.count)
        var request = RequestFacts(start: records.start, firstFrame: frame)
        request.version = "FastCGI/1.0"
        exchanges.append(ExchangeFacts(index: exchanges.count + dropped, request: request))
    }

    private mutating func endParameters(_ records: FastCGIRecords, _ frame: FrameReference) {
        guard var request = open[records.id], !request.isHeadWhole else { return }
        request.isHeadWhole = true
        request.variables.finish()
        open[records.id] = request
        let end = records.start + 8
        change(records.id) {
            guard var asked = $0.request else { return }
            request.variables.write(into: &asked)
            asked.headEnd = end
            asked.headFrame = frame
            asked.lastFrame = frame
            asked.body.framing = request.variables.contentLength.map { .contentLength($0) } ?? .none
            $0.request = asked
        }
    }

    private mutating func endRequest(_ records: FastCGIRecords, _ end: Int64, _ frame: FrameReference) {
        guard var request = open[records.id] else { return }
        request.response?.finish(at: end, frame)
        let response = request.response?.facts
        change(records.id) {
            $0.response = response
            if response?.completion != .complete { $0.emptyEnd = frame }
        }
        open[records.id] = nil
    }

    private mutating func change(_ id: UInt16, _ change: (inout ExchangeFacts) -> Void) {
        guard let index = open[id]?.exchange, exchanges.indices.contains(index) else { return }
        change(&exchanges[index])
    }

    /// What was under way in this direction goes on unseen.
    private mutating func lose(_ direction: Direction) {
        for id in open.keys {
            guard let index = open[id]?.exchange, exchanges.indices.contains(index) else { continue }
            if direction == .fromClient {
                if exchanges[index].request?.end == nil { exchanges[index].request?.body.hasGap = true }
            } else {
                open[id]?.response?.miss()
                if exchanges[index].response != nil { exchanges[index].response?.body.hasGap = true }
            }
        }
    }

    /// The first acknowledgment that covers all of the latest request; those before it have been answered.
    private mutating func settleAcknowledgment() {
        guard let last = exchanges.indices.last, let request = exchanges[last].request else { return }
        let end = request.end ?? clientEnd
        if acknowledgedEnd < end {
            exchanges[last].request?.acknowledged = nil
        } else if request.acknowledged == nil {
            exchanges[last].request?.acknowledged = acknowledgedFrame
        }
    }
}
