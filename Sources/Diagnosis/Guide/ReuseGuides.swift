import Model

extension CauseGuides {
    static let reuse: [CauseGuide] = [staleKeepaliveReuse]

    private static let staleKeepaliveReuse = CauseGuide(
        .staleKeepaliveReuse,
        whatHappened: """
            The gateway sent a request on a kept-open connection at the moment when the upstream closed it: the upstream's \
            idle time is shorter than the gateway's, and the two messages crossed. Nothing is broken; nobody read the \
            request.
            """,
        signature: [
            "not the first request of its connection",
            """
            the upstream's FIN does not acknowledge the request, or was in flight when the request was sent; the \
            request then draws a RST
            """,
            """
            variant reset: after idleness a RST comes within the round trip and 1 ms of the request: too fast to have \
            been read
            """,
            "the idle times at close, over all connections of this upstream, cluster at its keep-alive time",
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "the FIN acknowledges the whole request: it was read"),
            .init(.resetBeforeResponse, "the RST is slower than the round trip, or the connection was not idle"),
            .init(
                .idleStateExpired,
                """
                no FIN at all, and the RST is foreign, or there is only silence: a device on the path forgot the \
                connection
                """
            ),
        ],
        contradicting: [
            "first request of the connection", "a FIN that acknowledges the request", "a byte of response",
        ],
        remedies: [
            Remedy(
                "nginx",
                """
                `keepalive_timeout` in `upstream` shorter than the upstream's (default 60s); `keepalive_requests` \
                below the upstream's limit
                """
            ),
            Remedy(
                "HAProxy",
                "`http-reuse safe`, a shorter `pool-purge-delay`, `retry-on conn-failure empty-response`"
            ),
            Remedy(
                "Envoy",
                """
                cluster `common_http_protocol_options.idle_timeout` shorter than the upstream's (default 1h); `retry_on: \
                reset` where repeating is safe (`reset-before-request` does not help: the request was sent)
                """
            ),
            Remedy(
                "Apache httpd",
                "`ttl=` on `ProxyPass` below the upstream's time, `disablereuse=on`, or `SetEnv proxy-initial-not-pooled`"
            ),
            Remedy("Caddy", "`keepalive` in `transport http` below the upstream's time (default 2m)"),
            Remedy("Traefik", "`forwardingTimeouts.idleConnTimeout` below the upstream's time (default 90s)"),
            Remedy(
                "upstream",
                """
                or raise its keep-alive time above the gateway's: Node `server.keepAliveTimeout`, gunicorn \
                `--keep-alive`, uvicorn `--timeout-keep-alive`, Tomcat `keepAliveTimeout`
                """
            ),
        ],
        logLines: [
            .init("nginx", "upstream prematurely closed connection while reading response header from upstream"),
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "often no line at all: the client's connection is closed without a byte"),
            .init("Envoy", "UC, connection_termination"),
            .init("Caddy", "EOF, read: connection reset by peer; none for what Go's transport repeated"),
        ],
        sources: [
            """
            RFC 9112 §9.3.1 and §9.5: either end may close an idle connection at any time; requests that crossed may \
            be repeated
            """,
            "RFC 9293 §3.5.2: data for a connection that is gone draws a RST",
        ]
    )
}
