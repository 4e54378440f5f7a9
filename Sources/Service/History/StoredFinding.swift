import Foundation
import Model

/// A finding as the history keeps it, without its occurrences. Additions are optional, so that older rows stay readable.
struct StoredFinding: Codable {
    struct Pair: Codable {
        var name: String
        var text: String
    }

    var cause: String
    var variant: String?
    var title: String
    var confidence: String
    var blame: String
    var severity: String
    var statusMismatch: String?
    var gateway: String?
    var upstream: String?
    var upstreamName: String?
    var count: Int
    var attempts: Int
    var first: Int64
    var last: Int64
    var pattern: String?
    var ruledOut: [Pair]
    var missing: [String]
    var remedies: [Pair]
    var displayFilter: String

    init(_ finding: Finding) {
        cause = finding.cause.rawValue
        variant = finding.variant
        title = finding.title
        confidence = finding.confidence.rawValue
        blame = finding.blame.rawValue
        severity = finding.severity.rawValue
        statusMismatch = finding.statusMismatch
        gateway = finding.gateway?.description
        upstream = finding.upstream
        upstreamName = finding.upstreamName
        count = finding.count
        attempts = finding.attempts
        first = finding.first.nanoseconds
        last = finding.last.nanoseconds
        pattern = finding.pattern.map(TargetMask.maskedText)
        ruledOut = finding.ruledOut.map { Pair(name: $0.cause.rawValue, text: TargetMask.maskedText($0.why)) }
        missing = finding.missing.map(TargetMask.maskedText)
        remedies = finding.remedies.map { Pair(name: $0.gateway, text: $0.text) }
        displayFilter = finding.displayFilter
    }

    /// Nil where it names something that this version does not know.
    var finding: Finding? {
        guard let cause = Cause(rawValue: cause), let confidence = Confidence(rawValue: confidence),
            let blame = Blame(rawValue: blame), let severity = Severity(rawValue: severity)
        else { return nil }
        return Finding(
            id: "",
            cause: cause,
            variant: variant,
            title: title,
            confidence: confidence,
            blame: blame,
            severity: severity,
            statusMismatch: statusMismatch,
            gateway: gateway.flatMap { IPAddress($0) },
            upstream: upstream,
            upstreamName: upstreamName,
            count: count,
            attempts: attempts,
            first: Timestamp(nanoseconds: first),
            last: Timestamp(nanoseconds: last),
            pattern: pattern,
            ruledOut: ruledOut.compactMap { pair in Cause(rawValue: pair.name).map { RuledOut($0, pair.text) } },
            missing: missing,
            remedies: remedies.map { Remedy($0.name, $0.text) },
            displayFilter: displayFilter
        )
    }
}

/// An occurrence as the history keeps it.
struct StoredOccurrence: Codable {
    struct Place: Codable {
        var address: String
        var port: UInt16

        init(_ endpoint: Endpoint) {
            address = endpoint.address.description
            port = endpoint.port
        }

        var endpoint: Endpoint? { IPAddress(address).map { Endpoint(address: $0, port: port) } }
    }

    struct Frame: Codable {
        var number: Int
        var time: Int64
        var role: String
        /// 0 from the client, 1 from the server.
        var direction: UInt8?
    }

    struct Request: Codable {
        var method: String
        var host: String?
        var target: String
        var id: String?
    }

    struct Client: Codable {
        var status: Int?
        var saw: String
        var stream: Int
        var frame: Int?
    }

    var time: Int64
    var from: Place?
    var to: Place?
    var stream: Int?
    var frames: [Frame]
    var request: Request?
    var client: Client?
    var attempt: Int
    var explanation: String

    /// Query values are masked before they reach the disk.
    init(_ occurrence: Occurrence) {
        time = occurrence.time.nanoseconds
        from = occurrence.from.map(Place.init)
        to = occurrence.to.map(Place.init)
        stream = occurrence.stream
        frames = occurrence.frames.map {
            Frame(
                number: $0.number,
                time: $0.time.nanoseconds,
                role: TargetMask.maskedText($0.role),
                direction: $0.direction?.rawValue
            )
        }
        request = occurrence.request.map {
            Request(method: $0.method, host: $0.host, target: $0.maskedTarget, id: $0.id)
        }
        client = occurrence.client.map {
            Client(status: $0.status, saw: $0.saw.rawValue, stream: $0.stream, frame: $0.frame)
        }
        attempt = occurrence.attempt
        explanation = TargetMask.maskedText(occurrence.explanation)
    }

    var occurrence: Occurrence {
        Occurrence(
            time: Timestamp(nanoseconds: time),
            from: from?.endpoint,
            to: to?.endpoint,
            stream: stream,
            frames: frames.map {
                EvidenceFrame(
                    FrameReference(number: $0.number, time: Timestamp(nanoseconds: $0.time)),
                    role: $0.role,
                    direction: $0.direction.flatMap(Direction.init)
                )
            },
            request: request.map { RequestSummary(method: $0.method, host: $0.host, target: $0.target, id: $0.id) },
            client: client.flatMap { client in
                ClientOutcome.Saw(rawValue: client.saw).map {
                    ClientOutcome(status: client.status, saw: $0, stream: client.stream, frame: client.frame)
                }
            },
            attempt: attempt,
            explanation: explanation
        )
    }
}

/// Bodies of rows: JSON, with sorted keys so that the same value gives the same bytes.
enum HistoryBody {
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) -> Value? {
        try? JSONDecoder().decode(type, from: data)
    }
}
