import Model

/// Probes are no requests: HAProxy connects and resets every 2 s (`inter`), or sends `OPTIONS / HTTP/1.0` without Host
/// (`option httpchk`), Envoy and cloud load balancers name themselves in User-Agent.
enum HealthChecks {
    /// Marks probes among the attempts that no client request explains.
    static func mark(_ join: inout Join) {
        var series: [Series: [Int]] = [:]
        for (index, attempt) in join.attempts.enumerated() where attempt.parent == nil {
            if let request = join.request(of: attempt) {
                if isProbe(request) { join.attempts[index].isHealthCheck = true }
            } else {
                series[Series(from: attempt.dialler, to: attempt.upstream), default: []].append(index)
            }
        }
        for members in series.values where isPeriodic(members.map { join.attempts[$0].start }) {
            for member in members { join.attempts[member].isHealthCheck = true }
        }
    }

    private struct Series: Hashable {
        var from: IPAddress
        var to: Endpoint
    }

    private static func isProbe(_ request: RequestFacts) -> Bool {
        if request.method == "OPTIONS", request.version == "HTTP/1.0", request.host == nil { return true }
        let agent = request.fields.first { $0.name == "user-agent" }?.value ?? ""
        return ["ELB-HealthChecker/", "GoogleHC/", "Envoy/HC", "kube-probe/"].contains { agent.hasPrefix($0) }
    }

    /// Four or more connects at one interval of at least 1.5 s (HAProxy's retries are 1 s apart and at most four in a row).
    private static func isPeriodic(_ starts: [Timestamp]) -> Bool {
        guard starts.count >= 4 else { return false }
        let gaps = zip(starts.dropFirst(), starts).map { $0 - $1 }.sorted()
        let median = gaps[gaps.count / 2]
        guard median >= .milliseconds(1500) else { return false }
        let close = gaps.filter { abs($0 - median) <= max(median / 20, .milliseconds(50)) }
        return close.count * 5 >= gaps.count * 4
    }
}
