"""Which of the other gateways' cases Apache httpd plays as they are, and what only it does: balancers whose workers are
in error state, health checks of its own, answers that it takes for HTTP/0.9, clients that it does not see leave."""

import time

from ..case import Fault, also, case
from ..upstreams import answer, raw, response, wants_more
from . import body, clean, connect, framing, gatewayside, notstatus, oneleg, placement  # noqa: F401  (register first)
from . import response as responses  # noqa: F401
from . import reuse, shapes, upload, wrongprotocol  # noqa: F401

also(
    "apache",
    "connect-refused/closed-port",
    "connect-refused/ipv6",
    "connect-refused/restart",
    "connect-refused/snapped",
    "connect-refused/any",
    "connect-refused/loopback",
    "connect-refused/one-of-many",
    "connect-refused/tls",
    "icmp-port-unreachable/host-filter",
    "icmp-admin-prohibited/router",
    "host-unreachable/icmp-host",
    "host-unreachable/neighbour",
    "connect-timeout/dropped",
    "connect-timeout/one-way",
    "accept-queue-overflow/syn-dropped",
    "accept-queue-overflow/established-unacknowledged",
    "reset-after-accept/linger",
    "reset-after-accept/far",
    "closed-before-response/worker-dies",
    "closed-before-response/worker-timeout",
    "clean/http-1.0-upstream",
    "closed-before-response/second-request",
    "closed-before-response/tls",
    "closed-before-response/upstream",
    "closed-before-response/begun-before-capture",
    "reset-before-response/worker-aborts",
    "reset-before-response/killed-in-queue",
    "reset-before-response/any",
    "reset-before-response/tls",
    "reset-before-response/snapped",
    "response-timeout/silence",
    "response-timeout/partial-head",
    "response-timeout/late-answer",
    "response-timeout/tls",
    "response-timeout/upstream",
    "response-timeout/begun-before-capture",
    "response-timeout/ipv6",
    "closed-mid-head/fin",
    "closed-mid-head/status-line-only",
    "closed-mid-head/tls-any",
    "reset-mid-head/rst",
    "reset-mid-head/busy-mix",
    "header-too-large/one-line",
    "header-too-large/upstream",
    "header-too-large/tls",
    "malformed-header/space-in-name",
    "malformed-header/no-colon",
    "malformed-header/control-byte",
    "malformed-status-line/garbage",
    "non-http-banner/mysql",
    "plaintext-to-tls-upstream/alert",
    "application-protocol-mismatch/http2-nginx",
    "conflicting-content-length/no-number",
    "bad-chunk-size/no-number",
    "bad-chunk-size/later",
    "bad-chunk-size/no-chunk-end",
    "truncated-body-fin/content-length",
    "truncated-body-fin/chunked",
    "truncated-body-fin/tls",
    "truncated-body-reset/chunked",
    "truncated-body-reset/any",
    "body-timeout/content-length",
    "body-timeout/chunked",
    "loss-stall-request/first-request",
    "loss-stall-request/path-breaks",
    "loss-stall-request/big-post",
    "loss-stall-response/hole",
    "loss-stall-response/hole-in-head",
    "loss-stall-response/path-breaks",
    "reset-during-upload/limit",
    "zero-window-stall/never-reads",
    "zero-window-stall/stops-reading",
    "stale-keepalive-reuse/fin-crosses-post",
    "stale-keepalive-reuse/rst-crosses-post",
    "stale-keepalive-reuse/get-zero-bytes",
    "stale-keepalive-reuse/begun-before-capture",
    "upstream-error-response/application-504",
    "upstream-error-response/inner-gateway",
    "upstream-error-response/tls-any",
    "no-upstream-attempt/unix-socket",
    "undetermined/client-leg",
    "undetermined/client-leg-cut",
    "clean/shop-traffic",
    "clean/idle-close",
    "clean/repaired-loss",
    "clean/repeated-syn",
    "clean/websocket",
    "clean/any-device",
    "clean/real-server-tls-front",
)

