import Model

extension CauseGuides {
    static let waiting: [CauseGuide] = [closedBeforeResponse, resetBeforeResponse, responseTimeout, lossStallRequest]

    private static let closedBeforeResponse = CauseGuide(
        .closedBeforeResponse,
        whatHappened: """
            The upstream read the whole request and closed the connection in an orderly way without one byte of answer: \
            the worker crashed or was killed after reading, or the application dropped the connection.
            """,
        signature: [
            "the whole request is sent",
            "FIN from the upstream whose acknowledgment covers the whole request",
            "not one byte of response",
            "variant worker-timeout: the FIN comes at a round time of the upstream's own timer (30 s, 60 s)",
        ],
        lookAlikes: [
            .init(
                .staleKeepaliveReuse,
                "the FIN does not acknowledge the request: it was sent before the request arrived"
            ),
            .init(.proxyProtocolMismatch, "every request on that port fails so, at once, from the first"),
            .init(.closedMidHead, "part of a response head came"),
            .init(.responseTimeout, "the gateway closes first"),
        ],
        contradicting: ["a byte of response", "the gateway's own FIN or RST came first", "the client left before"],
        remedies: [
            Remedy(
                "upstream",
                """
                look for a crash, an out-of-memory kill or a worker timeout at that second: `dmesg`, service log, \
                core; gunicorn `--timeout`, uWSGI `harakiri`, php-fpm `request_terminate_timeout`
                """
            ),
            Remedy(
                "nginx",
                """
                `proxy_next_upstream error timeout` with a second peer; add `non_idempotent` only if a repeat does no \
                harm
                """
            ),
            Remedy("HAProxy", "`retry-on empty-response` for idempotent requests"),
            Remedy("Envoy", "`retry_on: reset` for idempotent routes"),
            Remedy(
                "Apache httpd",
                "no setting repeats a request that was sent: its balancers fail over for failed connections only"
            ),
            Remedy("Caddy", "`lb_try_duration` with a second upstream (GET only)"),
        ],
        logLines: [
            .init("nginx", "upstream prematurely closed connection while reading response header from upstream"),
            .init("HAProxy", "termination state SH"),
            .init("Envoy", "UC, connection_termination"),
            .init("Apache httpd", "AH01102, error reading status line, (20014)Internal error"),
            .init("Caddy", "EOF"),
        ],
        sources: [
            "RFC 9112 §9.5: a connection may close at any time; the request then has failed",
            "RFC 9293 §3.6: FIN; Linux sends FIN, not RST, on close when all input was read",
        ]
    )

