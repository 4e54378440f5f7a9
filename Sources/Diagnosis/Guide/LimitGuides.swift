import Model

extension CauseGuides {
    /// The upstream or the gateway does not take what was sent, or answers it too soon; and clients that take too long.
    static let limits: [CauseGuide] = [
        earlyResponse, proxyProtocolMismatch, requestTooLarge, tooManyHeaders, clientSlow,
    ]

    private static let earlyResponse = CauseGuide(
        .earlyResponse,
        whatHappened: """
            The upstream answered before it had the whole request, mostly with 413, 401 or 403, and reset the connection \
            because of the bytes that it left unread. A gateway that meets the reset before it has read the answer makes a \
            502 of it; one that reads first passes the answer on, and that is a note only.
            """,
        signature: [
            "the request's head and a part of its body",
            "a complete response head while the gateway is still sending",
            "RST from the upstream after it",
            "the client gets another status than the upstream's, or none",
        ],
        lookAlikes: [
            .init(.resetDuringUpload, "no byte of an answer came before the RST"),
            .init(.truncatedBodyReset, "the request was complete before the answer began"),
            .init(.gatewayRejectedResponse, "the request was complete, and no RST came"),
        ],
        contradicting: ["the client got the upstream's status", "the request was complete before the answer began"],
        remedies: [
            Remedy(
                "upstream",
                """
                raise the limit that it names (413: body size), or read the rest of the request before closing \
                (nginx `lingering_close always`, Tomcat `maxSwallowSize`)
                """
            ),
            Remedy("nginx", "`client_max_body_size` as the upstream's limit, so that nginx itself answers 413 in time"),
            Remedy(
                "HAProxy",
                "`http-request deny deny_status 413 if { req.body_size gt N }` with `option http-buffer-request`"
            ),
            Remedy("Apache httpd", "`LimitRequestBody` as the upstream's limit"),
            Remedy("Envoy", "the buffer filter with `max_request_bytes`"),
            Remedy("Caddy", "`request_body { max_size N }`"),
        ],
        logLines: [
            .init("nginx", "writev() failed (104: Connection reset by peer) while sending request to upstream"),
            .init("HAProxy", "termination state SD"),
            .init("Apache httpd", "AH01084: pass request body failed"),
        ],
        sources: [
            "RFC 9112 §9.6: a server that closes with bytes unread may lose its response",
            "RFC 9110 §15.5.14: 413 and closing the connection",
        ]
    )

