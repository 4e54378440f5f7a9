"""Caddy: the cases of the other gateways that it plays as well, and those of its own."""

import time

from ..case import Fault, also, case
from ..upstreams import answer, raw, response, wants_more
from . import (  # noqa: F401  (their cases are played here too)
    body,
    clean,
    connect,
    framing,
    gatewayside,
    notstatus,
    oneleg,
    placement,
    reuse,
    shapes,
    upload,
    wrongprotocol,
)
from . import response as heads  # noqa: F401

_CADDY = ("caddy",)

also(
    "caddy",
    "accept-queue-overflow/syn-dropped",
    "accept-queue-overflow/established-unacknowledged",
    "application-protocol-mismatch/http2-nginx",
    "clean/any-device",
    "clean/http-1.0-upstream",
    "clean/idle-close",
    "clean/interim-answers",
    "clean/large-upload",
    "clean/real-server-tls-front",
    "clean/repaired-loss",
    "clean/repeated-syn",
    "clean/shop-traffic",
    "clean/slow-in-time",
    "clean/websocket",
    "client-abort/before-answer",
    "client-abort/during-download",
    "client-abort/while-connecting",
    "closed-before-response/begun-before-capture",
    "closed-before-response/second-request",
    "closed-before-response/tls",
    "closed-before-response/upstream",
    "closed-before-response/worker-dies",
    "closed-before-response/worker-timeout",
    "closed-mid-head/fin",
    "closed-mid-head/tls-any",
    "connect-refused/any",
    "connect-refused/one-of-many",
    "connect-refused/restart",
    "connect-refused/snapped",
    "connect-refused/upstream",
    "connect-timeout/dropped-by-router",
    "connect-timeout/one-way",
    "host-unreachable/icmp-net",
    "host-unreachable/neighbour",
    "host-unreachable/neighbour-before-arp-ends",
    "host-unreachable/router-arp",
    "icmp-admin-prohibited/net-prohibited",
    "icmp-admin-prohibited/policy-ipv6",
    "icmp-admin-prohibited/router",
    "icmp-port-unreachable/host-filter",
    "loss-stall-request/first-request",
    "loss-stall-request/path-breaks",
    "loss-stall-response/hole-in-head",
    "malformed-status-line/lower-case",
    "malformed-status-line/tls",
    "non-http-banner/mysql",
    "non-http-banner/ssh",
    "plaintext-to-tls-upstream/alert",
    "reset-after-accept/balancer",
    "reset-after-accept/linger",
    "reset-before-response/any",
    "reset-before-response/unread-input",
    "reset-before-response/snapped",
    "reset-mid-head/busy-mix",
    "reset-mid-head/rst",
    "response-timeout/late-answer",
    "response-timeout/loopback",
    "response-timeout/never-accepted",
    "response-timeout/partial-head",
    "response-timeout/upstream",
    "reset-during-upload/limit",
    "reset-during-upload/streamed",
    "stale-keepalive-reuse/begun-before-capture",
    "stale-keepalive-reuse/fin-crosses-post",
    "stale-keepalive-reuse/rst-crosses-post",
    "truncated-body-fin/content-length",
    "truncated-body-reset/any",
    "truncated-body-reset/content-length",
    "undetermined/client-leg",
    "upstream-error-response/application-503",
    "upstream-error-response/inner-gateway",
)
also(
    "caddy",
    "malformed-header/no-colon",
    plan="A header line has no colon.",
)
also("caddy", "conflicting-content-length/different", plan="The server announces two different lengths.")
also("caddy", "conflicting-content-length/no-number", plan="The server announces a length that is no number.")
also("caddy", "conflicting-content-length/unknown-coding", plan="The server names a transfer coding that nobody knows.")
# Caddy 2.6 has no timer of its own for a body; `read_timeout` ends each read of the connection.
also("caddy", "body-timeout/content-length", "body-timeout/ipv6", lines={"caddy-transport": ["read_timeout 2s"]})
also("caddy", "body-timeout/chunked", lines={"caddy-transport": ["read_timeout 3s"]})
also("caddy", "loss-stall-response/hole", lines={"caddy-transport": ["read_timeout 3s"]})
also("caddy", "zero-window-stall/stops-reading")
also("caddy", "zero-window-stall/never-reads", lines={"caddy-transport": ["write_timeout 3s"]})

_HIDDEN = " Caddy 2.6 ends its chunked answer as if it were whole."
also("caddy", "truncated-body-fin/chunked", plan="The server closes without the last chunk." + _HIDDEN)
also("caddy", "truncated-body-reset/chunked", plan="The server aborts between two chunks." + _HIDDEN)
also(
    "caddy",
    "bad-chunk-size/no-number",
    plan="The first chunk's size is no number. The client of Caddy 2.6 gets an empty 200.",
)
also(
    "caddy",
    "bad-chunk-size/later",
    plan="After some chunks the application writes text without a size." + _HIDDEN,
)
also(
    "caddy",
    "bad-chunk-size/no-chunk-end",
    plan="A chunk is longer than its size says, so that its end is missing." + _HIDDEN,
)