_ONLY = ("apache",)
_DEFAULT = {"apache": ""}  # retry=60, as where nothing is configured
_NO_FORCE = {"apache-balancer": ["ProxySet forcerecovery=Off"]}
_BALANCER = {"apache-balancer": []}


@case(
    "no-live-upstream",
    "worker-disabled",
    """The only member of a balancer (forcerecovery=Off) refuses a request, and httpd keeps it in error state: the next
    requests get a 503 without an attempt.""",
    gateways=_ONLY,
)
def worker_disabled(s):
    up = s.serve()
    dead = s.nobody(1)
    shop, cart = s.route(up), s.route(dead, server_options=_DEFAULT, lines=_NO_FORCE)
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "both-members-disabled",
    "Both members of a balancer refuse one request, which tries them in turn; the next ones get a 503 at once.",
    gateways=_ONLY,
)
def both_disabled(s):
    s.network(router=True)
    up = s.serve()
    dead, other = s.nobody(1), s.nobody(2)
    shop = s.route(up, keepalive=True)
    cart = s.route(dead, other, server_options=_DEFAULT, lines=_NO_FORCE)
    s.start()
    s.get(shop)
    s.post(cart, Fault("connect-refused", dead), Fault("connect-refused", other))
    for _ in range(2):
        s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "after-timeout",
    "The only member of a balancer times out once (failontimeout=On) and is then out of use.",
    gateways=_ONLY,
)
def fail_on_timeout(s):
    up, slow = s.serve(), s.serve(1, default=raw(b"", then="wait"))
    shop = s.route(up)
    balancer = {"apache-balancer": ["ProxySet failontimeout=On forcerecovery=Off"]}
    cart = s.route(slow, server_options=_DEFAULT, lines=balancer)
    s.start(read_s=2)
    s.get(shop)
    s.get(cart, Fault("response-timeout", slow))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "after-status",
    "The only member of a balancer answers 503 once (failonstatus=503) and is then out of use.",
    gateways=_ONLY,
)
def fail_on_status(s):
    up, sick = s.serve(), s.serve(1, default=answer("503 Service Unavailable", b"draining\n", after=0.01))
    shop = s.route(up)
    balancer = {"apache-balancer": ["ProxySet failonstatus=503 forcerecovery=Off"]}
    cart = s.route(sick, server_options=_DEFAULT, lines=balancer)
    s.start()
    s.get(shop)
    s.get(cart, Fault("upstream-error-response", sick, variant="application"))
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "hcheck-tcp",
    "The TCP health checks (mod_proxy_hcheck) of both members are refused; the balancer has nobody to ask.",
    gateways=_ONLY,
)
def hcheck_tcp(s):
    up = s.serve()
    dead, other = s.nobody(1), s.nobody(2)
    shop = s.route(up)
    cart = s.route(dead, other, server_options={"apache": "hcmethod=TCP hcinterval=1 hcfails=1"})
    s.start()
    time.sleep(2.5)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.post(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-live-upstream",
    "hcheck-page-503",
    "The health page of the only member answers 503 (mod_proxy_hcheck); the balancer has nobody to ask.",
    gateways=_ONLY,
)
def hcheck_page(s):
    up, sick = s.serve(), s.serve(1)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    shop = s.route(up, keepalive=True)
    checks = {"apache": "hcmethod=GET hcinterval=1 hcfails=1 hcuri=/healthz"}
    cart = s.route(sick, server_options=checks, lines=_BALANCER)
    s.start()
    time.sleep(2.5)
    s.get(shop)
    s.get(cart, Fault("no-live-upstream"))
    s.get(cart, Fault("no-live-upstream"))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "member-disabled",
    "The only member of the balancer is disabled in the configuration (status=+D); others serve.",
    gateways=_ONLY,
)
def member_disabled(s):
    up, other = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(other, server_options={"apache": "status=+D"}, lines=_BALANCER)
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "pool-full",
    "httpd may hold one connection to the server (max=1), a slow request has it, and the others wait 0.7 s in vain.",
    gateways=_ONLY,
)
def pool_full(s):
    up, narrow = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(narrow, server_options={"apache": "max=1 acquire=700"}, keepalive=True)
    s.start(read_s=8)
    s.get(shop)
    s.together(
        lambda: s.get(cart, do=answer(after=2.5), client=s.new_client()),
        lambda: s.get(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        lambda: s.post(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        gap=0.3,
    )
    s.get(shop)


@case(
    "connect-refused",
    "default-retry",
    "A server without a balancer refuses: httpd dials it for each request, whatever retry= says.",
    gateways=_ONLY,
)
def plain_default(s):
    s.network(one_way_ms=1)
    up = s.serve()
    dead = s.nobody(1)
    shop, cart = s.route(up), s.route(dead, server_options=_DEFAULT)
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead))
    s.post(cart, Fault("connect-refused", dead))
    s.get(shop)


