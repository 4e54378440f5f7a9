import Model

/// Two causes, or a cause and healthy traffic, that look alike on the wire.
struct LookAlikePair: Sendable, CustomStringConvertible {
    enum Shown: Sendable {
        /// Nothing above a note.
        case healthy
        case cause(Cause)
        /// The same cause may stand on both sides.
        case variant(Cause, String?)

        var cause: Cause? {
            switch self {
            case .healthy: nil
            case .cause(let cause), .variant(let cause, _): cause
            }
        }
    }

    struct Side: Sendable {
        var shown: Shown
        /// "<cause>/<gateway>-<case>".
        var captures: [String]
        /// The finding rules the other side out, or says in `missing` what would.
        var names: Bool
    }

    /// As the catalogue of causes calls them.
    var name: String
    var one: Side
    var other: Side
    var gateways: Set<String>

    var description: String { name }

    init(_ name: String, _ one: Side, _ other: Side, gateways: Set<String> = Set(five)) {
        self.name = name
        self.one = one
        self.other = other
        self.gateways = gateways
    }

    static let five = ["apache", "caddy", "envoy", "haproxy", "nginx"]

    static func gateway(_ capture: String) -> String {
        String(capture.split(separator: "/").last?.split(separator: "-").first ?? "")
    }

    /// The case `name` of each gateway, or what stands in its place there.
    private static func side(
        _ cause: Cause,
        _ name: String,
        _ others: [String: String] = [:],
        on gateways: [String] = five,
        variant: String?? = nil,
        names: Bool = true
    ) -> Side {
        Side(
            shown: variant.map { .variant(cause, $0) } ?? .cause(cause),
            captures: gateways.map { "\(cause.rawValue)/\($0)-\(others[$0] ?? name)" },
            names: names
        )
    }

    private static func healthy(_ name: String, _ others: [String: String] = [:], on gateways: [String] = five) -> Side
    {
        Side(shown: .healthy, captures: gateways.map { "clean/\($0)-\(others[$0] ?? name)" }, names: false)
    }

    private static let refused = side(.connectRefused, "closed-port", ["caddy": "one-of-many"])
    private static let dropped = side(.connectTimeout, "dropped", ["caddy": "dropped-by-router"])
    private static let closed = side(.closedBeforeResponse, "worker-dies")
    private static let aborted = side(.resetBeforeResponse, "worker-aborts", ["caddy": "unread-input"])
    private static let silent = side(.responseTimeout, "silence", ["caddy": "loopback"])

