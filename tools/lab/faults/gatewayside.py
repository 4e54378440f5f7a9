"""Errors that the upstream made itself, that the gateway made without asking, and clients that left."""

import time

from ..case import Fault, case
from ..upstreams import answer, raw
from . import servers


def _application(s, status, text, **network):
    s.network(**network)
    up = s.serve()
    shop = s.route(up, keepalive=s.random.random() < 0.5)
    s.start()
    fault = Fault("upstream-error-response", up, variant="application")
    s.get(shop)
    s.post(shop)
    s.get(shop, fault, do=answer(status, text, ["Retry-After: 5"] if status[:3] == "503" else [], after=0.02))
    s.post(shop, fault, do=answer(status, text))
    s.get(shop)


@case("upstream-error-response", "application-502", "The application itself answers 502.")
def app_502(s):
    _application(s, "502 Bad Gateway", b"payment provider failed\n")


@case(
    "upstream-error-response", "application-503", "The application itself answers 503 (maintenance), behind a router."
)
def app_503(s):
    _application(s, "503 Service Unavailable", b"<h1>Back soon</h1>\n", router=True)


@case("upstream-error-response", "application-504", "The application itself answers 504, over IPv6.")
def app_504(s):
    _application(s, "504 Gateway Timeout", b"backend job too slow\n", ipv6=True)


@case(
    "upstream-error-response",
    "inner-gateway",
    """Behind the gateway stands a second one (nginx, on the same host) whose upstream refuses; captured on all
      interfaces. The outer gateway relays the inner one's 502.""",
)
def inner(s):
    up = s.serve()
    dead = s.nobody()
    shop = s.route(up)
    second, log = servers.nginx_at(s, s.gateway_host, "127.0.0.1", 8099, f"location / {{ proxy_pass http://{dead}; }}")
    cart = s.route(second)
    s.start(capture="any")
    fault = Fault("upstream-error-response", second, variant="gateway")
    s.get(shop)
    s.get(cart, fault)
    s.post(cart, fault)
    s.get(shop)
    s.behind(Fault("connect-refused", dead), 2, lambda: servers.error_lines(log, "connect() failed (111", dead))


@case(
    "upstream-error-response",
    "inner-timeout",
    """Behind the gateway stands a second one (nginx, on the same host) whose upstream stays silent; captured on all
      interfaces. The outer gateway relays the inner one's 504.""",
)
def inner_timeout(s):
    up, slow = s.serve(), s.serve(1, default=raw(b"", then="wait"))
    shop = s.route(up)
    location = f"location / {{ proxy_pass http://{slow.address}; proxy_read_timeout 2s; }}"
    second, log = servers.nginx_at(s, s.gateway_host, "127.0.0.1", 8077, location)
    cart = s.route(second)
    s.start(capture="any", read_s=6)
    s.get(shop)
    s.get(cart, Fault("upstream-error-response", second, variant="gateway"))
    s.get(shop)
    s.behind(
        Fault("response-timeout", slow),
        1,
        lambda: servers.error_lines(
            log, "timed out (110: Connection timed out) while reading response header", slow.address
        ),
    )


