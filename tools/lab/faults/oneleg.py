"""One leg alone: retries that only the upstream leg shows, and failures whose cause the client's leg cannot show."""

import time

from ..case import Fault, case
from ..upstreams import answer, raw

_HALF = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 1"
_SHORT = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 700\r\n\r\n" + b"0123456789\n" * 30


def _masked(s, cause, deed, **settings):
    """The first of two servers fails each request that it gets; the same request goes to the second one."""
    s.network(router=s.random.random() < 0.5)
    one, two = s.serve(0, default=deed), s.serve(1)
    shop = s.route(one, two, server_options={"nginx": "max_fails=0"})
    s.start(capture="upstream", **settings)
    fault = Fault(cause, one, severity="nearMiss")
    s.get(shop, fault)
    s.get(shop)
    s.get(shop, fault)
    s.get(shop)


for _cause, _deed, _text in (
    ("closed-before-response", raw(b"", after=0.06), "The first server closes without an answer"),
    ("reset-before-response", raw(b"", then="reset", after=0.14), "The first server aborts without an answer"),
    ("closed-mid-head", raw(_HALF, hold=0.07), "The first server closes inside its head"),
    ("response-timeout", raw(b"", then="wait"), "The first server stays silent"),
):
    case(
        _cause,
        "masked-upstream",
        f"{_text}; the gateway sends the same request to the second one. Only the upstream leg is captured.",
        gateways=("nginx",),
    )(lambda s, cause=_cause, deed=_deed: _masked(s, cause, deed, read_s=2))


@case(
    "closed-before-response",
    "masked-upstream",
    "The server closes without an answer once in a while; retry-on hides it. Only the upstream leg is captured.",
    gateways=("haproxy",),
)
def masked_haproxy(s):
    seen = set()

    def once(connection, request):
        if request.target in seen:
            return answer()(connection, request)
        seen.add(request.target)
        time.sleep(0.09)
        return False

    up = s.serve()
    shop = s.route(up, lines={"haproxy": ["retry-on conn-failure empty-response", "retries 2"]})
    s.start(capture="upstream")
    fault = Fault("closed-before-response", up, severity="nearMiss")
    s.get(shop)
    s.get(shop, fault, do=once)
    s.get(shop, fault, do=once)
    s.get(shop)


@case(
    "stale-keepalive-reuse",
    "hidden-by-retry-upstream",
    """FIN and GET cross on a path of 18 ms; nginx repeats the GET on a new connection. Only the upstream leg is
    captured.""",
    gateways=("nginx",),
)
def race_upstream(s):
    s.network(one_way_ms=9)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="upstream")
    s.get(shop)
    s.get(shop)
    time.sleep(0.5)
    if up.close_idle() == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(0.004)
    s.get(shop, Fault("stale-keepalive-reuse", up, severity="nearMiss"))
    s.get(shop)


@case(
    "closed-before-response",
    "both-servers-upstream",
    """The first server closes without an answer, the second one aborts: the request failed with every attempt. Only the
    upstream leg is captured.""",
    gateways=("nginx",),
)
def both_fail(s):
    closing, aborting = s.serve(0, default=raw(b"", after=0.08)), s.serve(1, default=raw(b"", "reset", after=0.19))
    fine = s.serve(2)
    shop, cart = s.route(fine), s.route(closing, aborting, server_options={"nginx": "max_fails=0"})
    s.start(capture="upstream")
    s.get(shop)
    for _ in range(2):
        s.get(cart, Fault("closed-before-response", closing), Fault("reset-before-response", aborting))
        s.get(shop)


@case(
    "undetermined",
    "client-leg",
    """Only the client's leg is captured. Of three upstreams one refuses, one closes without an answer and one stays
    silent: the client's errors are there and no cause can be.""",
)
def client_leg(s):
    up, closing, silent = s.serve(), s.serve(1, default=raw(b"", after=0.1)), s.serve(1, default=raw(b"", "wait"))
    dead = s.nobody()
    shop, cart, orders, stock = s.route(up), s.route(dead), s.route(closing), s.route(silent)
    s.start(capture="client", read_s=2)
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead))
    s.post(orders, Fault("closed-before-response", closing))
    s.get(shop)
    s.get(stock, Fault("response-timeout", silent))
    s.get(shop)


@case(
    "undetermined",
    "client-leg-cut",
    "Only the client's leg is captured; the bodies of two answers end before the length that their heads announce.",
)
def client_leg_cut(s):
    s.network(ipv6=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="client")
    s.options = ["--gateway", s.front]
    s.get(shop)
    s.get(shop, Fault("truncated-body-fin", up), do=raw(_SHORT, hold=0.1), client=s.new_client())
    s.get(shop)
    s.post(shop, Fault("truncated-body-reset", up), do=raw(_SHORT, "reset", hold=0.3), client=s.new_client())
    s.get(shop)
