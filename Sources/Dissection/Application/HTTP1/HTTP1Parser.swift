package import Model

/// HTTP/1.x in both directions of one connection (RFC 9112), as lax as the gateways that read it.
///
/// States facts only. Bodies are skipped: beyond a digest of their first 4096 bytes only their length is kept. What a
/// gap of the capture hides is unknown, never invalid: a request or response that lost part of its head, or a chunk
/// size, has `body.hasGap` set, and reading resumes at the next plausible start of a message. What of a first line lies
/// before the gap is stated. Such a message counts as over once the wire says that it must be: a request without a body
/// when its response begins, any request when the next one begins, a response when the next request or response begins
/// or either side ends in order.
/// A response of which even the first byte was lost stands as an incomplete one with `hasGap`.
package struct HTTP1Parser: ApplicationParser {
    package internal(set) var exchanges: [ExchangeFacts] = []

    var client: HTTP1Stream
    var server: HTTP1Stream
    /// Requests that no response was taken for, oldest first, from `outstandingStart`.
    var outstanding: [Int] = []
    var outstandingStart = 0
    /// The exchange whose 1xx was read last and whose final response is to come.
    var awaitingFinal: Int?
    /// The exchange whose response came before any request was seen.
    var awaitingRequest: Int?
    var preamble = ProxyHeader()
    /// What a PROXY protocol header said, until the first request takes it.
    var proxyLine: FieldLine?

    /// Exchanges that were left out, at least: `index` does not count from 0 behind them.
    var leftOut = 0
    /// Exchanges that were let go, because a connection had very many.
    package private(set) var dropped = 0
    /// More are not kept of one connection: the older half goes.
    static let largestExchangeCount = 8_192
    /// Nor are more requests read that nobody answers.
    static let largestOutstandingCount = 32_768

    private var acknowledgedEnd: Int64 = 0
    private var acknowledgedFrame: FrameReference?
    private var firstUnacknowledged = 0

    /// `startsAtBeginning`: the first byte of either direction is the first of the connection (its SYN was seen).
    package init(startsAtBeginning: Bool) {
        client = HTTP1Stream(.request, phase: startsAtBeginning ? .preamble : .lost)
        server = HTTP1Stream(.response, phase: startsAtBeginning ? .betweenMessages : .lost)
    }

    /// A response to no known request, or one that came before it, is waiting in the list.
    var hasOutstanding: Bool { outstandingStart < outstanding.count }

    package mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        guard bytes.byteCount > 0 else { return }
        if context.direction == .fromClient {
            client.position = offset
            reopenAcknowledgment()
            consumeRequests(bytes, context.frame)
            settleAcknowledgments()
        } else {
            server.position = offset
            consumeResponses(bytes, context.frame)
        }
    }

    package mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        guard length > 0 else { return }
        if context.direction == .fromClient {
            client.position = offset
            reopenAcknowledgment()
            gapInRequests(length, context.frame)
            settleAcknowledgments()
        } else {
            server.position = offset
            gapInResponses(length, context.frame)
        }
    }

    package mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {
        guard context.direction == .fromClient else { return }
        acknowledgedEnd = max(acknowledgedEnd, offset)
        acknowledgedFrame = context.frame
        settleAcknowledgments()
    }

    package mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {
        guard context.direction == .fromClient, !range.isEmpty else { return }
        // A segment repeats what was sent lately: bounded, so that tiny pipelined requests cost no more.
        var looked = 0
        var index = exchanges.count - 1
        while index >= 0, looked < 64 {
            if let request = exchanges[index].request {
                let end = request.end ?? client.position
                if end <= range.lowerBound { break }
                if request.start < range.upperBound {
                    exchanges[index].request?.retransmissions += 1
                    exchanges[index].request?.lastRetransmission = context.frame
                }
            }
            index -= 1
            looked += 1
        }
    }

    package mutating func finished(at offset: Int64, _ context: DeliveryContext) {
        endCutResponse()
        guard context.direction == .fromServer, server.phase == .untilClose, server.inMessage else { return }
        exchanges[server.exchange].response?.end = max(offset, server.position)
        exchanges[server.exchange].response?.completion = .complete
        server.inMessage = false
    }

    /// Whole exchanges were left out: both directions stand between messages, at these offsets.
    mutating func jump(client clientOffset: Int64, server serverOffset: Int64) {
        client = HTTP1Stream(.request, phase: .betweenMessages)
        server = HTTP1Stream(.response, phase: .betweenMessages)
        client.position = clientOffset
        server.position = serverOffset
        outstanding = []
        outstandingStart = 0
        awaitingFinal = nil
        awaitingRequest = nil
        acknowledgedEnd = clientOffset
        firstUnacknowledged = exchanges.count
        leftOut += 1
    }

    /// Makes room for another exchange; false where there is none, and the client's bytes are not read any more.
    mutating func makeRoom() -> Bool {
        guard exchanges.count >= Self.largestExchangeCount else { return true }
        let count = min(exchanges.count / 2, firstInUse)
        guard count > 0 else { return exchanges.count < Self.largestOutstandingCount }
        removeFirst(count)
        dropped += count
        return true
    }

    /// Exchanges that were over before `time` are not asked for any more.
    mutating func forget(before time: Timestamp) {
        let over = exchanges.prefix { exchange in
            let last = [exchange.request?.lastFrame.time, exchange.response?.lastFrame.time].compactMap { $0 }.max()
            return last.map { $0 < time } ?? false
        }
        // The last one tells what follows it.
        let count = min(over.count, firstInUse, exchanges.count - 1)
        if count > 0 { removeFirst(count) }
    }

    private var firstInUse: Int {
        var inUse = [server.exchange, client.exchange, awaitingFinal ?? .max, awaitingRequest ?? .max]
        inUse.append(hasOutstanding ? outstanding[outstandingStart] : .max)
        return inUse.filter { $0 >= 0 }.min() ?? 0
    }

    private mutating func removeFirst(_ count: Int) {
        exchanges.removeFirst(count)
        if server.exchange >= 0 { server.exchange -= count }
        if client.exchange >= 0 { client.exchange -= count }
        firstUnacknowledged = max(0, firstUnacknowledged - count)
        awaitingFinal = awaitingFinal.map { $0 - count }
        awaitingRequest = awaitingRequest.map { $0 - count }
        outstanding = outstanding[outstandingStart...].map { $0 - count }
        outstandingStart = 0
        leftOut += count
    }

    // MARK: Acknowledgment of requests

    /// More bytes of the request in progress: an acknowledgment of what was seen before no longer covers it.
    private mutating func reopenAcknowledgment() {
        guard client.inMessage || client.isCut || client.phase == .dead, exchanges.indices.contains(client.exchange)
        else { return }
        exchanges[client.exchange].request?.acknowledged = nil
        firstUnacknowledged = min(firstUnacknowledged, client.exchange)
    }

    mutating func watchAcknowledgment(of index: Int) {
        firstUnacknowledged = min(firstUnacknowledged, index)
    }

    private mutating func settleAcknowledgments() {
        while firstUnacknowledged < exchanges.count {
            if let request = exchanges[firstUnacknowledged].request, request.acknowledged == nil {
                guard acknowledgedEnd >= request.end ?? client.position else { return }
                exchanges[firstUnacknowledged].request?.acknowledged = acknowledgedFrame
            }
            firstUnacknowledged += 1
        }
    }
}
