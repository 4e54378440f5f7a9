"""Kept connections that end while the gateway uses them."""

import time

from ..case import Fault, case


def _race(s, up, shop, send, reset=False, head_start=0.006):
    """The upstream ends its idle connections; before that can arrive, the gateway sends on one of them."""
    time.sleep(0.4)
    if up.close_idle(reset) == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(head_start)
    send()


_ALWAYS = {"haproxy": ["http-reuse always"]}


@case(
    "stale-keepalive-reuse",
    "fin-crosses-post",
    "The upstream's idle timer fires; its FIN and the gateway's POST cross on a path of 30 ms.",
)
def fin_post(s):
    s.network(one_way_ms=15)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_ALWAYS)
    s.start()
    fault = Fault("stale-keepalive-reuse", up)
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.post(shop, fault))
    s.get(shop, client=s.new_client())
    s.post(shop)
    _race(s, up, shop, lambda: s.post(shop, fault))
    s.get(shop)


@case(
    "stale-keepalive-reuse",
    "rst-crosses-post",
    "The upstream aborts its idle connection (a restart); its RST and the gateway's POST cross on a path of 40 ms.",
)
def rst_post(s):
    s.network(one_way_ms=20)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_ALWAYS)
    s.start()
    fault = Fault("stale-keepalive-reuse", up, variant="reset")
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.post(shop, fault), reset=True)
    s.post(shop)


@case(
    "stale-keepalive-reuse",
    "hidden-by-retry",
    "FIN and GET cross on a path of 24 ms; nginx repeats the GET on a new connection and the client sees nothing.",
    gateways=("nginx",),
)
def fin_get(s):
    s.network(one_way_ms=12)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.get(shop, Fault("stale-keepalive-reuse", up, severity="nearMiss")))
    s.get(shop)


@case(
    "stale-keepalive-reuse",
    "get-zero-bytes",
    "FIN and GET cross on a path of 24 ms; HAProxy closes its client's connection without a byte.",
    gateways=("haproxy",),
)
def fin_get_haproxy(s):
    s.network(one_way_ms=12)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.get(shop, Fault("stale-keepalive-reuse", up), client=s.client))
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.get(shop, Fault("stale-keepalive-reuse", up), client=s.client))


@case("stale-keepalive-reuse", "router-10ms", "FIN and POST cross on a path of 10 ms with a router.")
def fin_router(s):
    s.network(one_way_ms=5, router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_ALWAYS)
    s.start()
    s.get(shop)
    s.get(shop)
    _race(s, up, shop, lambda: s.post(shop, Fault("stale-keepalive-reuse", up), size=600), head_start=0.002)
    s.get(shop)
