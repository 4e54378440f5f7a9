"""Connections that something forgot while they were idle."""

import time

from ..case import Fault, also, case

_REUSE = {"haproxy": ["http-reuse always"]}


def _forgetful(port, seconds, then):
    """A stateful filter whose entries live that long after the last packet of the gateway."""
    return f"""
    table inet f {{
        set flows {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout {seconds}s; }}
        chain c {{
            type filter hook forward priority 0;
            tcp dport {port} tcp flags & (syn | ack) == syn add @flows {{ ip saddr . tcp sport }} accept
            tcp dport {port} ip saddr . tcp sport @flows update @flows {{ ip saddr . tcp sport }} accept
            tcp dport {port} {then}
        }}
    }}"""


def _idle(s, seconds, then, **network):
    s.network(router=True, **network)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.router.nft(_forgetful(up.port, seconds, then))
    return up, shop


@case(
    "idle-state-expired",
    "silent",
    "A stateful filter forgets connections after two idle seconds and drops what follows; shorter gaps survive.",
)
def silent(s):
    up, shop = _idle(s, 2, "drop")
    s.start(read_s=3)
    s.get(shop)
    time.sleep(0.7)
    s.get(shop)
    time.sleep(3)
    s.post(shop, Fault("idle-state-expired", up, variant="silent", blame="firewall"))
    s.get(shop, client=s.new_client())


@case(
    "idle-state-expired",
    "silent-slow-path",
    "A stateful filter, 30 ms away, forgets connections after two idle seconds and drops what follows.",
)
def silent_far(s):
    up, shop = _idle(s, 2, "drop", one_way_ms=15)
    s.start(read_s=3)
    s.get(shop)
    s.get(shop)
    time.sleep(3.2)
    s.get(shop, Fault("idle-state-expired", up, variant="silent", blame="firewall"), client=s.client)
    s.get(shop, client=s.new_client())
    s.post(shop, client=s.new_client())


@case(
    "idle-state-expired",
    "reset-by-filter",
    "A stateful filter forgets connections after two idle seconds and answers what follows with TCP resets.",
)
def reset_filter(s):
    up, shop = _idle(s, 2, "reject with tcp reset")
    s.start()
    s.get(shop)
    time.sleep(0.8)
    s.post(shop)
    time.sleep(3)
    s.post(shop, Fault("idle-state-expired", up, variant="reset", blame="firewall"))
    s.get(shop, client=s.new_client())


@case(
    "idle-state-expired",
    "hidden-by-retry",
    "A stateful filter forgets an idle connection and resets it; nginx repeats the GET on a new one.",
    gateways=("nginx",),
)
def reset_hidden(s):
    up, shop = _idle(s, 1, "reject with tcp reset")
    s.start()
    s.get(shop)
    s.get(shop)
    time.sleep(2.2)
    s.get(shop, Fault("idle-state-expired", up, variant="reset", blame="firewall", severity="nearMiss"))
    s.get(shop)


@case(
    "idle-state-expired",
    "host-restarted",
    "The upstream's host loses all its connections without a word while they are idle, as in a restart, and serves on.",
)
def restarted(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start()
    s.get(shop)
    s.get(shop)
    time.sleep(1.2)
    forget(s, up)
    s.post(shop, Fault("idle-state-expired", up, variant="reset", blame="network"))
    s.get(shop, client=s.new_client())


def forget(s, up):
    """Ends the server's connections while its host cannot say so."""
    namespace = s.host()[0]
    namespace.nft(f"table inet f {{ chain c {{ type filter hook output priority 0; tcp sport {up.port} drop; }}; }}")
    if up.close_idle(reset=True) == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(0.1)
    namespace.nft_flush()


@case(
    "idle-state-expired",
    "same-hop-filter",
    "The upstream host's own filter forgets connections after two idle seconds and resets what follows.",
)
def host_filter(s):
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    rules = _forgetful(up.port, 2, "reject with tcp reset").replace("hook forward", "hook input")
    s.host()[0].nft(rules)
    s.start()
    s.get(shop)
    s.get(shop)
    time.sleep(3)
    s.post(shop, Fault("idle-state-expired", up, variant="reset", blame="network"))
    s.get(shop, client=s.new_client())


for _kind in ("apache", "caddy", "envoy"):
    also(
        _kind,
        "idle-state-expired/silent",
        "idle-state-expired/reset-by-filter",
        "idle-state-expired/host-restarted",
    )