@case(
    "connect-refused",
    "forced-recovery",
    "Both members of a balancer refuse; as all are in error state, httpd forces both back for each request.",
    gateways=_ONLY,
)
def forced(s):
    up = s.serve()
    dead, other = s.nobody(1), s.nobody(2)
    shop, cart = s.route(up), s.route(dead, other, server_options=_DEFAULT)
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead), Fault("connect-refused", other))
    s.post(cart, Fault("connect-refused", dead), Fault("connect-refused", other))
    s.get(shop)


@case(
    "connect-refused",
    "masked-by-failover",
    "One of two members refuses: the balancer asks the other one, and for 60 s no longer tries the first.",
    gateways=_ONLY,
)
def masked(s):
    up, dead = s.serve(1), s.nobody(0)
    shop = s.route(dead, up, server_options=_DEFAULT)
    s.start()
    s.get(shop, Fault("connect-refused", dead, severity="nearMiss"))
    s.get(shop)
    s.post(shop)
    s.get(shop)


@case(
    "connect-timeout",
    "masked-by-failover",
    "A filter drops the SYNs to one of two members: after its connect timer the balancer asks the other one.",
    gateways=_ONLY,
)
def masked_timeout(s):
    shut, up = s.serve(0), s.serve(1)
    shop = s.route(shut, up, server_options=_DEFAULT)
    s.host()[0].nft(f"table inet f {{ chain c {{ type filter hook input priority 0; tcp dport {shut.port} drop; }}; }}")
    s.start(connect_s=2)
    s.post(shop, Fault("connect-timeout", shut, severity="nearMiss"))
    s.get(shop)
    s.get(shop)


@case(
    "closed-before-response",
    "refused-then-closed",
    "One member of a balancer refuses, the other one takes the request and closes: every attempt failed.",
    gateways=_ONLY,
)
def two_causes(s):
    up, bad = s.serve(2), s.serve(1, default=raw(b"", after=0.11))
    dead = s.nobody(0)
    shop, cart = s.route(up), s.route(dead, bad)
    s.start()
    s.get(shop)
    for _ in range(2):
        s.get(cart, Fault("connect-refused", dead), Fault("closed-before-response", bad), client=s.new_client())
    s.get(shop)


@case(
    "closed-before-response",
    "no-failover",
    "Of two members one closes without an answer. httpd's balancer fails over for 503 only: the client gets a 502.",
    gateways=_ONLY,
)
def no_failover(s):
    s.network(one_way_ms=40)
    bad, up = s.serve(0, default=raw(b"", after=0.07)), s.serve(1)
    shop = s.route(bad, up)
    s.start()
    s.get(shop, Fault("closed-before-response", bad), client=s.new_client())
    s.get(shop)
    s.get(shop, Fault("closed-before-response", bad), client=s.client)
    s.get(shop)


