import Diagnosis
import Model

/// Reports built by hand, for the renderings.
enum Sample {
    /// 2026-11-22T03:12:07 UTC.
    static let start = Timestamp(seconds: 1_795_317_127, nanoseconds: 120_345_678)
    static let gateway = IPAddress(v4: 10, 0, 0, 2)
    static let upstream = Endpoint(address: IPAddress(v4: 10, 0, 3, 7), port: 8080)

    static func frame(
        _ number: Int,
        _ microseconds: Int64,
        _ role: String,
        _ direction: Direction?
    ) -> EvidenceFrame {
        EvidenceFrame(
            FrameReference(number: number, time: start + microseconds * 1_000),
            role: role,
            direction: direction
        )
    }

    static func resetOccurrence(target: String = "/search?q=private&page=2") -> Occurrence {
        Occurrence(
            time: start + 4_431_000,
            from: Endpoint(address: gateway, port: 41_234),
            to: upstream,
            stream: 4,
            frames: [
                frame(12, 0, "SYN", .fromClient),
                frame(13, 210, "SYN, ACK", .fromServer),
                frame(15, 240, "GET \(target), 312 bytes", .fromClient),
                frame(16, 460, "ACK covers the whole request", .fromServer),
                frame(21, 4_431, "RST from upstream, 4.191 ms after the request, no byte of response", .fromServer),
            ],
            request: RequestSummary(method: "GET", host: "shop.example", target: target, id: "7f3a-19"),
            client: ClientOutcome(status: 502, saw: .gatewayError, stream: 3, frame: 22),
            attempt: 1,
            explanation: """
                The upstream acknowledged the whole request and reset the connection 4.191 ms later, 20 times its round \
                trip, without a byte of response.
                """
        )
    }

    static func resetFinding() -> Finding {
        Finding(
            id: "F1",
            cause: .resetBeforeResponse,
            title: Cause.resetBeforeResponse.title(upstream: upstream.description),
            confidence: .high,
            blame: .upstream,
            severity: .failure,
            gateway: gateway,
            upstream: upstream.description,
            upstreamName: "app",
            count: 36,
            attempts: 37,
            first: start + 4_431_000,
            last: start + .seconds(453),
            occurrences: [resetOccurrence()],
            pattern: "all 36 are GET /search; other requests to 10.0.3.7:8080 succeeded in the same minutes",
            ruledOut: [
                RuledOut(.resetAfterAccept, "the reset came 4.191 ms after the request, the round trip is 0.210 ms"),
                RuledOut(.middleboxReset, "hop count 64 and options as in the upstream's other packets"),
                RuledOut(.staleKeepaliveReuse, "first request of its connection"),
                RuledOut(.clientAbort, "the client was still there when the reset came"),
            ],
            missing: [],
            remedies: CauseGuides.guide(for: .resetBeforeResponse)?.remedies(inFront: "nginx") ?? [],
            displayFilter: "tcp.stream in {4, 9, 11}"
        )
    }

    /// One cause, and one error that nothing explains: the report of an ordinary bad night.
    static func outage() -> Report {
        var report = clean()
        report.failedRequests = 37
        report.findings = [resetFinding()]
        report.clientErrors = [
            ClientError(
                time: start + 4_600_000,
                status: 502,
                request: resetOccurrence().request,
                stream: 3,
                frame: 22,
                findings: ["F1"]
            ),
            ClientError(
                time: start + .seconds(60),
                status: 504,
                request: RequestSummary(method: "POST", host: "shop.example", target: "/pay?token=secret"),
                stream: 90,
                frame: 1_022,
                why: "the upstream leg of this request is not in the capture"
            ),
        ]
        report.upstreams[0].failures = 37
        report.upstreams[0].resets = 37
        return report
    }

    static func clean() -> Report {
        var report = Report()
        report.sources = [
            SourceSummary(
                name: "gw1.pcapng",
                format: "zstd pcapng",
                linkTypes: [.ethernet],
                packets: 148_220,
                bytes: 45_100_321
            )
        ]
        report.firstPacket = start - .seconds(127)
        report.lastPacket = start + .seconds(473)
        report.packets = 148_220
        report.roles.gateways = [gateway]
        report.roles.upstreams = [upstream]
        report.roles.reasons = ["10.0.0.2 answers clients on port 443 and opens connections to 10.0.3.7:8080"]
        report.roles.software = [
            GatewaySoftware(gateway: gateway, name: "nginx", evidence: "its error page is signed nginx")
        ]
        report.totalRequests = 12_410
        var summary = UpstreamSummary(endpoint: upstream)
        summary.connections = 512
        summary.exchanges = 12_410
        summary.connectTime = DurationSummary([210_000, 215_000, 900_000])
        summary.firstByteTime = DurationSummary([3_100_000, 12_000_000, 1_900_000_000])
        summary.retransmissions = 4
        summary.repetitions.count(.timeout, .afterCapture)
        summary.repetitions.count(.fast, .beforeCapture)
        summary.repetitions.count(.spurious, nil)
        summary.repetitions.count(.outOfOrder, nil)
        report.upstreams = [summary]
        return report
    }

    /// Everything that a report can carry at once.
    static func everything() -> Report {
        var report = outage()
        var refused = resetFinding()
        refused.id = "F2"
        refused.cause = .connectRefused
        refused.title = Cause.connectRefused.title(upstream: "[2001:db8::7]:8080")
        refused.severity = .nearMiss
        refused.confidence = .medium
        refused.upstream = "[2001:db8::7]:8080"
        refused.upstreamName = nil
        refused.count = 3
        refused.attempts = 3
        refused.pattern = nil
        refused.missing = ["no other packet of that host to compare the hop count with"]
        refused.statusMismatch = "HAProxy gives 503 for this, and the client got 502"
        var surplus = refused
        surplus.id = "F3"
        surplus.cause = .surplusBytes
        surplus.title = Cause.surplusBytes.title(upstream: upstream.description)
        surplus.severity = .note
        report.findings += [refused, surplus]
        report.quality.verdict = .fair
        report.quality.notes = [
            "20480 bytes on 3 connections were acknowledged and are not in the capture, which lost packets or sees one of several ways: "
                + "give it a larger buffer (-B), and capture on every interface",
            "time stamps run backwards once on one interface, by up to 2.00 s",
        ]
        report.quality.missedBytes = 20_480
        report.quality.clockSteps = 1
        report.quality.backwardPackets = 1
        report.quality.largestBackwardStep = .seconds(2)
        report.quality.duplicatePackets = 12
        report.sources[0].truncated = "cut in the middle of a record at byte 45100321"
        return report
    }
}
