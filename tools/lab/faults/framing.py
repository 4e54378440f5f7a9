"""Answers whose length contradicts itself or whose chunks are broken, and legal ones that the gateway refuses."""

from ..case import Fault, case
from ..upstreams import answer, raw


def _head(*lines):
    return ("\r\n".join(["HTTP/1.1 200 OK", "Server: app/1.9", *lines]) + "\r\n\r\n").encode()


_DIFFERENT = _head("Content-Length: 12", "Content-Length: 9") + b"12;37;99\n"
_SAME = _head("Content-Length: 9", "Content-Type: text/csv", "Content-Length: 9") + b"12;37;99\n"
_NO_NUMBER = _head("Content-Length: 9 bytes") + b"12;37;99\n"
_NEGATIVE = _head("Content-Length: -1") + b"12;37;99\n"
_BOTH = _head("Content-Length: 9", "Transfer-Encoding: chunked") + b"9\r\n12;37;99\n\r\n0\r\n\r\n"
_CODING = _head("Transfer-Encoding: gzip, identity") + b"12;37;99\n"


def _around(s, shop, *calls):
    s.get(shop)
    for call in calls:
        call()
    s.post(shop)
    s.get(shop)


@case(
    "conflicting-content-length",
    "different",
    "The server announces two different lengths; HAProxy refuses.",
    gateways=("haproxy",),
)
def different(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("conflicting-content-length", up)
    # Held open, so that nobody but the gateway ends the exchange.
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(_DIFFERENT, then="wait")),
        lambda: s.post(shop, fault, do=raw(_DIFFERENT, after=0.12)),
    )


@case(
    "conflicting-content-length",
    "no-number",
    "The server announces a length that is no number; HAProxy refuses.",
    gateways=("haproxy",),
)
def no_number(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("conflicting-content-length", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(_NO_NUMBER, then="wait")),
        lambda: s.get(shop, fault, do=raw(_NEGATIVE, then="wait", after=0.05)),
    )


@case(
    "conflicting-content-length",
    "unknown-coding",
    "The server names a transfer coding that nobody knows; HAProxy refuses.",
    gateways=("haproxy",),
)
def unknown_coding(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("conflicting-content-length", up)
    _around(s, shop, lambda: s.get(shop, fault, do=raw(_CODING, then="wait")))


@case(
    "clean",
    "lengths-accepted",
    """The server announces two lengths, equal ones and different ones, none that is a number, and a length together
    with chunks. nginx before 1.23 takes them all, and its client gets what it read.""",
    gateways=("nginx",),
)
def accepted_nginx(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(up, keepalive=True)
    s.start()
    _around(
        s,
        shop,
        *[lambda data=data: s.get(shop, do=raw(data)) for data in (_SAME, _DIFFERENT, _NO_NUMBER)],
        *[lambda data=data: s.get(cart, do=raw(data)) for data in (_SAME, _BOTH, _DIFFERENT)],
    )


@case(
    "clean",
    "lengths-accepted",
    """The server announces the same length twice, and a length together with chunks. HAProxy takes both, and its
    client gets what it read.""",
    gateways=("haproxy",),
)
def accepted_haproxy(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    _around(s, shop, *[lambda data=data: s.get(shop, do=raw(data)) for data in (_SAME, _BOTH, _SAME)])


_CHUNKED = _head("Transfer-Encoding: chunked")
_GOOD = b"9\r\n12;37;99\n\r\n" * 12


@case("bad-chunk-size", "no-number", "The first chunk's size is no number, in one segment with the head.")
def bad_first_chunk(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("bad-chunk-size", up)
    data = _CHUNKED + b"size=9\r\n12;37;99\n\r\n0\r\n\r\n"
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(data, then="wait")),
        lambda: s.post(shop, fault, do=raw(data, after=0.1)),
    )


@case("bad-chunk-size", "later", "After some chunks, in a later segment, the application writes text without a size.")
def bad_later_chunk(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=2)
    fault = Fault("bad-chunk-size", up)
    data = [_CHUNKED + _GOOD, 0.3, b"Traceback (most recent call last):\n  File app.py\n"]
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(data, then="wait")),
        lambda: s.get(shop, fault, do=raw(data, then="wait"), client=s.new_client()),
    )


@case("bad-chunk-size", "no-chunk-end", "A chunk is longer than its size says, so that its end is missing.")
def no_chunk_end(s):
    s.network(one_way_ms=4)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("bad-chunk-size", up)
    data = [_CHUNKED + _GOOD, 0.2, b"5\r\n12;37;99\n\r\n0\r\n\r\n"]
    _around(s, shop, lambda: s.post(shop, fault, do=raw(data, then="wait")))