    private static let resetBeforeResponse = CauseGuide(
        .resetBeforeResponse,
        whatHappened: """
            The upstream reset the connection after it had the request and before any answer: the process died or closed \
            with input unread, or closes with linger 0.
            """,
        signature: [
            "the whole request is sent",
            "RST from the upstream, later than the round trip and 1 ms",
            "not one byte of response",
        ],
        lookAlikes: [
            .init(.resetAfterAccept, "first request, and the RST is too fast for the request to have been read"),
            .init(.staleKeepaliveReuse, "connection idle before, and the RST comes within the round trip and 1 ms"),
            .init(.middleboxReset, "hop count or options of the RST are not the upstream's, or it goes on afterwards"),
            .init(.resetDuringUpload, "the request body was still being sent"),
        ],
        contradicting: [
            "a byte of response", "the gateway closed first: then the RST answers late data", "the client left before",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                look for a crash, kill or restart at that second: `dmesg`, `journalctl`, service log; php-fpm: a child \
                that ended
                """
            ),
            Remedy(
                "nginx",
                "`proxy_next_upstream error timeout` with a second peer; `non_idempotent` only if a repeat does no harm"
            ),
            Remedy("HAProxy", "`retry-on empty-response` for idempotent requests"),
            Remedy("Envoy", "`retry_on: reset` for idempotent routes"),
            Remedy(
                "Apache httpd",
                "no setting repeats a request that was sent: its balancers fail over for failed connections only"
            ),
            Remedy("Caddy", "`lb_try_duration` with a second upstream (GET only)"),
        ],
        logLines: [
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "termination state SH"),
            .init("Envoy", "UC, connection_termination"),
            .init("Apache httpd", "AH01102, (104)Connection reset by peer"),
            .init("Caddy", "read: connection reset by peer"),
        ],
        sources: [
            "RFC 9293 §3.10.7.4: RST in ESTABLISHED",
            "RFC 2525 §2.17: a host that closes with unread data sends RST; Linux does",
        ]
    )

    private static let responseTimeout = CauseGuide(
        .responseTimeout,
        whatHappened: """
            The upstream had the request and stayed silent until the gateway's own timer ran out. The application is slow, \
            stuck, or waits for something behind it.
            """,
        signature: [
            "the request is acknowledged",
            "silence, or only part of a response head",
            "the gateway closes: FIN (nginx, httpd, Caddy) or RST (HAProxy), mostly at a round number of seconds",
            """
            an answer that still comes later, and draws a RST from the gateway, proves that the upstream was merely \
            slow
            """,
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "the upstream closes, not the gateway"),
            .init(.lossStallRequest, "the request is repeated and never acknowledged"),
            .init(.zeroWindowStall, "the upstream's window is 0: it does not read the request"),
            .init(.clientAbort, "the client leaves first"),
        ],
        contradicting: [
            "the upstream's FIN or RST before the gateway's", "an unacknowledged request", "a complete head in time",
        ],
        remedies: [
            Remedy("upstream", "find what the slow request waits for: lock, query, downstream call, too few workers"),
            Remedy("nginx", "`proxy_read_timeout` (default 60s), only if the work may take so long"),
            Remedy("HAProxy", "`timeout server`"),
            Remedy("Envoy", "route `timeout` (default 15s)"),
            Remedy("Apache httpd", "`ProxyTimeout`, or `timeout=` on `ProxyPass`"),
            Remedy("Caddy", "`response_header_timeout` in `transport http`"),
            Remedy("Traefik", "`forwardingTimeouts.responseHeaderTimeout`"),
        ],
        logLines: [
            .init(
                "nginx",
                "upstream timed out (110: Connection timed out) while reading response header from upstream"
            ),
            .init("HAProxy", "termination state sH"),
            .init("Envoy", "UT, response_timeout"),
            .init("Apache httpd", "AH01102, (70007)The timeout specified has expired"),
            .init("Caddy", "net/http: timeout awaiting response headers"),
        ],
        sources: [
            "RFC 9110 §15.6.5: 504 Gateway Timeout",
            "nginx proxy_read_timeout, HAProxy timeout server, Envoy route timeout: their documentation",
        ]
    )

    private static let lossStallRequest = CauseGuide(
        .lossStallRequest,
        whatHappened: """
            The request never reached the upstream: the gateway repeated it and no acknowledgment came, on a connection \
            that was not idle before. The network between them loses packets.
            """,
        signature: [
            "segments of the request repeat with growing pauses (0.2, 0.4, 0.8, 1.7, 3.3 s)",
            "they are not acknowledged for long, often until the gateway's timeout",
            "the handshake was complete: no SYN-ACK repeats",
        ],
        lookAlikes: [
            .init(.responseTimeout, "the request is acknowledged"),
            .init(.idleStateExpired, "the connection was idle for long before, and a new one works"),
            .init(.pmtuBlackhole, "only full-size segments are lost"),
            .init(.acceptQueueOverflow, "SYN-ACKs repeat as well"),
        ],
        contradicting: ["an acknowledgment that covers the request", "the capture itself lost packets at that time"],
        remedies: [
            Remedy(
                "network",
                """
                look for loss between gateway and upstream: interface errors and drops (`ip -s link`), overlay \
                network, a failing link; compare with a capture on the upstream
                """
            ),
            Remedy("nginx", "`proxy_next_upstream timeout` with a peer on another path"),
            Remedy("HAProxy", "`retry-on response-timeout` for idempotent requests with `option redispatch 1`"),
            Remedy("Envoy", "`per_try_timeout` with `retry_on: reset`"),
            Remedy("Caddy", "`response_header_timeout` with `lb_try_duration` and a second upstream (GET only)"),
        ],
        logLines: [
            .init(
                "nginx",
                "upstream timed out (110: Connection timed out) while reading response header from upstream"
            ),
            .init("HAProxy", "termination state sH"),
            .init("Envoy", "UT, response_timeout"),
            .init("Caddy", "net/http: timeout awaiting response headers"),
        ],
        sources: [
            "RFC 6298 §5: retransmission timer with back-off", "Linux: first retransmission after 200 ms at least",
        ]
    )
}
