import Dissection
import Model
import TestSupport
import Testing

@Suite struct TLSParserTests {
    static func record(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
        [type, 3, 3, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
    }

    /// A list with its length before it.
    static func vector(_ width: Int, _ content: [UInt8]) -> [UInt8] {
        (0..<width).reversed().map { UInt8(content.count >> ($0 * 8) & 255) } + content
    }

    static var clientHello: [UInt8] {
        let name = vector(2, [0] + vector(2, Array("app.example".utf8)))
        let protocols = vector(2, vector(1, Array("h2".utf8)) + vector(1, Array("http/1.1".utf8)))
        let extensions = [0, 0] + vector(2, name) + [0, 16] + vector(2, protocols)
        let body =
            [3, 3] + [UInt8](repeating: 9, count: 32) + vector(1, []) + vector(2, [0x13, 1]) + vector(1, [0])
            + vector(2, extensions)
        return [1] + vector(3, body)
    }

    @Test func clientHelloTellsNameAndProtocolsWhateverItsSegments() {
        // The hello is spread over two records, as large ones are.
        let bytes =
            Self.record(22, Array(Self.clientHello.prefix(50))) + Self.record(22, Array(Self.clientHello.dropFirst(50)))
        everySplit(of: bytes) { pieces in
            var stream = Stream(TLSParser(startsAtBeginning: true))
            for piece in pieces { stream.send(piece, .fromClient) }
            #expect(stream.parser.facts.serverName == "app.example")
            #expect(stream.parser.facts.applicationProtocols == ["h2", "http/1.1"])
            #expect(stream.parser.facts.clientHello?.number == pieces.count)
        }
    }

    @Test func truncatedHelloNeverTraps() {
        for count in 0..<Self.clientHello.count {
            var stream = Stream(TLSParser(startsAtBeginning: true))
            var hello = Array(Self.clientHello.prefix(count))
            if count > 3 { hello[3] = UInt8(count - 4) }
            stream.send(Self.record(22, hello), .fromClient)
            #expect((stream.parser.facts.clientHello != nil) == (count >= 4))
        }
    }

    @Test func alertIsReadInClearAndNotedWhenEncrypted() {
        let bytes = Self.record(21, [2, 70]) + Self.record(20, [1]) + Self.record(21, [UInt8](repeating: 5, count: 26))
        everySplit(of: bytes) { pieces in
            var stream = Stream(TLSParser(startsAtBeginning: true))
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.parser.facts.alerts.map(\.description) == [70, nil])
            #expect(stream.parser.facts.alerts.map(\.level) == [2, nil])
        }
    }

    @Test func applicationRecordsAreCountedOverGapsInside() {
        var stream = Stream(TLSParser(startsAtBeginning: true))
        stream.send(Self.record(22, [2, 0, 0, 0]), .fromServer)
        #expect(stream.parser.facts.serverHello?.number == 1)
        let record = Self.record(23, [UInt8](repeating: 1, count: 100))
        stream.send(Array(record.prefix(20)), .fromServer)
        stream.gap(50, .fromServer)
        stream.send(Array(record.dropFirst(70)) + record, .fromServer)
        #expect(stream.parser.facts.serverRecords == 2)
        #expect(stream.parser.facts.lastServerRecord?.number == 4)
        stream.gap(10, .fromServer)
        stream.send(record, .fromServer)
        #expect(stream.parser.facts.serverRecords == 2)
    }
}
