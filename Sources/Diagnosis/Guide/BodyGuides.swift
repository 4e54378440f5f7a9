import Model

extension CauseGuides {
    static let body: [CauseGuide] = [
        truncatedBodyFin, truncatedBodyReset, badChunkSize, bodyTimeout, lossStallResponse,
    ]

    private static let crashWhileWriting = Remedy(
        "upstream",
        """
        look for a crash, kill, restart or timeout while the body was written; compare the announced length with what \
        the application produces
        """
    )

    private static let truncatedBodyFin = CauseGuide(
        .truncatedBodyFin,
        whatHappened: """
            The upstream closed in the middle of the response body. The client mostly has a 200 with too few bytes: no \
            status in any log says that it failed.
            """,
        signature: [
            "a complete response head with Content-Length, or chunked",
            "FIN from the upstream with fewer bytes than announced, or before the last chunk",
        ],
        lookAlikes: [
            .init(.truncatedBodyReset, "RST instead of FIN"),
            .init(.bodyTimeout, "the gateway closes first, after silence"),
            .init(.clientAbort, "the client left before"),
        ],
        contradicting: [
            "neither Content-Length nor chunked: then the FIN is the regular end",
            "an answer to HEAD, or status 204 or 304: no body is due",
            "bytes that only the capture missed",
        ],
        remedies: [
            crashWhileWriting,
            Remedy("nginx", "none cures it; `$upstream_response_length` against `Content-Length` in the log shows it"),
            Remedy("HAProxy", "log termination states and watch for SD"),
            Remedy(
                "Envoy",
                "watch for UPE with `upstream_reset_after_response_started`; no retry helps once the head was sent"
            ),
            Remedy("Caddy", "update it: 2.6 gives a cut chunked answer a regular end, newer versions abort it"),
        ],
        logLines: [
            .init("nginx", "upstream prematurely closed connection while reading upstream"),
            .init("HAProxy", "termination state SD, status 200"),
            .init("Envoy", "UPE, upstream_reset_after_response_started{protocol_error}"),
            .init("Apache httpd", "AH01110, error reading response"),
            .init("Caddy", "aborting with incomplete response"),
        ],
        sources: ["RFC 9112 §8 and §6.3: an incomplete body is an incomplete message, close-delimited bodies excepted"]
    )

    private static let truncatedBodyReset = CauseGuide(
        .truncatedBodyReset,
        whatHappened: """
            The upstream reset the connection in the middle of the response body. The client mostly has a 200 with too \
            few bytes, and the gateway may have lost bytes that had arrived.
            """,
        signature: [
            "a complete response head with Content-Length, or chunked",
            "RST from the upstream before the announced end",
        ],
        lookAlikes: [
            .init(.truncatedBodyFin, "FIN instead of RST"),
            .init(.middleboxReset, "hop count or options of the RST are not the upstream's"),
            .init(.clientAbort, "the client left before, and the gateway closed"),
        ],
        contradicting: ["the gateway's FIN or RST came first", "the body was complete"],
        remedies: [
            crashWhileWriting,
            Remedy("nginx", "none cures it; `$upstream_response_length` against `Content-Length` in the log shows it"),
            Remedy("HAProxy", "log termination states and watch for SD"),
            Remedy(
                "Envoy",
                "watch for UPE with `upstream_reset_after_response_started`; no retry helps once the head was sent"
            ),
            Remedy("Caddy", "update it: 2.6 gives a cut chunked answer a regular end, newer versions abort it"),
        ],
        logLines: [
            .init("nginx", "readv() failed (104: Connection reset by peer) while reading upstream"),
            .init("HAProxy", "termination state SD, status 200"),
            .init("Envoy", "UPE, upstream_reset_after_response_started{protocol_error}"),
            .init("Apache httpd", "AH01110, error reading response"),
            .init("Caddy", "aborting with incomplete response"),
        ],
        sources: ["RFC 9112 §8: incomplete messages", "RFC 9293 §3.10.7.4: RST in ESTABLISHED"]
    )

