import Dissection
import Model
import TestSupport
import Testing

@Suite struct DNSTests {
    private let question: [UInt8] = [3] + Array("Api".utf8) + [7] + Array("example".utf8) + [0, 0, 1, 0, 1]

    private func message(flags: UInt16, answers: [[UInt8]] = [], question: [UInt8]? = nil) -> [UInt8] {
        [0xab, 0xcd] + PacketBuilder.bigEndian(flags) + [0, 1] + PacketBuilder.bigEndian(UInt16(answers.count))
            + [0, 0, 0, 0] + (question ?? self.question) + answers.flatMap { $0 }
    }

    private func record(type: UInt8, timeToLive: UInt8, _ data: [UInt8]) -> [UInt8] {
        [0xc0, 12, 0, type, 0, 1, 0, 0, 0, timeToLive, 0, UInt8(data.count)] + data
    }

    private var response: [UInt8] {
        message(
            flags: 0x8180,
            answers: [
                record(type: 5, timeToLive: 60, [0xc0, 12]),
                record(type: 1, timeToLive: 30, [10, 0, 0, 7]),
                record(type: 28, timeToLive: 90, PacketBuilder.bytes(of: PacketBuilder.server6)),
            ]
        )
    }

    private func decode(_ message: [UInt8], fromServer: Bool = false) -> [DNSFacts] {
        let udp = PacketBuilder.udp(
            message,
            sourcePort: fromServer ? 53 : 40_000,
            destinationPort: fromServer ? 40_000 : 53
        )
        let packet = PacketBuilder.ipv4(
            udp,
            protocol: 17,
            source: fromServer ? PacketBuilder.server : PacketBuilder.client,
            destination: fromServer ? PacketBuilder.client : PacketBuilder.server
        )
        var harness = Harness.decode(packet, linkType: .raw)
        return harness.decoder.drainDNS()
    }

    @Test func aQueryShowsItsQuestion() {
        let facts = decode(message(flags: 0x0100)).first
        #expect(facts?.name == "api.example")
        #expect(facts?.type == 1)
        #expect(facts?.id == 0xabcd)
        #expect(facts?.isResponse == false)
        #expect(facts?.client == Endpoint(address: PacketBuilder.client, port: 40_000))
        #expect(facts?.server == Endpoint(address: PacketBuilder.server, port: 53))
    }

    @Test func aResponseShowsAddressesAndTheSmallestTimeToLive() {
        let facts = decode(response, fromServer: true).first
        #expect(facts?.isResponse == true)
        #expect(facts?.client.address == PacketBuilder.client)
        #expect(facts?.addresses == [IPAddress(v4: 10, 0, 0, 7), PacketBuilder.server6])
        #expect(facts?.timeToLive == 30)
    }

    @Test(arguments: [(0x8183, 3, false), (0x8182, 2, false), (0x8380, 0, true)] as [(UInt16, UInt8, Bool)])
    func codeAndTruncationAreRead(_ flags: UInt16, _ code: UInt8, _ isTruncated: Bool) {
        let facts = decode(message(flags: flags), fromServer: true).first
        #expect(facts?.responseCode == code)
        #expect(facts?.isTruncated == isTruncated)
    }

    @Test func bytesThatAreNotPrintableAndDotsInsideLabelsAreEscaped() {
        let odd: [UInt8] = [4, 0x2e, 0x07, 0xff, 0x5c, 0, 0, 1, 0, 1]
        #expect(decode(message(flags: 0, question: odd)).first?.name == "\\046\\007\\255\\092")
    }

    @Test func compressionThatPointsForwardOrToItselfIsNoName() {
        for pointer in [12, 13, 14, 200] as [UInt8] {
            #expect(decode(message(flags: 0, question: [0xc0, pointer, 0, 1, 0, 1])).isEmpty)
        }
    }

    @Test func everyTruncationKeepsTheAnswersBeforeTheCut() {
        for length in 0..<response.count {
            let facts = decode(Array(response[..<length]), fromServer: true).first
            #expect((facts != nil) == (length >= 29), "\(length)")
            let expected = length >= 29 + 14 + 16 ? 1 : 0
            #expect(facts?.addresses.count ?? 0 == expected, "\(length)")
        }
    }

    @Test func otherOpcodesAndQuestionCountsAreNotLookups() {
        #expect(decode(message(flags: 0x2800)).isEmpty)
        var none = message(flags: 0)
        none[5] = 0
        #expect(decode(none).isEmpty)
    }

    @Test func overTCPMessagesAreFoundHoweverTheBytesArrive() {
        let stream = [0, UInt8(response.count)] + response + [0, 0] + [0, UInt8(response.count)] + response
        for step in 1...stream.count {
            var parser = DNSStreamParser()
            for start in stride(from: 0, to: stream.count, by: step) {
                let part = Array(stream[start..<min(start + step, stream.count)])
                parser.consume(part.span.bytes, at: Int64(start), context(.fromServer))
            }
            let messages = parser.messages(
                client: Endpoint(address: PacketBuilder.client, port: 9),
                server: Endpoint(address: PacketBuilder.server, port: 53)
            )
            #expect(messages.map(\.name) == ["api.example", "api.example"], "step \(step)")
            #expect(messages.allSatisfy { $0.server.port == 53 && $0.client.port == 9 })
        }
    }

    @Test func overTCPAGapEndsOneDirectionOnly() {
        let stream = [0, UInt8(response.count)] + response
        var parser = DNSStreamParser()
        parser.gap(5, at: 0, context(.fromServer))
        parser.consume(stream.span.bytes, at: 5, context(.fromServer))
        parser.consume(stream.span.bytes, at: 0, context(.fromClient))
        let end = Endpoint(address: PacketBuilder.client, port: 9)
        #expect(parser.messages(client: end, server: end).count == 1)
    }

    private func context(_ direction: Direction) -> DeliveryContext {
        DeliveryContext(frame: FrameReference(number: 1, time: Timestamp(nanoseconds: 0)), direction: direction)
    }
}
