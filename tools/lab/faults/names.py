"""Upstreams whose name does not resolve, and names that look as if."""

import time

from ..case import Fault, also, case
from ..upstreams import answer

_NGINX = "ipv6=off valid=1s"


def _dead(s, word, capture="both", requests=3, settle=1.5, nginx="ipv6=off; resolver_timeout 2s", **start):
    """A route by name that resolves to nothing, beside one that works."""
    up = s.serve()
    dns = s.name_server()
    name = f"{s.random.choice(('app', 'backend', 'api', 'web'))}.{s.random.choice(('internal', 'lan', 'corp'))}"
    port = s.random.choice((8080, 3000, 9000))
    if word == "unreachable":
        dns.close()
    else:
        dns.set(name, a=word, aaaa=word)
    shop = s.route(up)
    cart = s.route(f"{name}:{port}", resolver=dns, server_options={"nginx": nginx})
    s.start(capture=capture, **start)
    time.sleep(settle)
    fault = Fault("dns-failure", variant=word if word != "silent" else "timeout", upstream_name=name)
    s.get(shop)
    for number in range(requests):
        (s.post if number % 2 else s.get)(cart, fault)
        if number == 0:
            s.get(shop)
    s.get(shop)


@case("dns-failure", "nxdomain", "The upstream's name does not exist; another upstream works.")
def nxdomain(s):
    _dead(s, "nxdomain")


@case("dns-failure", "nodata", "The upstream's name exists and has no address of any kind; captured on all interfaces.")
def nodata(s):
    _dead(s, "nodata", capture="any", nginx="; resolver_timeout 2s")


@case("dns-failure", "servfail", "The name server answers SERVFAIL for the upstream's name, behind a router.")
def servfail(s):
    s.network(router=True)
    _dead(s, "servfail")


@case("dns-failure", "refused", "The name server refuses to answer for the upstream's name; two addresses families asked.")
def refused(s):
    _dead(s, "refused", nginx="; resolver_timeout 2s")


@case("dns-failure", "silent-name-server", "The name server never answers.")
def silent(s):
    _dead(s, "silent", requests=2, settle=4)


@case("dns-failure", "no-name-server", "Nothing listens on the name server's port: ICMP port unreachable.")
def unreachable(s):
    _dead(s, "unreachable", requests=2, settle=4)


@case("dns-failure", "upstream-leg-only", "The upstream's name does not exist; the client's leg was not captured.", gateways=("nginx",))
def upstream_leg(s):
    _dead(s, "nxdomain", capture="upstream", nginx="; resolver_timeout 2s")


@case(
    "dns-failure",
    "upstream-leg-servfail",
    "The name server answers SERVFAIL, and is asked a second time each; the client's leg was not captured.",
    gateways=("caddy",),
)
def upstream_leg_servfail(s):
    _dead(s, "servfail", capture="upstream")


@case("dns-failure", "only-name", "Every request needs a name that does not exist; nothing else goes upstream.")
def only(s):
    s.host()
    dns = s.name_server()
    name = "payments.internal"
    cart = s.route(f"{name}:8080", resolver=dns, server_options={"nginx": "ipv6=off; resolver_timeout 2s"})
    s.start()
    time.sleep(1.5)
    fault = Fault("dns-failure", variant="nxdomain", upstream_name=name)
    s.get(cart, fault)
    s.post(cart, fault)
    s.get(cart, fault)


@case("dns-failure", "name-vanishes", "The upstream's name resolves at first, and then no more.")
def vanishes(s):
    up, gone = s.serve(), s.serve(1)
    dns = s.name_server()
    name = "catalog.internal"
    dns.set(name, a=[gone.host], ttl=1)
    shop = s.route(up)
    cart = s.route(f"{name}:{gone.port}", resolver=dns, server_options={"nginx": _NGINX + "; resolver_timeout 2s"})
    s.start()
    time.sleep(1.5)
    s.get(shop)
    s.get(cart)
    s.get(cart)
    dns.set(name, a="nxdomain", aaaa="nxdomain")
    time.sleep(4.5)
    fault = Fault("dns-failure", variant="nxdomain", upstream_name=name)
    s.get(cart, fault)
    s.get(shop)
    s.post(cart, fault)


