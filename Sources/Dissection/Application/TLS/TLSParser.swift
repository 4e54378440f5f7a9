package import Model

/// TLS records (RFC 8446 §5.1, RFC 5246 §6.2.1) as far as they are in clear: the hellos, alerts, and who sent how many
/// records of application data. Nothing is decrypted.
package struct TLSParser: ApplicationParser {
    package private(set) var facts = TLSFacts()

    private var client = RecordReader()
    private var server = RecordReader()

    /// Where the beginning of the connection was not seen, each direction is read from the first delivery on that begins
    /// with a record.
    package init(startsAtBeginning: Bool) {
        client.isSeeking = !startsAtBeginning
        server.isSeeking = !startsAtBeginning
    }

    package mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        var index = 0
        var reader = context.direction == .fromClient ? client : server
        guard reader.findStart(bytes) else { return }
        while index < bytes.byteCount, !reader.isLost {
            if reader.remaining > 0 {
                read(bytes, &index, &reader, context)
            } else {
                let byte = bytes.byte(index)
                index += 1
                if reader.takeHeader(byte) { begin(&reader, context) }
            }
        }
        if context.direction == .fromClient { client = reader } else { server = reader }
    }

    package mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        if context.direction == .fromClient { client.skip(length) } else { server.skip(length) }
    }

    package mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {}
    package mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {}
    package mutating func finished(at offset: Int64, _ context: DeliveryContext) {}

    private mutating func begin(_ reader: inout RecordReader, _ context: DeliveryContext) {
        guard reader.type == .applicationData else { return }
        if context.direction == .fromClient { facts.clientRecords += 1 } else { facts.serverRecords += 1 }
        noteRecord(context)
    }

    private mutating func noteRecord(_ context: DeliveryContext) {
        if context.direction == .fromClient {
            facts.lastClientRecord = context.frame
        } else {
            facts.lastServerRecord = context.frame
        }
    }

    private mutating func read(
        _ bytes: RawSpan,
        _ index: inout Int,
        _ reader: inout RecordReader,
        _ context: DeliveryContext
    ) {
        let end = index + min(reader.remaining, bytes.byteCount - index)
        switch reader.type {
        case .handshake where !reader.isEncrypted: reader.collectHandshake(bytes, index..<end)
        case .alert: reader.collectAlert(bytes, index..<end)
        case .applicationData: noteRecord(context)
        default: break
        }
        reader.remaining -= end - index
        index = end
        inspectHandshake(&reader, context)
        guard reader.remaining == 0 else { return }
        if reader.type == .alert { noteAlert(reader, context) }
        if reader.type == .changeCipherSpec { reader.isEncrypted = true }
    }

    private mutating func inspectHandshake(_ reader: inout RecordReader, _ context: DeliveryContext) {
        guard reader.type == .handshake, let type = reader.handshake.first else { return }
        if context.direction == .fromServer {
            // RFC 8446 §4: 2 is server_hello (a HelloRetryRequest looks the same and is one, too).
            if type == 2, facts.serverHello == nil { facts.serverHello = context.frame }
            return
        }
        guard type == 1, facts.clientHello == nil, reader.hasWholeMessage else { return }
        facts.clientHello = context.frame
        let hello = ClientHello(reader.handshake[...])
        facts.serverName = hello.serverName
        facts.applicationProtocols = hello.applicationProtocols
        facts.cipherSuites = hello.cipherSuites
    }

    /// RFC 8446 §6: level and description. An encrypted alert is longer than these two bytes.
    private mutating func noteAlert(_ reader: RecordReader, _ context: DeliveryContext) {
        guard facts.alerts.count < 8 else { return }
        let isClear = reader.length == 2 && reader.alert.count == 2
        facts.alerts.append(
            TLSFacts.Alert(
                direction: context.direction,
                level: isClear ? reader.alert[0] : nil,
                description: isClear ? reader.alert[1] : nil,
                frame: context.frame
            )
        )
    }
}
