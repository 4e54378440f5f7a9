import Model
import Pipeline
import Testing

@testable import Service

@Suite struct MetricsTests {
    private static func render(_ feed: Feed) throws -> MetricsSyntax {
        var side = SideFigures()
        side.process = ProcessFigures.current()
        side.history = HistoryState(path: "h")
        side.evidence = EvidenceState(directory: "e")
        return try MetricsSyntax(parsing: ServiceMetrics.render(feed.picture, side))
    }

    @Test("The text is what the specification asks for, empty and full")
    func syntax() throws {
        let feed = Sample.feed()
        #expect(try Self.render(feed).value("gwsniff_capturing") == 0)
        feed.progress(Sample.statistics(packets: 10))
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1))
        feed.finalReport(Sample.report(requests: 20, failed: 2, exchanges: 18))
        let metrics = try Self.render(feed)
        #expect(metrics.value("gwsniff_packets_total") == 10)
        #expect(metrics.value("gwsniff_requests_total") == 20)
        #expect(metrics.value("gwsniff_failed_requests_total") == 2)
        #expect(metrics.value("gwsniff_capturing") == 1)
        #expect(metrics.value("gwsniff_client_errors_total", ["status": "502"]) == 2)
        #expect((metrics.value("process_resident_memory_bytes") ?? 0) > 1_000_000)
        #expect((metrics.value("process_open_fds") ?? 0) >= 3)
        #expect((metrics.value("process_start_time_seconds") ?? 0) > 1_700_000_000)
        #expect(metrics.value("gwsniff_build_info", ["version": gwsniffVersion]) == 1)
        let labels = ["cause": "connect-refused", "severity": "failure", "upstream": "10.0.3.7:8080"]
        #expect(metrics.value("gwsniff_findings_total", labels) == 1)
    }

    @Test("Histograms count each duration in every bucket that has room for it")
    func histograms() throws {
        let feed = Sample.feed()
        feed.finalReport(Sample.report(requests: 20, failed: 0, exchanges: 18))
        let metrics = try Self.render(feed)
        func bucket(_ bound: String) -> Double? {
            metrics.value("gwsniff_upstream_connect_seconds_bucket", ["upstream": "10.0.3.7:8080", "le": bound])
        }
        #expect([bucket("0.0005"), bucket("0.001"), bucket("100"), bucket("+Inf")] == [1, 2, 2, 3])
        let sum = metrics.value("gwsniff_upstream_connect_seconds_sum", ["upstream": "10.0.3.7:8080"]) ?? 0
        #expect(abs(sum - 190.0011) < 1e-6)
        let first = ["upstream": "10.0.3.7:8080"]
        #expect(metrics.value("gwsniff_upstream_first_byte_seconds_count", first) == 18)
    }

    @Test("Counters never go down when a later report has less")
    func monotone() throws {
        let feed = Sample.feed()
        feed.finalReport(Sample.report(requests: 20, failed: 2, exchanges: 18))
        feed.finalReport(Sample.report(requests: 15, failed: 1, exchanges: 12))
        let metrics = try Self.render(feed)
        #expect(metrics.value("gwsniff_requests_total") == 20)
        #expect(metrics.value("gwsniff_upstream_exchanges_total", ["upstream": "10.0.3.7:8080"]) == 18)
    }

    @Test("A finding that is told again counts what is new of it, whatever a look at a part of the run counts")
    func findingsOnce() throws {
        let feed = Sample.feed()
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1))
        Sample.tell(feed, Sample.occurrence(2), Sample.finding(count: 40))
        feed.decided(Sample.occurrence(3), Sample.finding(count: 2))
        let report = Sample.report(requests: 100, failed: 41, exchanges: 60, findings: [Sample.finding(count: 41)])
        feed.finalReport(report)
        feed.finalReport(report)
        let labels = ["cause": "connect-refused", "severity": "failure", "upstream": "10.0.3.7:8080"]
        let metrics = try Self.render(feed)
        #expect(metrics.value("gwsniff_findings_total", labels) == 41)
        #expect(metrics.value("gwsniff_client_errors_total", ["status": "502"]) == 41)
    }

    @Test("What only one report says for a moment is never counted")
    func standing() throws {
        let feed = Sample.feed()
        let passing = Sample.finding(count: 1, cause: .undetermined)
        feed.report(Sample.report(requests: 10, failed: 1, exchanges: 9, findings: [passing]))
        let settled = Sample.report(requests: 10, failed: 1, exchanges: 9, findings: [Sample.finding(count: 1)])
        feed.report(settled)
        #expect(try Self.render(feed).values.keys.allSatisfy { $0.name != "gwsniff_findings_total" })
        feed.report(settled)
        let found = try Self.render(feed).values.filter { $0.key.name == "gwsniff_findings_total" }
        #expect(found.keys.map { $0.labels["cause"] } == ["connect-refused"])
        #expect(found.values.map(\.self) == [1])
        #expect(try Self.render(feed).value("gwsniff_failed_requests_total") == 1)
        #expect(feed.picture.findings.count == 1)
    }

    @Test("Drops are told by who dropped, where somebody says")
    func drops() throws {
        let feed = Sample.feed()
        var statistics = Sample.statistics(packets: 10)
        feed.progress(statistics)
        #expect(try Self.render(feed).values.keys.allSatisfy { $0.name != "gwsniff_dropped_packets_total" })
        statistics.live = LiveCounters()
        statistics.live?.droppedByKernel = 7
        statistics.live?.droppedByUs = 2
        statistics.live?.openConnections = 3
        feed.progress(statistics)
        let metrics = try Self.render(feed)
        func dropped(_ by: String) -> Double? { metrics.value("gwsniff_dropped_packets_total", ["by": by]) }
        #expect([dropped("kernel"), dropped("interface"), dropped("gwsniff")] == [7, nil, 2])
        #expect(metrics.value("gwsniff_open_connections") == 3)
    }

    @Test("However many upstreams fail, the series are bounded, and the rest is counted as other")
    func cardinality() throws {
        let feed = Sample.feed { $0.metrics.largestUpstreamCount = 5 }
        for number in 0..<500 {
            let finding = Sample.finding(count: 1, upstream: "10.0.\(number / 250).\(number % 250):80")
            Sample.tell(feed, Sample.occurrence(number), finding)
        }
        let metrics = try Self.render(feed)
        let series = metrics.values.filter { $0.key.name == "gwsniff_findings_total" }
        #expect(series.count == 6)
        #expect(series.values.reduce(0, +) == 500)
        #expect(series.first { $0.key.labels["upstream"] == "other" }?.value == 495)
    }

    @Test("The figures of an upstream go on under their name, whoever comes or fails later")
    func names() throws {
        let feed = Sample.feed { $0.metrics.largestUpstreamCount = 2 }
        func report(_ hosts: [UInt8]) {
            var report = Report()
            report.upstreams = hosts.map { host in
                var summary = UpstreamSummary(endpoint: Endpoint(address: IPAddress(v4: 10, 0, 3, host), port: 80))
                summary.exchanges = Int(host)
                return summary
            }
            feed.finalReport(report)
        }
        func exchanges() throws -> [String?: Double] {
            let all = try Self.render(feed).values.filter { $0.key.name == "gwsniff_upstream_exchanges_total" }
            return Dictionary(uniqueKeysWithValues: all.map { ($0.key.labels["upstream"], $0.value) })
        }
        report([8, 9])
        #expect(try exchanges() == ["10.0.3.8:80": 8, "10.0.3.9:80": 9])
        report([1, 2, 8, 9])
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1, upstream: "10.0.3.1:80"))
        #expect(try exchanges() == ["10.0.3.8:80": 8, "10.0.3.9:80": 9, "other": 3])
    }

    @Test("Upstreams of a group share its name, and none of the room")
    func groups() throws {
        let feed = Sample.feed {
            $0.metrics.largestUpstreamCount = 1
            $0.metrics.groups = [
                .init(name: "shop \"front\"\\", members: [AddressPrefix("10.0.3.0/24")].compactMap(\.self))
            ]
        }
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1, upstream: "10.0.3.1:80"))
        Sample.tell(feed, Sample.occurrence(2), Sample.finding(count: 2, upstream: "10.0.3.2:80"))
        Sample.tell(feed, Sample.occurrence(3), Sample.finding(count: 3, upstream: "10.0.9.1:80"))
        Sample.tell(feed, Sample.occurrence(4), Sample.finding(count: 1, upstream: nil))
        let metrics = try Self.render(feed)
        func count(_ upstream: String) -> Double? {
            metrics.value(
                "gwsniff_findings_total",
                ["cause": "connect-refused", "severity": "failure", "upstream": upstream]
            )
        }
        #expect(count("shop \"front\"\\") == 3)
        #expect(count("10.0.9.1:80") == 3)
        #expect(count("none") == 1)
    }

    @Test(
        "The check bites: each broken text is refused",
        arguments: [
            "# HELP a_total x\n# TYPE a_total counter\na_total 1",
            "# HELP a x\n# TYPE a counter\na 1\n",
            "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
            "# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
            "# HELP a x\n# TYPE a gauge\na{b=\"\\x\"} 1\n",
            "# HELP a x\n# TYPE a gauge\na{b=\"c\" d=\"e\"} 1\n",
            "# HELP a x\n# TYPE a gauge\na one\n",
            "# HELP a x\n# TYPE a gauge\na 1\n# HELP b x\n# TYPE b gauge\nb 1\na{c=\"d\"} 2\n",
            "a 1\n",
            "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
            "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        ]
    )
    func bites(_ text: String) {
        #expect(throws: MetricsSyntax.Problem.self) { try MetricsSyntax(parsing: text) }
    }
}
