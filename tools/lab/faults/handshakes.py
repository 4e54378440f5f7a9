"""TLS between gateway and upstream that comes to no request."""

from ..case import Fault, case
from . import servers


def _play(s, secure, cause, variant=None, lines=None, options=None, **settings):
    up = s.serve()
    shop = s.route(up)
    cart = s.route(secure, protocol="https", lines=lines or {}, server_options=options or {})
    s.start(**settings)
    fault = Fault(cause, secure, variant=variant)
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(shop)
    s.post(cart, fault, client=s.new_client())
    s.get(shop)


@case("tls-to-plaintext-upstream", "nginx-upstream", "The gateway speaks TLS to the plain port of an nginx, which answers 400 in HTTP.")
def to_plaintext(s):
    plain = servers.nginx(s, 1, s.random.choice((8080, 8888, 3000)), "location / { return 200 ok; }")
    _play(s, plain, "tls-to-plaintext-upstream")


@case("tls-handshake-timeout", "silent", "The upstream accepts the connection and never answers the ClientHello.")
def silent(s):
    _play(s, servers.listener(s, 1, 9443, "wait"), "tls-handshake-timeout", read_s=2, connect_s=1)


@case("tls-handshake-reset", "closes", "The upstream closes when it has read the ClientHello.")
def closes(s):
    _play(s, servers.listener(s, 1, 8443, "close"), "tls-handshake-reset", "fin")


@case("tls-handshake-reset", "resets", "The upstream resets when it has read the ClientHello.")
def resets(s):
    _play(s, servers.listener(s, 1, 6443, "reset"), "tls-handshake-reset", "reset")


@case("tls-protocol-version", "gateway-old", "The gateway offers TLS 1.2 at most, and the upstream takes TLS 1.3 alone.")
def version(s):
    _play(
        s,
        servers.openssl_server(s, 1, 9443, "-tls1_3"),
        "tls-protocol-version",
        lines={"nginx": ["proxy_ssl_protocols TLSv1.2;"]},
        options={"haproxy": "ssl-max-ver TLSv1.2"},
    )


@case("tls-handshake-failure", "ciphers", "The gateway offers one cipher of TLS 1.2, and the upstream accepts another one.")
def ciphers(s):
    _play(
        s,
        servers.openssl_server(s, 1, 8443, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        "tls-handshake-failure",
        lines={"nginx": ["proxy_ssl_protocols TLSv1.2;", "proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;"]},
        options={"haproxy": "ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256"},
    )


@case("tls-unrecognized-name", "rejected", "The upstream (nginx, `ssl_reject_handshake on`) has no certificate for a ClientHello without a name.")
def name(s):
    other = servers.nginx(s, 1, 9443, "ssl_reject_handshake on;", listen="ssl")
    _play(s, other, "tls-unrecognized-name")
