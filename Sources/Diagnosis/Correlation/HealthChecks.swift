import Model

/// Probes are no requests: HAProxy connects and resets every 2 s (`inter`), or sends `OPTIONS / HTTP/1.0` without Host
/// (`option httpchk`), Envoy and cloud load balancers name themselves in User-Agent, Caddy and Traefik ask an address with
/// Go's own.
enum HealthChecks {
    /// Marks probes among the attempts that no client request explains.
    static func mark(_ join: inout Join) {
        var series: [Series: [Int]] = [:]
        for (index, attempt) in join.attempts.enumerated() where attempt.parent == nil {
            if let request = join.request(of: attempt) {
                if isProbe(request, at: attempt.upstream) { join.attempts[index].isHealthCheck = true }
            } else {
                series[Series(from: attempt.dialler, to: attempt.upstream), default: []].append(index)
            }
        }
        for members in series.values where isPeriodic(members.map { join.attempts[$0].start }) {
            for member in members { join.attempts[member].isHealthCheck = true }
        }
    }

    /// Marks connects that come like clockwork and not when a client's failing request does. Before the join, because one of many falls into
    /// some request's window by chance.
    static func markSeries(_ join: inout Join) {
        var series: [Series: [Int]] = [:]
        for (index, attempt) in join.attempts.enumerated() where attempt.exchange == nil {
            series[Series(from: attempt.dialler, to: attempt.upstream), default: []].append(index)
        }
        let over = join.requests.filter(\.isOver).sorted { $0.start < $1.start }
        for members in series.values where members.count >= 6 {
            let times = members.map { join.attempts[$0].start }
            guard let period = period(times) else { continue }
            let prompted = times.filter { isPrompted($0, over, period) }
            guard prompted.count * 3 <= times.count else { continue }
            for member in members { join.attempts[member].isHealthCheck = true }
        }
    }

    /// Dialled within 5 ms of a failing request: that is what it was dialled for. At a second or more, where HAProxy's retries come, anywhere inside
    /// such a request.
    private static func isPrompted(_ time: Timestamp, _ over: [ClientRequest], _ period: Nanoseconds) -> Bool {
        let next = over.partitionPoint { $0.start > time }
        let isRetryPause = period >= .milliseconds(900)
        return over[..<next].suffix(64).contains { request in
            time - request.start <= .milliseconds(5) || isRetryPause && request.end.map { $0 >= time } ?? true
        }
    }

    /// The interval of a series in which four in five gaps are within 5 % of their median; nil for any other.
    private static func period(_ times: [Timestamp]) -> Nanoseconds? {
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()
        let median = gaps[gaps.count / 2]
        guard median >= .milliseconds(100) else { return nil }
        let close = gaps.filter { distance($0 - median) <= max(median / 20, .milliseconds(5)) }
        return close.count * 5 >= gaps.count * 4 ? median : nil
    }

    private struct Series: Hashable {
        var from: IPAddress
        var to: Endpoint
    }

    static func isProbe(_ request: RequestFacts, at upstream: Endpoint) -> Bool {
        if request.method == "OPTIONS", request.version == "HTTP/1.0", request.host == nil { return true }
        let agent = request.field("user-agent") ?? ""
        // What Caddy and Traefik ask on their own account goes to the address itself and forwards nobody (Caddy 2.6.2).
        if agent.hasPrefix("Go-http-client/"), request.method == "GET", request.host == upstream.description,
            request.field("x-forwarded-for") == nil
        {
            return true
        }
        return ["ELB-HealthChecker/", "GoogleHC/", "Envoy/HC", "kube-probe/"].contains { agent.hasPrefix($0) }
    }

    /// Four or more connects at one interval of at least 1.5 s (HAProxy's retries are 1 s apart and at most four in a row).
    private static func isPeriodic(_ starts: [Timestamp]) -> Bool {
        guard starts.count >= 4 else { return false }
        let gaps = zip(starts.dropFirst(), starts).map { $0 - $1 }.sorted()
        let median = gaps[gaps.count / 2]
        guard median >= .milliseconds(1500) else { return false }
        let close = gaps.filter { distance($0 - median) <= max(median / 20, .milliseconds(50)) }
        return close.count * 5 >= gaps.count * 4
    }
}
