import Model

extension CauseGuides {
    /// The request, or the SYN before it, does not get through although the upstream is there.
    static let sending: [CauseGuide] = [resetDuringUpload, zeroWindowStall]
    static let staleTuples: [CauseGuide] = [staleTuple]

    private static let staleTuple = CauseGuide(
        .staleTuple,
        whatHappened: """
            The upstream, or a NAT on the way, still holds an older connection with the same addresses and ports, and \
            answers the new SYN for the old one. Mostly it costs a second; it fails where the gateway's RST does not get \
            through, or where the connect timer is shorter.
            """,
        signature: [
            "SYN from the gateway",
            "an ACK without SYN answers it, whose acknowledgment number has nothing to do with the SYN",
            "the gateway sends a RST with that number and repeats the SYN a second later",
            "no SYN-ACK before the gateway gives up",
        ],
        lookAlikes: [
            .init(.connectTimeout, "nothing at all comes back"),
            .init(.connectRefused, "a RST answers the SYN"),
            .init(.acceptQueueOverflow, "no answer, or SYN-ACKs that repeat; the ACK is never a stranger's"),
        ],
        contradicting: ["a SYN-ACK for this SYN: then it only cost time", "an ACK that acknowledges the SYN"],
        remedies: [
            Remedy(
                "network",
                """
                let RST through filters and NAT: a rule that drops "invalid" packets keeps the old connection alive; \
                do not rewrite different sources to one address and port within a minute
                """
            ),
            Remedy(
                "gateway",
                "a wider port range (`net.ipv4.ip_local_port_range`), more source addresses, kept connections"
            ),
            Remedy("nginx", "`keepalive` in `upstream`; no fixed port in `proxy_bind`; connect timeout above 1s"),
            Remedy("HAProxy", "no fixed port in `source`; `timeout connect` above 1s; `http-reuse`"),
            Remedy("Envoy", "`upstream_bind_config` without a fixed port"),
            Remedy("upstream", "end dead connections: `tcp_keepalive_time`, idle timeouts"),
            Remedy(
                "Caddy",
                "`keepalive` in `transport http` (on by default) saves connections; `dial_timeout` above 1s"
            ),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while connecting to upstream"),
            .init("HAProxy", "termination state sC"),
            .init("Envoy", "UF, connection_timeout"),
        ],
        sources: [
            "RFC 5961 §4: a SYN in a synchronized state draws a challenge ACK",
            "RFC 9293 §3.5.1: half-open connections",
        ]
    )

    private static let resetDuringUpload = CauseGuide(
        .resetDuringUpload,
        whatHappened: """
            The upstream reset the connection while the gateway was still sending the request body, and said nothing \
            before: a limit on the body's size, a filter that dislikes it, or an abort of the application.
            """,
        signature: [
            "the request's head and a part of its body",
            "RST from the upstream before the body is complete",
            "not one byte of response",
        ],
        lookAlikes: [
            .init(.resetBeforeResponse, "the whole request had been sent"),
            .init(.resetAfterAccept, "the RST came within the round trip: nothing had been read"),
            .init(.earlyResponse, "an answer (413, 401, 403) came before the RST"),
            .init(.clientAbort, "the client left in the middle of its upload"),
        ],
        contradicting: [
            "a byte of response", "the whole body is on the wire before the RST", "the gateway's end came first",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                raise the body limit (Tomcat `maxSwallowSize` and `maxPostSize`, Spring `max-request-size`, PHP \
                `post_max_size`), or read the rest before closing, so that the 413 arrives
                """
            ),
            Remedy(
                "nginx",
                """
                `client_max_body_size` at the upstream's limit: the client then gets 413 from the gateway; \
                `proxy_request_buffering on` (default) keeps slow clients away from the upstream
                """
            ),
            Remedy(
                "HAProxy",
                "`http-request deny deny_status 413 if { req.body_size gt N }`; `option http-buffer-request`"
            ),
            Remedy("Envoy", "buffer filter: `max_request_bytes`"),
            Remedy(
                "Caddy",
                "`request_body` with `max_size` refuses earlier (with 502 in 2.6)"
            ),
            Remedy(
                "Apache httpd",
                "`LimitRequestBody` at the upstream's limit: the client then gets 413 from the gateway"
            ),
        ],
        logLines: [
            .init("nginx", "writev() failed (104: Connection reset by peer) while sending request to upstream"),
            .init("nginx", "sendfile() failed (32: Broken pipe) while sending request to upstream"),
            .init("HAProxy", "termination state SH or SD"),
            .init("Apache httpd", "AH01084, pass request body failed, or AH01102, (104)Connection reset by peer"),
            .init("Envoy", "UC, connection_termination"),
            .init("Caddy", "use of closed network connection"),
            .init("Caddy", "read: connection reset by peer"),
        ],
        sources: [
            "RFC 9112 §9.6: a server that closes early resets what it has not read",
            "RFC 9110 §15.5.14: 413",
        ]
    )

    private static let zeroWindowStall = CauseGuide(
        .zeroWindowStall,
        whatHappened: """
            The upstream accepted the connection and stopped reading the request: its receive window went to zero and \
            stayed there until the gateway gave up. The host lives, the application does not read.
            """,
        signature: [
            "a segment from the upstream with window 0, while the request is not complete there",
            "zero-window probes from the gateway after 0.2, 0.4, 0.8 ... seconds, each acknowledged with window 0",
            "the gateway ends the connection at its send timer, or at its read timer where its socket took the rest",
        ],
        lookAlikes: [
            .init(.lossStallRequest, "the repeated segments are never acknowledged"),
            .init(.responseTimeout, "the upstream had taken the whole request"),
            .init(.clientSlow, "the gateway itself has nothing to send: the client is slow"),
        ],
        contradicting: [
            "the window opened again and the rest was sent", "a byte of response", "probes without any answer",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                why does it not read: blocked worker, full disk, lock, slow storage behind an upload; look at its \
                `Recv-Q` (`ss -tn`)
                """
            ),
            Remedy("nginx", "`proxy_send_timeout` (default 60s between two writes) only if it is slow, not stuck"),
            Remedy("HAProxy", "`timeout server` covers this too; the client gets no bytes (state sD)"),
            Remedy("Envoy", "route `timeout`, and `stream_idle_timeout` while the client still sends"),
            Remedy("Apache httpd", "`ProxyTimeout`"),
            Remedy("Caddy", "`write_timeout` in `transport http` (none by default)"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while sending request to upstream"),
            .init("HAProxy", "termination state sD, status -1; sH where the body fitted its socket"),
            .init("Envoy", "UT, response_timeout"),
            .init("Apache httpd", "AH01084, pass request body failed"),
            .init("Caddy", "write tcp: i/o timeout"),
        ],
        sources: ["RFC 9293 §3.8.6.1: zero-window probing"]
    )
}
