import Model

extension CauseGuides {
    static let head: [CauseGuide] = [closedMidHead, resetMidHead, headerTooLarge]
    /// Bytes came, and they are not what this gateway takes for HTTP.
    static let protocols: [CauseGuide] = [malformedHeader, malformedStatusLine, nonHTTPBanner]

    private static let crash = Remedy(
        "upstream",
        """
        look for a crash, kill or restart at that second; an application that dies while it writes headers leaves a \
        trace in its log
        """
    )

    private static let closedMidHead = CauseGuide(
        .closedMidHead,
        whatHappened: "The upstream began its answer and closed the connection before the head was complete.",
        signature: [
            "the first bytes are an HTTP status line, or the beginning of one",
            "FIN before the empty line that ends the head",
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "not one byte of response"),
            .init(.resetMidHead, "RST instead of FIN"),
            .init(.headerTooLarge, "the gateway ends it, not the upstream"),
        ],
        contradicting: ["the empty line after the head", "the gateway closed first"],
        remedies: [
            crash,
            Remedy("nginx", "`proxy_next_upstream error` with a second peer"),
            Remedy("HAProxy", "`retry-on junk-response empty-response` for idempotent requests"),
            Remedy("Envoy", "`retry_on: reset`"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream (GET only)"),
        ],
        logLines: [
            .init("nginx", "upstream prematurely closed connection while reading response header from upstream"),
            .init("HAProxy", "termination state SH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Apache httpd", "AH10404 or AH01106"),
            .init("Caddy", "transport connection broken: unexpected EOF"),
        ],
        sources: ["RFC 9112 §8: an incomplete head is an incomplete message"]
    )

