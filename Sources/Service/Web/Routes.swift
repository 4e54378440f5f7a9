package import Model
import Pipeline
import Reporting

/// What the server answers. Everything comes from the feed's picture and from files; nothing here waits.
package struct Routes: Sendable {
    private let feed: Feed
    private let configuration: ServiceConfiguration
    private let guardian: WebGuard
    private let history: @Sendable () -> HistoryState?
    private let evidence: EvidenceDirectory?
    /// Wall clock, or packet time where a file is shown.
    private let now: @Sendable (Picture) -> Timestamp
    private let source: [String]
    private let isLive: Bool

    package init(
        feed: Feed,
        configuration: ServiceConfiguration,
        hostName: String?,
        source: [String],
        isLive: Bool = true,
        history: @escaping @Sendable () -> HistoryState?,
        evidence: EvidenceDirectory?,
        now: @escaping @Sendable (Picture) -> Timestamp
    ) {
        self.feed = feed
        self.configuration = configuration
        guardian = WebGuard(configuration.http, hostName: hostName)
        self.source = source
        self.isLive = isLive
        self.history = history
        self.evidence = evidence
        self.now = now
    }

    package func answer(_ request: HTTPRequest) -> HTTPResponse {
        if let refusal = guardian.refusal(request) { return refusal }
        let isPost = request.method == "POST"
        guard isPost || request.method == "GET" || request.method == "HEAD" else {
            return notAllowed("GET, HEAD, POST")
        }
        if request.path == "/api/v1/recordings" {
            return isPost ? record(request) : notAllowed("POST")
        }
        guard !isPost else { return notAllowed("GET, HEAD") }
        switch request.path {
        case "/" where configuration.http.hasPage: return Page.response()
        case "/metrics":
            return HTTPResponse(200, type: MetricsText.contentType, ServiceMetrics.render(feed.picture, side))
        case "/healthz":
            let health = health(feed.picture)
            return json(health.document, status: health.isGood ? 200 : 503)
        case "/api/v1/live": return live(request)
        case "/api/v1/finding": return finding(request)
        case "/api/v1/token": return HTTPResponse(200, type: "text/plain; charset=utf-8", guardian.token + "\n")
        default:
            if request.path.hasPrefix("/evidence/") { return file(String(request.path.dropFirst(10))) }
            return .refusal(404, "there is nothing here; see / /metrics /healthz /api/v1/live")
        }
    }

    private func notAllowed(_ methods: String) -> HTTPResponse { .refusal(405).adding("Allow", methods) }

    private func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status, type: "application/json", value.compact + "\n")
    }

    private var side: SideFigures {
        var side = SideFigures()
        side.process = ProcessFigures.current()
        side.history = history()
        side.evidence = evidence?.state
        return side
    }

    private func health(_ picture: Picture) -> Health {
        Health(
            picture,
            silence: feed.silence,
            now: now(picture),
            isLive: isLive,
            history: history(),
            settings: configuration.health
        )
    }

    private func live(_ request: HTTPRequest) -> HTTPResponse {
        let minutes = request.parameter("minutes").map { Int($0) ?? 0 } ?? 60
        guard (1...Minutes.largestCount).contains(minutes) else {
            return .refusal(400, "minutes is 1 to \(Minutes.largestCount)")
        }
        let picture = feed.picture
        let sides = LiveDocument.Sides(
            now: now(picture),
            interfaces: source,
            health: health(picture),
            evidence: evidence?.state,
            history: history(),
            canRecord: evidence != nil,
            minutes: minutes
        )
        return json(LiveDocument.value(picture, sides))
    }

    private func finding(_ request: HTTPRequest) -> HTTPResponse {
        guard let identity = request.parameter("key").flatMap({ FindingIdentity(key: $0) }) else {
            return .refusal(400, "key is that of a finding of /api/v1/live")
        }
        let picture = feed.picture
        guard let finding = picture.findings[identity] else { return .refusal(404, "there is no such finding") }
        let latest = picture.latest[identity] ?? []
        return json(FindingDocument.value(finding, latest: latest, evidence: evidence?.state))
    }

    private func file(_ name: String) -> HTTPResponse {
        guard let (descriptor, bytes) = evidence?.open(name) else { return .refusal(404, "there is no such file") }
        return HTTPResponse(file: descriptor, bytes: bytes, type: "application/octet-stream", name: name)
    }

    private func record(_ request: HTTPRequest) -> HTTPResponse {
        guard evidence != nil else { return .refusal(409, "recorder.directory is off") }
        let reason = request.parameter("reason") ?? "asked for"
        guard (1...100).contains(reason.count) else { return .refusal(400, "reason is 1 to 100 characters") }
        if let until = feed.picture.statistics.live?.recorderRestsUntil {
            let seconds = Int(clamping: max(1, (until - now(feed.picture)) / 1_000_000_000 + 1))
            return .refusal(
                429,
                "recorder.per-hour files were begun within the hour; the next one may be in \(seconds) s"
            )
            .adding("Retry-After", String(seconds))
        }
        guard feed.record(SafeText.terminal(reason)) else {
            return .refusal(429, "so many wait already").adding("Retry-After", "1")
        }
        return json(.object([.init("status", .string("accepted"))]), status: 202)
    }
}
