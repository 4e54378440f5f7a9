package import Model

/// DNS over TCP: messages behind a length of two bytes (RFC 1035 §4.2.2, RFC 7766 §8), both directions.
///
/// A direction with a gap ends there: behind it the length fields are lost.
package struct DNSStreamParser: ApplicationParser {
    /// Messages kept; later ones are passed over.
    static let maximumMessages = 1_024

    /// Stands for an end until `messages(client:server:)` names it: a parser sees bytes only.
    private static let unknown = Endpoint(address: IPAddress(v4: 0), port: 0)

    private struct Half {
        /// Length field and message, as far as they arrived: at most 65,537 bytes.
        var buffer: [UInt8] = []
        var isLost = false

        /// Bytes that the length field, or the message behind it, still lacks.
        var missing: Int {
            guard buffer.count >= 2 else { return 2 - buffer.count }
            return 2 + (Int(buffer[0]) << 8 | Int(buffer[1])) - buffer.count
        }
    }

    private var fromClient = Half()
    private var fromServer = Half()
    private var found: [DNSFacts] = []

    package init() {}

    /// The messages so far, of a connection between these ends.
    package func messages(client: Endpoint, server: Endpoint) -> [DNSFacts] {
        found.map { message in
            var message = message
            message.client = client
            message.server = server
            return message
        }
    }

    package mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        // Taken out and put back, so that the buffer stays uniquely owned.
        var half = Half()
        swap(&half, &self[context.direction])
        var position = 0
        while position < bytes.byteCount, !half.isLost {
            let needed = half.missing
            let end = position &+ min(needed, bytes.byteCount &- position)
            while position < end {
                half.buffer.append(bytes.byte(position))
                position = position &+ 1
            }
            if half.missing == 0 {
                note(half.buffer.span.bytes, context)
                half.buffer.removeAll(keepingCapacity: true)
            }
        }
        swap(&half, &self[context.direction])
    }

    package mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        self[context.direction] = Half(isLost: true)
    }

    package mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {}
    package mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {}
    package mutating func finished(at offset: Int64, _ context: DeliveryContext) {}

    /// `message` begins with its length field.
    private mutating func note(_ message: RawSpan, _ context: DeliveryContext) {
        guard found.count < Self.maximumMessages else { return }
        let facts = DNSMessage.parse(
            message,
            2..<message.byteCount,
            frame: context.frame,
            source: Self.unknown,
            destination: Self.unknown
        )
        if let facts { found.append(facts) }
    }

    private subscript(direction: Direction) -> Half {
        get { direction == .fromClient ? fromClient : fromServer }
        _modify {
            if direction == .fromClient { yield &fromClient } else { yield &fromServer }
        }
    }
}
