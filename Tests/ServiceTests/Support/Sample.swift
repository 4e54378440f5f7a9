import Model
import Pipeline

@testable import Service

/// Findings and reports built by hand.
enum Sample {
    /// 2026-11-22T03:12:00 UTC.
    static let start = Timestamp(seconds: 1_795_317_120)
    static let gateway = Endpoint(address: IPAddress(v4: 10, 0, 0, 2), port: 41_234)
    static let upstream = Endpoint(address: IPAddress(v4: 10, 0, 3, 7), port: 8_080)

    static func occurrence(
        _ number: Int,
        at time: Timestamp = start,
        target: String = "/cart?card=s3cret",
        status: Int? = 502
    ) -> Occurrence {
        Occurrence(
            time: time,
            from: gateway,
            to: upstream,
            stream: number,
            frames: [
                EvidenceFrame(FrameReference(number: number * 10, time: time), role: "SYN", direction: .fromClient),
                EvidenceFrame(
                    FrameReference(number: number * 10 + 1, time: time + 210_000),
                    role: "RST, ACK from upstream",
                    direction: .fromServer
                ),
            ],
            request: RequestSummary(method: "GET", host: "shop.example", target: target, id: "r\(number)"),
            client: ClientOutcome(status: status, saw: .gatewayError, stream: number + 1, frame: number * 10 + 2),
            attempt: 1,
            explanation: "10.0.3.7:8080 answered the SYN with a reset."
        )
    }

    static func finding(
        count: Int,
        at time: Timestamp = start,
        cause: Cause = .connectRefused,
        upstream: String? = upstream.description,
        severity: Severity = .failure,
        occurrences: [Occurrence] = []
    ) -> Finding {
        Finding(
            id: "F1",
            cause: cause,
            title: cause.title(upstream: upstream),
            confidence: .high,
            blame: .upstream,
            severity: severity,
            gateway: gateway.address,
            upstream: upstream,
            count: severity == .failure ? count : 0,
            attempts: count,
            first: start,
            last: time,
            occurrences: occurrences,
            pattern: "all for GET /cart",
            ruledOut: [RuledOut(.connectTimeout, "the upstream answered")],
            remedies: [Remedy("nginx", "`max_fails` and a second server")],
            displayFilter: "tcp.stream in {1, 2}"
        )
    }

    static func report(
        requests: Int,
        failed: Int,
        exchanges: Int,
        at time: Timestamp = start,
        findings: [Finding] = []
    ) -> Report {
        var report = Report()
        report.findings = findings
        report.clientErrorStatuses = failed > 0 ? [502: failed] : [:]
        report.totalRequests = requests
        report.failedRequests = failed
        report.lastPacket = time
        report.roles.gateways = [gateway.address]
        var summary = UpstreamSummary(endpoint: upstream)
        summary.connections = 3
        summary.exchanges = exchanges
        summary.failures = failed
        for number in 0..<exchanges { summary.firstByteTimes.add(Nanoseconds(number + 1) * 3_000_000) }
        summary.connectTimes.add(400_000)
        summary.connectTimes.add(700_000)
        summary.connectTimes.add(190_000_000_000)
        report.upstreams = [summary]
        return report
    }

    static func statistics(packets: Int, at time: Timestamp = start) -> RunStatistics {
        var statistics = RunStatistics()
        statistics.packets = packets
        statistics.capturedBytes = Int64(packets) * 100
        statistics.first = start
        statistics.last = time
        return statistics
    }

    /// Decides an occurrence and reports its finding, as a run does within seconds.
    static func tell(_ feed: Feed, _ occurrence: Occurrence, _ finding: Finding) {
        feed.decided(occurrence, finding)
        var report = Report()
        report.lastPacket = occurrence.time
        report.findings = [finding]
        feed.finalReport(report)
    }

    static func feed(_ change: (inout ServiceConfiguration) -> Void = { _ in }) -> Feed {
        var configuration = ServiceConfiguration()
        change(&configuration)
        return Feed(startedAt: start, configuration: configuration, clock: { 0 })
    }
}
