"""Resets in an end's name that something on the path made, and the refusals that look alike."""

import time

from ..case import Fault, also, case
from ..injector import Injector
from ..upstreams import answer, raw

_BODY = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 600\r\n\r\n" + b"0123456789" * 20
_REST = b"9876543210" * 40


def _forward(rule):
    return f"table inet filter {{ chain c {{ type filter hook forward priority 0; {rule}; }}; }}"


def _injector(s):
    """On the router: behind it every packet has one hop less."""
    injector = Injector(s.router, "eth1")
    s.on_close(injector.close)
    return injector


@case(
    "handshake-reset-by-firewall",
    "router",
    "A router's packet filter rejects one port of a host with TCP resets; another port of that host serves.",
)
def router(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} reject with tcp reset"))
    s.start()
    fault = Fault("handshake-reset-by-firewall", shut)
    s.get(shop)
    s.get(cart, fault)
    s.post(cart, fault)
    s.get(shop)


@case(
    "handshake-reset-by-firewall",
    "rule-comes-and-goes",
    "A port serves, is rejected by a router with TCP resets for a while, and serves again.",
)
def comes_and_goes(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    s.get(shop)
    s.post(shop)
    s.router.nft(_forward(f"tcp dport {up.port} tcp flags & (syn | ack) == syn reject with tcp reset"))
    s.post(shop, Fault("handshake-reset-by-firewall", up))
    s.get(shop, Fault("handshake-reset-by-firewall", up))
    s.router.nft_flush()
    s.get(shop)


@case("handshake-reset-by-firewall", "router-ipv6", "A router rejects one port with TCP resets; all over IPv6.")
def router_ipv6(s):
    s.network(router=True, ipv6=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up, keepalive=True), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} reject with tcp reset"))
    s.start()
    s.get(shop)
    s.post(cart, Fault("handshake-reset-by-firewall", shut))
    s.get(shop)


@case(
    "handshake-reset-by-firewall",
    "any-device",
    "A router rejects one port with TCP resets; captured on all interfaces.",
)
def router_any(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} reject with tcp reset"))
    s.start(capture="any")
    s.get(shop)
    s.get(cart, Fault("handshake-reset-by-firewall", shut))
    s.post(shop)


@case(
    "handshake-reset-by-firewall",
    "upstream-leg-only",
    "A router rejects one port with TCP resets; only the upstream leg is captured.",
    gateways=("nginx",),
)
def router_upstream(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} reject with tcp reset"))
    s.start(capture="upstream")
    for _ in range(2):
        s.get(shop)
        time.sleep(0.4)
        s.get(cart, Fault("handshake-reset-by-firewall", shut))
        time.sleep(0.4)


@case(
    "handshake-reset-by-firewall",
    "injected-beside",
    """A device beside the path answers the gateway's SYN with a reset of its own; the SYN reaches the server all the same,
    and its SYN-ACK comes too late.""",
)
def injected_beside(s):
    s.network(router=True, one_way_ms=4)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.start()
    device = Injector(s.router, "eth0")
    s.on_close(device.close)
    def on_segment(segment):
        if segment.target_port == shut.port and segment.flags == 2:
            device.send(
                (segment.target, segment.target_port),
                (segment.source, segment.source_port),
                0,
                segment.sequence + 1 & 0xFFFFFFFF,
                ttl=64,
                window=8192,
                identification=1,
            )

    device.on_segment = on_segment
    seen = set()

    def slow(outward, segment):
        """The server's first SYN-ACK is lost; the one that it repeats comes when all is over."""
        if outward or segment.source_port != shut.port or segment.flags != 0x12:
            return False
        key = segment.target_port, segment.sequence
        is_first = key not in seen
        seen.add(key)
        return is_first

    s.relay.drop = slow
    s.get(shop)
    s.get(cart, Fault("handshake-reset-by-firewall", shut))
    s.post(cart, Fault("handshake-reset-by-firewall", shut))
    s.get(shop)
    time.sleep(0.8)