@case(
    "upstream-error-response",
    "own-page",
    "The application answers 503 and 502; httpd (ProxyErrorOverride) replaces the pages and keeps the statuses.",
    gateways=_ONLY,
)
def own_page(s):
    up = s.serve()
    shop = s.route(up, lines={"apache": ["ProxyErrorOverride On"]})
    s.start()
    fault = Fault("upstream-error-response", up, variant="application")
    s.get(shop)
    s.get(shop, fault, do=answer("503 Service Unavailable", b"<h1>Back soon</h1>\n"))
    s.get(shop, do=answer("404 Not Found", b"no such page\n"))
    s.post(shop, fault, do=answer("502 Bad Gateway", b"payment provider failed\n", after=0.05))
    s.get(shop)


@case(
    "response-timeout",
    "far",
    "The server, 80 ms away, takes the request on a kept connection and says nothing; three clients wait.",
    gateways=_ONLY,
)
def far_silence(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=2)
    fault = Fault("response-timeout", up)
    s.get(shop)
    s.together(
        *[lambda client=s.new_client(): s.get(shop, fault, do=raw(b"", "wait"), client=client) for _ in range(3)],
        gap=0.15,
    )
    s.get(shop)


@case(
    "header-too-large",
    "field-size-raised",
    "ResponseFieldSize is 16384 and a cookie has 17000 bytes; one of 12000 passes.",
    gateways=_ONLY,
)
def field_size(s):
    up = s.serve()
    shop = s.route(up, server_options={"apache": "retry=0 responsefieldsize=16384"}, keepalive=True)
    s.start()
    s.get(shop, do=answer(headers=["Set-Cookie: cart=" + "9a" * 6000]))
    s.get(shop, Fault("header-too-large", up), do=answer(headers=["Set-Cookie: cart=" + "9a" * 8500]))
    s.get(shop)


@case(
    "client-abort",
    "waits-on",
    """The client closes while the server still works. httpd does not look for its client: it waits until its timer
    ends, and writes a 502 for nobody.""",
    gateways=_ONLY,
)
def waits_on(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=3)
    fault = Fault("client-abort", up)
    s.get(shop)
    s.get(shop, fault, do=raw(b"", then="wait"), leave_after=0.7)
    s.post(shop, fault, do=raw(b"", then="wait"), leave_after=1.1, client=s.new_client())
    time.sleep(2.5)
    s.get(shop)


@case(
    "client-abort",
    "answer-for-nobody",
    "The client resets its connection; the server answers a second later, and httpd has nobody to give it to.",
    gateways=_ONLY,
)
def answer_for_nobody(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=6)
    s.get(shop)
    fault = Fault("client-abort", up)
    s.get(shop, fault, do=answer(after=1.6), leave_after=0.5, leave_with="reset", client=s.new_client())
    time.sleep(1.6)
    s.get(shop)


