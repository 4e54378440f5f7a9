import Model

@testable import Dissection

/// The real parser behind a guard of what `ApplicationParser` promises: each offset once, in order, as bytes or gap.
struct CheckedParser: ConnectionParser {
    private var parser: ApplicationDispatcher
    private var next: (client: Int64?, server: Int64?)
    private var acknowledged: (client: Int64, server: Int64) = (0, 0)

    init(startsAtBeginning: Bool) {
        parser = ApplicationDispatcher(startsAtBeginning: startsAtBeginning)
    }

    private mutating func advance(_ offset: Int64, _ length: Int64, _ context: DeliveryContext) {
        let isClient = context.direction == .fromClient
        let expected = isClient ? next.client : next.server
        if let expected, expected != offset { fail("\(context.direction): \(offset) delivered, \(expected) was due") }
        if length <= 0 { fail("\(context.direction): \(length) bytes delivered at \(offset)") }
        if isClient { next.client = offset + length } else { next.server = offset + length }
    }

    mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        advance(offset, Int64(bytes.byteCount), context)
        parser.consume(bytes, at: offset, context)
    }

    mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        advance(offset, length, context)
        parser.gap(length, at: offset, context)
    }

    mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {
        let isClient = context.direction == .fromClient
        if offset <= (isClient ? acknowledged.client : acknowledged.server) {
            fail("acknowledged up to \(offset) again")
        }
        if isClient { acknowledged.client = offset } else { acknowledged.server = offset }
        parser.acknowledged(upTo: offset, context)
    }

    mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {
        parser.retransmitted(range, context)
    }

    mutating func finished(at offset: Int64, _ context: DeliveryContext) {
        parser.finished(at: offset, context)
    }

    mutating func jump(client: Int64, server: Int64) {
        next = (client, server)
        parser.jump(client: client, server: server)
    }

    func state(into facts: inout ConnectionFacts) { parser.state(into: &facts) }

    func dnsMessages(client: Endpoint, server: Endpoint) -> [DNSFacts] {
        parser.dnsMessages(client: client, server: server)
    }
}
