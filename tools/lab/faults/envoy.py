"""Which of the other gateways' cases Envoy plays as they are, and its own limits, timers and breakers."""

import time

from ..case import Fault, also, case
from ..upstreams import answer, raw, response
from . import body, clean, connect, framing, gatewayside, notstatus, oneleg, placement  # noqa: F401  (register first)
from . import response as responses  # noqa: F401
from . import reuse, shapes, upload, wrongprotocol  # noqa: F401

also(
    "envoy",
    "connect-refused/closed-port",
    "connect-refused/restart",
    "connect-refused/snapped",
    "connect-refused/tls",
    "icmp-port-unreachable/host-filter",
    "icmp-admin-prohibited/router",
    "icmp-admin-prohibited/net-prohibited",
    "icmp-admin-prohibited/router-ipv6",
    "host-unreachable/icmp-host",
    "host-unreachable/neighbour",
    "connect-timeout/dropped",
    "accept-queue-overflow/syn-dropped",
    "accept-queue-overflow/established-unacknowledged",
    "reset-after-accept/linger",
    "reset-after-accept/far",
    "closed-before-response/worker-dies",
    "closed-before-response/second-request",
    "closed-before-response/begun-before-capture",
    "reset-before-response/worker-aborts",
    "reset-before-response/unread-input",
    "reset-before-response/tls",
    "response-timeout/silence",
    "response-timeout/partial-head",
    "response-timeout/late-answer",
    "response-timeout/any",
    "closed-mid-head/fin",
    "closed-mid-head/upstream",
    "reset-mid-head/rst",
    "reset-mid-head/busy-mix",
    "malformed-header/space-in-name",
    "plaintext-to-tls-upstream/alert",
    "bad-chunk-size/no-number",
    "bad-chunk-size/later",
    "truncated-body-fin/content-length",
    "truncated-body-fin/chunked",
    "truncated-body-reset/content-length",
    "truncated-body-reset/any",
    "body-timeout/content-length",
    "body-timeout/chunked",
    "loss-stall-request/first-request",
    "loss-stall-request/big-post",
    "loss-stall-response/hole",
    "loss-stall-response/hole-in-head",
    "reset-during-upload/limit",
    "zero-window-stall/never-reads",
    "stale-keepalive-reuse/fin-crosses-post",
    "stale-keepalive-reuse/rst-crosses-post",
    "upstream-error-response/application-503",
    "upstream-error-response/inner-gateway",
    "client-abort/before-answer",
    "client-abort/reset",
    "client-abort/during-download",
    "undetermined/client-leg",
    "clean/shop-traffic",
    "clean/idle-close",
    "clean/interim-answers",
    "clean/repaired-loss",
    "clean/repeated-syn",
    "clean/http-1.0-upstream",
    "closed-before-response/worker-timeout",
    "clean/real-server-tls-front",
    "clean/large-upload",
)

_SHORT = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 700\r\n\r\n" + b"0123456789\n" * 30


def envoy(folder, name, plan):
    return case(folder, name, plan, gateways=("envoy",))


# What its parser refuses


@envoy("header-too-large", "one-line", "One cookie passes the 8 KiB that the cluster allows (`max_response_headers_kb`).")
def head_limit(s):
    up = s.serve()
    shop = s.route(up, server_options=_KILOBYTES)
    s.start()
    fault = Fault("header-too-large", up)
    do = answer(headers=["Set-Cookie: cart=" + "9a" * 4600])
    s.get(shop)
    s.get(shop, fault, do=do)
    s.post(shop, fault, do=do)
    s.get(shop)


_KILOBYTES = {"envoy": {"http": {"common_http_protocol_options": {"max_response_headers_kb": 8}}}}


