import Model

extension CauseGuides {
    /// Failures that no single upstream connection explains.
    static let ends: [CauseGuide] = [
        noLiveUpstream, noUpstreamAttempt, clientAbort, upstreamErrorResponse,
    ]

    static let last: [CauseGuide] = [undetermined]

    private static let noLiveUpstream = CauseGuide(
        .noLiveUpstream,
        whatHappened: """
            The gateway did not even try: after earlier failures or failing health checks it held every upstream to be \
            dead. The real cause is what made them fail before.
            """,
        signature: [
            "an error within milliseconds, and no connection attempt for it",
            "failed attempts or health checks towards all upstreams shortly before",
            "the capture covers the upstream side: it has some upstream connection, health check or query",
        ],
        lookAlikes: [
            .init(.noUpstreamAttempt, "no failures before it"),
            .init(.undetermined, "the upstream side is not in the capture at all"),
        ],
        contradicting: ["an attempt of this request", "a healthy upstream connection at that moment"],
        remedies: [
            Remedy("gateway", "first cure what the failures before it show; this one is the echo"),
            Remedy(
                "nginx",
                """
                `max_fails=0`, or a shorter `fail_timeout` (defaults: 1 failure in 10s takes a peer out for 10s); more \
                peers
                """
            ),
            Remedy("HAProxy", "check `fall`, `rise` and `inter`; a `backup` server"),
            Remedy("Envoy", "`healthy_panic_threshold`, outlier detection `max_ejection_percent`"),
            Remedy(
                "Apache httpd",
                """
                a shorter `retry=` on `BalancerMember` (default 60 s); `forcerecovery=On` (the default); `hcfails` and \
                `hcinterval` of its health checks; `failonstatus` and `failontimeout` take members out, too
                """
            ),
            Remedy("Caddy", "`fail_duration` and `max_fails` of passive health checks"),
        ],
        logLines: [
            .init("nginx", "no live upstreams while connecting to upstream"),
            .init("HAProxy", "<NOSRV>, termination state SC"),
            .init("Envoy", "UH, no_healthy_upstream"),
            .init("Apache httpd", "AH01170, All workers are in error state"),
            .init("Caddy", "no upstreams available"),
        ],
        sources: ["nginx max_fails and fail_timeout, HAProxy check, Envoy health checking: their documentation"]
    )

    private static let noUpstreamAttempt = CauseGuide(
        .noUpstreamAttempt,
        whatHappened: """
            The gateway answered with an error of its own and dialled nobody for it, without failures before: a queue or \
            circuit breaker was full, ports or descriptors ran out, a maintenance rule, a missing server or resolver.
            """,
        signature: [
            "an error that the gateway made, and no connection attempt, query or request for it",
            "no failed attempts or health checks before it",
            "the capture covers the upstream side: it has some upstream connection, health check or query",
        ],
        lookAlikes: [
            .init(.noLiveUpstream, "failures towards all upstreams came before"),
            .init(.dnsFailure, "a lookup of the upstream's name failed before"),
            .init(.cachedError, "the answer is an old one out of a cache"),
            .init(.undetermined, "the upstream side is not in the capture at all"),
            .init(.upstreamErrorResponse, "an upstream sent the error"),
        ],
        contradicting: ["an attempt of this request on a leg that was captured"],
        remedies: [
            Remedy(
                "gateway",
                """
                its error log at that second names the reason; a Unix socket, another interface or another network \
                namespace would also be invisible here
                """
            ),
            Remedy(
                "nginx",
                """
                `no resolver defined`, `(99: Cannot assign requested address)` (add upstream `keepalive`), a `return \
                503`, socket path and rights of a `unix:` upstream
                """
            ),
            Remedy(
                "HAProxy",
                "`maxconn` and `timeout queue` (state sQ), no server in the backend (<NOSRV>), `http-request deny`"
            ),
            Remedy(
                "Envoy",
                """
                circuit breaker (UO): `max_connections`, `max_pending_requests`, `max_requests`; route without cluster \
                (NC)
                """
            ),
            Remedy("Caddy", "path and rights of a `unix//` upstream; `respond` or `error` in the route"),
            Remedy(
                "Apache httpd",
                "`max=` of `ProxyPass` reached (`acquire=` limits the wait); a member with `status=+D`; a socket's path"
            ),
        ],
        logLines: [
            .init("nginx", "no resolver defined to resolve"),
            .init("nginx", "connect() to unix: failed (2: No such file or directory)"),
            .init("HAProxy", "termination state sQ, SC with <NOSRV>, or PR"),
            .init("Apache httpd", "AH00941, failed to acquire connection"),
            .init("Envoy", "UO, overflow"),
            .init("Caddy", "dial unix"),
        ],
        sources: ["RFC 9209 §2.3: proxy_internal_error", "documentation of the gateways named"]
    )

