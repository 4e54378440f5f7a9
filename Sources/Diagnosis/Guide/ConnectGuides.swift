import Model

extension CauseGuides {
    static let connect: [CauseGuide] = [connectRefused, connectTimeout, acceptQueueOverflow, resetAfterAccept]

    private static let connectRefused = CauseGuide(
        .connectRefused,
        whatHappened: """
            Nothing listens on that address and port: the service is stopped, restarting, has crashed, listens on another \
            port, or only on 127.0.0.1.
            """,
        signature: [
            "SYN from the gateway",
            """
            RST+ACK from the upstream's own address about one round trip later, sequence number 0, acknowledging the \
            SYN
            """,
            "its hop count fits the host's other packets, where the capture has any",
        ],
        lookAlikes: [
            .init(
                .handshakeResetByFirewall,
                """
                the RST's hop count, timing or options differ from the host's other packets, or only some sources are \
                refused
                """
            ),
            .init(
                .icmpPortUnreachable,
                "an ICMP error answers the SYN instead of a RST; the gateway's log reads the same"
            ),
            .init(.resetAfterAccept, "a SYN-ACK comes first"),
        ],
        contradicting: [
            "the same port accepts connections of other sources in the same seconds",
            "the RST comes from another hop distance than the host's other packets",
        ],
        remedies: [
            Remedy(
                "upstream",
                "start the service, or bind it to the address and port that the gateway dials (not 127.0.0.1)"
            ),
            Remedy("nginx", "add a second peer or `backup`; tune `max_fails` and `fail_timeout` in `upstream`"),
            Remedy(
                "HAProxy",
                "`check` on the server line, `option redispatch 1` and `retries` so that another server is tried"
            ),
            Remedy("Envoy", "`retry_on: connect-failure`, health checks, outlier detection"),
            Remedy(
                "Apache httpd",
                """
                a balancer (`BalancerMember`) with a second server: it fails over when a connection fails, and leaves the \
                failed one out for `retry=` seconds (default 60)
                """
            ),
            Remedy("Caddy", "`lb_try_duration` and health checks on `reverse_proxy`"),
            Remedy("Traefik", "a `retry` middleware and a health check on the service"),
        ],
        logLines: [
            .init("nginx", "connect() failed (111: Connection refused) while connecting to upstream"),
            .init("HAProxy", "termination state SC, Tc -1"),
            .init("Envoy", "UF, delayed_connect_error: Connection refused"),
            .init("Apache httpd", "AH00957 and AH01114, attempt to connect failed"),
            .init("Caddy", "connect: connection refused"),
        ],
        sources: [
            "RFC 9293 §3.5.2: a segment to a port without a listener is answered by RST, acknowledging the SYN",
            "Linux: ECONNREFUSED for a RST in SYN-SENT",
        ]
    )

