"""State that routers and hosts keep of connections, and lose: real connection tracking, emptied tables, hosts replaced."""

import time

from ..case import Fault, also, case
from ..network import run
from ..upstreams import answer, raw
from .idle import _REUSE

# `conntrack` in strict mode: what belongs to no entry and is no SYN is "new" or "invalid", and no opening.
_STATEFUL = """
table inet f {{
    chain c {{
        type filter hook forward priority 0;
        ct state established,related accept
        tcp flags & (syn | ack) == syn ct state new accept
        meta l4proto tcp {then}
    }}
}}"""


def _stateful(s, then, **network):
    s.network(router=True, **network)
    s.router.sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    s.router.nft(_STATEFUL.format(then=then))


def _flush(s):
    run(*s.router.command("conntrack", "-F"))


def _forgotten(s, fault, idle_s, tls=False):
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start(read_s=3, tls=tls)
    s.get(shop)
    time.sleep(0.4)
    s.get(shop)
    time.sleep(idle_s)
    _flush(s)
    s.post(shop, fault(up))
    s.get(shop, client=s.new_client())


@case(
    "idle-state-expired",
    "conntrack-flushed-reject",
    "A stateful firewall's connection table is emptied while the gateway's connection is idle; it resets what it does not know.",
)
def flushed_reject(s):
    _stateful(s, "reject with tcp reset")
    _forgotten(s, lambda up: Fault("idle-state-expired", up, variant="reset", blame="firewall"), 1.3)


@case(
    "idle-state-expired",
    "conntrack-flushed-drop",
    "A stateful firewall's connection table is emptied while the gateway's connection is idle; it drops what it does not know.",
)
def flushed_drop(s):
    _stateful(s, "drop", one_way_ms=1)
    _forgotten(s, lambda up: Fault("idle-state-expired", up, variant="silent", blame="firewall"), 1.6)


@case(
    "idle-state-expired",
    "conntrack-flushed-reject-tls",
    "The same with clients over TLS, a millisecond away.",
)
def flushed_reject_tls(s):
    _stateful(s, "reject with tcp reset", one_way_ms=1)
    _forgotten(s, lambda up: Fault("idle-state-expired", up, variant="reset", blame="firewall"), 1.9, tls=True)


@case(
    "idle-state-expired",
    "nat-flushed",
    """A router translates the gateway's address and loses its table while a connection is idle: the next request leaves with
    another port, and the upstream's host knows no such connection.""",
)
def nat_flushed(s):
    s.network(router=True)
    s.router.nft("table ip n { chain c { type nat hook postrouting priority 100; oifname eth1 masquerade random; }; }")
    _forgotten(s, lambda up: Fault("idle-state-expired", up, variant="reset", blame="network"), 1.2)


@case(
    "idle-state-expired",
    "host-replaced",
    """The upstream's address moves to another host, of another make, while a connection is idle; the new host knows no such
    connection and serves on.""",
)
def host_replaced(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start()
    s.get(shop)
    time.sleep(0.3)
    s.get(shop)
    time.sleep(1.1)
    _replace(s, up)
    s.post(shop, Fault("idle-state-expired", up, variant="reset", blame="network"))
    s.get(shop, client=s.new_client())


def _replace(s, up):
    """Another host takes over the upstream's address and port."""
    namespace, address = s.host()
    namespace.ip("addr", "del", address + s._mask, "dev", "eth0")
    up.stop_listening()
    del s._hosts[0]
    other = s.net.host("v0")
    s.net.plug(s.switch, "q1", other, "eth0")
    other.sysctl("net.ipv4.ip_default_ttl", 128)
    s._address(other, "eth0", address)
    other.ip("route", "add", "default", "via", s._far + "254")
    s.router.ip("neigh", "flush", "dev", "eth1")
    s._hosts[0] = other, address
    s.serve(port=up.port)


@case(
    "clean",
    "interface-recreated",
    "The upstream host's interface is taken away and made anew while a connection is idle: its sockets live on.",
)
def recreated(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start()
    s.get(shop)
    time.sleep(1.0)
    namespace, address = s.host()
    s.switch.ip("link", "del", "p1")
    s.net.plug(s.switch, "p1", namespace, "eth0")
    s._address(namespace, "eth0", address)
    namespace.ip("route", "add", "default", "via", s._far + "254")
    s.router.ip("neigh", "flush", "dev", "eth1")
    s.post(shop)
    s.get(shop)


@case(
    "clean",
    "nat-table-flushed",
    "A router that keeps the port of what it translates loses its table while a connection is idle, and takes it up again.",
)
def nat_kept(s):
    s.network(router=True)
    s.router.nft("table ip n { chain c { type nat hook postrouting priority 100; oifname eth1 masquerade; }; }")
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start()
    s.get(shop)
    time.sleep(1.0)
    _flush(s)
    s.post(shop)
    s.get(shop)


@case(
    "reset-before-response",
    "seen-on-a-router",
    "Captured on all interfaces of a router, cut at 96 bytes: each packet twice, a hop apart. The server aborts by itself.",
)
def on_router(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start(capture="router-any", snap=96)
    s.get(shop)
    time.sleep(0.4)
    s.get(shop, Fault("reset-before-response", up), do=raw(b"", then="reset", after=0.25))
    time.sleep(0.4)
    s.get(shop)


@case(
    "connect-refused",
    "seen-on-a-router",
    "Captured on both interfaces of a router: each packet twice, a hop apart. Nothing listens on one port.",
)
def refused_on_router(s):
    s.network(router=True)
    up = s.serve()
    shop, cart = s.route(up), s.route(s.nobody())
    s.start(capture="router")
    s.get(shop)
    time.sleep(0.4)
    s.get(cart, Fault("connect-refused", s.routes[cart][0].servers[0]))
    time.sleep(0.4)
    s.get(shop)


@case(
    "truncated-body-reset",
    "seen-on-the-switch",
    "Captured on the upstream network's switch, cut at 200 bytes: the server aborts in the middle of the body.",
)
def on_switch(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start(capture="switch", snap=200)
    head = b"HTTP/1.1 200 OK\r\nServer: app/2.0\r\nContent-Length: 900\r\n\r\n"
    s.get(shop)
    time.sleep(0.4)
    s.get(shop, Fault("truncated-body-reset", up), do=raw(head + b"x" * 300, then="reset", hold=0.3))
    time.sleep(0.4)
    s.get(shop)


@case(
    "clean",
    "any-device-of-a-router",
    "Captured on all interfaces of a router: each packet twice, a hop apart; slow answers, closes and kept connections.",
)
def clean_on_router(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_REUSE)
    s.start(capture="router-any", snap=96)
    s.get(shop)
    s.get(shop, do=answer(after=0.5))
    s.post(shop)
    time.sleep(0.6)
    up.close_idle(reset=True)
    time.sleep(0.3)
    s.get(shop, client=s.new_client())


also(
    "apache",
    "idle-state-expired/conntrack-flushed-reject",
    "idle-state-expired/nat-flushed",
    "reset-before-response/seen-on-a-router",
)
also(
    "caddy",
    "idle-state-expired/conntrack-flushed-drop",
    "idle-state-expired/conntrack-flushed-reject-tls",
    "idle-state-expired/host-replaced",
    "connect-refused/seen-on-a-router",
)
also(
    "envoy",
    "idle-state-expired/conntrack-flushed-reject",
    "idle-state-expired/conntrack-flushed-drop",
    "idle-state-expired/nat-flushed",
    "truncated-body-reset/seen-on-the-switch",
)
