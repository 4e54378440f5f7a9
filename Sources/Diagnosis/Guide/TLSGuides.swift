import Model

extension CauseGuides {
    /// Handshakes between gateway and upstream that come to no request.
    static let handshakes: [CauseGuide] = [
        CauseGuide(
            .tlsToPlaintextUpstream,
            whatHappened: """
                The gateway speaks TLS to a port that does not. The server takes the ClientHello for a broken request: it \
                answers 400 in plain HTTP, or with what its own protocol says to garbage.
                """,
            signature: [
                "the gateway's first bytes are a ClientHello (16 03)",
                "the answer is no record of TLS: `HTTP/1.1 400`, a banner",
                "or no answer comes, and the same port answers plain HTTP to others",
            ],
            lookAlikes: [
                .init(.plaintextToTLSUpstream, "the reverse: plain HTTP meets a server of TLS"),
                .init(
                    .tlsHandshakeTimeout,
                    "nothing comes at all, and nobody is answered in plain: a busy server looks the same"
                ),
                .init(.tlsHandshakeReset, "the connection ends without a byte"),
            ],
            contradicting: ["a ServerHello or an alert on the same port"],
            remedies: [
                Remedy("nginx", "`proxy_pass http://...`, or the upstream's TLS port"),
                Remedy("HAProxy", "no `ssl` on the `server` line, or the TLS port"),
                Remedy("Envoy", "no `transport_socket` with TLS in this cluster"),
                Remedy("gateway", "or turn TLS on at the upstream's port"),
            ],
            logLines: [
                .init("nginx", "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)"),
                .init("HAProxy", "termination state SC"),
                .init("Caddy", "tls: first record does not look like a TLS handshake"),
            ],
            sources: ["RFC 8446 §5.1: record layer"]
        ),
        CauseGuide(
            .tlsHandshakeTimeout,
            whatHappened: """
                The connection was opened, the upstream's kernel acknowledged the ClientHello, and its application never \
                answered it: it hangs, all workers are busy, or it does not speak TLS and waits for more.
                """,
            signature: [
                "a ClientHello, acknowledged", "not a byte from the upstream", "the gateway closes at its timer",
            ],
            lookAlikes: [
                .init(.tlsToPlaintextUpstream, "a server that waits for the end of a line says nothing either"),
                .init(.connectTimeout, "the connection itself is not opened"),
                .init(.responseTimeout, "the handshake is done, and the answer to the request does not come"),
            ],
            contradicting: ["a ServerHello", "the ClientHello is sent again and not acknowledged: loss"],
            remedies: [
                Remedy(
                    "upstream",
                    "is it alive: threads, accept queue, a TLS library that waits for random numbers or a file"
                ),
                Remedy(
                    "nginx",
                    "`proxy_connect_timeout` bounds it; `proxy_next_upstream timeout`"
                ),
                Remedy("HAProxy", "`timeout connect` bounds it"),
            ],
            logLines: [
                .init("nginx", "upstream timed out (110: Connection timed out) while SSL handshaking to upstream"),
                .init("HAProxy", "termination state sC"),
            ],
            sources: ["RFC 8446 §2: the server speaks second"]
        ),
        CauseGuide(
            .tlsHandshakeReset,
            whatHappened: """
                The upstream's side ended the connection inside the handshake and sent no alert: a process that died, a filter \
                that looks at server names, a listener that is no TLS server.
                """,
            signature: [
                "a ClientHello",
                "FIN (variant fin) or RST (variant reset) of the upstream before the gateway has sent its part",
                "no alert",
            ],
            lookAlikes: [
                .init(.tlsHandshakeFailure, "an alert tells why"),
                .init(.resetAfterAccept, "the reset comes before the ClientHello"),
                .init(.tlsCertificateRejected, "the gateway ends it, right after the certificate"),
            ],
            contradicting: ["an alert of the upstream", "the gateway closes first"],
            remedies: [
                Remedy(
                    "upstream",
                    "its log at that second: a crash, a certificate that it cannot read, a limit of connections"
                ),
                Remedy("network", "a firewall with rules for server names (SNI) on the way"),
                Remedy("nginx", "`proxy_ssl_server_name on` and `proxy_ssl_name`, where a filter wants a name"),
            ],
            logLines: [
                .init("nginx", "peer closed connection in SSL handshake while SSL handshaking to upstream"),
                .init("HAProxy", "termination state SC"),
                .init("Caddy", "EOF; read: connection reset by peer"),
            ],
            sources: ["RFC 8446 §6: who refuses a handshake sends an alert"]
        ),
        CauseGuide(
            .tlsProtocolVersion,
            whatHappened: "The gateway offers versions of TLS of which the upstream accepts none.",
            signature: ["a ClientHello", "alert 70 (protocol_version) of the upstream: 15 03 .. 00 02 02 46"],
            lookAlikes: [.init(.tlsHandshakeFailure, "alert 40: the version would do, the ciphers do not")],
            contradicting: ["a ServerHello"],
            remedies: [
                Remedy("nginx", "`proxy_ssl_protocols TLSv1.2 TLSv1.3`"),
                Remedy("HAProxy", "`ssl-min-ver`, `ssl-max-ver` on the `server` line"),
                Remedy("Envoy", "`tls_params` of the cluster's `transport_socket`"),
                Remedy("Apache httpd", "`SSLProxyProtocol`"),
                Remedy("upstream", "or let it accept TLS 1.2 and 1.3"),
            ],
            logLines: [
                .init("nginx", "tlsv1 alert protocol version:SSL alert number 70) while SSL handshaking to upstream"),
                .init("HAProxy", "termination state SC"),
                .init("Caddy", "remote error: tls: protocol version not supported"),
            ],
            sources: ["RFC 8446 §6.2: protocol_version"]
        ),
        CauseGuide(
            .tlsHandshakeFailure,
            whatHappened: """
                The two sides find no cipher, group or signature that both accept: the gateway's list or the upstream's is \
                narrow, or its certificate is of another kind than the gateway takes.
                """,
            signature: ["a ClientHello", "alert 40, 47, 71 or 80 of the upstream"],
            lookAlikes: [
                .init(.tlsUnrecognizedName, "the ClientHello asks for no name and offers the usual ciphers"),
                .init(.tlsProtocolVersion, "alert 70"),
                .init(.tlsClientCertRequired, "the upstream had asked for a certificate"),
            ],
            contradicting: ["other handshakes of this gateway with the same hello succeed on the port"],
            remedies: [
                Remedy("nginx", "`proxy_ssl_ciphers`, `proxy_ssl_protocols`; `proxy_ssl_server_name on`"),
                Remedy("HAProxy", "`ciphers`, `ciphersuites` on the `server` line; `sni`"),
                Remedy("Envoy", "`cipher_suites` in `tls_params`"),
                Remedy("upstream", "its own list of ciphers, and the kind of its key"),
            ],
            logLines: [
                .init("nginx", "sslv3 alert handshake failure:SSL alert number 40) while SSL handshaking to upstream"),
                .init("HAProxy", "termination state SC"),
                .init("Caddy", "remote error: tls: handshake failure"),
            ],
            sources: ["RFC 8446 §6.2: handshake_failure, illegal_parameter, insufficient_security, internal_error"]
        ),
        CauseGuide(
            .tlsUnrecognizedName,
            whatHappened: """
                The upstream serves several names, and the gateway asked for none, or for one that it does not have. nginx sends \
                no name to upstreams unless it is told to.
                """,
            signature: [
                "alert 112 (unrecognized_name) of the upstream",
                "or alert 40 or 80 to a ClientHello without server_name that offers the usual ciphers: low confidence",
            ],
            lookAlikes: [
                .init(.tlsHandshakeFailure, "alert 40 to a ClientHello with a name, or with a short list of ciphers")
            ],
            contradicting: ["the upstream accepts other ClientHellos with the same name"],
            remedies: [
                Remedy("nginx", "`proxy_ssl_server_name on; proxy_ssl_name $host`"),
                Remedy("HAProxy", "`sni str(NAME)` or `sni req.hdr(host)` on the `server` line"),
                Remedy("Envoy", "`sni` in the cluster's TLS context, `auto_sni`"),
                Remedy("Apache httpd", "`ProxyPreserveHost On`, where the name is the client's"),
                Remedy("Caddy", "`tls_server_name`"),
            ],
            logLines: [
                .init("nginx", "tlsv1 unrecognized name:SSL alert number 112) while SSL handshaking to upstream"),
                .init("HAProxy", "termination state SC"),
                .init("Caddy", "remote error: tls: unrecognized name"),
            ],
            sources: ["RFC 6066 §3: unrecognized_name"]
        ),
    ]
}