_TRY = {"caddy": ["lb_policy round_robin", "lb_try_duration 3s", "lb_try_interval 100ms"]}


# The round robin of Caddy 2.6 begins at the second server.


@case(
    "connect-refused",
    "masked-by-lb-try",
    "One of two servers refuses; within `lb_try_duration` Caddy tries the other one, and no client sees it.",
    gateways=_CADDY,
)
def masked_refused(s):
    up, dead = s.serve(1), s.nobody(0)
    shop = s.route(dead, up, lines=_TRY)
    s.start()
    fault = Fault("connect-refused", dead, severity="nearMiss")
    s.get(shop)
    s.get(shop, fault)
    s.delete(shop, fault)
    s.get(shop, fault)


@case(
    "connect-refused",
    "body-used-up",
    """One of two servers refuses. Caddy 2.6 repeats a POST at the other one when its body is used up, gives that try up
    and answers 502; a GET is repeated, and no client sees it.""",
    gateways=_CADDY,
)
def body_used_up(s):
    up, dead = s.serve(1), s.nobody(0)
    shop = s.route(dead, up, lines=_TRY)
    s.start()
    fault = Fault("connect-refused", dead, attempts_known=False)
    s.get(shop)
    s.post(shop, fault)
    s.get(shop, Fault("connect-refused", dead, severity="nearMiss"))
    s.post(shop, fault, size=6000)
    s.get(shop, Fault("connect-refused", dead, severity="nearMiss"))


@case(
    "connect-timeout",
    "masked-by-lb-try",
    "One of two servers drops the SYNs; after `dial_timeout` Caddy tries the other one, and the clients wait.",
    gateways=_CADDY,
)
def masked_dropped(s):
    s.network(router=True)
    up, shut = s.serve(1), s.serve(0)
    s.router.nft(f"table inet f {{ chain c {{ type filter hook forward priority 0; tcp dport {shut.port} drop; }}; }}")
    shop = s.route(shut, up, lines=_TRY)
    s.start(connect_s=1)
    s.get(shop)
    s.delete(shop, Fault("connect-timeout", shut, severity="nearMiss"))
    s.get(shop, Fault("connect-timeout", shut, severity="nearMiss"))


def _masked_close(s, capture):
    up, bad = s.serve(1), s.serve(0, default=raw(b"", after=0.06))
    shop = s.route(bad, up, lines=_TRY)
    s.start(capture=capture)
    s.get(shop)
    s.get(shop, Fault("closed-before-response", bad, severity="nearMiss"))
    s.get(shop, Fault("closed-before-response", bad, severity="nearMiss"))


@case(
    "closed-before-response",
    "masked-by-lb-try",
    "One of two servers closes without an answer; within `lb_try_duration` Caddy repeats the GET at the other one.",
    gateways=_CADDY,
)
def masked_close(s):
    _masked_close(s, "both")


@case(
    "closed-before-response",
    "masked-upstream",
    """One of two servers closes without an answer; within `lb_try_duration` Caddy repeats the GET at the other one.
    Only the upstream leg is captured.""",
    gateways=_CADDY,
)
def masked_close_upstream(s):
    _masked_close(s, "upstream")


@case(
    "closed-before-response",
    "post-not-repeated",
    """One of two servers closes without an answer. Caddy repeats a GET at the other server and a POST not.""",
    gateways=_CADDY,
)
def post_close(s):
    s.network(one_way_ms=1)
    up, bad = s.serve(1), s.serve(0, default=raw(b"", after=0.09))
    shop = s.route(bad, up, lines=_TRY)
    s.start()
    s.get(shop)
    s.post(shop, Fault("closed-before-response", bad))
    s.get(shop)
    s.get(shop, Fault("closed-before-response", bad, severity="nearMiss"))


@case(
    "response-timeout",
    "masked-by-lb-try",
    "One of two servers stays silent; after `response_header_timeout` Caddy repeats the GET at the other one.",
    gateways=_CADDY,
)
def masked_silence(s):
    up, slow = s.serve(1), s.serve(0, default=raw(b"", then="wait"))
    shop = s.route(slow, up, lines=_TRY)
    s.start(read_s=1)
    s.get(shop)
    s.get(shop, Fault("response-timeout", slow, severity="nearMiss"))
    s.get(shop, Fault("response-timeout", slow, severity="nearMiss"))


