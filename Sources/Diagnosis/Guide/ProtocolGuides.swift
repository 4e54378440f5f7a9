import Model

extension CauseGuides {
    /// The two sides do not mean the same protocol, or the gateway refuses what is well formed.
    static let otherProtocols: [CauseGuide] = [plaintextToTLSUpstream, applicationProtocolMismatch]
    static let refusals: [CauseGuide] = [conflictingContentLength, gatewayRejectedResponse]

    private static let plaintextToTLSUpstream = CauseGuide(
        .plaintextToTLSUpstream,
        whatHappened: """
            The gateway sends plain HTTP to a port that expects TLS. The server takes the request line for a broken \
            ClientHello and answers with a TLS alert.
            """,
        signature: [
            "the gateway's first bytes are an HTTP method",
            "the answer is a TLS alert record: 15 03, a version byte, 00 02, two bytes",
        ],
        lookAlikes: [
            .init(.malformedStatusLine, "the bytes are no TLS record"),
            .init(.closedBeforeResponse, "OpenSSL's servers close without an alert: only the port tells"),
            .init(.tlsToPlaintextUpstream, "the reverse: a ClientHello meets a server without TLS"),
            .init(.upstreamErrorResponse, "nginx, Apache httpd and Go answer a plain 400, which the gateway passes on"),
        ],
        contradicting: ["other requests on the same port got HTTP answers", "a ClientHello from the gateway"],
        remedies: [
            Remedy("nginx", "`proxy_pass https://...`, with `proxy_ssl_server_name on`"),
            Remedy("HAProxy", "`ssl` on the `server` line, with `verify` and `sni`"),
            Remedy("Envoy", "`transport_socket` with TLS in the cluster"),
            Remedy("Apache httpd", "`ProxyPass https://...` and `SSLProxyEngine on`"),
            Remedy("Caddy", "`https://` or `transport http { tls }`"),
            Remedy("Traefik", "`scheme: https` on the service"),
            Remedy("gateway", "or dial the upstream's plain port"),
        ],
        logLines: [
            .init("nginx", "upstream sent no valid HTTP/1.0 header"),
            .init("HAProxy", "termination state PH"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Caddy", "malformed HTTP response"),
        ],
        sources: ["RFC 8446 §5.1 and §6: record layer and alerts"]
    )

    private static let applicationProtocolMismatch = CauseGuide(
        .applicationProtocolMismatch,
        whatHappened: """
            The upstream's port speaks another application protocol than the gateway does: HTTP/2 without TLS, FastCGI, \
            uwsgi or AJP instead of HTTP/1. Its first bytes say which (the variant), or those that it exchanges with somebody \
            else. Or the other way round: the gateway speaks one of these to a port of HTTP/1 (variants `fastcgi-to-http`, \
            `http2-to-http`, `uwsgi-to-http`, `ajp-to-http`).
            """,
        signature: [
            "an HTTP/1 request from the gateway",
            "variant http2: the answer begins with a SETTINGS frame (00 00 xx 04 00 00 00 00 00) or GOAWAY",
            "variants fastcgi, uwsgi, ajp: the answer begins with a record of that protocol",
            "or no answer comes, and the same port answers others in such a protocol",
            "variants ...-to-http: the gateway's first bytes are of that protocol, and the answer begins with `HTTP/1.`",
        ],
        lookAlikes: [
            .init(.nonHTTPBanner, "a service that is no web server greets: SSH, SMTP, MySQL, Redis"),
            .init(.plaintextToTLSUpstream, "a TLS alert answers"),
            .init(
                .resetAfterAccept,
                "php-fpm resets an HTTP request without a byte: only an exchange in FastCGI with the same port tells"
            ),
            .init(
                .closedBeforeResponse,
                "uWSGI closes without a byte: only an exchange in uwsgi with the same port tells"
            ),
            .init(.proxyProtocolMismatch, "the port closes on all that comes without a PROXY header"),
        ],
        contradicting: ["other requests on the same port got HTTP/1 answers"],
        remedies: [
            Remedy(
                "nginx",
                "`grpc_pass`, `fastcgi_pass` or `uwsgi_pass` as the upstream speaks; `proxy_pass` only for HTTP/1"
            ),
            Remedy("HAProxy", "`proto h2` or `proto fcgi` on the `server` line"),
            Remedy("Envoy", "`http2_protocol_options` in the cluster's `typed_extension_protocol_options`"),
            Remedy("Caddy", "`h2c://`, or `transport fastcgi`"),
            Remedy("Traefik", "`h2c://` in the server's URL"),
            Remedy("upstream", "or let its port speak HTTP/1 (uWSGI `http-socket`, HTTP/2 by upgrade or ALPN)"),
        ],
        logLines: [
            .init("nginx", "upstream sent no valid HTTP/1.0 header"),
            .init("nginx", "upstream sent unsupported FastCGI protocol version: 72"),
            .init("nginx", "upstream sent too large http2 frame: 4740180"),
            .init("HAProxy", "termination state PH, SH or SC"),
            .init("Envoy", "UPE, upstream_reset_before_response_started{protocol_error}"),
            .init("Caddy", "malformed HTTP response"),
        ],
        sources: [
            "RFC 9113 §3.4: the server's preface is a SETTINGS frame",
            "FastCGI 1.0 §3.3: records; uwsgi and AJP 1.3: their packet headers",
        ]
    )

    private static let conflictingContentLength = CauseGuide(
        .conflictingContentLength,
        whatHappened: """
            The response head contradicts itself about the length of the body, and this gateway refuses it, since a reader \
            that chooses wrongly can be made to smuggle responses.
            """,
        signature: [
            """
            Content-Length twice, differing, or no number; a transfer coding that is unknown; or both fields together \
            (quoted in the finding)
            """,
            "the gateway answers with its error although the head is complete",
        ],
        lookAlikes: [
            .init(.malformedHeader, "a field line itself is not valid"),
            .init(.truncatedBodyFin, "the length is clear, and the body is shorter"),
            .init(.gatewayRejectedResponse, "nothing is wrong with the head"),
        ],
        contradicting: [
            """
            the client got this answer: then this gateway accepts it (nginx before 1.23 accepts all of it; HAProxy accepts \
            equal lengths, and a length together with chunks)
            """
        ],
        remedies: [
            Remedy(
                "upstream",
                """
                send one length: mostly the application and its framework, or a filter that compresses, both set it; an \
                application must not copy Content-Length or Transfer-Encoding from another response
                """
            ),
            Remedy("nginx", "no switch: strict since 1.23.0, an update of nginx can bring this to light"),
            Remedy(
                "HAProxy",
                """
                no switch that is safe; `show errors` on the stats socket quotes the bytes
                """
            ),
            Remedy(
                "Envoy",
                "`http_protocol_options.allow_chunked_length` takes length and chunks together; nothing takes two lengths"
            ),
            Remedy("Caddy", "no switch: the upstream must be fixed"),
            Remedy(
                "Apache httpd",
                "no switch: it refuses a length that is no number; of two lengths it takes the first and passes both on"
            ),
        ],
        logLines: [
            .init("nginx", "upstream sent duplicate header line: \"Content-Length"),
            .init("nginx", "\"Content-Length\" and \"Transfer-Encoding\" headers at the same time"),
            .init("nginx", "upstream sent invalid \"Content-Length\" header"),
            .init("HAProxy", "termination state PH"),
            .init("Envoy", "UPE, protocol_error"),
            .init("Caddy", "cannot contain multiple Content-Length headers"),
            .init("Caddy", "bad Content-Length"),
            .init("Caddy", "unsupported transfer encoding"),
        ],
        sources: ["RFC 9112 §6.3: body length", "RFC 9110 §8.6: Content-Length", "nginx 1.23.0: its changes"]
    )

    private static let gatewayRejectedResponse = CauseGuide(
        .gatewayRejectedResponse,
        whatHappened: """
            The upstream gave a complete and legal answer, and the gateway made an error of it: a rule, an error page, a \
            filter or an internal failure of the gateway.
            """,
        signature: [
            "a complete response below 500 from the upstream",
            "after it the gateway's own error goes to the client, without a timer in between",
        ],
        lookAlikes: [
            .init(.malformedHeader, "a line of the head is not valid"),
            .init(.headerTooLarge, "the head is larger than the gateway's buffer"),
            .init(.upstreamErrorResponse, "the upstream sent this status itself"),
            .init(.conflictingContentLength, "the head contradicts itself about the length"),
        ],
        contradicting: [
            "the client got the upstream's status", "the client's error came before the upstream's answer",
        ],
        remedies: [
            Remedy(
                "nginx",
                """
                look for `proxy_intercept_errors` with `error_page`, a Lua or WAF module, and `[crit]` lines about \
                `proxy_temp_path`
                """
            ),
            Remedy("HAProxy", "look for `http-response deny`, Lua, `errorfile`, and filters such as SPOE"),
            Remedy(
                "Envoy",
                "`local_reply_config`, Lua, Wasm or ext_proc filters: the response code details name the filter"
            ),
            Remedy("Apache httpd", "`ProxyErrorOverride`, mod_security (its audit log names the rule)"),
            Remedy("gateway", "its log at that second names the rule; the upstream is not at fault"),
            Remedy("Caddy", "look for `handle_response` and `handle_errors`"),
        ],
        logLines: [
            .init("nginx", "$upstream_status differs from $status, without a line in the error log"),
            .init("HAProxy", "termination state PH with a server named and no parsing error"),
            .init("Caddy", "status 5xx in the access log, and no line in the error log"),
        ],
        sources: ["RFC 9209 §2.3: proxy_internal_response", "documentation of the gateways named"]
    )
}
