import Model

/// Probes are no requests: HAProxy connects and resets every 2 s (`inter`), or sends HTTP/1.0 without Host
/// (`option httpchk`), Envoy, Kubernetes and cloud load balancers name themselves in User-Agent, Caddy and Traefik ask an
/// address with Go's own, and httpd (mod_proxy_hcheck) and others ask the same thing at one interval.
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
        let followers = Followers(join)
        for (key, members) in series where isPeriodic(members.map { join.attempts[$0].start }) {
            guard !followers.follow(members.map { join.attempts[$0] }, of: key.from) else { continue }
            for member in members { join.attempts[member].isHealthCheck = true }
        }
    }

    /// Marks connects that come like clockwork and not when a client's failing request does. Before the join, because one of many falls into
    /// some request's window by chance.
    static func markSeries(_ join: inout Join) {
        markQuestions(&join)
        var series: [Series: [Int]] = [:]
        for (index, attempt) in join.attempts.enumerated() where attempt.exchange == nil {
            series[Series(from: attempt.dialler, to: attempt.upstream), default: []].append(index)
        }
        let over = join.requests.filter(\.isOver).sorted { $0.start < $1.start }
        let followers = Followers(join)
        for (key, members) in series where members.count >= 6 {
            let times = members.map { join.attempts[$0].start }
            guard let period = period(times) else { continue }
            let prompted = times.filter { isPrompted($0, over, period) }
            guard prompted.count * 3 <= times.count, !belongs(times, over),
                !followers.follow(members.map { join.attempts[$0] }, of: key.from)
            else { continue }
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

    /// Whether all of them fall into failing requests of which each was dialled for at once: a gateway that tries again at a fixed interval
    /// (Caddy `lb_try_interval`). Probes go on between requests.
    private static func belongs(_ times: [Timestamp], _ over: [ClientRequest]) -> Bool {
        var prompted: Set<Int> = []
        for time in times.sorted() {
            let next = over.partitionPoint { $0.start > time }
            // The latest few suffice, and bound the work.
            let candidates = max(0, next - 64)..<next
            let around = candidates.filter { over[$0].end.map { $0 >= time } ?? true }
            if let now = around.last(where: { time - over[$0].start <= .milliseconds(5) }) {
                prompted.insert(now)
            } else if !around.contains(where: prompted.contains) {
                return false
            }
        }
        return !prompted.isEmpty
    }

    /// The interval of a series in which four in five gaps are within 5 % of their median; nil for any other.
    private static func period(_ times: [Timestamp]) -> Nanoseconds? {
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()
        let median = gaps[gaps.count / 2]
        guard median >= .milliseconds(100) else { return nil }
        let close = gaps.filter { distance($0 - median) <= max(median / 20, .milliseconds(5)) }
        return close.count * 5 >= gaps.count * 4 ? median : nil
    }

    /// Requests by the moment at which the gateway began to make them.
    private struct Followers {
        private var starts: [IPAddress: [Timestamp]] = [:]
        private static let pause: Nanoseconds = .milliseconds(1)

        init(_ join: Join) {
            for attempt in join.attempts where attempt.exchange != nil && !attempt.isHealthCheck {
                starts[attempt.dialler, default: []].append(attempt.start)
            }
            for dialler in starts.keys { starts[dialler]?.sort() }
        }

        /// Whether most of these failed dials had a request follow at once: the next server's turn. Dense traffic has requests at any
        /// moment, also at those halfway between the dials.
        func follow(_ dials: [Attempt], of dialler: IPAddress) -> Bool {
            guard let starts = starts[dialler] else { return false }
            func isFollowed(_ time: Timestamp) -> Bool {
                let next = starts.partitionPoint { $0 >= time }
                return next < starts.count && starts[next] - time <= Self.pause
            }
            let ends = dials.compactMap(\.end)
            let halves = zip(ends, ends.dropFirst()).map { $0 + ($1 - $0) / 2 }
            return ends.count { isFollowed($0) } * 3 >= dials.count * 2
                && halves.count { isFollowed($0) } * 3 <= halves.count
        }
    }

    private struct Series: Hashable {
        var from: IPAddress
        var to: Endpoint
    }

    /// By its own marks. Every gateway of the catalogue sends Host with what it forwards, also over HTTP/1.0.
    static func isProbe(_ request: RequestFacts, at upstream: Endpoint) -> Bool {
        if ["OPTIONS", "GET", "HEAD"].contains(request.method), request.version == "HTTP/1.0", request.host == nil,
            request.headEnd != nil, request.fields.isEmpty || request.method == "OPTIONS"
        {
            return true
        }
        // mod_proxy_hcheck (httpd 2.4.71); what a gateway forwards has more than a Host.
        if request.version == "HTTP/1.0", request.host != nil, request.fieldCount == 1,
            ["GET", "HEAD", "OPTIONS"].contains(request.method)
        {
            return true
        }
        let agent = request.field("user-agent") ?? ""
        // What Caddy and Traefik ask on their own account goes to the address itself and forwards nobody (Caddy 2.6.2).
        if agent.hasPrefix("Go-http-client/"), request.method == "GET", request.host == upstream.description,
            request.field("x-forwarded-for") == nil
        {
            return true
        }
        return ["ELB-HealthChecker/", "GoogleHC/", "Envoy/HC", "kube-probe/", "Consul Health Check"].contains {
            agent.hasPrefix($0)
        }
    }

    private struct Question: Hashable {
        var from: IPAddress
        var to: Endpoint
        /// Numbers of method and target.
        var method: Int
        var target: Int

        init(_ connection: ConnectionFacts, _ asked: MessageKeys.Question) {
            from = connection.client.address
            to = connection.server
            method = asked.method
            target = asked.target.number
        }
    }

    /// Connections on which one thing was asked of one server at one interval, four times and more.
    static func periodicQuestions(_ facts: TrafficFacts, _ keys: MessageKeys) -> Set<Int> {
        var series: [Question: [(connection: Int, time: Timestamp)]] = [:]
        for (index, connection) in facts.connections.enumerated() {
            for position in connection.exchanges.indices {
                guard let asked = keys[index, position] else { continue }
                series[Question(connection, asked), default: []].append((index, asked.first))
            }
        }
        var result: Set<Int> = []
        for (question, members) in series
        where members.count >= 4 && ["GET", "HEAD", "OPTIONS"].contains(keys.text(question.method)) {
            let times = members.map(\.time).sorted()
            let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()
            let median = gaps[gaps.count / 2]
            let close = gaps.filter { distance($0 - median) <= max(median / 10, .milliseconds(20)) }
            if median >= .milliseconds(200), close.count * 5 >= gaps.count * 4 {
                result.formUnion(members.map(\.connection))
            }
        }
        return result
    }

    /// Marks what is asked by the clock and what no client asked for. Before the join, lest one of many be taken for a rewritten request.
    private static func markQuestions(_ join: inout Join) {
        let periodic = periodicQuestions(join.facts, join.keys)
        var wanted: [Int: Set<Int>] = [:]
        var starts: [Int: [Timestamp]] = [:]
        for index in join.requests.indices {
            guard let asked = join.question(ofRequest: index) else { continue }
            let host = join.servingHost[join.requests[index].connection]
            wanted[host, default: []].insert(asked.target.path)
            starts[host, default: []].append(join.requests[index].start)
            if asked.last > join.requests[index].start { starts[host, default: []].append(asked.last) }
        }
        for host in starts.keys { starts[host]?.sort() }
        // How often it was asked at once when a client had asked for something: a rewritten target looks like that.
        var counts: [Question: (all: Int, prompted: Int)] = [:]
        for (index, attempt) in join.attempts.enumerated() {
            guard let request = join.request(of: attempt), let asked = join.question(of: index),
                periodic.contains(attempt.connection) || isProbe(request, at: attempt.upstream),
                let times = starts[join.diallingHost[attempt.connection]]
            else { continue }
            let next = times.partitionPoint { $0 > asked.first }
            let isPrompted = next > 0 && asked.first - times[next - 1] <= .milliseconds(5)
            let key = Question(join.facts.connections[attempt.connection], asked)
            counts[key, default: (0, 0)].all += 1
            if isPrompted { counts[key, default: (0, 0)].prompted += 1 }
        }
        for (index, attempt) in join.attempts.enumerated() {
            guard let request = join.request(of: attempt), let asked = join.question(of: index),
                !join.map.isClientLeg[attempt.connection]
            else { continue }
            // Without a client's request to hold it against, a poll is a poll. And a load balancer's check of this gateway may be passed on.
            guard periodic.contains(attempt.connection) || isProbe(request, at: attempt.upstream),
                let paths = wanted[join.diallingHost[attempt.connection]]
            else { continue }
            let key = Question(join.facts.connections[attempt.connection], asked)
            guard let count = counts[key], count.prompted * 3 <= count.all else { continue }
            if !paths.contains(asked.target.path) { join.attempts[index].isHealthCheck = true }
        }
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