@envoy("header-too-large", "many-cookies", "Eighty cookies together pass 8 KiB; the client's side is TLS.")
def head_limit_many(s):
    s.network(one_way_ms=3)
    up = s.serve()
    shop = s.route(up, keepalive=True, server_options=_KILOBYTES)
    s.start(tls=True)
    s.get(shop)
    s.get(shop)
    s.get(
        shop,
        Fault("header-too-large", up),
        do=answer(headers=[f"Set-Cookie: part{number}={'xyz' * 40}" for number in range(80)]),
    )
    s.get(shop)


@envoy(
    "conflicting-content-length",
    "same-twice",
    "The server announces the same length twice, and a length together with chunks: Envoy refuses both.",
)
def lengths(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("conflicting-content-length", up)
    s.get(shop)
    s.get(shop, fault, do=raw(framing._SAME, then="wait"))
    s.post(shop, fault, do=raw(framing._BOTH, then="wait", after=0.05))
    s.get(shop)


@envoy(
    "conflicting-content-length",
    "different",
    "The server announces two different lengths, and one that is no number: Envoy refuses both.",
)
def different(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("conflicting-content-length", up)
    s.get(shop)
    s.get(shop, fault, do=raw(framing._DIFFERENT, then="wait"))
    s.get(shop)
    s.post(shop, fault, do=raw(framing._NO_NUMBER, then="wait", after=0.05))
    s.get(shop)


@envoy(
    "application-protocol-mismatch",
    "http2-nginx",
    "The upstream is an nginx whose port speaks HTTP/2 only (`listen ... http2`); Envoy sends HTTP/1.",
)
def http2(s):
    wrongprotocol.http2_nginx(s)


@envoy("non-http-banner", "ssh", "The port belongs to an SSH server, which speaks first.")
def ssh(s):
    notstatus._odd(s, "non-http-banner", notstatus._BANNERS["ssh"][0], first=True)


for _cause, _name, (_data, *_rest) in (
    ("malformed-status-line", "garbage", notstatus._ODD_LINES["garbage"]),
    ("malformed-status-line", "lower-case", notstatus._ODD_LINES["lower-case"]),
    ("non-http-banner", "redis", notstatus._BANNERS["redis"]),
):
    envoy(_cause, _name, _rest[-1])(lambda s, cause=_cause, data=_data: notstatus._odd(s, cause, data))


# Its timers

_NO_ROUTE_TIMER = {"envoy": {"timeout": "0s"}}


@envoy(
    "response-timeout",
    "default-15-seconds",
    "The server stays silent; the route sets no timer, so that Envoy's own of 15 s ends the wait.",
)
def fifteen(s):
    s.network(router=True)
    up = s.serve()
    shop, cart = s.route(up), s.route(up, lines={"envoy": {"timeout": None}})
    s.start()
    s.get(shop)
    s.get(cart, Fault("response-timeout", up), do=raw(b"", then="wait"))
    s.get(shop)


@envoy(
    "response-timeout",
    "stream-idle",
    "The server stays silent; the route has no timer, and `stream_idle_timeout` of 2 s ends the wait.",
)
def idle_head(s):
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_NO_ROUTE_TIMER)
    s.start(lines={"envoy": {"stream_idle_timeout": "2s"}})
    fault = Fault("response-timeout", up)
    s.get(shop)
    s.get(shop, fault, do=raw(b"", then="wait"), client=s.new_client())
    s.post(shop, fault, do=raw(b"", then="wait"), client=s.new_client())
    s.get(shop)


@envoy(
    "body-timeout",
    "stream-idle",
    "The body stops; the route has no timer, and `stream_idle_timeout` of 2 s ends the stream. 80 ms round trip.",
)
def idle_body(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, lines=_NO_ROUTE_TIMER)
    s.start(lines={"envoy": {"stream_idle_timeout": "2s"}})
    s.get(shop)
    s.get(shop, Fault("body-timeout", up), do=raw([_SHORT, 0.5, b"more\n"], then="wait"))
    s.get(shop)


@envoy(
    "body-timeout",
    "trickle",
    """The body trickles, two lines a second, until the route's timer of 2 s, which bounds the whole answer, ends it.
    Captured on all interfaces.""",
)
def trickle(s):
    up = s.serve()
    shop = s.route(up)
    s.start(capture="any", read_s=2)
    head = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nTransfer-Encoding: chunked\r\n\r\n"
    s.get(shop)
    s.get(shop, Fault("body-timeout", up), do=raw([head] + [b"5\r\ntick\n\r\n", 0.5] * 7 + [b"0\r\n\r\n"]))
    s.get(shop)


@envoy(
    "connect-timeout",
    "route-timer-first",
    "A router drops the SYNs; the route's timer of 2 s ends before the cluster's `connect_timeout` of 5 s: 504.",
)
def route_first(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(connect._reject("drop", shut.port, "forward"))
    s.start(connect_s=5, read_s=2)
    fault = Fault("connect-timeout", shut)
    s.get(shop)
    s.get(cart, fault)
    s.post(cart, fault)
    s.get(shop)


# No attempt


def _health(path=None, **further):
    check = {"timeout": "1s", "interval": "0.4s", "unhealthy_threshold": 2, "healthy_threshold": 1, **further}
    check["no_traffic_interval"] = "0.4s"  # else 60 s for a cluster that serves nobody
    check |= {"http_health_check": {"path": path}} if path else {"tcp_health_check": {}}
    # Below the panic threshold Envoy would send to unhealthy hosts all the same.
    return {"envoy": {"health_checks": [check], "common_lb_config": {"healthy_panic_threshold": {"value": 0}}}}


@envoy(
    "no-live-upstream",
    "health-checks-refused",
    "The health checks of both servers are refused, and the panic threshold is 0: Envoy has no healthy host.",
)
def checks_refused(s):
    up = s.serve(2)
    shop, cart = s.route(up), s.route(s.nobody(0), s.nobody(1), server_options=_health("/healthz"))
    s.start()
    time.sleep(1.5)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@envoy(
    "no-live-upstream",
    "health-page-503",
    "The health page of the only server answers 503, while it would serve: Envoy has no healthy host.",
)
def page_503(s):
    up, sick = s.serve(2), s.serve(0)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    shop, cart = s.route(up), s.route(sick, server_options=_health("/healthz"))
    s.start()
    time.sleep(1.2)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@envoy(
    "no-live-upstream",
    "outlier-ejected",
    "After three answers that never came, outlier detection ejects the only server: no healthy host for a while.",
)
def ejected(s):
    up, bad = s.serve(2), s.serve(0)
    outlier = {"consecutive_5xx": 3, "interval": "0.5s", "base_ejection_time": "30s", "max_ejection_percent": 100}
    options = {"outlier_detection": outlier, "common_lb_config": {"healthy_panic_threshold": {"value": 0}}}
    shop, cart = s.route(up), s.route(bad, server_options={"envoy": options})
    s.start()
    s.get(shop)
    for _ in range(3):
        s.get(cart, Fault("closed-before-response", bad), do=raw(b"", after=0.08))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@envoy(
    "no-upstream-attempt",
    "circuit-breaker",
    "The cluster allows one request at a time (circuit breaker), and a slow one is under way: the others overflow.",
)
def breaker(s):
    up, narrow = s.serve(1), s.serve(0)
    limits = {"circuit_breakers": {"thresholds": [{"max_requests": 1, "max_connections": 1, "max_pending_requests": 1}]}}
    shop, cart = s.route(up), s.route(narrow, keepalive=True, server_options={"envoy": limits})
    s.start(read_s=8)
    s.get(shop)
    s.together(
        lambda: s.get(cart, do=answer(after=2.0), client=s.new_client()),
        lambda: s.get(cart, do=answer(after=0.1), client=s.new_client()),
        lambda: s.post(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        lambda: s.get(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        gap=0.3,
    )
    s.get(shop)


@envoy("no-upstream-attempt", "no-endpoint", "The cluster has no endpoint at all; another one serves.")
def no_endpoint(s):
    up = s.serve()
    shop, cart = s.route(up), s.route()
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@envoy(
    "no-upstream-attempt",
    "no-local-route",
    "The gateway's host has no route to the upstream's network: the connect fails before any packet leaves.",
)
def no_route(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(f"203.0.113.{s.random.randrange(2, 250)}:8080")
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@envoy(
    "no-upstream-attempt",
    "unknown-cluster",
    "The route names a cluster that does not exist; other routes serve.",
)
def unknown_cluster(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(up, lines={"envoy": {"cluster": "checkout"}})
    s.start(lines={"envoy": {"route_config": {"validate_clusters": False}}})
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.get(shop)


# Clean


@envoy("clean", "health-checks", "Active HTTP and TCP health checks of two clusters, between ordinary requests.")
def checks(s):
    up, other = s.serve(), s.serve(1)
    shop, cart = s.route(up, server_options=_health("/healthz")), s.route(other, server_options=_health())
    s.start()
    for _ in range(4):
        s.get(shop)
        s.post(cart)
        time.sleep(0.4)


@envoy(
    "clean",
    "websocket",
    "A WebSocket (`upgrade_configs`) that opens, carries frames both ways and ends with close frames.",
)
def websocket(s):
    def upgraded(connection, request):
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        connection.socket.recv(100)
        connection.send(b"\x81\x05hello")
        connection.socket.recv(100)
        connection.send(b"\x88\x02\x03\xe8")
        return False

    up = s.serve()
    shop = s.route(up)
    s.start(lines={"envoy": {"upgrade_configs": [{"upgrade_type": "websocket"}]}})
    s.get(shop)
    s.websocket(shop, upgraded)
    s.get(shop, client=s.new_client())


@envoy(
    "clean",
    "long-poll",
    "Long polls on a route without a timer: answers after 4 s, and one whose lines come over 5 s.",
)
def long_poll(s):
    s.network(one_way_ms=1)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_NO_ROUTE_TIMER)
    s.start(read_s=2)
    slow = [b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n", 2.5, b"tick\n", 2.5, b"tock\n", b"tick\n"]
    s.get(shop)
    s.together(
        lambda: s.get(shop, do=answer(after=4.0), client=s.new_client()),
        lambda: s.post(shop, do=raw(slow, then="keep"), client=s.new_client()),
        lambda: s.get(shop, do=answer("204 No Content", b"", after=3.0), client=s.new_client()),
    )
    s.get(shop)


@envoy(
    "clean",
    "several-clients",
    "Five clients at once, captured on all interfaces; Envoy closes its idle upstream connections after a second.",
)
def several(s):
    up, other = s.serve(), s.serve(1)
    idle = {"envoy": {"http": {"common_http_protocol_options": {"idle_timeout": "1s"}}}}
    shop = s.route(up, other, keepalive=True, server_options=idle)
    s.start(capture="any")

    def customer():
        client = s.new_client()
        for pause in (0.02, 0.1, 1.3):
            s.get(shop, client=client, do=answer(after=0.02))
            time.sleep(pause)
        s.post(shop, client=client)
        client.close()

    s.together(*[customer] * 5, gap=0.03)


@envoy("clean", "bodiless", "HEAD, 204, 304 with a length, answers to DELETE; 80 ms round trip.")
def bodiless(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    unchanged = b'HTTP/1.1 304 Not Modified\r\nETag: "a1"\r\nContent-Length: 5120\r\n\r\n'
    s.head(shop, do=answer(body=b"0123456789" * 40))
    s.get(shop, do=raw(unchanged, then="keep"), headers=['If-None-Match: "a1"'])
    s.delete(shop, do=raw(b"HTTP/1.1 204 No Content\r\nServer: app/1.9\r\n\r\n", then="keep"))
    s.head(shop, do=raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then="keep"))
    s.get(shop, do=answer("500 Internal Server Error", b"ouch: division by zero\n"))
    s.get(shop, do=raw(response(headers=["Connection: close"])))
    s.get(shop)