@case(
    "no-live-upstream",
    "after-failures",
    "Both servers of the group refuse; after the first failed request nginx has none left to try.",
    gateways=("nginx",),
)
def no_live(s):
    up = s.serve(2)
    one, two = s.nobody(0), s.nobody(1)
    shop, cart = s.route(up), s.route(one, two, server_options={"nginx": "max_fails=1 fail_timeout=20s"})
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", one), Fault("connect-refused", two))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "after-timeouts",
    "The only two servers time out once each; then nginx has none left to try.",
    gateways=("nginx",),
)
def no_live_timeouts(s):
    up = s.serve(2)
    one, two = s.serve(0, default=raw(b"", then="wait")), s.serve(1, default=raw(b"", then="wait"))
    shop, cart = s.route(up), s.route(one, two, server_options={"nginx": "max_fails=1 fail_timeout=30s"})
    s.start(read_s=2)
    s.get(shop)
    s.get(cart, Fault("response-timeout", one), Fault("response-timeout", two))
    s.get(cart, Fault("no-live-upstream"))
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "health-checks-fail",
    "The health checks of both servers are refused; HAProxy has marked them down.",
    gateways=("haproxy",),
)
def all_down(s):
    up = s.serve(2)
    one, two = s.nobody(0), s.nobody(1)
    shop = s.route(up)
    cart = s.route(one, two, server_options={"haproxy": "check inter 500 fall 2 rise 2"})
    s.start()
    time.sleep(2.2)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "health-page-503",
    "The health page of the only server answers 503; HAProxy has marked it down.",
    gateways=("haproxy",),
)
def health_503(s):
    up, sick = s.serve(2), s.serve(0)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    shop = s.route(up)
    cart = s.route(
        sick,
        lines={"haproxy": ["option httpchk GET /healthz"]},
        server_options={"haproxy": "check inter 400 fall 2 rise 2"},
    )
    s.start()
    time.sleep(1.8)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "unix-socket",
    "The upstream is a Unix socket that does not exist; other upstreams are on the network.",
    gateways=("nginx",),
)
def unix(s):
    up = s.serve()
    shop, cart = s.route(up), s.route("unix:/run/lab-shop-app.sock")
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "queue-timeout",
    "The server's connection limit is taken by slow requests; others wait in HAProxy's queue until they expire.",
    gateways=("haproxy",),
)
def queue(s):
    up, narrow = s.serve(1), s.serve(0)
    shop = s.route(up)
    cart = s.route(narrow, lines={"haproxy": ["timeout queue 1s"]}, server_options={"haproxy": "maxconn 1"})
    s.start(read_s=8)
    s.get(shop)
    s.together(
        lambda: s.get(cart, do=answer(after=3.0), client=s.new_client()),
        lambda: s.get(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        lambda: s.post(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        gap=0.3,
    )
    s.get(shop)


@case(
    "no-upstream-attempt",
    "connection-limit",
    "nginx may hold one connection to the server, and a slow request has it: the others get an error at once.",
    gateways=("nginx",),
)
def limit(s):
    up, narrow = s.serve(1), s.serve(0)
    shop, cart = s.route(up), s.route(narrow, server_options={"nginx": "max_conns=1"})
    s.start(read_s=8)
    s.get(shop)
    s.together(
        lambda: s.get(cart, do=answer(after=2.0), client=s.new_client()),
        lambda: s.get(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        lambda: s.post(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        gap=0.3,
    )
    s.get(shop)


_ABORT = {"haproxy": ["option abortonclose"]}


@case("client-abort", "before-answer", "The client closes while the server still works.")
def client_left(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=6, lines=_ABORT)
    fault = Fault("client-abort", up)
    s.get(shop)
    s.get(shop, fault, do=raw(b"", then="wait"), leave_after=0.7)
    s.post(shop, fault, do=raw(b"", then="wait"), leave_after=1.1)
    time.sleep(0.4)
    s.get(shop)


@case("client-abort", "reset", "The client aborts its connection while the server still works.")
def client_reset(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=6, lines=_ABORT)
    s.get(shop)
    s.get(
        shop,
        Fault("client-abort", up),
        do=raw(b"", then="wait"),
        leave_after=0.5,
        leave_with="reset",
        client=s.new_client(),
    )
    time.sleep(0.4)
    s.get(shop)


@case(
    "client-abort",
    "while-connecting",
    "The client leaves while the gateway still tries to connect to an upstream that drops its SYNs.",
    gateways=("nginx",),
)
def client_left_connecting(s):
    up, shut = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(shut)
    s.host(1)[0].nft(
        f"table inet f {{ chain c {{ type filter hook input priority 0; tcp dport {shut.port} drop; }}; }}"
    )
    s.start(connect_s=5)
    s.get(shop)
    s.get(cart, Fault("client-abort", shut), leave_after=0.6)
    time.sleep(0.3)
    s.get(shop)
