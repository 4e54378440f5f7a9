"""A link with a smaller MTU, and nobody says so."""

from ..case import Fault, also, case
from ..upstreams import answer, raw

_LONG = b"item=0123456789;" * 200


def _narrow(s, mtu, **network):
    """The link behind the router takes `mtu` bytes, and its ICMP errors are filtered."""
    s.network(router=True, **network)
    s.gateway_host.plain_frames("eth1")
    up = s.serve()
    s.host()[0].plain_frames("eth0")
    kind = "icmpv6 type packet-too-big" if s.ipv6 else "icmp type destination-unreachable"
    s.router.nft(f"table inet f {{ chain c {{ type filter hook output priority 0; {kind} drop; }}; }}")
    s.router.ip("link", "set", "eth1", "mtu", str(mtu))
    return up


@case(
    "pmtu-blackhole",
    "upload",
    "A link takes 1300 bytes and the router's ICMP error is filtered: small requests pass, long ones stall.",
)
def upload(s):
    up = _narrow(s, 1300)
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop)
    s.post(shop)
    s.post(shop, Fault("pmtu-blackhole", up), size=4000)
    s.get(shop, client=s.new_client())


@case("pmtu-blackhole", "upload-ipv6", "The same over IPv6, where the packet-too-big message is filtered.")
def upload_ipv6(s):
    up = _narrow(s, 1320, ipv6=True)
    shop = s.route(up)
    s.start(read_s=2)
    s.get(shop)
    s.post(shop, Fault("pmtu-blackhole", up), size=3500)
    s.get(shop, client=s.new_client())


@case(
    "pmtu-blackhole",
    "upload-on-kept-connection",
    "Small requests pass on a kept connection; a long one on it stalls at a narrow link.",
)
def upload_kept(s):
    up = _narrow(s, 1400)
    shop = s.route(up, keepalive=True, lines={"haproxy": ["http-reuse always"]})
    s.start(read_s=3)
    s.get(shop)
    s.get(shop)
    s.post(shop, Fault("pmtu-blackhole", up), size=6000, client=s.client)
    s.get(shop, client=s.new_client())


@case(
    "pmtu-blackhole",
    "upload-all-long",
    "The request fills the whole first window with long segments: nothing short follows them.",
)
def upload_long(s):
    up = _narrow(s, 1350)
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop)
    s.post(shop, Fault("pmtu-blackhole", up), size=20000)
    s.get(shop, client=s.new_client())


@case(
    "pmtu-blackhole",
    "download",
    "Answers longer than a link takes never arrive; short ones do. The router's ICMP error is filtered.",
)
def download(s):
    up = _narrow(s, 1300)
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop)
    s.get(shop, Fault("pmtu-blackhole", up), do=answer(body=_LONG[:3100]))
    s.get(shop, client=s.new_client())
    s.post(shop, Fault("pmtu-blackhole", up), do=answer(body=_LONG[:3000]), client=s.new_client())
    s.get(shop, client=s.new_client())


@case(
    "pmtu-blackhole",
    "download-after-head",
    "The head of the answer is sent by itself and arrives; the long segments of the body never do.",
)
def download_body(s):
    up = _narrow(s, 1300)
    shop = s.route(up)
    s.start(read_s=2)
    head = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 3000\r\n\r\n"
    s.get(shop)
    s.get(shop, Fault("pmtu-blackhole", up), do=raw([head, 0.1, _LONG[:3000]], then="wait"))
    s.get(shop, client=s.new_client())


@case(
    "pmtu-blackhole",
    "download-seen-upstream",
    "Long answers vanish on the way; captured on the upstream host, whose long segments repeat.",
)
def download_upstream(s):
    up = _narrow(s, 1300)
    shop = s.route(up)
    s.start(read_s=3, capture="upstream-host")
    s.get(shop)
    s.get(shop, Fault("pmtu-blackhole", up), do=answer(body=_LONG[:3100]))
    s.get(shop, client=s.new_client())


for _kind in ("apache", "caddy", "envoy"):
    also(
        _kind,
        "pmtu-blackhole/upload",
        "pmtu-blackhole/upload-all-long",
        "pmtu-blackhole/download",
    )
for _kind in ("apache", "envoy"):
    also(_kind, "pmtu-blackhole/download-after-head")  # Caddy has no read timer that would end it