    private static let connectTimeout = CauseGuide(
        .connectTimeout,
        whatHappened: """
            The gateway's SYNs vanish: a firewall drops them without a word, the host is down behind a router that does \
            not say so, or the way back is broken.
            """,
        signature: [
            """
            the SYN repeats with the same ports and sequence number (after 1, 3, 7, 15 s; Linux 6.5 and later 1, 2, 3, \
            4, 5, 7, 11 s)
            """,
            "nothing comes back: no SYN-ACK, no RST, no ICMP error",
            "the gateway gives up, or the client gets its error, at the connect timeout",
            "variant one-way: SYN-ACKs come, repeat, and are never answered",
        ],
        lookAlikes: [
            .init(.acceptQueueOverflow, "the same port answers on other connections meanwhile"),
            .init(.hostUnreachable, "an ICMP error or unanswered ARP says that the host is not there"),
            .init(.pmtuBlackhole, "the handshake passes and only large segments vanish"),
        ],
        contradicting: [
            "any answer of that endpoint to this SYN",
            "a later copy of the SYN that connected: slow, not dead",
        ],
        remedies: [
            Remedy(
                "network",
                """
                open the path from the gateway to the upstream's port: security group, network ACL, host firewall \
                (DROP), and the route back
                """
            ),
            Remedy(
                "nginx",
                "`proxy_connect_timeout 2s` to `5s`, so that the next peer is tried while the client still waits"
            ),
            Remedy("HAProxy", "`timeout connect 3s`, `option redispatch 1`"),
            Remedy("Envoy", "cluster `connect_timeout` of 1 to 2 s, outlier detection"),
            Remedy("Apache httpd", "`connectiontimeout=3` on `ProxyPass`"),
            Remedy("Caddy", "`dial_timeout` in `transport http`, `lb_try_duration`"),
            Remedy("Traefik", "`forwardingTimeouts.dialTimeout`"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while connecting to upstream"),
            .init("HAProxy", "termination state sC"),
            .init("Envoy", "UF, connection_timeout; UT, response_timeout where the route's timer ends first"),
            .init("Caddy", "dial tcp: i/o timeout"),
        ],
        sources: [
            "RFC 9293 §3.8.3 and RFC 6298 §5: SYN retransmission with back-off",
            "Linux net.ipv4.tcp_syn_retries and tcp_syn_linear_timeouts",
        ]
    )

    private static let acceptQueueOverflow = CauseGuide(
        .acceptQueueOverflow,
        whatHappened: """
            The service runs but accepts connections slower than they come. Its accept queue is full, and the kernel drops \
            new SYNs (or the last packet of the handshake) until there is room.
            """,
        signature: [
            "SYN repeated and unanswered while other connections to the same port move data or are established",
            "or: SYN-ACKs repeat although the gateway answered each, and the gateway's data is never acknowledged",
        ],
        lookAlikes: [
            .init(.connectTimeout, "no other connection shows that the port is alive"),
            .init(.responseTimeout, "connection accepted by the kernel and the request acknowledged, but never read"),
            .init(.lossStallRequest, "loss also hits connections that are established already"),
        ],
        contradicting: [
            "other SYNs to the port answered in the same seconds without delay", "ICMP errors on the path",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                more workers or threads; raise the listen backlog and `net.core.somaxconn` together; watch `nstat \
                TcpExtListenOverflows`
                """
            ),
            Remedy("nginx", "`max_conns` per server and `proxy_connect_timeout 2s`, more peers"),
            Remedy("HAProxy", "`maxconn` per server with `timeout queue`: let the gateway queue, not the kernel"),
            Remedy(
                "Envoy",
                "circuit breakers (`max_connections`, `max_pending_requests`), `connect_timeout` of 1 to 2 s"
            ),
            Remedy("Apache httpd", "`max=` on the worker or balancer member"),
            Remedy("Traefik", "`inFlightReq` middleware"),
            Remedy("Caddy", "`max_conns_per_host` and `dial_timeout` in `transport http`, `lb_policy least_conn`"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while connecting to upstream"),
            .init("HAProxy", "termination state sC"),
            .init("Envoy", "UF, connection_timeout"),
            .init("Caddy", "dial tcp: i/o timeout"),
        ],
        sources: [
            "Linux: a full accept queue drops the SYN; tcp_abort_on_overflow 0 also drops the final ACK",
            "listen(2): backlog is capped by net.core.somaxconn",
        ]
    )

    private static let resetAfterAccept = CauseGuide(
        .resetAfterAccept,
        whatHappened: """
            The connection was established and then reset before anyone can have read the request: a load balancer \
            without a healthy target behind it, a listener closed while the connection still stood in its queue, or an \
            access rule in the service.
            """,
        signature: [
            "SYN, SYN-ACK, ACK",
            "RST from the upstream before the request, or within the handshake's round trip and 1 ms of it",
            "first request of the connection, and not one byte from the upstream",
        ],
        lookAlikes: [
            .init(.resetBeforeResponse, "the RST comes later: the request was read"),
            .init(.staleKeepaliveReuse, "not the first request of its connection"),
            .init(.middleboxReset, "hop count or options of the RST are not the upstream's"),
            .init(.connectRefused, "the RST answers the SYN itself"),
        ],
        contradicting: [
            "a byte of response", "a RST that is slower than the round trip: time enough to read the request",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                is it a load balancer? Give it a healthy target. Is it restarting? Drain before closing the listener. \
                Check its access rules
                """
            ),
            Remedy("nginx", "a second peer; `proxy_next_upstream error timeout` retries idempotent requests"),
            Remedy(
                "HAProxy",
                "`retry-on conn-failure empty-response` with `option redispatch 1`; a layer 7 check (`option httpchk`)"
            ),
            Remedy("Envoy", "`retry_on: connect-failure,reset`, HTTP health checks"),
            Remedy("Caddy", "`lb_try_duration`, active health checks"),
        ],
        logLines: [
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "termination state SH, or SC after retries"),
            .init("Envoy", "UF, delayed_connect_error: Connection reset by peer"),
            .init("Envoy", "UC, connection_termination"),
            .init("Caddy", "read: connection reset by peer"),
        ],
        sources: [
            "RFC 9293 §3.10.7: reset processing",
            "Linux: closing a listener resets the connections that wait in its accept queue",
        ]
    )
}