@case(
    "connect-refused",
    "tries-end",
    "Both servers refuse; Caddy tries for one second, in turn, and then answers 502.",
    gateways=_CADDY,
)
def tries_end(s):
    up = s.serve(2)
    one, two = s.nobody(0), s.nobody(1)
    shop = s.route(up)
    tries = ["lb_policy round_robin", "lb_try_duration 1s", "lb_try_interval 250ms"]
    cart = s.route(one, two, lines={"caddy": tries})
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", one), Fault("connect-refused", two))
    s.post(cart, Fault("connect-refused", one), Fault("connect-refused", two))
    s.get(shop)


def _race(s, up, head_start, reset=False):
    """The server ends its idle connections; what is sent within a one-way delay of it crosses that on the wire."""
    time.sleep(0.4)
    if up.close_idle(reset) == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(head_start)


@case(
    "stale-keepalive-reuse",
    "hidden-by-replay",
    "FIN and GET cross on a path of 24 ms; Go's transport repeats the GET on a new connection, and Caddy logs nothing.",
    gateways=_CADDY,
)
def replay(s):
    s.network(one_way_ms=12)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop)
    _race(s, up, 0.006)
    s.get(shop, Fault("stale-keepalive-reuse", up, severity="nearMiss"))
    s.get(shop)
    _race(s, up, 0.005)
    s.get(shop, Fault("stale-keepalive-reuse", up, severity="nearMiss"))
    s.get(shop)


@case(
    "stale-keepalive-reuse",
    "replay-80ms",
    """On a path of 80 ms FIN crosses a GET, which Go's transport repeats, and then a POST, which it does not: 502.""",
    gateways=_CADDY,
)
def replay_far(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    _race(s, up, 0.02)
    s.get(shop, Fault("stale-keepalive-reuse", up, severity="nearMiss"))
    s.get(shop)
    _race(s, up, 0.02)
    s.post(shop, Fault("stale-keepalive-reuse", up))
    s.get(shop)


@case(
    "closed-before-response",
    "reused-get",
    """On a kept connection the server reads a GET and closes without an answer; Go's transport repeats the GET, and it
    dies again, on a new connection.""",
    gateways=_CADDY,
)
def reused_get(s):
    s.network(one_way_ms=1)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    fault = Fault("closed-before-response", up, attempts_known=False)  # the log has the last one only
    s.get(shop, fault, do=raw(b"", after=0.21))
    s.get(shop)
    s.post(shop, fault, do=raw(b"", after=0.33))
    s.get(shop)


@case(
    "no-live-upstream",
    "passive-checks",
    """Both servers refuse; passive checks (`max_fails`, `fail_duration`) then count them out, and Caddy
    answers 503 without
    trying.""",
    gateways=_CADDY,
)
def passive(s):
    up = s.serve(2)
    one, two = s.nobody(0), s.nobody(1)
    shop = s.route(up)
    checks = ["lb_policy round_robin", "fail_duration 30s", "max_fails 1"]
    cart = s.route(one, two, lines={"caddy": checks})
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", two))
    s.get(cart, Fault("connect-refused", one))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


_CHECKS = ["health_uri /healthz", "health_interval 400ms", "health_timeout 1s"]


@case(
    "no-live-upstream",
    "active-checks",
    "The health page of the only server answers 503 to Caddy's checks: no server is left, and Caddy answers 503.",
    gateways=_CADDY,
)
def active(s):
    up, sick = s.serve(2), s.serve(0)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    shop, cart = s.route(up), s.route(sick, lines={"caddy": _CHECKS})
    s.start()
    time.sleep(0.9)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    time.sleep(0.5)
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "active-checks-refused",
    "Caddy's health checks of both servers are refused: no server is left, and Caddy answers 503.",
    gateways=_CADDY,
)
def active_refused(s):
    s.network(router=True)
    up = s.serve(2)
    one, two = s.nobody(0), s.nobody(1)
    shop, cart = s.route(up), s.route(one, two, lines={"caddy": _CHECKS})
    s.start()
    time.sleep(1.0)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "unix-socket",
    "The upstream is a Unix socket that does not exist; other upstreams are on the network.",
    gateways=_CADDY,
)
def unix(s):
    up = s.serve()
    shop, cart = s.route(up), s.route("unix//run/lab-shop-app.sock")
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case(
    "header-too-large",
    "max-response-header",
    "A cookie is larger than `max_response_header` of the transport (4 KiB here, 10 MiB by default).",
    gateways=_CADDY,
)
def limited_head(s):
    up = s.serve()
    shop = s.route(up, lines={"caddy-transport": ["max_response_header 4KiB"]})
    s.start()
    fault = Fault("header-too-large", up)
    do = answer(headers=["Set-Cookie: cart=" + "9a" * 6000])
    s.get(shop)
    s.get(shop, fault, do=do)
    s.post(shop, fault, do=do)
    s.get(shop)


