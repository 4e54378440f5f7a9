import Model

extension CauseGuides {
    /// Answers that do not belong where they come.
    static let oddAnswers: [CauseGuide] = [interimResponse, unexpectedUpgrade, surplusBytes]

    private static let interimResponse = CauseGuide(
        .interimResponse,
        whatHappened: """
            The upstream sent interim answers (100, 102, 103) that the request had not asked for, and the gateway took one for \
            the final answer (`taken-for-final`), got more than it takes (`too-many`) or no final one after them \
            (`none-final`); or a request waits for a 100 that never comes (`continue-never`).
            """,
        signature: [
            "one or more complete heads with a status 1xx from the upstream",
            "taken-for-final: a final answer follows, and the client gets none",
            "none-final: the connection ends, or the gateway's timer does, without a final answer",
            "continue-never: `Expect: 100-continue` in the request, nothing of its body, and silence",
        ],
        lookAlikes: [
            .init(.closedBeforeResponse, "not even an interim answer came"),
            .init(.responseTimeout, "not even an interim answer came, and the whole request had been sent"),
            .init(.unexpectedUpgrade, "101 switches protocols and is final"),
        ],
        contradicting: ["the client got the final answer", "the 1xx was a 100 that the request had asked for"],
        remedies: [
            Remedy(
                "upstream",
                "send 103 and 102 only to who wants them; answer `Expect: 100-continue` by 100 or a final status"
            ),
            Remedy(
                "nginx",
                """
                before 1.29.0 none but 101 may come: turn early hints off in the application; later versions pass 103 on \
                (`early_hints`)
                """
            ),
            Remedy("Apache httpd", "up to 10 interim answers; `ProxyPass ... ping=` changes when 100 is awaited"),
            Remedy("HAProxy", "passes them on; `http-request del-header Expect` where the upstream cannot answer it"),
            Remedy("Caddy", "up to 5 interim answers (Go's transport)"),
        ],
        logLines: [
            .init("nginx", "status 103 or 100 in the access log"),
            .init("HAProxy", "termination state SH or sH"),
            .init("Apache httpd", "Too many (10) interim responses"),
        ],
        sources: ["RFC 9110 §15.2: 1xx", "RFC 9110 §10.1.1: Expect", "RFC 8297: 103"]
    )

    private static let unexpectedUpgrade = CauseGuide(
        .unexpectedUpgrade,
        whatHappened: """
            The upstream switched protocols (101) although the gateway's request had no Upgrade (variant `not-asked`), or the \
            gateway made an error of an answer that declines an upgrade (variant `refused`). Where the gateway passed the \
            answer on it is a note, or nothing at all.
            """,
        signature: [
            "a request without `Upgrade` in `Connection`, and 101 as its answer",
            "or: a request with it, another status than 101, and the gateway's own error",
            "the gateway's error follows at once",
        ],
        lookAlikes: [
            .init(.interimResponse, "100, 102 and 103 are not final"),
            .init(.websocketCut, "the upgrade was asked for and given, and the connection ended later"),
            .init(.gatewayRejectedResponse, "no upgrade was asked for or given"),
        ],
        contradicting: ["the request asked for this upgrade", "the client got the 101"],
        remedies: [
            Remedy(
                "nginx",
                """
                `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \
                $connection_upgrade`
                """
            ),
            Remedy("Apache httpd", "`ProxyPass ... upgrade=websocket`"),
            Remedy("Envoy", "`upgrade_configs` with `upgrade_type: websocket`"),
            Remedy("upstream", "switch only where `Upgrade` came with the request; no h2c on plain requests"),
        ],
        logLines: [
            .init("HAProxy", "termination state PH"),
            .init("Apache httpd", "Unexpected Upgrade"),
        ],
        sources: ["RFC 9110 §7.8: Upgrade", "RFC 9110 §15.2.2: 101"]
    )

    private static let surplusBytes = CauseGuide(
        .surplusBytes,
        whatHappened: """
            The upstream sent more bytes than its answer had announced. Most gateways notice and do not use the connection \
            again: a note. It is a failure where the bytes were taken for the answer to the next request.
            """,
        signature: [
            "a complete answer, by its Content-Length or last chunk",
            "further bytes of the upstream that begin no answer",
            "failure: the next request on that connection is already out, and the bytes stand where its answer should",
        ],
        lookAlikes: [
            .init(
                .malformedStatusLine,
                "the bytes come a round trip and more after the request, on a connection without surplus"
            ),
            .init(.badChunkSize, "the chunk framing breaks before the last chunk"),
            .init(.conflictingContentLength, "two lengths in one head: the surplus is the difference"),
        ],
        contradicting: ["the bytes begin a status line", "no request was outstanding (then it is a note)"],
        remedies: [
            Remedy(
                "upstream",
                """
                announce what is sent: no output after the response ends, Content-Length in bytes and not characters, none \
                of an uncompressed body
                """
            ),
            Remedy("nginx", "without `keepalive` in `upstream` no next request can suffer"),
            Remedy("HAProxy", "`http-reuse never` or `option http-server-close` until the application is mended"),
            Remedy("Apache httpd", "`disablereuse=on`"),
        ],
        logLines: [
            .init("nginx", "upstream sent more data than specified in \"Content-Length\" header"),
            .init("Caddy", "Unsolicited response received on idle HTTP channel"),
        ],
        sources: ["RFC 9112 §6.3: body length", "RFC 9112 §11.2: response splitting and smuggling"]
    )
}