def _moved(s, cause, silent=False, rotate=False, capture="both"):
    """One route took its server's address at the start, another asks for it all the time, and the name moves."""
    up = s.serve()
    old = s.serve(1)
    new = s.serve(2, port=old.port)
    dns = s.name_server()
    name = "catalog.internal"
    dns.set(name, a=[old.host], ttl=1)
    shop = s.route(up)
    # Caddy and Envoy are told not to ask again soon; httpd asks for every new connection.
    fixed = s.route(
        f"{name}:{old.port}",
        lines={"caddy": [f"dynamic a {{\nname {name}\nport {old.port}\nrefresh 10m\n}}"]},
        server_options={
            "envoy": {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED", "dns_refresh_rate": "600s"},
        },
    )
    asking = s.route(f"{name}:{old.port}", resolver=dns, server_options={"nginx": "ipv6=off valid=1s"})
    s.start(capture=capture)
    time.sleep(1.2)
    s.get(shop)
    s.get(asking)
    s.get(fixed)
    dns.set(name, a=[[new.host], [old.host]] if rotate else [new.host], ttl=1)
    if silent:
        old_host = s.host(1)[0]
        old_host.nft(f"table inet f {{ chain c {{ type filter hook input priority 0; tcp dport {old.port} drop; }}; }}")
    else:
        old.stop_listening()
    time.sleep(2.2)
    if not rotate:
        s.get(asking)
    s.get(fixed, Fault(cause, old, upstream_name=None if rotate else name))
    s.post(fixed, Fault(cause, old, upstream_name=None if rotate else name))
    s.get(shop)
    time.sleep(2.2)
    if not rotate:
        s.get(asking)
    s.get(shop)


@case("stale-address", "moved", "The upstream's name has another address by now; the gateway dials the one it had at its start.")
def moved(s):
    _moved(s, "stale-address")


@case("stale-address", "moved-silent", "As before, and the old address drops what comes; captured on all interfaces.")
def moved_silent(s):
    _moved(s, "stale-address", silent=True, capture="any")


@case("stale-address", "moved-upstream-leg", "As the first, and the client's leg was not captured.", gateways=("nginx",))
def moved_upstream_leg(s):
    _moved(s, "stale-address", capture="upstream")


@case(
    "connect-refused",
    "answers-rotate",
    "The name server gives one of two addresses in turn; one of them refuses. No address is stale.",
    gateways=("haproxy",),
)
def rotate(s):
    _moved(s, "connect-refused", rotate=True)


@case("clean", "names-resolve", "Upstreams by name: AAAA has no data, one query is lost and resent, another answer comes late.")
def resolve(s):
    up, other = s.serve(), s.serve(1)
    dns = s.name_server()
    dns.set("app.internal", a=[up.host], aaaa="nodata", ttl=1)
    dns.set("slow.internal", a=[other.host], aaaa="servfail", ttl=60, after=0.4)
    shop = s.route(f"app.internal:{up.port}", resolver=dns, server_options={"nginx": "valid=1s"})
    cart = s.route(f"slow.internal:{other.port}", resolver=dns, server_options={"nginx": "ipv6=off"})
    s.start()
    time.sleep(2.5)
    s.get(shop)
    s.get(cart)
    time.sleep(1.5)
    s.get(shop)
    s.post(cart)
    s.get(shop, do=answer("404 Not Found", b"nothing here\n"))


@case("clean", "truncated-then-tcp", "The name server's UDP answers are truncated: the gateway asks again over TCP.", gateways=("nginx",))
def truncated(s):
    up = s.serve()
    dns = s.name_server()
    dns.set("app.internal", a=[up.host], ttl=1, truncated=True)
    shop = s.route(f"app.internal:{up.port}", resolver=dns, server_options={"nginx": "ipv6=off valid=1s"})
    s.start()
    s.get(shop)
    time.sleep(1.3)
    s.post(shop)
    s.get(shop)


for _kind in ("caddy", "envoy"):
    also(_kind, "stale-address/moved", "stale-address/moved-silent")
_DEAD = ["nxdomain", "nodata", "servfail", "refused", "silent-name-server", "no-name-server", "only-name"]
for _kind in ("apache", "caddy"):
    also(_kind, *[f"dns-failure/{name}" for name in _DEAD], "clean/names-resolve")
# Envoy does not listen before its first lookups have an end.
also("envoy", *[f"dns-failure/{name}" for name in _DEAD if name != "silent-name-server"], "clean/names-resolve")
