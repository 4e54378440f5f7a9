"""Envoy's `retry_policy`: near misses, and retries that did not help. Without one it never tries again."""

import time

from ..case import Fault
from ..gateways.envoy import endpoint
from ..upstreams import answer, raw
from .envoy import envoy

_ONCE_MORE = {"envoy": {"retry_policy": {"retry_on": "5xx", "num_retries": 1}}}
_RESETS = {"envoy": {"retry_policy": {"retry_on": "connect-failure,reset", "num_retries": 2}}}
_PREVIOUS = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"


def _first_only(deed):
    """Does `deed` with the first request for each target, and answers the next one."""
    seen = set()

    def behave(connection, request):
        if request.target in seen:
            return answer()(connection, request)
        seen.add(request.target)
        return deed(connection, request)

    return behave


def _in_order(*servers):
    """A cluster that tries the servers in this order: a retry leaves the priorities that were tried."""
    levels = [{"priority": level, "lb_endpoints": [endpoint(server)]} for level, server in enumerate(servers)]
    typed = {"@type": "type.googleapis.com/" + _PREVIOUS, "update_frequency": 1}
    retry = {"retry_on": "connect-failure,reset", "num_retries": len(servers) - 1}
    retry["retry_priority"] = {"name": "envoy.retry_priorities.previous_priorities", "typed_config": typed}
    return {
        "server_options": {"envoy": {"load_assignment": {"endpoints": levels}}},
        "lines": {"envoy": {"retry_policy": retry}},
    }


@envoy(
    "connect-refused",
    "masked-by-second-server",
    "The server of the first priority refuses; the retry goes to the second one and no client sees it.",
)
def refused_masked(s):
    up, dead = s.serve(1), s.nobody(0)
    fine = s.serve(2)
    shop, cart = s.route(dead, up, **_in_order(dead, up.address)), s.route(fine)
    s.start()
    fault = Fault("connect-refused", dead, severity="nearMiss")
    s.get(cart)
    s.get(shop, fault)
    s.post(shop, fault)
    s.get(cart)


@envoy("connect-refused", "retries-in-vain", "Nothing listens; two retries meet the same: 503 with UF,URX.")
def refused_again(s):
    up, dead = s.serve(), s.nobody()
    shop, cart = s.route(up), s.route(dead, lines=_RESETS)
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead))
    s.get(shop)
    s.post(cart, Fault("connect-refused", dead))
    s.get(shop)


@envoy("connect-timeout", "retried", "A filter drops the SYNs; after `connect_timeout` Envoy tries once more, in vain.")
def dropped_again(s):
    up, shut = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(shut, lines=_RESETS | {"envoy": _RESETS["envoy"] | {"timeout": "9s"}})
    s.host(1)[0].nft(f"table inet f {{ chain c {{ type filter hook input priority 0; tcp dport {shut.port} drop; }}; }}")
    s.start(connect_s=1)
    s.get(shop)
    s.get(cart, Fault("connect-timeout", shut))
    s.get(shop)


def _masked(s, cause, deed, lines=None, **settings):
    up = s.serve()
    shop = s.route(up, lines=lines or _RESETS)
    s.start(**settings)
    fault = Fault(cause, up, severity="nearMiss")
    s.get(shop)
    s.get(shop, fault, do=_first_only(deed))
    s.get(shop)
    s.post(shop, fault, do=_first_only(deed))
    s.get(shop)


@envoy("closed-before-response", "masked", "The server closes without an answer; the retry gets one.")
def closed_masked(s):
    _masked(s, "closed-before-response", raw(b"", after=0.07))


@envoy(
    "reset-before-response",
    "masked-upstream",
    "The server aborts without an answer; the retry gets one. Only the upstream leg is captured, 24 ms away.",
)
def reset_masked(s):
    s.network(one_way_ms=12)
    _masked(s, "reset-before-response", raw(b"", then="reset", after=0.11), capture="upstream")


@envoy(
    "closed-before-response",
    "retried-by-several",
    """Four clients over TLS at once; of each one's three requests the second is closed on once, and a retry, a random
    while later, hides it. Captured on all interfaces.""",
)
def closed_several(s):
    up, other = s.serve(), s.serve(1)
    shop, cart = s.route(up, lines=_RESETS), s.route(other, keepalive=True)
    s.start(capture="any", tls=True)
    fault = Fault("closed-before-response", up, severity="nearMiss")

    def customer():
        client = s.new_client()
        s.get(cart, client=client)
        s.get(shop, fault, client=client, do=_first_only(raw(b"", after=0.06)))
        s.post(cart, client=client)
        client.close()

    s.together(*[customer] * 4, gap=0.02)


@envoy("response-timeout", "masked-per-try", "Silence until `per_try_timeout` of 1 s; the retry is answered.")
def per_try(s):
    retry = {"retry_on": "5xx,reset", "num_retries": 1, "per_try_timeout": "1s"}
    _masked(s, "response-timeout", raw(b"", then="wait"), lines={"envoy": {"retry_policy": retry}})


@envoy("response-timeout", "per-try-in-vain", "Silence at each of two tries of 1 s: 504 in the end.")
def per_try_vain(s):
    retry = {"retry_on": "5xx,reset", "num_retries": 1, "per_try_timeout": "1s"}
    up = s.serve()
    shop = s.route(up, keepalive=True, lines={"envoy": {"retry_policy": retry}})
    s.start(read_s=5)
    s.get(shop)
    s.get(shop, Fault("response-timeout", up), do=raw(b"", then="wait"))
    s.get(shop)


@envoy(
    "closed-before-response",
    "retried-in-vain",
    "The server closes each of three tries without an answer: 503 with UC,URX.",
)
def closed_vain(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_RESETS)
    s.start()
    s.get(shop)
    s.get(shop, Fault("closed-before-response", up), do=raw(b"", after=0.15))
    s.post(shop, Fault("closed-before-response", up), do=raw(b"", after=0.1))
    s.get(shop)


@envoy(
    "upstream-error-response",
    "masked-503",
    "The application answers 503 once; `retry_on: 5xx` asks again, and the client sees the second answer.",
)
def error_masked(s):
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_ONCE_MORE)
    s.start()
    fault = Fault("upstream-error-response", up, variant="application", severity="nearMiss")
    busy = answer("503 Service Unavailable", b"busy\n")
    s.get(shop)
    s.get(shop, fault, do=_first_only(busy))
    s.get(shop)
    s.get(shop, fault, do=_first_only(busy))
    s.get(shop)


def _race(s, up, send):
    time.sleep(0.4)
    if up.close_idle() == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(0.006)
    send()


@envoy(
    "stale-keepalive-reuse",
    "fin-crosses-get",
    "FIN and GET cross on a path of 24 ms; Envoy hides nothing: 503 with UC, also to a GET.",
)
def race_get(s):
    s.network(one_way_ms=12)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("stale-keepalive-reuse", up)
    s.get(shop)
    s.get(shop)
    _race(s, up, lambda: s.get(shop, fault))
    s.get(shop)
    _race(s, up, lambda: s.get(shop, fault))
    s.get(shop)


@envoy(
    "stale-keepalive-reuse",
    "masked-by-retry",
    "FIN and request cross on a path of 80 ms; `retry_on: reset` repeats it on a new connection.",
)
def race_masked(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_RESETS)
    s.start()
    fault = Fault("stale-keepalive-reuse", up, severity="nearMiss")
    s.get(shop)
    s.get(shop)
    _race(s, up, lambda: s.get(shop, fault))
    s.get(shop)
    _race(s, up, lambda: s.post(shop, fault))
    s.get(shop)