    static let all: [LookAlikePair] = [
        LookAlikePair("C1/C2", refused, side(.handshakeResetByFirewall, "router")),
        LookAlikePair(
            "C1 without anything to compare/C2",
            side(.connectRefused, "nothing-to-compare"),
            side(.handshakeResetByFirewall, "injected-beside")
        ),
        LookAlikePair(
            "C1 by a filter of the same hop count/C2",
            side(.connectRefused, "filter-on-the-host"),
            side(.handshakeResetByFirewall, "rule-comes-and-goes")
        ),
        LookAlikePair("C1/C3", refused, side(.icmpPortUnreachable, "host-filter")),
        LookAlikePair("C8/C9", dropped, side(.acceptQueueOverflow, "syn-dropped")),
        LookAlikePair("C8/C14", dropped.unnamed, side(.pmtuBlackhole, "upload")),
        LookAlikePair("C8/C14, all long", dropped.unnamed, side(.pmtuBlackhole, "download")),
        LookAlikePair("W1/R1", closed, side(.staleKeepaliveReuse, "fin-crosses-post")),
        LookAlikePair(
            "W1 on a kept connection/R1",
            side(.closedBeforeResponse, "second-request"),
            side(.staleKeepaliveReuse, "fin-crosses-post")
        ),
        LookAlikePair("W2/R2", aborted, side(.staleKeepaliveReuse, "rst-crosses-post")),
        LookAlikePair(
            "W1/Q5",
            side(.closedBeforeResponse, "dies-of-all", on: ["haproxy", "nginx"], names: false),
            side(.proxyProtocolMismatch, "wanted-nginx", on: ["haproxy", "nginx"]),
            gateways: ["haproxy", "nginx"]
        ),
        LookAlikePair(
            "W1 crash/W5 worker timeout",
            side(.closedBeforeResponse, "worker-dies", variant: .some(nil), names: false),
            side(.closedBeforeResponse, "worker-timeout", variant: "worker-timeout", names: false)
        ),
        LookAlikePair("W3/W4", silent, side(.lossStallRequest, "first-request")),
        LookAlikePair("W3/W4 response", silent.unnamed, side(.lossStallResponse, "hole-in-head")),
        LookAlikePair(
            "W4/R3",
            side(.lossStallRequest, "path-breaks", ["envoy": "big-post"]),
            side(.idleStateExpired, "silent")
        ),
        LookAlikePair("W3/Q3", silent, side(.zeroWindowStall, "never-reads")),
        LookAlikePair("H1/W1", side(.closedMidHead, "fin"), closed.unnamed),
        LookAlikePair(
            "H4/H2",
            side(.headerTooLarge, "one-line", ["caddy": "max-response-header"]),
            side(.resetMidHead, "rst")
        ),
        LookAlikePair("D1/W3", side(.clientAbort, "before-answer", ["apache": "waits-on"]), silent.unnamed),
        LookAlikePair(
            "X1/the gateway's own page",
            side(.upstreamErrorResponse, "application-503", ["apache": "application-504"], names: false),
            refused.unnamed
        ),
        LookAlikePair(
            "G1, G7/no client leg captured",
            side(
                .noLiveUpstream,
                "after-failures",
                ["apache": "both-members-disabled", "caddy": "passive-checks", "haproxy": "health-checks-fail"],
                on: ["apache", "caddy", "haproxy", "nginx"],
                names: false
            ),
            side(.closedBeforeResponse, "upstream", on: ["apache", "caddy", "haproxy", "nginx"], names: false),
            gateways: ["apache", "caddy", "haproxy", "nginx"]
        ),
        LookAlikePair(
            "G1, G7/no client leg captured, Envoy",
            side(.noLiveUpstream, "outlier-ejected", on: ["envoy"], names: false),
            side(.closedMidHead, "upstream", on: ["envoy"], names: false),
            gateways: ["envoy"]
        ),
        LookAlikePair(
            "G1, G7/only the client leg captured",
            side(
                .noLiveUpstream,
                "after-failures",
                [
                    "apache": "hcheck-tcp", "caddy": "active-checks", "envoy": "health-checks-refused",
                    "haproxy": "health-page-503",
                ],
                names: false
            ),
            side(.undetermined, "client-leg", names: false)
        ),
        LookAlikePair(
            "B1/close-delimited",
            side(.truncatedBodyFin, "content-length"),
            healthy("http-1.0-upstream")
        ).silentAboutHealth,
        LookAlikePair(
            "late answer after W3/reset by upstream",
            side(.responseTimeout, "late-answer", names: false),
            aborted
        ),
        LookAlikePair(
            "health check/C11",
            healthy(
                "health-checks",
                ["apache": "hcheck", "caddy": "active-health-checks"],
                on: ["apache", "caddy", "envoy", "haproxy"]
            ),
            side(.resetAfterAccept, "linger", on: ["apache", "caddy", "envoy", "haproxy"], names: false),
            gateways: ["apache", "caddy", "envoy", "haproxy"]
        ),
        LookAlikePair("C11/W2", side(.resetAfterAccept, "linger"), aborted),
        LookAlikePair("W2/W6", aborted, side(.middleboxReset, "slow-answers-cut")),
        LookAlikePair("W2/W6 of the same hop count", aborted, side(.middleboxReset, "same-hop-count")),
        LookAlikePair(
            "B2/W6",
            side(.truncatedBodyReset, "own-abort-behind-router"),
            side(.middleboxReset, "both-peers")
        ),
    ]

    /// The side without a cause cannot be named.
    private var silentAboutHealth: LookAlikePair {
        var copy = self
        copy.one.names = false
        return copy
    }
}

extension LookAlikePair.Side {
    /// The other cause is so far off that the finding need not speak of it.
    fileprivate var unnamed: Self {
        var copy = self
        copy.names = false
        return copy
    }
}