@case(
    "gateway-rejected-response",
    "deny",
    "A rule of the gateway (`http-response deny`) refuses answers with a certain header.",
    gateways=("haproxy",),
)
def deny(s):
    up = s.serve()
    shop = s.route(up, lines={"haproxy": ["http-response deny if { res.hdr(X-Internal) -m found }"]})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    reply = answer(headers=["X-Internal: 1"], body=b"12;37;99\n" * 4)
    _around(s, shop, lambda: s.get(shop, fault, do=reply), lambda: s.post(shop, fault, do=reply))


@case(
    "gateway-rejected-response",
    "deny-status",
    "A rule of the gateway makes a 503 of each 404 and each over-long answer of the upstream.",
    gateways=("haproxy",),
)
def deny_status(s):
    s.network(router=True)
    up = s.serve()
    rule = "http-response deny deny_status 503 if { status 404 } or { res.hdr_val(content-length) gt 400 }"
    shop = s.route(up, keepalive=True, lines={"haproxy": [rule]})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=answer("404 Not Found", after=0.08)),
        lambda: s.get(shop, fault, do=answer(body=b"12;37;99\n" * 60), client=s.new_client()),
    )


@case(
    "gateway-rejected-response",
    "error-page",
    "The gateway (`proxy_intercept_errors`) makes a 503 page of the upstream's 429, and a 502 page of its 403.",
    gateways=("nginx",),
)
def error_page(s):
    up = s.serve()
    lines = ["proxy_intercept_errors on;", "error_page 429 =503 /busy.html;", "error_page 403 =502 /busy.html;"]
    shop = s.route(up, lines={"nginx": lines})
    (s.folder / "pages").mkdir()
    (s.folder / "pages" / "busy.html").write_text("<p>We are busy. Please come back later.</p>\n")
    s.start(lines={"nginx": [f"root {s.folder}/pages;"]})
    fault = Fault("gateway-rejected-response", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=answer("429 Too Many Requests")),
        lambda: s.post(shop, fault, do=answer("403 Forbidden", after=0.07)),
    )


@case(
    "gateway-rejected-response",
    "cacheable-cookie",
    "`option checkcache` refuses answers that a cache may keep and that set a cookie.",
    gateways=("haproxy",),
)
def cacheable_cookie(s):
    up = s.serve()
    shop = s.route(up, lines={"haproxy": ["option checkcache"]})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    reply = answer(headers=["Cache-Control: public, max-age=60", "Set-Cookie: session=1f0c; Path=/"])
    private = answer(headers=["Cache-Control: private", "Set-Cookie: session=1f0c; Path=/"])
    _around(s, shop, lambda: s.get(shop, do=private), lambda: s.get(shop, fault, do=reply, client=s.new_client()))
    s.get(shop, fault, do=reply, client=s.new_client())


@case(
    "gateway-rejected-response",
    "internal-redirect",
    "The application hands over to a file (`X-Accel-Redirect`), and nginx is told to answer 503 there.",
    gateways=("nginx",),
)
def internal_redirect(s):
    up = s.serve()
    lines = ["location /internal/ { internal; return 503; }"]
    shop = s.route(up)
    other = s.route(up, keepalive=True, lines={"nginx": ["}", *lines, "location /unused/ {"]})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    reply = answer(headers=["X-Accel-Redirect: /internal/report.csv"], body=b"")
    _around(s, shop, lambda: s.get(other, fault, do=reply), lambda: s.get(shop, fault, do=reply, client=s.new_client()))


@case(
    "conflicting-content-length",
    "one-leg",
    "The server announces two different lengths, and HAProxy refuses; only the upstream leg is captured.",
    gateways=("haproxy",),
)
def different_one_leg(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="upstream")
    fault = Fault("conflicting-content-length", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(_DIFFERENT, then="wait"), client=s.new_client()),
        lambda: s.get(shop, fault, do=raw(_NEGATIVE, then="wait"), client=s.new_client()),
    )


@case(
    "conflicting-content-length",
    "any-device",
    "Several clients at once get a 502 for an answer whose length is no number; captured on `any`.",
    gateways=("haproxy",),
)
def no_number_any(s):
    s.network(one_way_ms=2)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="any")
    fault = Fault("conflicting-content-length", up)
    s.get(shop)
    s.together(
        *[lambda: s.get(shop, fault, do=raw(_NO_NUMBER, then="wait"), client=s.new_client()) for _ in range(3)], gap=0.05
    )
    s.get(shop)
