"""The gateway and the upstream speak different protocols, or only one of them the PROXY protocol."""

import socket

from ..case import Fault, case
from . import servers

@case(
    "application-protocol-mismatch",
    "http-to-fpm",
    "One path of two sends HTTP to php-fpm, which resets; the other one speaks FastCGI to it and is answered.",
)
def http_to_fpm(s):
    up = s.serve()
    scripts = servers.php_fpm(s, 1, 9000)
    shop, cart = s.route(up), s.route(scripts)
    good = s.route(scripts, protocol="fastcgi", lines=servers.php_lines(s))
    s.start()
    fault = Fault("application-protocol-mismatch", scripts)
    s.get(shop)
    s.get(good)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(good, client=s.new_client())
    s.get(shop)


@case(
    "application-protocol-mismatch",
    "fastcgi-to-http",
    "The gateway speaks FastCGI to an nginx, which answers 400 in HTTP.",
)
def fastcgi_to_http(s):
    up = s.serve()
    other = servers.nginx(s, 1, 8182, "location / { return 200 ok; }")
    shop, cart = s.route(up), s.route(other, protocol="fastcgi")
    s.start()
    fault = Fault("application-protocol-mismatch", other)
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)


@case(
    "application-protocol-mismatch",
    "http2-to-http1",
    "The gateway speaks HTTP/2 (`grpc_pass`, `proto h2`) to an nginx that only knows HTTP/1, and answers 400.",
)
def http2_to_http1(s):
    s.network(router=True)
    up = s.serve()
    other = servers.nginx(s, 0, 8282, "location / { return 200 ok; }")
    shop, cart = s.route(up), s.route(other, protocol="h2")
    s.start()
    # mod_proxy_http2 tries again, and its log does not say how often.
    fault = Fault("application-protocol-mismatch", other, attempts_known=s.kind != "apache")
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)


@case(
    "application-protocol-mismatch",
    "http-to-uwsgi",
    """One path of two sends HTTP to a socket of uWSGI that speaks uwsgi: it takes the first bytes for a length and
    closes. The other one speaks uwsgi to it and is answered.""",
    gateways=("nginx",),
)
def http_to_uwsgi(s):
    up = s.serve()
    other = servers.uwsgi(s, 1, 3032, "--uwsgi-socket")
    shop, cart, good = s.route(up), s.route(other), s.route(other, protocol="uwsgi")
    s.start()
    fault = Fault("application-protocol-mismatch", other)
    s.get(shop)
    s.get(good)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.post(good)
    s.get(shop)


@case(
    "clean",
    "uwsgi-to-http",
    "The gateway speaks uwsgi to an nginx, whose 400 it takes for an answer in uwsgi and passes on.",
    gateways=("nginx",),
)
def uwsgi_to_http(s):
    up = s.serve()
    other = servers.nginx(s, 1, 8182, "location / { return 200 ok; }")
    shop, cart = s.route(up), s.route(other, protocol="uwsgi")
    s.start()
    s.get(shop)
    s.get(cart)
    s.get(shop)


@case("clean", "php", "Scripts over FastCGI, from php-fpm.")
def php(s):
    scripts = servers.php_fpm(s, 1, 9000)
    up = s.serve()
    shop, good = s.route(up), s.route(scripts, protocol="fastcgi", lines=servers.php_lines(s))
    s.start()
    s.get(shop)
    s.get(good)
    s.post(good)
    s.get(good)


@case(
    "proxy-protocol-mismatch",
    "v1-to-python",
    "HAProxy sends a PROXY header (version 1) to Python's http.server, which answers with a page without a head.",
    gateways=("haproxy",),
)
def v1_to_python(s):
    up = s.serve()
    other = servers.python_http(s, 1, 8000)
    shop, cart = s.route(up), s.route(other, server_options={"haproxy": "send-proxy"})
    s.start()
    fault = Fault("proxy-protocol-mismatch", other)
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "proxy-header-400",
    "HAProxy sends a PROXY header to nginx and to Node, which do not expect it: their 400 reaches the client.",
    gateways=("haproxy",),
)
def proxy_header_400(s):
    up = s.serve()
    one, two = servers.nginx(s, 1, 8182, "location / { return 200 ok; }"), servers.node(s, 2, 3000)
    shop = s.route(up)
    cart = s.route(one, server_options={"haproxy": "send-proxy"})
    basket = s.route(two, server_options={"haproxy": "send-proxy-v2"})
    s.start()
    s.get(shop)
    s.get(cart, client=s.new_client())
    s.get(basket, client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "proxy-header-wanted",
    "HAProxy sends PROXY headers of both versions to servers that expect them.",
    gateways=("haproxy",),
)
def proxy_header_wanted(s):
    one = servers.nginx(s, 1, 8182, "location / { return 200 ok; }", listen="proxy_protocol")
    two = servers.nginx(s, 2, 8183, "location / { return 404; }", listen="proxy_protocol")
    shop = s.route(one, server_options={"haproxy": "send-proxy"})
    cart = s.route(two, keepalive=True, server_options={"haproxy": "send-proxy-v2"})
    s.start()
    s.get(shop)
    s.get(cart)
    s.post(shop)
    s.get(cart)


@case(
    "proxy-protocol-mismatch",
    "wanted-nginx",
    "The upstream is an nginx that wants a PROXY header (`listen ... proxy_protocol`) and gets none.",
)
def wanted_nginx(s):
    up = s.serve()
    other = servers.nginx(s, 1, 8182, "location / { return 200 ok; }", listen="proxy_protocol")
    shop, cart = s.route(up), s.route(other)
    s.start()
    fault = Fault("proxy-protocol-mismatch", other)
    s.get(shop)
    for _ in range(2):
        s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(cart, fault, client=s.new_client())
    s.get(shop)


def _probe(s, server):
    """A request with a PROXY header from the gateway's own host."""
    host, _, port = server.rpartition(":")
    with s.gateway_host:
        opened = socket.create_connection((host, int(port)), timeout=5)
    own, number = opened.getsockname()
    opened.sendall(f"PROXY TCP4 {own} {host} {number} {port}\r\nGET /health HTTP/1.0\r\n\r\n".encode())
    while opened.recv(4096):
        pass
    opened.close()


@case(
    "proxy-protocol-mismatch",
    "wanted-haproxy",
    """The upstream is an HAProxy that wants a PROXY header (`accept-proxy`) and gets none; a probe on the gateway's
    host sends it one and is answered.""",
)
def wanted_haproxy(s):
    s.network(router=True)
    up = s.serve()
    other = servers.accepting_proxy(s, 1, 8187)
    shop, cart = s.route(up), s.route(other)
    s.start()
    fault = Fault("proxy-protocol-mismatch", other)
    s.get(shop)
    _probe(s, other)
    s.get(cart, fault, client=s.new_client())
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)
