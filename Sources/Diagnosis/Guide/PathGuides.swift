import Model

extension CauseGuides {
    /// What a device or a link between the gateway and the upstream does.
    static let paths: [CauseGuide] = [handshakeResetByFirewall, middleboxReset, idleStateExpired, pmtuBlackhole]

    private static let handshakeResetByFirewall = CauseGuide(
        .handshakeResetByFirewall,
        whatHappened: """
            A firewall on the path answered the connection attempt with a TCP reset in the upstream's name \
            (`reject with tcp reset`). The gateway's log says "Connection refused", as if the port were closed.
            """,
        signature: [
            "SYN from the gateway, RST+ACK in the upstream's name",
            """
            the reset is unlike that host's other packets (any port, whole capture): another hop limit, an answer faster \
            than the host's, a window, an IP identification or a missing "don't fragment" that its own answers do not have
            """,
            "or the host's own SYN-ACK comes after all",
        ],
        lookAlikes: [
            .init(
                .connectRefused,
                """
                hop limit and form are the host's own; without another packet of the host the two cannot be told apart, \
                and a filter on the host itself never
                """
            ),
            .init(.icmpPortUnreachable, "the filter rejects by ICMP"),
            .init(.middleboxReset, "the reset comes after the handshake"),
        ],
        contradicting: [
            "the reset's hop limit is that of the host's other packets, and so is its form",
            "the capture shows each packet on both sides of a router: then one hop more or less means nothing",
        ],
        remedies: [
            Remedy(
                "network",
                """
                allow the gateway's address to the upstream's port on the firewall whose distance the reset's hop limit \
                tells: `nft list ruleset`, `iptables -L -nv`, security policies
                """
            ),
            Remedy("upstream", "nothing: the service never saw the attempt (its `nstat TcpOutRsts` does not move)"),
            Remedy("nginx", "a peer on another path as `backup`"),
            Remedy("HAProxy", "`option redispatch 1` with a second server"),
            Remedy("Envoy", "`retry_on: connect-failure` with a second host"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream"),
            Remedy("Apache httpd", "a balancer with a second member"),
        ],
        logLines: [
            .init("nginx", "connect() failed (111: Connection refused) while connecting to upstream"),
            .init("HAProxy", "termination state SC, Tc -1"),
            .init("Envoy", "UF, delayed_connect_error: Connection refused"),
            .init("Apache httpd", "AH00957, attempt to connect failed: (111)Connection refused"),
            .init("Caddy", "connect: connection refused"),
        ],
        sources: [
            "RFC 9293 §3.10.7.1: a closed port answers with sequence number 0, acknowledging the SYN",
            "RFC 791: each router takes one off the time to live",
            "Linux nf_reject_ipv4: hop limit 64, identification 0, window 0, from wherever the filter stands",
        ]
    )

    private static let middleboxReset = CauseGuide(
        .middleboxReset,
        whatHappened: """
            A device on the path (firewall, intrusion prevention, load balancer, proxy) cut an established connection with a \
            reset in the name of one of its ends. That end did not send it.
            """,
        signature: [
            "handshake, then a RST",
            """
            the reset is unlike the other packets of the host that it names: hop limit, IP identification, window, \
            "don't fragment", or an ACK without the timestamp option that the connection uses
            """,
            "or that end goes on as if nothing had happened: new data, acknowledgments, repeats",
            "or it has the form of an answer where no socket is, and nothing had been sent for long",
            "sometimes both peers are reset within a millisecond",
        ],
        lookAlikes: [
            .init(
                .resetBeforeResponse,
                """
                the reset carries the timestamp option, the exact number and the hop limit of the upstream: its own kernel \
                sent it (the process died, or left bytes unread)
                """
            ),
            .init(.truncatedBodyReset, "the same inside the body"),
            .init(.resetAfterAccept, "the same right after the handshake"),
            .init(.idleStateExpired, "the connection was idle before, and a new one works"),
            .init(.staleKeepaliveReuse, "the upstream's own close crossed the request"),
        ],
        contradicting: [
            "the timestamp option on the reset, and its IP identification follows the packet before",
            "a late answer that draws a reset of the gateway: that one is the gateway's own",
        ],
        remedies: [
            Remedy(
                "network",
                """
                find the device by the reset's hop limit; read its log at that second: session timeout, connection or \
                size limit, signature, policy change
                """
            ),
            Remedy("capture", "capture on the upstream's side too: what did not pass there was made in between"),
            Remedy("nginx", "`proxy_next_upstream error timeout` with a peer on another path"),
            Remedy("HAProxy", "`retry-on conn-failure empty-response` with `option redispatch 1`"),
            Remedy("Envoy", "`retry_on: reset` with a second host"),
            Remedy("Apache httpd", "a balancer with a member on another path"),
            Remedy("Caddy", "`lb_try_duration` with an upstream on another path"),
        ],
        logLines: [
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "termination state SH or SD"),
            .init("Envoy", "UC, connection_termination"),
            .init("Apache httpd", "(104)Connection reset by peer: AH01102"),
            .init("Caddy", "read: connection reset by peer"),
        ],
        sources: [
            "RFC 9293 §3.5.2: which resets an endpoint sends",
            "RFC 7323 §3.2: timestamps on every segment; Linux puts them on aborts, never on answers without socket",
            "RFC 3360: inappropriate TCP resets",
        ]
    )

