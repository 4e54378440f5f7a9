import Model

extension CauseGuides {
    /// Application servers behind FastCGI.
    static let fastCGI: [CauseGuide] = [
        CauseGuide(
            .fastcgiEmptyResponse,
            whatHappened: """
                The gateway sent a FastCGI request, and the request or its connection ended before a response head: the worker \
                that had it died or was killed, or the script ended without a word for the gateway.
                """,
            signature: [
                "BEGIN_REQUEST, PARAMS and STDIN from the gateway, acknowledged",
                "variant closed, reset: FIN or RST of the upstream, and not one STDOUT record with a whole head before it",
                "variant worker-timeout: the same, where the time since the request is the upstream's own round timer",
                "variant stderr-only: END_REQUEST comes in order, and STDOUT was empty",
            ],
            lookAlikes: [
                .init(.responseTimeout, "the gateway closes, at its own timer: all workers may be busy"),
                .init(.staleKeepaliveReuse, "a kept connection that was closed before the request came"),
                .init(.applicationProtocolMismatch, "the port speaks HTTP, not FastCGI"),
                .init(.upstreamErrorResponse, "the script answered with `Status: 503` itself"),
                .init(.truncatedBodyReset, "the head was whole, and the body was not"),
            ],
            contradicting: ["a whole response head in STDOUT", "the gateway's own FIN or RST comes first"],
            remedies: [
                Remedy(
                    "upstream",
                    "php-fpm's log at that time (`child N exited on signal`), `dmesg` for the out-of-memory killer"
                ),
                Remedy(
                    "upstream",
                    "`request_terminate_timeout` in the pool, where it ended the worker; `memory_limit`, extensions, opcache"
                ),
                Remedy("nginx", "`fastcgi_next_upstream`, where the request may be repeated"),
            ],
            logLines: [
                .init(
                    "nginx",
                    "recv() failed (104: Connection reset by peer) while reading response header from upstream"
                ),
                .init("nginx", "upstream prematurely closed FastCGI stdout"),
                .init("HAProxy", "termination state SH"),
                .init("Apache httpd", "AH01067: Failed to read FastCGI header"),
                .init("Caddy", "EOF"),
            ],
            sources: ["FastCGI Specification 1.0 §3.3, §5.5", "RFC 3875 §6.2: the response head of a script"]
        )
    ]
}
