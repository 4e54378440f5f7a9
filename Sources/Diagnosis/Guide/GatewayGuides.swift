import Model

extension CauseGuides {
    /// What gateways do to requests by themselves.
    static let ownDoing: [CauseGuide] = [gatewayReload, cachedError, proxyLoop]

    private static let gatewayReload = CauseGuide(
        .gatewayReload,
        whatHappened: """
            The gateway's process ended, by a stop, a crash, or because an old process ran out of time after a reload, and \
            took the requests that it had in hand with it.
            """,
        signature: [
            "the gateway closes several connections of both legs within milliseconds, some with a request in hand",
            "these had waited for different times, so that no timer explains it",
            "or its listener refuses clients right after",
        ],
        lookAlikes: [
            .init(.responseTimeout, "a timer ends each exchange the same time after its last progress"),
            .init(.truncatedBodyFin, "the upstream closes first"),
            .init(.clientAbort, "the client closes first"),
        ],
        contradicting: [
            "an error status for those requests: whoever could still write it had not ended",
            "all of them waited equally long",
        ],
        remedies: [
            Remedy(
                "nginx",
                "`nginx -s quit` and `-s reload` instead of stop; `worker_shutdown_timeout` longer than the longest answer"
            ),
            Remedy("HAProxy", "reload by `-sf` or the master's USR2; `hard-stop-after` longer than the longest answer"),
            Remedy("Envoy", "`--drain-time-s`, hot restart, `/healthcheck/fail` before a stop"),
            Remedy("Apache httpd", "`apachectl graceful`, `GracefulShutdownTimeout`"),
            Remedy("Caddy", "`caddy reload`, `grace_period`"),
            Remedy("gateway", "if nobody stopped it: core dump, out-of-memory killer (`dmesg`), its supervisor's log"),
        ],
        logLines: [
            .init("nginx", "signal 15 (SIGTERM) received; worker process exited on signal"),
            .init("HAProxy", "Exiting Master process; Current worker exited"),
        ],
        sources: ["nginx 1.22.1 and HAProxy 2.6.12, as run: stopped, killed, and reloaded with a deadline"]
    )

    private static let cachedError = CauseGuide(
        .cachedError,
        whatHappened: """
            The error is an old one: the gateway, or a cache before it, had stored it and gave it again without asking the \
            upstream.
            """,
        signature: [
            "no attempt for the request",
            "Age above 0, Cache-Status with `hit`, X-Cache or X-Cache-Status HIT, CF-Cache-Status HIT, X-Varnish with two numbers",
            "or byte for byte the error that was passed on from the upstream before, for the same target",
        ],
        lookAlikes: [
            .init(.upstreamErrorResponse, "the upstream was asked, and answers now"),
            .init(.noLiveUpstream, "the page is the gateway's own"),
        ],
        contradicting: ["a request upstream for it"],
        remedies: [
            Remedy(
                "nginx",
                "no 5xx in `proxy_cache_valid` (`any` holds them too); purge; `proxy_cache_use_stale` gives a good answer instead"
            ),
            Remedy("Apache httpd", "`CacheStoreNoStore`, and no Cache-Control on the application's errors"),
            Remedy("gateway", "purge that target; a CDN stores errors for seconds by default (CloudFront: 10)"),
            Remedy("upstream", "`Cache-Control: no-store` on its errors"),
        ],
        logLines: [.init("nginx", "$upstream_cache_status HIT, $upstream_addr empty")],
        sources: ["RFC 9111 §4, §5.1: stored responses, Age; RFC 9211: Cache-Status; nginx 1.22.1, as run"]
    )

    private static let proxyLoop = CauseGuide(
        .proxyLoop,
        whatHappened: """
            A route leads back to the gateway, which sends the request round again until its connections, a limit on the head, \
            or a timer ends it. No server is ever asked.
            """,
        signature: [
            "the same method and target arrive at the same listener three times and more, each pass inside the one before",
            "they come from the gateway itself, or from a host that it dialled for them",
            "Via and X-Forwarded-For grow with each pass, where the gateway writes them",
            "no exchange with that target reaches a server that does not ask again",
        ],
        lookAlikes: [
            .init(.responseTimeout, "the innermost hop is a server that stays silent"),
            .init(.upstreamErrorResponse, "each pass relays the error of the next"),
            .init(.connectRefused, "a health check or a load test on the gateway's own host asks the same again and again"),
        ],
        contradicting: [
            "a pass that reaches another server",
            "a request that comes back only once: some stages are behind the same listener",
        ],
        remedies: [
            Remedy(
                "gateway",
                "the route, or the DNS name, that leads to its own address; the second gateway's default route"
            ),
            Remedy("nginx", "`proxy_pass` to an address of its own `listen`, or a name that resolves to it"),
            Remedy(
                "HAProxy",
                "a `server` that is a `bind` address; `http-request deny` if a Via or X-Loop field is there already"
            ),
            Remedy("Apache httpd", "`ProxyMaxForwards`, and `ProxyVia On` to see it"),
            Remedy("Caddy", "`reverse_proxy` to a name that resolves to itself"),
        ],
        logLines: [
            .init("nginx", "worker_connections are not enough while connecting to upstream"),
            .init("HAProxy", "one target many times, from its own address"),
        ],
        sources: [
            "RFC 9110 §7.6.3: Via tells loops; RFC 9209 §2.3.30: proxy_loop_detected; nginx 1.22.1, HAProxy 2.6.12, as run"
        ]
    )
}