    private static let proxyProtocolMismatch = CauseGuide(
        .proxyProtocolMismatch,
        whatHappened: """
            The gateway sends a PROXY protocol header and the upstream's port does not expect one (variant \
            `sent-not-wanted`), or the port waits for one and the gateway sends none (variant `wanted-not-sent`). It shows on \
            every connection to that port. Where the client got the upstream's 400 it is a note.
            """,
        signature: [
            "sent-not-wanted: `PROXY TCP4 ...` or 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A as the first bytes",
            "sent-not-wanted: no proper answer to any connection that begins so",
            "wanted-not-sent: a complete request on a fresh connection, FIN or RST at once, not a byte of answer",
            "wanted-not-sent: others that begin with the header are answered, or at least three requests all end so",
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "some requests to the port are answered, or the close takes its time"),
            .init(
                .resetAfterAccept,
                "a port without a server behind it resets whatever is sent, or before anything is"
            ),
            .init(.applicationProtocolMismatch, "the port answers connections in another protocol"),
            .init(.malformedStatusLine, "the same bytes without a PROXY header before the request"),
        ],
        contradicting: [
            "a connection with the header got a proper answer (sent-not-wanted)",
            "a request without the header got an answer from the same port (wanted-not-sent)",
        ],
        remedies: [
            Remedy(
                "HAProxy",
                "`send-proxy` or `send-proxy-v2` on the `server` line where the upstream wants it, and only there"
            ),
            Remedy(
                "nginx",
                """
                cannot send the header over HTTP: `proxy_protocol on` is of `stream` only; at the upstream a second `listen` \
                without `proxy_protocol`
                """
            ),
            Remedy("Envoy", "`envoy.transport_sockets.upstream_proxy_protocol` in the cluster, or none"),
            Remedy("Caddy", "`transport http { proxy_protocol v2 }`, or none"),
            Remedy(
                "upstream",
                """
                nginx `listen ... proxy_protocol`, HAProxy `accept-proxy`, httpd `RemoteIPProxyProtocol On`: on a port \
                whose clients all send it
                """
            ),
        ],
        logLines: [
            .init("nginx", "as upstream: broken header: \"GET / HTTP/1.0\" while reading PROXY protocol"),
            .init("HAProxy", "as upstream: Received something which does not look like a PROXY protocol header"),
        ],
        sources: ["PROXY protocol 1 and 2 (haproxy.org/download/2.6/doc/proxy-protocol.txt) §2"]
    )

    private static let requestTooLarge = CauseGuide(
        .requestTooLarge,
        whatHappened: """
            The head of the request (mostly its cookies, or a long URL) is larger than the upstream takes, and the upstream \
            ended the connection without an answer. Where it answered 400, 414 or 431 and the client got that, it is a note.
            """,
        signature: [
            "a request head of some kilobytes, larger than any that this port answered well",
            "FIN or RST from the upstream at once, often before it acknowledged all of the head",
            "requests with smaller heads to the same port are answered",
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "requests with small heads end so, too"),
            .init(.resetBeforeResponse, "requests with small heads end so, too"),
            .init(.resetDuringUpload, "the head had arrived and the body was being sent"),
            .init(.headerTooLarge, "it is the response's head that is too large, and the gateway that ends it"),
        ],
        contradicting: [
            "a larger head was answered well by the same port",
            "a small request to the same port ended in the same way",
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                raise its limit: uWSGI `buffer-size`, Tomcat and Spring `server.max-http-request-header-size`, Node \
                `--max-http-header-size`, gunicorn `--limit-request-line` and `--limit-request-field_size`, httpd \
                `LimitRequestFieldSize`, nginx `large_client_header_buffers`
                """
            ),
            Remedy("client", "fewer and smaller cookies; parameters in a body instead of the URL"),
            Remedy(
                "nginx",
                "`large_client_header_buffers` not above the upstream's limit, so that nginx itself answers 414 or 400"
            ),
            Remedy("HAProxy", "`http-request deny deny_status 431 if { req.hdrs,length gt N }`"),
            Remedy("Envoy", "`max_request_headers_kb` not above the upstream's limit: it answers 431 itself"),
        ],
        logLines: [
            .init("nginx", "upstream prematurely closed connection while reading response header"),
            .init("nginx", "recv() failed (104: Connection reset by peer) while reading response header"),
            .init("HAProxy", "termination state SH"),
        ],
        sources: ["RFC 9110 §15.5.15: 414", "RFC 6585 §5: 431", "documentation of the servers named"]
    )

    private static let tooManyHeaders = CauseGuide(
        .tooManyHeaders,
        whatHappened: """
            The response has more header fields than the gateway takes, however short they are: HAProxy 100 besides the \
            status line, Envoy 100. nginx and Apache httpd do not count them.
            """,
        signature: [
            "a complete or large response head with more than 100 field lines",
            "its bytes are within the gateway's limit",
            "the gateway's own error follows at once",
        ],
        lookAlikes: [
            .init(.headerTooLarge, "the bytes pass the gateway's limit"),
            .init(.malformedHeader, "a field line is not well formed"),
            .init(.gatewayRejectedResponse, "the head is small in number and bytes"),
        ],
        contradicting: ["the same gateway passed an answer with as many fields on"],
        remedies: [
            Remedy("upstream", "fewer fields: mostly one `Set-Cookie` or `Link` per item of a list"),
            Remedy("HAProxy", "`tune.http.maxhdr` (default 101), with `tune.bufsize` to match"),
            Remedy("Envoy", "`max_headers_count` in the cluster's `common_http_protocol_options` (default 100)"),
        ],
        logLines: [
            .init("HAProxy", "termination state PH; `show errors` tells the position"),
            .init("Envoy", "UPE, protocol_error"),
        ],
        sources: ["HAProxy 2.6 configuration manual, tune.http.maxhdr", "RFC 9110 §5.4: limits of fields"]
    )

    private static let clientSlow = CauseGuide(
        .clientSlow,
        whatHappened: """
            The client stopped sending its request (variant `sending`) or reading its answer (variant `reading`), and the \
            gateway gave up on it: HAProxy answers 408, nginx logs 408 and just closes. The upstream had no part in it.
            """,
        signature: [
            "sending: a request whose body is shorter than announced, a second and more without a byte of the client",
            "reading: the client's window is 0, and stays so",
            "408 or the gateway's close follows, and the client did not close before",
        ],
        lookAlikes: [
            .init(.clientAbort, "the client closed or reset first"),
            .init(.responseTimeout, "the upstream had the whole request"),
            .init(.bodyTimeout, "the client reads, and the upstream is silent"),
            .init(.truncatedBodyFin, "the upstream closed before the gateway did"),
        ],
        contradicting: ["the client's close came first", "the whole request had arrived before the gateway closed"],
        remedies: [
            Remedy("client", "its network, or a program that does not send what it announced or does not read"),
            Remedy("nginx", "`client_body_timeout`, `client_header_timeout` (60 s) and `send_timeout` (60 s)"),
            Remedy("HAProxy", "`timeout client`, and `timeout http-request` with `option http-buffer-request`"),
            Remedy("Apache httpd", "`RequestReadTimeout` of mod_reqtimeout, `Timeout`"),
            Remedy("Envoy", "`request_timeout`, `stream_idle_timeout`"),
            Remedy("Caddy", "`read_body`, `write` under `timeouts` in the server options"),
        ],
        logLines: [
            .init("nginx", "client timed out (110: Connection timed out)"),
            .init("HAProxy", "termination state cR, cH or cD"),
            .init("Envoy", "SI, stream_idle_timeout"),
        ],
        sources: ["RFC 9110 §15.5.9: 408", "RFC 9293 §3.8.6.1: zero window"]
    )
}