@case(
    "clean",
    "answers-without-head",
    """The first bytes of the server are no status line but text: an SSH server's greeting, a traceback, a status of
    letters. httpd takes them for HTTP/0.9, and its client gets a 200 with all of them.""",
    gateways=_ONLY,
)
def http09(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", after=0.01), client=s.new_client())
    traceback = b"Traceback (most recent call last):\n  File \"app.py\", line 3\nKeyError: 'cart'\n\n"
    s.post(shop, do=raw(traceback, after=0.05), client=s.new_client())
    letters = b"HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\ndone\n"
    s.get(cart, do=raw(letters, hold=0.02), client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "hcheck",
    "Health checks of mod_proxy_hcheck, each second: connections without a request, and OPTIONS requests.",
    gateways=_ONLY,
)
def hcheck(s):
    up, other = s.serve(), s.serve(1)
    shop = s.route(up, other, server_options={"apache": "hcmethod=TCP hcinterval=1"})
    checks = {"apache": "hcmethod=OPTIONS hcinterval=1 hcuri=/healthz"}
    cart = s.route(other, server_options=checks, lines=_BALANCER)
    s.start()
    for _ in range(3):
        s.get(shop)
        s.post(cart)
        time.sleep(0.7)


@case(
    "clean",
    "large-head",
    "Forty cookies of 8 kB together in an answer's head: httpd limits the line, not the head.",
    gateways=_ONLY,
)
def large_head(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=answer(headers=[f"Set-Cookie: part{number}={'xyz' * 68}" for number in range(40)]))
    s.get(shop)


@case(
    "clean",
    "early-hints",
    "Nine 103 answers before the final one, the most that httpd takes; and a 102 that comes long before the answer.",
    gateways=_ONLY,
)
def early_hints(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=3)

    def hinted(connection, request):
        for number in range(9):
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style%d.css>; rel=preload\r\n\r\n" % number)
            time.sleep(0.02)
        connection.send(response())
        return wants_more(request)

    processing = [b"HTTP/1.1 102 Processing\r\n\r\n", 2.2, response()]
    s.get(shop, do=hinted)
    s.post(shop, do=raw(processing, then="keep"))
    s.get(shop)


@case(
    "clean",
    "odd-lengths",
    """The server announces the same length twice, a length together with chunks, and a transfer coding that nobody
    knows, and then closes. httpd takes them all.""",
    gateways=_ONLY,
)
def odd_lengths(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    body = b"12;37;99\n"
    for lines, data in (
        (("Content-Length: 9", "Content-Type: text/csv", "Content-Length: 9"), body),
        (("Content-Length: 9", "Transfer-Encoding: chunked"), b"9\r\n" + body + b"\r\n0\r\n\r\n"),
        (("Transfer-Encoding: gzip, identity",), body),
    ):
        head = "\r\n".join(["HTTP/1.1 200 OK", "Server: app/1.9", *lines]) + "\r\n\r\n"
        s.get(shop, do=raw(head.encode() + data))
    s.get(shop)


@case(
    "clean",
    "long-poll",
    "Three clients wait for events, TLS in front and 2 ms to the server; each answer comes just in time.",
    gateways=_ONLY,
)
def long_poll(s):
    s.network(one_way_ms=1)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=4, tls=True)
    s.get(shop)
    s.together(
        *[
            lambda after=after, client=s.new_client(): s.get(shop, do=answer(after=after), client=client)
            for after in (3.4, 2.9, 2.1)
        ],
        gap=0.2,
    )
    s.post(shop)


@case(
    "clean",
    "bodies-that-clients-leave",
    "Large and close-delimited answers, HEAD, 204 and 304, and the application's own 500, with `Connection: close`.",
    gateways=_ONLY,
)
def ends(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    close = ["Connection: close"]
    s.head(shop, headers=close)
    s.get(shop, do=answer(body=b"0123456789abcdef" * 700), headers=close)
    not_modified = raw(b'HTTP/1.1 304 Not Modified\r\nETag: "a1"\r\n\r\n', then="keep")
    s.get(shop, do=not_modified, headers=['If-None-Match: "a1"'])
    s.get(shop, do=raw(b"HTTP/1.1 204 No Content\r\nServer: app/1.9\r\n\r\n", then="keep"), headers=close)
    s.get(shop, do=answer("500 Internal Server Error", b"ouch: division by zero\n"))
    s.get(shop, do=raw([b"HTTP/1.0 200 OK\r\nServer: cgi/0.4\r\n\r\n", b"some text ", 0.1, b"and its end\n"]))


@case(
    "clean",
    "hcheck-fails-upstream",
    """The health page of one of two members answers 503 (mod_proxy_hcheck); the other one serves everybody. Only the
    upstream leg is captured.""",
    gateways=_ONLY,
)
def hcheck_fails(s):
    s.network(router=True)
    sick, up = s.serve(), s.serve(1)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    checks = {"apache": "hcmethod=GET hcinterval=1 hcfails=1 hcuri=/healthz"}
    shop = s.route(sick, up, server_options=checks, keepalive=True)
    s.start(capture="upstream")
    time.sleep(1.5)
    for _ in range(3):
        s.get(shop)
        time.sleep(0.3)
    s.post(shop)
