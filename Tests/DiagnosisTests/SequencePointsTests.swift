import Model
import Testing

@testable import Diagnosis

/// What a report keeps of the byte stream of the connection that decides.
@Suite struct SequencePointsTests {
    /// A good exchange, idleness, and a request that is sent again and again.
    private static let stalled = Scene.leg().handshake(at: 1).request("/first", at: 2).response(200, at: 9)
        .request("/a", at: 100).again(.fromClient, at: 300, 700).fin(.fromClient, at: 900)

    private static func sequence(_ upstream: Line, answered: Double = 901) throws -> [SequencePoint] {
        let report = Scene.report([
            Scene.failing(at: 99, answered: answered),
            Scene.client(50_001).handshake(at: 0).request("/first", at: 1)
                .response(200, at: 10), upstream,
        ])
        let finding = try #require(report.findings.first { $0.severity > .note })
        return try #require(finding.occurrences.first).sequence
    }

    @Test("The exchange that failed and the one before it, and what was notable between, by time")
    func points() throws {
        let points = try Self.sequence(Self.stalled)
        #expect(points.filter { $0.kind == .message }.map(\.direction) == [.fromClient, .fromServer, .fromClient])
        #expect(points.filter { $0.kind == .retransmission }.count == 2)
        #expect(points.contains { $0.kind == .fin && $0.direction == .fromClient })
        #expect(points.map(\.time) == points.map(\.time).sorted())
        let messages = points.filter { $0.kind == .message && $0.direction == .fromClient }
        // The second request follows the first in the stream; its repetitions lie where it lies.
        #expect(messages[0].end <= messages[1].offset && messages[1].offset < messages[1].end)
        for point in points where point.kind == .retransmission {
            #expect(point.offset >= messages[1].offset && point.end <= messages[1].end)
        }
    }

    @Test("Exchanges before the one before, and events outside of it, are left out")
    func window() throws {
        var line = Scene.leg().handshake(at: 1)
        for number in 0..<20 {
            line = line.request("/old", at: Double(10 + number * 3)).response(200, at: Double(11 + number * 3))
        }
        let facts = line.request("/a", at: 100).again(.fromClient, at: 300, 700).fin(.fromClient, at: 900).facts
        let occurrence = Occurrence(
            time: frame(900).time,
            from: nil,
            to: nil,
            stream: 0,
            frames: [
                EvidenceFrame(frame(100), role: "request", direction: .fromClient),
                EvidenceFrame(frame(700), role: "request again", direction: .fromClient),
            ],
            request: nil,
            client: nil,
            attempt: 1,
            explanation: ""
        )
        let points = SequencePoints.points(facts, occurrence)
        // The FIN came after the last packet that decides.
        #expect(points.count { $0.kind == .retransmission } == 2 && !points.contains { $0.kind == .fin })
        #expect(points.count { $0.kind == .message } == 3)
        #expect(!points.contains { $0.kind == .syn })
    }

    @Test("Of very many points the first and the last are kept")
    func bounded() throws {
        var line = Scene.leg().handshake(at: 1).request("/a", at: 100)
        for number in 0..<200 { line = line.again(.fromClient, at: 150 + Double(number) * 3) }
        let points = try Self.sequence(line.fin(.fromClient, at: 900))
        #expect(points.count == SequencePoints.limit)
        #expect(points.first?.kind == .message && points.last?.kind == .fin)
    }

    @Test("Without a connection there is nothing to draw")
    func absent() {
        let report = Scene.report([Scene.failing(at: 99, answered: 100)])
        #expect(report.findings.flatMap(\.occurrences).allSatisfy { $0.stream == nil || $0.sequence.count < 4 })
    }
}
