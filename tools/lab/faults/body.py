"""The head arrived and the body did not; or packets of the request or the response were lost for good."""

import time

from ..case import Fault, case
from ..upstreams import raw


def _around(s, shop, *calls):
    s.get(shop)
    s.post(shop)
    for call in calls:
        call()
    s.get(shop)


_SHORT = (
    b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Type: text/csv\r\nContent-Length: 900\r\n\r\n" + b"12;37;99\n" * 40
)
_CHUNKED = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nTransfer-Encoding: chunked\r\n\r\n" + b"9\r\n12;37;99\n\r\n" * 20


@case("truncated-body-fin", "content-length", "The server closes after 360 of the 900 bytes that it announced.")
def short(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("truncated-body-fin", up)
    _around(s, shop, lambda: s.get(shop, fault, do=raw(_SHORT)), lambda: s.post(shop, fault, do=raw(_SHORT, hold=0.2)))


@case("truncated-body-fin", "chunked", "The server closes without the last chunk.")
def short_chunked(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("truncated-body-fin", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw([_CHUNKED, 0.3, b"5\r\nlast\n\r\n"])),
        lambda: s.get(shop, fault, do=raw([_CHUNKED + b"40\r\nhalf of a chu"])),
    )


@case("truncated-body-reset", "content-length", "The server aborts after part of the body that it announced.")
def cut(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("truncated-body-reset", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(_SHORT, then="reset", hold=0.15)),
        lambda: s.post(shop, fault, do=raw(_SHORT, then="reset", hold=0.4)),
    )


@case("truncated-body-reset", "chunked", "The server aborts between two chunks.")
def cut_chunked(s):
    s.network(one_way_ms=5)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    _around(s, shop, lambda: s.get(shop, Fault("truncated-body-reset", up), do=raw(_CHUNKED, then="reset", hold=0.3)))


@case("body-timeout", "content-length", "The body stops in the middle until the gateway gives up.")
def stalled(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=2)
    fault = Fault("body-timeout", up)
    _around(s, shop, lambda: s.get(shop, fault, do=raw(_SHORT, then="wait")))


@case("body-timeout", "chunked", "The chunks stop until the gateway gives up.")
def stalled_chunked(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=3)
    fault = Fault("body-timeout", up)
    s.get(shop)
    s.together(
        lambda: s.get(shop, fault, do=raw([_CHUNKED, 0.4, b"5\r\ntick\n\r\n"], then="wait"), client=s.new_client()),
        lambda: s.post(shop, fault, do=raw(_CHUNKED, then="wait"), client=s.new_client()),
        gap=0.2,
    )
    s.get(shop)


@case(
    "loss-stall-request",
    "first-request",
    "A device on the way passes the handshake and loses the gateway's request, every time.",
)
def lost_request(s):
    s.network(router=True)
    up, far = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(far)
    s.router.nft(
        "table inet f { chain c { type filter hook forward priority 0; "
        f"tcp dport {far.port} ip length > 100 drop; }}; }}"
    )
    s.start(read_s=3)
    fault = Fault("loss-stall-request", far)
    _around(s, shop, lambda: s.get(cart, fault))
    s.post(cart, fault)


@case(
    "loss-stall-request",
    "path-breaks",
    "The path breaks for what the gateway sends, between two requests half a second apart on one connection.",
)
def lost_later(s):
    s.network(one_way_ms=8)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=5)
    s.get(shop)
    s.get(shop)
    time.sleep(0.5)
    s.relay.drop = lambda outward, segment: outward and segment.target_port == up.port and not segment.flags & 2
    s.post(shop, Fault("loss-stall-request", up))
    s.relay.drop = None
    s.get(shop, client=s.new_client())


@case(
    "loss-stall-request",
    "big-post",
    "Of a request in several segments the first one arrives and the rest is lost, every time.",
)
def lost_rest(s):
    s.network(one_way_ms=3)
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop)
    first = set()

    def drop(outward, segment):
        if not outward or not segment.payload or segment.target_port != up.port:
            return False
        if segment.payload.startswith(b"POST") or segment.sequence in first:
            first.add(segment.sequence)
            return False
        return True

    s.relay.drop = drop
    s.post(shop, Fault("loss-stall-request", up), size=4000)
    s.relay.drop = None
    s.get(shop, client=s.new_client())


_WIDE = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 7000\r\n\r\n" + b"0123456789" * 700


@case("loss-stall-response", "hole", "One segment of the response is lost, every time; what follows it arrives.")
def hole(s):
    s.network(one_way_ms=5)
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop)
    lost = {}

    def drop(outward, segment):
        if outward or segment.source_port != up.port or len(segment.payload) < 1000:
            return False
        seen = lost.setdefault(segment.target_port, [])
        if segment.sequence not in seen:
            seen.append(segment.sequence)
        return len(seen) > 2 and segment.sequence == seen[2]

    s.relay.drop = drop
    s.get(shop, Fault("loss-stall-response", up), do=raw(_WIDE, hold=0.1))
    s.get(shop, Fault("loss-stall-response", up), do=raw(_WIDE, then="wait"), client=s.new_client())
    s.relay.drop = None
    s.get(shop, client=s.new_client())


@case(
    "loss-stall-response",
    "hole-in-head",
    "The first segment of the response is lost, every time; the second one arrives.",
)
def hole_first(s):
    s.network(one_way_ms=7)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=2)
    s.get(shop)
    s.relay.drop = lambda outward, segment: not outward and b"Content-Length: 7000" in segment.payload
    s.post(shop, Fault("loss-stall-response", up), do=raw(_WIDE, then="wait"))
    s.relay.drop = None
    s.get(shop, client=s.new_client())


@case(
    "loss-stall-response",
    "seen-upstream",
    """The response is lost behind the capture, which is taken on the upstream host: it repeats and is never
    acknowledged.""",
)
def lost_seen_upstream(s):
    s.network(one_way_ms=4)
    up = s.serve()
    shop = s.route(up)
    s.start(capture="upstream-host", read_s=3)
    s.get(shop)
    s.relay.drop = lambda outward, segment: not outward and len(segment.payload) > 600
    s.get(shop, Fault("loss-stall-response", up), do=raw(_WIDE, then="wait"))
    s.relay.drop = None
    s.get(shop, client=s.new_client())


@case(
    "loss-stall-response",
    "path-breaks",
    "In the middle of the body the path breaks in both directions: the gateway's own end goes unacknowledged.",
    gateways=("nginx",),
)
def path_breaks(s):
    _break_path(s, "both")


# HAProxy ends by RST, which nothing acknowledges: only the upstream's side shows that the path is broken.
@case(
    "loss-stall-response",
    "path-breaks-seen-upstream",
    """In the middle of the body the path breaks in both directions; captured on the upstream host, whose data repeats
    and is never acknowledged.""",
)
def path_breaks_upstream(s):
    _break_path(s, "upstream-host")


def _break_path(s, where):
    s.network(one_way_ms=6)
    up = s.serve()
    shop = s.route(up)
    s.start(capture=where, read_s=3)
    s.get(shop)
    parts = [_SHORT, 0.4, b"13;38;98\n" * 60]
    broken = []

    def breaks():
        time.sleep(0.25)
        s.relay.drop = lambda outward, segment: segment.source_port == up.port or segment.target_port == up.port
        broken.append(True)

    s.together(lambda: s.get(shop, Fault("loss-stall-response", up), do=raw(parts, then="wait")), breaks)
    time.sleep(2.5)
    s.relay.drop = None
    s.get(shop, client=s.new_client())