    private static let resetMidHead = CauseGuide(
        .resetMidHead,
        whatHappened: "The upstream began its answer and reset the connection before the head was complete.",
        signature: [
            "the first bytes are an HTTP status line, or the beginning of one",
            "RST from the upstream before the empty line that ends the head",
        ],
        lookAlikes: [
            .init(.resetBeforeResponse, "not one byte of response"),
            .init(.closedMidHead, "FIN instead of RST"),
            .init(.headerTooLarge, "the RST is the gateway's"),
        ],
        contradicting: ["the empty line after the head", "the gateway closed first"],
        remedies: [
            crash,
            Remedy("nginx", "`proxy_next_upstream error` with a second peer"),
            Remedy("HAProxy", "`retry-on empty-response` for idempotent requests"),
            Remedy("Envoy", "`retry_on: reset`"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream (GET only)"),
        ],
        logLines: [
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header from upstream"),
            .init("HAProxy", "termination state SH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Caddy", "transport connection broken: unexpected EOF"),
        ],
        sources: ["RFC 9112 §8: an incomplete head is an incomplete message", "RFC 9293 §3.10.7.4: RST in ESTABLISHED"]
    )

    private static let headerTooLarge = CauseGuide(
        .headerTooLarge,
        whatHappened: """
            The response head is larger than the gateway's buffer for it. The upstream is healthy; often cookies or a \
            long Content-Security-Policy have grown.
            """,
        signature: [
            """
            the bytes of the head pass the gateway's limit: nginx one memory page (4096 or 8192), HAProxy 16384, \
            Apache httpd 8192 a line, Envoy 80 KiB
            """,
            "the gateway ends the connection, by RST where bytes were left unread",
        ],
        lookAlikes: [
            .init(.resetMidHead, "the upstream ends it, not the gateway"),
            .init(.tooManyHeaders, "the number of fields is over the limit, not their size"),
            .init(.malformedHeader, "a line is not valid, whatever the size"),
        ],
        contradicting: ["other heads of the same size passed this gateway", "the upstream closed first"],
        remedies: [
            Remedy(
                "nginx",
                """
                `proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k;` (`fastcgi_`, `uwsgi_`, \
                `grpc_` alike)
                """
            ),
            Remedy("HAProxy", "`tune.bufsize 32768`"),
            Remedy("Envoy", "cluster `common_http_protocol_options.max_response_headers_kb` (default 80)"),
            Remedy("Apache httpd", "`responsefieldsize=` on `ProxyPass`"),
            Remedy("upstream", "shrink what has grown: Set-Cookie, Content-Security-Policy, Link"),
            Remedy("Caddy", "`max_response_header` in `transport http` (default 10MiB)"),
        ],
        logLines: [
            .init("nginx", "upstream sent too big header while reading response header from upstream"),
            .init("HAProxy", "termination state PH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Apache httpd", "AH10124, header size is over the limit"),
            .init("Caddy", "server response headers exceeded"),
        ],
        sources: [
            "nginx proxy_buffer_size, HAProxy tune.bufsize, httpd ResponseFieldSize: their documentation",
            "RFC 9110 §5.4: field limits",
        ]
    )

    private static let malformedHeader = CauseGuide(
        .malformedHeader,
        whatHappened:
            """
            The response head is complete, but one of its lines is no valid header field, and this gateway rejects it.
            """,
        signature: [
            "a valid status line and the empty line that ends the head",
            "a field line without colon, with space or control byte in its name, or with a NUL (quoted in the finding)",
            "the gateway answers with its error although the head is complete",
        ],
        lookAlikes: [
            .init(.malformedStatusLine, "the first line itself is not valid"),
            .init(.conflictingContentLength, "the lines are valid and contradict each other about the length"),
            .init(.gatewayRejectedResponse, "nothing is wrong with the head"),
        ],
        contradicting: ["the client got this answer: then this gateway accepts the line"],
        remedies: [
            Remedy(
                "upstream",
                "fix the code that writes this header; line breaks or raw bytes in a value are the usual origin"
            ),
            Remedy("nginx", "no switch: the upstream must be fixed"),
            Remedy(
                "HAProxy",
                """
                until it is fixed: `option accept-unsafe-violations-in-http-response` (older versions: `option \
                accept-invalid-http-response`)
                """
            ),
            Remedy("Envoy", "nothing loosens its parser: correct the upstream"),
            Remedy("Caddy", "no switch: the upstream must be fixed"),
            Remedy(
                "Apache httpd",
                "no switch: `HttpProtocolOptions` governs requests only; the upstream must be fixed"
            ),
        ],
        logLines: [
            .init("nginx", "upstream sent invalid header"),
            .init("HAProxy", "termination state PH; `show errors` on the stats socket quotes the bytes"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Apache httpd", "AH02429, contains invalid characters (500), or AH01106, bad HTTP/1.1 header (502)"),
            .init("Caddy", "malformed MIME header"),
        ],
        sources: ["RFC 9112 §5: field syntax", "RFC 9110 §5.1 and §5.5: names and values"]
    )

    private static let malformedStatusLine = CauseGuide(
        .malformedStatusLine,
        whatHappened:
            """
            What came back does not begin with an HTTP status line, and is not the greeting of a protocol that is \
            known.
            """,
        signature: ["the first bytes are not `HTTP/` digit `.` digit, space, three digits (quoted in the finding)"],
        lookAlikes: [
            .init(.nonHTTPBanner, "the bytes are those of a known other protocol"),
            .init(.malformedHeader, "the status line is valid, a later line is not"),
            .init(.surplusBytes, "the bytes belong to the response before"),
        ],
        contradicting: ["a valid status line after bytes that the capture missed"],
        remedies: [
            Remedy("upstream", "fix the first line that the application (often a script or a home-made server) writes"),
            Remedy(
                "nginx",
                """
                nginx passes it to the client as HTTP/0.9 with no error of its own: look for status 009 in the access \
                log
                """
            ),
            Remedy("HAProxy", "`show errors` on the stats socket quotes the bytes"),
            Remedy("Envoy", "nothing loosens its parser: correct the upstream"),
            Remedy(
                "Apache httpd",
                "it passes text on as HTTP/0.9, with status 200 and nothing in its error log; only a NUL byte makes a 502"
            ),
            Remedy("gateway", "does the gateway dial the right port, and by the protocol that the upstream speaks?"),
            Remedy("Caddy", "correct the upstream's address in `reverse_proxy`, if the port is another service's"),
        ],
        logLines: [
            .init("nginx", "upstream sent no valid HTTP/1.0 header"),
            .init("HAProxy", "termination state PH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Apache httpd", "AH01102, (22)Invalid argument, or AH00898, Corrupt status line"),
            .init("Caddy", "malformed HTTP"),
        ],
        sources: ["RFC 9112 §4: status line", "nginx 1.22: an answer without status line counts as HTTP/0.9"]
    )

    private static let nonHTTPBanner = CauseGuide(
        .nonHTTPBanner,
        whatHappened:
            "Another service answers on that port: its greeting is not HTTP. The gateway dials the wrong port or host.",
        signature: [
            """
            the first bytes are the greeting of a known protocol: SSH, SMTP, FTP, MySQL, Redis, memcached (named in \
            the variant)
            """,
            "bytes that come before the request are decisive: an HTTP server never speaks first",
        ],
        lookAlikes: [
            .init(.malformedStatusLine, "bytes of no known protocol"),
            .init(.plaintextToTLSUpstream, "a TLS alert answers"),
            .init(.applicationProtocolMismatch, "FastCGI, uwsgi or HTTP/2 answers"),
        ],
        contradicting: ["other requests on the same port got HTTP answers"],
        remedies: [
            Remedy("nginx", "correct host and port in `proxy_pass` or `server`"),
            Remedy("HAProxy", "correct the `server` line; `option httpchk` would have kept it out"),
            Remedy("Envoy", "correct the cluster's endpoint"),
            Remedy(
                "gateway",
                "correct host and port of the upstream; a service registry may point to a reused address"
            ),
            Remedy("Caddy", "correct the upstream's address in `reverse_proxy`"),
        ],
        logLines: [
            .init("nginx", "upstream sent no valid HTTP/1.0 header"),
            .init("HAProxy", "termination state PH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Caddy", "malformed HTTP"),
        ],
        sources: [
            "RFC 4253 §4.2 (SSH), RFC 5321 §3.1 (SMTP), RFC 959 §5.4 (FTP): the server greets without waiting for the client"
        ]
    )
}
