import Model
import Testing

@testable import Diagnosis

/// The network of these tests: clients in 192.0.2.0/24, a gateway with a public and a private address, and its
/// upstreams.
enum Scene {
    static let front = end("198.51.100.1", 80)
    static let dialler = IPAddress(v4: 10, 0, 0, 1)
    static let upstream = end("10.0.0.7", 8080)
    static let second = end("10.0.0.8", 8080)

    static func client(_ port: UInt16 = 50_000) -> Line {
        Line.from(end("192.0.2.10", port), to: front)
    }

    /// A connection of the gateway to an upstream.
    static func leg(_ port: UInt16 = 40_000, to server: Endpoint = upstream) -> Line {
        Line.from(Endpoint(address: dialler, port: port), to: server)
    }

    /// A client that asks at 0 ms and gets `status` at `time`.
    static func failing(
        _ target: String = "/a",
        port: UInt16 = 50_000,
        at start: Double = 0,
        status: Int = 502,
        answered time: Double
    ) -> Line {
        client(port).handshake(at: start - 1).request(target, at: start).response(status, at: time)
    }

    /// A good exchange on both legs of its own, from `start` on for 10 ms.
    static func good(_ target: String = "/good", ports: UInt16, at start: Double, to server: Endpoint = upstream)
        -> [Line]
    {
        [
            client(ports).handshake(at: start - 1).request(target, at: start).response(200, at: start + 10),
            leg(ports, to: server).handshake(at: start + 1).request(target, at: start + 2)
                .response(200, at: start + 9),
        ]
    }

    static func facts(_ lines: [Line], until last: Double? = nil) -> TrafficFacts {
        var facts = TrafficFacts()
        facts.connections = lines.map(\.facts).sorted { $0.first.number < $1.first.number }
        for index in facts.connections.indices { facts.connections[index].stream = index }
        facts.counters.last = last.map { frame($0).time } ?? facts.connections.map(\.last.time).max()
        facts.counters.first = facts.connections.map(\.first.time).min()
        return facts
    }

    static func report(
        _ lines: [Line],
        until last: Double? = nil,
        _ change: (inout DiagnosisOptions) -> Void = { _ in }
    ) -> Report {
        var options = DiagnosisOptions()
        change(&options)
        return Diagnosis.report(on: facts(lines, until: last), options: options)
    }
}

extension Report {
    /// "failure connect-refused 1/1": severity, cause, requests and attempts of each finding, in report order.
    var outline: [String] {
        findings.map { "\($0.severity) \($0.cause.rawValue) \($0.count)/\($0.attempts)" }
    }
}

/// One row of a table of attempts: what the upstream's connection showed while the client waited, and what that is.
struct Row: CustomTestStringConvertible, Sendable {
    var fact: String
    /// Nil: no finding.
    var cause: Cause?
    var variant: String?
    var confidence: Confidence?
    var lines: [Line]

    var testDescription: String { fact }

    init(
        _ fact: String,
        _ cause: Cause?,
        variant: String? = nil,
        confidence: Confidence? = nil,
        status: Int = 502,
        answered: Double,
        others: [Line] = [],
        _ leg: Line
    ) {
        self.fact = fact
        self.cause = cause
        self.variant = variant
        self.confidence = confidence
        lines = [Scene.failing(status: status, answered: answered), leg] + others
    }

    /// For rows whose client leg is told too.
    init(_ fact: String, _ cause: Cause?, variant: String? = nil, lines: [Line]) {
        self.fact = fact
        self.cause = cause
        self.variant = variant
        self.lines = lines
    }

    func check(sourceLocation: SourceLocation = #_sourceLocation) {
        let report = Scene.report(lines)
        guard let cause else {
            #expect(report.outline.filter { !$0.hasPrefix("note") } == [], sourceLocation: sourceLocation)
            #expect(report.failedRequests == 0, sourceLocation: sourceLocation)
            return
        }
        #expect(report.findings.map(\.cause) == [cause], sourceLocation: sourceLocation)
        #expect(report.findings.first?.variant == variant, sourceLocation: sourceLocation)
        #expect(report.findings.first?.count == 1, sourceLocation: sourceLocation)
        #expect(report.findings.first?.upstream == Scene.upstream.description, sourceLocation: sourceLocation)
        if let confidence {
            #expect(report.findings.first?.confidence == confidence, sourceLocation: sourceLocation)
        }
    }
}