    private static let badChunkSize = CauseGuide(
        .badChunkSize,
        whatHappened: """
            The response is chunked and its chunk framing breaks: where a size should stand there is something else, or a             chunk does not end where its size says. The gateway cannot know what follows.
            """,
        signature: [
            "a complete response head with Transfer-Encoding: chunked",
            "a size line that is no hexadecimal number, or no line end after a chunk (quoted in the finding)",
            "the gateway ends the connection; the client has an error, a cut body, or nothing",
        ],
        lookAlikes: [
            .init(.truncatedBodyFin, "the framing is sound and ends too early"),
            .init(.conflictingContentLength, "the head itself leaves the length open"),
            .init(.surplusBytes, "the broken bytes come after the last chunk"),
        ],
        contradicting: ["bytes that only the capture missed", "the last chunk came before"],
        remedies: [
            Remedy(
                "upstream",
                """
                something writes past the chunking layer: an application that writes chunk sizes itself, text printed to                 the raw socket, a stack trace in the middle of an answer
                """
            ),
            Remedy(
                "nginx",
                "no switch; `proxy_http_version 1.0` (default before 1.29.7) asks a well-behaved upstream not to chunk"
            ),
            Remedy("HAProxy", "no switch; `show errors` on the stats socket quotes the bytes"),
            Remedy("Envoy", "nothing loosens its parser: correct the upstream"),
            Remedy(
                "Caddy",
                "update it: 2.6 ends the answer before the broken chunk as if it were whole, newer versions abort it"
            ),
            Remedy(
                "Apache httpd",
                "no switch; `SetEnv force-proxy-request-1.0` asks a well-behaved upstream not to chunk"
            ),
        ],
        logLines: [
            .init("nginx", "upstream sent invalid chunked response"),
            .init("Apache httpd", "AH01590, Error reading/parsing chunk (level info), then AH01110"),
            .init("HAProxy", "termination state PH with 502, or SD or PD once the head had been passed on"),
            .init("Envoy", "UPE, upstream_reset_after_response_started{protocol_error}"),
            .init(
                "Caddy",
                "aborting with incomplete response: invalid byte in chunk length, or malformed chunked encoding"
            ),
        ],
        sources: ["RFC 9112 §7.1: chunked transfer coding"]
    )

    private static let bodyTimeout = CauseGuide(
        .bodyTimeout,
        whatHappened: "The response body stopped half-way, and the gateway closed when its read timer ran out.",
        signature: [
            "a complete head and part of the body, all of it acknowledged",
            "silence",
            "the gateway closes first, mostly at a round number of seconds after the last byte",
        ],
        lookAlikes: [
            .init(.lossStallResponse, "segments repeat, or a hole stays open: the network lost them"),
            .init(.truncatedBodyFin, "the upstream closes"),
            .init(.clientSlow, "the client does not read, so the gateway stops reading"),
        ],
        contradicting: [
            "retransmissions by the upstream", "the client's window is 0",
            "the upstream's FIN or RST before the gateway's",
        ],
        remedies: [
            Remedy(
                "upstream",
                "find what the application waits for while it streams; send something before the timer (heartbeat)"
            ),
            Remedy("nginx", "`proxy_read_timeout` (between two reads)"),
            Remedy("HAProxy", "`timeout server`"),
            Remedy(
                "Envoy",
                "route `timeout` bounds the whole answer (0s: none), `stream_idle_timeout` the pauses in it"
            ),
            Remedy("Apache httpd", "`ProxyTimeout`"),
            Remedy("Caddy", "`read_timeout` in `transport http` (none by default)"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while reading upstream"),
            .init("HAProxy", "termination state sD"),
            .init("Envoy", "UT, response_timeout, with status 200"),
            .init("Envoy", "SI, stream_idle_timeout, with status 200"),
            .init("Caddy", "aborting with incomplete response: i/o timeout"),
        ],
        sources: [
            "nginx proxy_read_timeout, HAProxy timeout server: their documentation", "RFC 9112 §8: incomplete messages",
        ]
    )

    private static let lossStallResponse = CauseGuide(
        .lossStallResponse,
        whatHappened: """
            The response got lost between upstream and gateway: segments were repeated and did not get through, or a hole \
            in the stream never closed.
            """,
        signature: [
            "segments of the response repeat and are not acknowledged, or a hole stays open while later bytes arrive",
            """
            or the bytes stop, the gateway's own FIN or data goes unacknowledged, or the upstream resends after the \
            close
            """,
        ],
        lookAlikes: [
            .init(.bodyTimeout, "all that came is acknowledged, and nothing repeats"),
            .init(.responseTimeout, "the upstream never began to answer"),
            .init(.pmtuBlackhole, "only full-size segments are lost"),
        ],
        contradicting: [
            "the hole is one of the capture: the receiver acknowledged the bytes", "repaired within a second or two",
        ],
        remedies: [
            Remedy(
                "network",
                """
                look for loss between upstream and gateway: interface errors and drops, overlay network, a failing \
                link; compare with a capture on the upstream
                """
            ),
            Remedy("nginx", "`proxy_next_upstream timeout` helps only before the first byte went to the client"),
            Remedy("HAProxy", "`retry-on response-timeout` for idempotent requests with `option redispatch 1`"),
            Remedy(
                "Envoy",
                "`upstream_connection_options.tcp_keepalive` finds dead paths; route `timeout` bounds the wait"
            ),
            Remedy("Caddy", "`read_timeout` in `transport http` (none by default) ends the wait"),
        ],
        logLines: [
            .init("nginx", "upstream timed out (110: Connection timed out) while reading upstream"),
            .init("HAProxy", "termination state sD or sH"),
            .init("Envoy", "UT, response_timeout"),
        ],
        sources: [
            "RFC 6298 §5: retransmission timer with back-off", "RFC 2018: selective acknowledgment shows the hole",
        ]
    )
}