    private static let clientAbort = CauseGuide(
        .clientAbort,
        whatHappened: """
            The client closed or reset its connection before the answer. The upstream's leg ends because of that, not the \
            other way round.
            """,
        signature: [
            "FIN or RST from the client before the end of the response",
            "then the gateway ends the upstream connection (nginx, Caddy at once; HAProxy and httpd may go on)",
        ],
        lookAlikes: [
            .init(.responseTimeout, "the gateway closes first, and the client was still there"),
            .init(.closedBeforeResponse, "the upstream closes first"),
        ],
        contradicting: [
            "the gateway's error or close came before the client's",
            "a client that closed only its sending side and still read the answer",
        ],
        remedies: [
            Remedy(
                "client",
                """
                who left, and after how long? A constant time is a timeout of the client or of a proxy or load \
                balancer before the gateway: make it longer than the gateway's
                """
            ),
            Remedy("upstream", "if people give up, the answer is too slow"),
            Remedy("nginx", "`proxy_ignore_client_abort on` only if the work must be finished anyway"),
            Remedy("HAProxy", "`option abortonclose` frees the server of work for clients that left"),
            Remedy("Caddy", "nothing to set: it ends the upstream's request as soon as the client leaves"),
        ],
        logLines: [
            .init("nginx", "status 499; client prematurely closed connection, so upstream connection is closed too"),
            .init("HAProxy", "termination state CH, CD or CC"),
            .init("Envoy", "DC, status 0"),
            .init("Caddy", "status 499"),
        ],
        sources: ["RFC 9112 §9.6: closing; nginx: 499 is its own code for this"]
    )

    private static let upstreamErrorResponse = CauseGuide(
        .upstreamErrorResponse,
        whatHappened: """
            The upstream itself sent the error, complete and valid, and the gateway passed it on. The cause lies in the \
            application, or behind the next gateway.
            """,
        signature: [
            "a complete response head with that status comes from the upstream before the client gets it",
            """
            variant application: made there; variant gateway: that upstream is a gateway with a failed attempt of its \
            own
            """,
        ],
        lookAlikes: [
            .init(.noUpstreamAttempt, "the gateway made the error itself"),
            .init(.gatewayRejectedResponse, "the upstream's answer was good, and the gateway made an error of it"),
            .init(.cachedError, "the error is old: Age, X-Cache, and no request upstream"),
        ],
        contradicting: ["the client's error came before the upstream's answer"],
        remedies: [
            Remedy(
                "upstream",
                "its own log at that second; if it is a gateway, run gwsniff there, or capture there too"
            ),
            Remedy(
                "nginx",
                "`proxy_next_upstream http_502 http_503 http_504` tries another peer for idempotent requests"
            ),
            Remedy(
                "HAProxy",
                "`retry-on 502 503 504` for idempotent requests; `http-check` that sees the failing state"
            ),
            Remedy("Envoy", "`retry_on: gateway-error`"),
            Remedy("Caddy", "`unhealthy_status 5xx` with `fail_duration` takes such a server out for a while"),
        ],
        logLines: [
            .init("nginx", "$upstream_status and $upstream_header_time are set: relayed, not made"),
            .init("HAProxy", "termination state -- with status 502, 503 or 504"),
            .init("Envoy", "via_upstream"),
        ],
        sources: ["RFC 9110 §15.6: server errors", "RFC 9209: Proxy-Status tells who made an error"]
    )

    private static let undetermined = CauseGuide(
        .undetermined,
        whatHappened:
            "A request failed, and the packets in this capture do not decide why. The finding says what was missing.",
        signature: ["a failed request whose attempt is not in the capture, or is damaged where it matters"],
        contradicting: ["any cause of the catalogue whose deciding evidence is there"],
        remedies: [
            Remedy(
                "capture",
                """
                capture both sides of the gateway in one run: `tcpdump -i any -s 0 -w out.pcap`, with port 53 and icmp \
                in the filter
                """
            ),
            Remedy("capture", "start before the failure: the opening of a connection tells as much as its end"),
            Remedy("gateway", "its error log at that second; see `gwsniff causes` for what its words can mean"),
        ],
        sources: ["a wrong cause is worse than none"]
    )
}