@case(
    "connect-refused",
    "filter-on-the-host",
    """The upstream host's own packet filter rejects the port with TCP resets: nothing on the wire tells them from a closed
    port's.""",
)
def host_filter(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.host()[0].nft(
        f"table inet filter {{ chain c {{ type filter hook input priority 0; tcp dport {shut.port} reject with tcp reset; }}; }}"
    )
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", shut))
    s.post(cart, Fault("connect-refused", shut))
    s.get(shop)


@case(
    "connect-refused",
    "nothing-to-compare",
    "A router rejects a host with TCP resets, and the capture holds no other packet of that host.",
)
def no_baseline(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} reject with tcp reset"))
    s.start()
    s.get(shop)
    s.get(cart, Fault("connect-refused", shut))
    s.get(shop)


@case(
    "middlebox-reset",
    "router-rejects-requests",
    "A router lets handshakes to a port pass and answers requests with TCP resets; the server never sees them.",
)
def rejects_requests(s):
    s.network(router=True)
    up, shut = s.serve(), s.serve()
    shop, cart = s.route(up), s.route(shut)
    s.router.nft(_forward(f"tcp dport {shut.port} ip length > 80 reject with tcp reset"))
    s.start()
    fault = Fault("middlebox-reset", shut)
    s.get(shop)
    s.get(cart, fault)
    s.post(cart, fault)
    s.get(shop)


@case(
    "middlebox-reset",
    "slow-answers-cut",
    """A device on the path resets connections whose answer takes longer than a quarter of a second, towards the gateway only;
    the server answers all the same.""",
)
def slow_cut(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    device = _injector(s)
    fault = Fault("middlebox-reset", up)
    s.get(shop)
    for send in (s.get, s.post):
        device.after(0.25, up.port)
        send(shop, fault, do=answer(after=0.6))
        time.sleep(0.5)
    s.get(shop)


@case(
    "middlebox-reset",
    "both-peers",
    "A device on the path resets both peers in the middle of the body.",
)
def both_peers(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    device = _injector(s)
    s.get(shop)
    device.after(0.25, up.port, towards=("gateway", "upstream"), ttl=128, window=0, identification=7)
    s.get(shop, Fault("middlebox-reset", up), do=raw([_BODY, 0.8, _REST]))
    s.get(shop)


@case(
    "middlebox-reset",
    "same-hop-count",
    """A device resets the connection with the server's own hop count, and without the timestamp option that the connection
    uses; the server answers all the same.""",
)
def same_hops(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    device = _injector(s)
    s.get(shop)
    device.after(0.3, up.port, ttl=63, window=509, identification=31007)
    s.post(shop, Fault("middlebox-reset", up), do=answer(after=0.7), client=s.new_client())
    time.sleep(0.6)
    s.get(shop)


@case(
    "middlebox-reset",
    "seen-on-a-mirror",
    "A device resets both peers while the server works; captured on the upstream network's mirror port.",
)
def mirror(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start(capture="switch")
    device = _injector(s)
    s.get(shop)
    device.after(0.25, up.port, towards=("upstream", "gateway"), ttl=255, window=0, identification=4711)
    s.get(shop, Fault("middlebox-reset", up), do=answer(after=0.6))
    time.sleep(0.5)
    s.get(shop)


@case(
    "middlebox-reset",
    "upload-limit",
    "A router resets uploads at their first long segment; short requests pass.",
)
def upload_limit(s):
    s.network(router=True)
    s.gateway_host.plain_frames("eth1")
    up = s.serve()
    shop = s.route(up)
    s.router.nft(_forward(f"tcp dport {up.port} ip length > 1000 reject with tcp reset"))
    s.start()
    s.get(shop)
    s.post(shop)
    s.post(shop, Fault("middlebox-reset", up), size=9000)
    s.get(shop)


@case(
    "reset-before-response",
    "filter-on-the-host",
    """The upstream host's own filter lets the request in and, when the server's answer is due, the server itself aborts: the
    reset carries what only the live socket knows.""",
)
def own_abort(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop)
    s.post(shop, Fault("reset-before-response", up), do=raw(b"", then="reset", after=0.25), client=s.new_client())
    s.get(shop)


@case(
    "truncated-body-reset",
    "own-abort-behind-router",
    "The server aborts in the middle of the body, a router away: the reset is its own.",
)
def own_abort_body(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    s.get(shop)
    s.get(shop, Fault("truncated-body-reset", up), do=raw(_BODY, then="reset", hold=0.3))
    s.get(shop)


for _kind in ("apache", "caddy", "envoy"):
    also(
        _kind,
        "handshake-reset-by-firewall/router",
        "handshake-reset-by-firewall/rule-comes-and-goes",
        "handshake-reset-by-firewall/injected-beside",
        "connect-refused/filter-on-the-host",
        "connect-refused/nothing-to-compare",
        "middlebox-reset/router-rejects-requests",
        "middlebox-reset/slow-answers-cut",
        "middlebox-reset/both-peers",
        "middlebox-reset/same-hop-count",
        "middlebox-reset/seen-on-a-mirror",
        "middlebox-reset/upload-limit",
        "truncated-body-reset/own-abort-behind-router",
    )
