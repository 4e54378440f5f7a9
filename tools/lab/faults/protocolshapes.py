"""The causes of requests and odd answers once more, in other shapes: one leg, TLS clients, `any`, long paths, many at once."""

from ..case import Fault, case
from ..upstreams import answer, raw, response
from . import servers

_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"


@case(
    "proxy-protocol-mismatch",
    "wanted-upstream-leg",
    "The upstream wants a PROXY header (nginx) and gets none; only the upstream leg is captured, on a path of 20 ms.",
)
def wanted_upstream(s):
    s.network(one_way_ms=10)
    up = s.serve()
    other = servers.nginx(s, 1, 8182, "location / { return 200 ok; }", listen="proxy_protocol")
    shop, cart = s.route(up), s.route(other)
    s.start(capture="upstream")
    fault = Fault("proxy-protocol-mismatch", other)
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)
    s.get(cart, fault, client=s.new_client())


@case(
    "application-protocol-mismatch",
    "fastcgi-to-http-any",
    "Several clients at once, over one gateway that speaks FastCGI to an nginx; captured on `any`.",
)
def fastcgi_any(s):
    s.network(router=True)
    up = s.serve()
    other = servers.nginx(s, 0, 8182, "location / { return 200 ok; }")
    shop, cart = s.route(up, keepalive=True), s.route(other, protocol="fastcgi")
    s.start(capture="any")
    fault = Fault("application-protocol-mismatch", other)
    s.get(shop)
    s.together(*[lambda: s.get(cart, fault, client=s.new_client()) for _ in range(3)], gap=0.04)
    s.get(shop)


@case(
    "too-many-headers",
    "tls-client",
    "Clients come over TLS; answers with 130 fields are refused by HAProxy.",
    gateways=("haproxy",),
)
def too_many_tls(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(tls=True)
    fault = Fault("too-many-headers", up)
    many = raw(response(headers=[f"X-F{number}: {number}" for number in range(130)]), then="wait")
    s.get(shop)
    s.get(shop, fault, do=many, client=s.new_client())
    s.post(shop)
    s.get(shop, fault, do=many, client=s.new_client())


@case(
    "interim-response",
    "none-final-upstream-leg",
    "The application sends 103 and closes, on a path of 80 ms; only the upstream leg is captured.",
    gateways=("haproxy",),
)
def none_final_upstream(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up)
    s.start(capture="upstream")
    s.get(shop)
    s.get(shop, Fault("interim-response", up), do=raw(_HINT, hold=0.2), client=s.new_client())
    s.get(shop)


@case(
    "unexpected-upgrade",
    "any-device",
    "The application switches protocols although nobody asked it to; several clients, captured on `any`.",
    gateways=("haproxy",),
)
def switched_any(s):
    s.network(one_way_ms=2)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="any")
    fault = Fault("unexpected-upgrade", up)
    s.get(shop)
    s.together(*[lambda: s.get(shop, fault, do=raw(_SWITCH, then="wait"), client=s.new_client()) for _ in range(2)])
    s.get(shop, do=answer(after=0.1))


@case(
    "closed-before-response",
    "dies-at-once-sometimes",
    "An application that dies of some requests at once, and answers others: no port that waits for something.",
)
def dies_sometimes(s):
    up, bad = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(bad)
    s.start()
    fault = Fault("closed-before-response", bad)
    s.get(shop)
    for _ in range(3):
        s.get(cart, fault, do=raw(b""), client=s.new_client())
    s.get(cart, client=s.new_client())
    s.post(cart, fault, do=raw(b""), client=s.new_client())
    s.get(shop)


@case(
    "closed-before-response",
    "dies-of-all",
    "An application that dies of every request after some milliseconds: not at once, as a port does that waits for a header.",
)
def dies_of_all(s):
    s.network(router=True)
    up, bad = s.serve(), s.serve(0, default=raw(b"", after=0.03))
    shop, cart = s.route(up), s.route(bad)
    s.start()
    fault = Fault("closed-before-response", bad)
    s.get(shop)
    for _ in range(3):
        s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(shop)
