"""Gateways that are stopped, killed or reloaded with requests in hand."""

import time

from ..case import Fault, also, case
from ..upstreams import answer, raw, response


def _refused(s):
    """A client that comes while nothing listens."""
    try:
        s.new_client().connect()
    except ConnectionRefusedError:
        return
    raise RuntimeError("the gateway still listens")


def _await_listener(s):
    for _ in range(50):
        try:
            return s.new_client().connect().close()
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError("the gateway does not come back")


def _halted(s, how, calls, after=0.8, back=True):
    shop = s.routes_by_name["shop"]
    s.get(shop)
    s.together(*calls, lambda: (time.sleep(after), s.gateway.halt(how), time.sleep(0.3), _refused(s)), gap=0.05)
    if back:
        s.gateway.start()
        _await_listener(s)
        s.client = s.new_client()
        s.get(shop)
        s.get(shop)


def _scene(s, capture="both", keepalive=True, **network):
    s.network(**network)
    up = s.serve()
    shop = s.route(up, keepalive=keepalive)
    s.routes_by_name = {"shop": shop}
    s.start(capture=capture, read_s=8)
    return up, shop


@case("gateway-reload", "stopped", "The gateway is stopped with three requests in hand, and started again.")
def stopped(s):
    up, shop = _scene(s)
    fault = Fault("gateway-reload", up)
    calls = [
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.post(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
    ]
    _halted(s, "stop", calls)


@case("gateway-reload", "killed", "The gateway's process is killed with four requests in hand; captured on all interfaces.")
def killed(s):
    up, shop = _scene(s, capture="any", keepalive=False)
    fault = Fault("gateway-reload", up)
    long = [response(body=b"a" * 9000)[:3000], 4.0]
    calls = [
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.post(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(long), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(long), client=s.new_client()),
    ]
    _halted(s, "kill", calls)


@case("gateway-reload", "killed-mid-download", "The gateway is killed while it passes two answers on, over 2 ms.")
def killed_download(s):
    up, shop = _scene(s, one_way_ms=1)
    fault = Fault("gateway-reload", up)
    slow = [response(body=b"b" * 6000)[:2500], 0.4, b"c" * 500, 4.0]
    calls = [
        lambda: s.get(shop, fault, do=raw(slow), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(slow), client=s.new_client()),
    ]
    _halted(s, "kill", calls)


@case(
    "gateway-reload",
    "stopped-unseen",
    "The gateway is stopped with three requests in hand that came together, and others idle; nobody comes while it is down.",
)
def stopped_unseen(s):
    up, shop = _scene(s, keepalive=True)
    fault = Fault("gateway-reload", up)
    idle = [s.new_client(), s.new_client()]
    for client in idle:
        s.get(shop, client=client)
        time.sleep(0.1)
    s.together(
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.post(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: (time.sleep(1.0), s.gateway.halt("stop")),
        gap=0,
    )
    s.gateway.start()
    _await_listener(s)
    s.get(shop, client=s.new_client())


@case("response-timeout", "at-once", "Three requests that came together run into the gateway's timer together.")
def at_once(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=1)
    fault = Fault("response-timeout", up)
    idle = s.new_client()
    s.get(shop, client=idle)
    s.together(
        lambda: s.get(shop, fault, do=answer(after=2.5), client=s.new_client()),
        lambda: s.get(shop, fault, do=answer(after=2.5), client=s.new_client()),
        lambda: s.post(shop, fault, do=answer(after=2.5), client=s.new_client()),
        gap=0,
    )
    s.get(shop, client=idle)


@case("gateway-reload", "upstream-leg-only", "The gateway is stopped with three requests in hand; the client's leg was not captured.")
def upstream_leg(s):
    up, shop = _scene(s, capture="upstream")
    fault = Fault("gateway-reload", up)
    calls = [
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.post(shop, fault, do=answer(after=3.0), client=s.new_client()),
        lambda: s.get(shop, fault, do=answer(after=3.0), client=s.new_client()),
    ]
    _halted(s, "stop", calls)


@case(
    "gateway-reload",
    "reload-cuts-downloads",
    "The gateway is reloaded; the old process may finish for a second, and cuts three long downloads then.",
)
def reload_cuts(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=8, lines={"nginx-main": ["worker_shutdown_timeout 1s;"], "haproxy-global": ["hard-stop-after 1s"]})
    fault = Fault("gateway-reload", up)
    slow = [response(body=b"b" * 4000)[:1500], 0.5, b"c" * 300, 0.5, b"d" * 300, 0.5, b"e" * 300, 4.0]
    s.get(shop)
    s.together(
        lambda: s.get(shop, fault, do=raw(slow), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(slow), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(slow), client=s.new_client()),
        lambda: (time.sleep(0.3), s.gateway.reload(), time.sleep(0.7)),
        gap=0.05,
    )
    s.client = s.new_client()
    s.get(shop)


@case("clean", "graceful-reload", "The gateway is reloaded while two requests run; the old process finishes them.")
def graceful(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=8)
    s.get(shop)
    s.together(
        lambda: s.get(shop, do=answer(after=1.5), client=s.new_client()),
        lambda: s.post(shop, do=answer(after=1.5), client=s.new_client()),
        lambda: (time.sleep(0.4), s.gateway.reload()),
        gap=0.05,
    )
    s.client = s.new_client()
    s.get(shop)


_KILLED = ["gateway-reload/killed", "gateway-reload/killed-mid-download"]
_STOPPED = ["gateway-reload/stopped", "gateway-reload/stopped-unseen"]
also("apache", *_KILLED, *_STOPPED, "response-timeout/at-once")
also("envoy", *_KILLED, *_STOPPED, "response-timeout/at-once")
also("caddy", *_KILLED, "response-timeout/at-once")
# It waits for what runs as long as it takes, by default.
also("caddy", *_STOPPED, lines={"caddy-global": ["grace_period 500ms"]})