    private static let idleStateExpired = CauseGuide(
        .idleStateExpired,
        whatHappened: """
            The connection stood idle for longer than something on the path keeps it in its tables (NAT, firewall, load \
            balancer), or the upstream's host restarted meanwhile. The next request on it fell into nothing, or drew a reset.
            """,
        signature: [
            "not the first request of its connection, after a longer gap than connections of this upstream survive",
            "variant silent: the request repeats and is never acknowledged",
            "variant reset: a reset without ACK and options, or one that the upstream did not send, answers it",
            "no FIN of the upstream before",
            "a new connection to the same port works, meanwhile or right afterwards",
        ],
        lookAlikes: [
            .init(
                .staleKeepaliveReuse,
                "the upstream closed: a FIN, or the abort of a live socket, crossed the request"
            ),
            .init(.lossStallRequest, "no idleness before, or new connections fail as well"),
            .init(.middleboxReset, "no idleness before, or longer gaps survived"),
            .init(.resetBeforeResponse, "the reset is a live socket's, later than the round trip"),
        ],
        contradicting: [
            "a connection of this upstream was used again after a longer gap",
            "the request is acknowledged", "a FIN of the upstream",
        ],
        remedies: [
            Remedy(
                "network",
                """
                raise the idle timeout of the device above the gateway's keep-alive time (AWS NLB and NAT gateway 350 s, \
                Azure 240 s, firewalls 900 to 3600 s)
                """
            ),
            Remedy(
                "gateway",
                "keep-alive probes below it: `net.ipv4.tcp_keepalive_time` with the gateway's switch, or shorter idle times"
            ),
            Remedy("nginx", "`proxy_socket_keepalive on`; `keepalive_timeout` in `upstream` below the device's time"),
            Remedy("HAProxy", "`option srvtcpka` with `srvtcpka-idle`; a shorter `pool-purge-delay`"),
            Remedy(
                "Envoy",
                "`upstream_connection_options.tcp_keepalive`; cluster `idle_timeout` below the device's time"
            ),
            Remedy("Apache httpd", "`keepalive=On` and `ttl=` on `ProxyPass`"),
            Remedy("Caddy", "`keepalive` in `transport http` below the device's time"),
            Remedy("upstream", "if its host restarted: drain it first, so that its FINs are seen"),
        ],
        logLines: [
            .init(
                "nginx",
                "upstream timed out (110: Connection timed out) while reading response header from upstream"
            ),
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "termination state sH, or SH; often no line at all"),
            .init("Envoy", "UC, connection_termination, or UT, response_timeout"),
        ],
        sources: [
            "RFC 5382 §5: a NAT may forget an idle connection after 2 h 4 min; many do sooner",
            "RFC 9293 §3.5.1 and §3.8.4: half-open connections, keep-alives",
        ]
    )

    private static let pmtuBlackhole = CauseGuide(
        .pmtuBlackhole,
        whatHappened: """
            A link on the path takes smaller packets than its ends believe, and the ICMP message that would say so does not \
            arrive. Handshakes and small messages pass; every full-size segment vanishes.
            """,
        signature: [
            "the handshake and small segments get through",
            "seen before the link: segments of full size repeat and are never acknowledged",
            """
            seen behind it: the small end of a message arrives behind a hole of a full segment or more, or the sender's \
            numbers have moved past it
            """,
            "no full-size segment of that direction gets through meanwhile",
        ],
        lookAlikes: [
            .init(.lossStallRequest, "small segments of the same connection are lost too"),
            .init(.lossStallResponse, "other segments of full size arrive"),
            .init(.connectTimeout, "not even the handshake passes"),
            .init(.zeroWindowStall, "the receiver's window is closed, and its answers say so"),
            .init(.responseTimeout, "everything is acknowledged, and the upstream's numbers stand still"),
        ],
        contradicting: ["a full-size segment that is acknowledged", "a closed window"],
        remedies: [
            Remedy(
                "network",
                """
                let ICMP type 3 code 4 (ICMPv6 type 2) through; set the right MTU on both ends of the tunnel or link, or \
                clamp: `tcp option maxseg size set rt mtu`
                """
            ),
            Remedy("gateway", "`net.ipv4.tcp_mtu_probing=1`: the kernel then tries smaller segments by itself"),
            Remedy("upstream", "`net.ipv4.tcp_mtu_probing=1`, or a smaller MTU on its interface or route"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while sending request to upstream"),
            .init(
                "nginx",
                "upstream timed out (110: Connection timed out) while reading response header from upstream"
            ),
            .init("HAProxy", "termination state sH, sD"),
        ],
        sources: [
            "RFC 1191 §4, RFC 8201 §4: path MTU discovery",
            "RFC 2923 §2.1: black holes; RFC 4821: probing without ICMP",
        ]
    )
}