@case(
    "gateway-rejected-response",
    "handle-response",
    "A `handle_response` block of Caddy makes a 503 of the upstream's 404 and 403.",
    gateways=_CADDY,
)
def handled(s):
    up = s.serve()
    rule = ["@bad status 403 404", "handle_response @bad {", "respond 503", "}"]
    shop = s.route(up, lines={"caddy": rule})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    s.get(shop)
    s.get(shop, fault, do=answer("404 Not Found"))
    s.post(shop, fault, do=answer("403 Forbidden", after=0.07))
    s.get(shop)


@case(
    "client-abort",
    "no-timers",
    "Caddy's own timers: none for the answer. The server stays silent, and the clients leave after one and two seconds.",
    gateways=_CADDY,
)
def no_timers(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.lines = {"caddy-transport": ["none"]}
    s.start()
    s.get(shop)
    s.get(shop, Fault("client-abort", up), do=raw(b"", then="wait"), leave_after=1.0, client=s.new_client())
    s.post(shop, Fault("client-abort", up), do=raw(b"", then="wait"), leave_after=2.0, client=s.new_client())
    time.sleep(0.3)
    s.get(shop)


# What fails nobody


@case(
    "clean",
    "odd-answers-accepted",
    """Answers that Caddy 2.6 accepts and others refuse: a space and a control byte in a header name, the same
    length twice,
    a length together with chunks, a head of 9 kB, 120 header
    lines.""",
    gateways=_CADDY,
)
def accepted(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(up, keepalive=True)
    s.start()
    head = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\n"
    space = raw(head + b"X Trace Id: 4711\r\nContent-Length: 5\r\n\r\ndone\n")
    kept = raw(head + b"X-\x01Trace: 4711\r\nContent-Length: 5\r\n\r\ndone\n", then="keep")
    twice = raw(head + b"Content-Length: 9\r\nContent-Length: 9\r\n\r\n12;37;99\n")
    both = raw(head + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12;37;99\n\r\n0\r\n\r\n", then="keep")
    s.get(shop)
    s.get(shop, do=space)
    s.get(cart, do=kept)
    s.get(shop, do=twice)
    s.post(cart, do=both)
    s.get(cart, do=answer(headers=[f"X-Item-{number}: {number}" for number in range(120)]))
    s.get(shop, do=answer(headers=["Set-Cookie: cart=" + "9a" * 4600]))
    s.post(shop)


@case(
    "clean",
    "active-health-checks",
    "Active health checks of two servers every 400 ms, between ordinary requests.",
    gateways=_CADDY,
)
def checks(s):
    up, other = s.serve(), s.serve(1)
    shop = s.route(up, other, keepalive=True, lines={"caddy": ["lb_policy round_robin", *_CHECKS]})
    s.start()
    for _ in range(4):
        s.get(shop)
        time.sleep(0.35)


@case(
    "clean",
    "idle-close-by-gateway",
    "Caddy closes its own idle connections after one second (`keepalive 1s`); the server closes others before that.",
    gateways=_CADDY,
)
def idle_gateway(s):
    s.network(one_way_ms=1)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines={"caddy-transport": ["keepalive 1s"]})
    s.start()
    s.get(shop)
    s.post(shop)
    time.sleep(1.4)
    s.get(shop)
    time.sleep(0.3)
    up.close_idle(reset=True)
    time.sleep(0.3)
    s.post(shop)
    time.sleep(1.3)
    s.head(shop)


@case(
    "clean",
    "long-poll",
    "Caddy's own timers: none for the answer. Answers come after four and six seconds, one of them bit by bit.",
    gateways=_CADDY,
)
def long_poll(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.lines = {"caddy-transport": ["none"]}
    s.start()
    bits = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for _ in range(3):
        bits += [1.6, b"5\r\ntick\n\r\n"]
    s.together(
        lambda: s.get(shop, do=answer(after=4.0), client=s.new_client()),
        lambda: s.post(shop, do=answer(after=6.0), client=s.new_client()),
        lambda: s.get(shop, do=raw([*bits, b"0\r\n\r\n"], then="keep"), client=s.new_client()),
        gap=0.1,
    )


@case(
    "clean",
    "expected-continue",
    """POSTs whose client asks for 100 Continue: from one server it comes, another one answers without it, and hints go
    before the answers.""",
    gateways=_CADDY,
)
def expected_continue(s):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

    def hinted(connection, request):
        connection.send(hint * 3)
        time.sleep(0.05)
        connection.send(response())
        return wants_more(request)

    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop, do=hinted)
    s.post(shop, size=5000, expect=True)
    s.post(shop, do=hinted)
    s.get(shop)
