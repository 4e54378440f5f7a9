"""The upstream is a real server of another protocol than HTTP/1."""

from ..case import Fault, case
from . import servers

# nginx passes the bytes on as HTTP/0.9, whose only end is that of the connection (see notstatus.py).
_CLOSE = ["Connection: close"]


@case("plaintext-to-tls-upstream", "alert", "The upstream's port speaks TLS (gnutls-serv); it answers by an alert.")
def alert(s):
    up = s.serve()
    secure = servers.tls_server(s, 1, s.random.choice((8443, 9443, 6443)))
    shop, cart = s.route(up), s.route(secure)
    s.start()
    fault = Fault("plaintext-to-tls-upstream", secure)
    s.get(shop)
    s.get(cart, fault, client=s.new_client(), headers=_CLOSE)
    s.post(shop)
    s.delete(cart, fault, client=s.new_client(), headers=_CLOSE)
    s.get(shop)


@case("plaintext-to-tls-upstream", "ipv6", "The upstream's port speaks TLS (gnutls-serv), all over IPv6.")
def alert_ipv6(s):
    s.network(ipv6=True)
    up = s.serve()
    secure = servers.tls_server(s, 0, s.random.choice((7443, 5443)))
    shop, cart = s.route(up, keepalive=True), s.route(secure, keepalive=True)
    s.start()
    s.get(shop)
    s.delete(cart, Fault("plaintext-to-tls-upstream", secure), client=s.new_client(), headers=_CLOSE)
    s.get(shop)


@case(
    "application-protocol-mismatch",
    "http2-nginx",
    "The upstream is an nginx whose port speaks HTTP/2 only (`listen ... http2`); the gateway sends HTTP/1.",
)
def http2_nginx(s):
    up = s.serve()
    other = servers.nginx(s, 1, 8182, "location / { return 200 ok; }", listen="http2")
    shop, cart = s.route(up), s.route(other)
    s.start()
    fault = Fault("application-protocol-mismatch", other, variant="http2")
    s.get(shop)
    s.get(cart, fault, client=s.new_client(), headers=_CLOSE)
    s.post(shop)
    s.post(cart, fault, client=s.new_client(), headers=_CLOSE)
    s.get(shop)


@case(
    "application-protocol-mismatch",
    "http2-ipv6",
    "The upstream's port speaks HTTP/2 only (nginx), over IPv6, and the gateway keeps its connections.",
)
def http2_ipv6(s):
    s.network(router=True, ipv6=True)
    up = s.serve()
    other = servers.nginx(s, 0, 9443, "location / { return 200 ok; }", listen="http2")
    shop, cart = s.route(up, keepalive=True), s.route(other, keepalive=True)
    s.start()
    s.get(shop)
    s.get(cart, Fault("application-protocol-mismatch", other, variant="http2"), client=s.new_client(), headers=_CLOSE)
    s.post(shop)
    s.get(shop)
