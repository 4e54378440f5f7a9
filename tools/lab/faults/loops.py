"""Requests that come round again, errors out of a cache, and gateways that do not even try."""

import time

from ..case import Fault, also, case
from ..upstreams import answer
from . import servers

_FEW = {"nginx-events": ["worker_connections 24;"], "haproxy-global": ["maxconn 6"]}


@case("proxy-loop", "to-itself", "A route leads to the gateway's own address, until its connections are used up; captured on all interfaces.")
def itself(s):
    front = s.own_front()
    up = s.serve()
    shop, cart = s.route(up), s.route(front)
    s.start(capture="any", read_s=2, lines=_FEW)
    s.get(shop)
    s.get(cart, Fault("proxy-loop", front, attempts_known=False), client=s.new_client())
    time.sleep(2.5)
    s.get(shop, client=s.new_client())


@case("proxy-loop", "by-another-gateway", "A route leads to a second gateway, and that one sends it back.")
def another(s):
    front = s.own_front()
    up = s.serve()
    namespace, _ = s.host(1)
    namespace.ip("route", "add", front.rpartition(":")[0] + "/32", "via", s._far + "1")
    second = servers.nginx(s, 1, 8088, f"location / {{ proxy_pass http://{front}; }}")
    shop, cart = s.route(up), s.route(second)
    s.start(read_s=2, lines=_FEW)
    s.get(shop)
    s.post(cart, Fault("proxy-loop", second, attempts_known=False), client=s.new_client())
    time.sleep(2.5)
    s.get(shop, client=s.new_client())


@case(
    "proxy-loop",
    "by-another-address",
    "A route leads to a second gateway, which sends it back from another address of its host, and says whence it came.",
)
def another_address(s):
    front = s.own_front()
    up = s.serve()
    namespace, _ = s.host(1)
    away = s._far + "250"
    namespace.ip("addr", "add", away + "/24", "dev", "eth0")
    namespace.ip("route", "add", front.rpartition(":")[0] + "/32", "via", s._far + "1")
    location = f"location / {{ proxy_pass http://{front}; proxy_bind {away}; proxy_http_version 1.1; "
    location += "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }"
    second = servers.nginx(s, 1, 8087, location, events="worker_connections 12;")
    shop, cart = s.route(up), s.route(second)
    s.start(read_s=2)
    s.get(shop)
    s.get(cart, Fault("proxy-loop", second, attempts_known=False), client=s.new_client())
    time.sleep(0.5)
    s.post(cart, Fault("proxy-loop", second, attempts_known=False), client=s.new_client())
    time.sleep(0.5)
    s.get(shop, client=s.new_client())


def _cached(s, header):
    up = s.serve()
    zone = s.folder / "cache"
    path = {"nginx": [f"proxy_cache_path {zone} keys_zone=lab:1m;"]}
    lines = ["proxy_cache lab;", "proxy_cache_key cart;", "proxy_cache_valid 502 503 504 30s;"]
    if header:
        lines.append(f"add_header {header} $upstream_cache_status always;")
    shop, cart = s.route(up), s.route(up, lines={"nginx": lines})
    s.start(lines=path)
    s.get(shop)
    page = b"<h1>Out of order</h1><p>the cart is being repaired</p>\n"
    s.get(cart, Fault("upstream-error-response", up, variant="application"), do=answer("503 Service Unavailable", page))
    s.get(cart, Fault("cached-error"), do=answer())
    s.get(shop)
    s.get(cart, Fault("cached-error"), do=answer(), client=s.new_client())
    s.get(cart, Fault("cached-error"), do=answer())
    s.get(shop)


@case("cached-error", "marked", "The application's 503 was cached, and comes out of nginx's cache with X-Cache-Status.", gateways=("nginx",))
def marked(s):
    _cached(s, "X-Cache-Status")


@case("cached-error", "marked-x-cache", "The application's 503 was cached, and comes out of nginx's cache with X-Cache.", gateways=("nginx",))
def marked_short(s):
    _cached(s, "X-Cache")


@case("no-upstream-attempt", "maintenance", "The only server of a backend is disabled in HAProxy's configuration.", gateways=("haproxy",))
def maintenance(s):
    up, other = s.serve(), s.serve(1)
    shop = s.route(up, server_options={"haproxy": "check inter 500"})
    cart = s.route(other, server_options={"haproxy": "disabled"})
    s.start()
    time.sleep(0.8)
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case("no-upstream-attempt", "no-resolver", "nginx is to look up a name and has no resolver.", gateways=("nginx",))
def no_resolver(s):
    up = s.serve()
    shop = s.route(up)
    # The first proxy_pass of a location counts; `if` makes one of its own.
    cart = s.route(up, lines={"nginx": ["set $name app.internal; if ($name) { proxy_pass http://$name:8080; }"]})
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case("no-upstream-attempt", "no-local-port", "The gateway has two local ports for the server, and slow requests hold both.")
def no_port(s):
    up, narrow = s.serve(1), s.serve(0)
    shop, cart = s.route(up), s.route(narrow)
    s.start(read_s=8)
    s.get(shop)
    s.gateway_host.sysctl("net.ipv4.ip_local_port_range", "50000 50001")
    s.together(
        lambda: s.get(cart, do=answer(after=2.5), client=s.new_client()),
        lambda: s.get(cart, do=answer(after=2.5), client=s.new_client()),
        lambda: s.get(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        lambda: s.post(cart, Fault("no-upstream-attempt"), client=s.new_client()),
        gap=0.3,
    )
    s.gateway_host.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
    s.get(shop)


@case("clean", "failing-checks-of-a-spare", "The spare server's health checks are refused all the time; the main one serves.", gateways=("haproxy",))
def spare(s):
    up, dead = s.serve(), s.nobody(1)
    shop = s.route(up, dead, server_options={"haproxy": "check inter 400 fall 2"})
    s.start()
    time.sleep(1.5)
    for _ in range(3):
        s.get(shop)
        time.sleep(0.3)
    s.post(shop)


@case("clean", "failing-page-checks", "The spare server's health page answers 503; the main one serves.", gateways=("haproxy",))
def spare_page(s):
    up, sick = s.serve(), s.serve(1)
    sick.on("/healthz", answer("503 Service Unavailable", b"draining\n"))
    shop = s.route(
        up,
        sick,
        lines={"haproxy": ["option httpchk GET /healthz", "http-check expect status 200"]},
        server_options={"haproxy": "check inter 400 fall 2"},
    )
    s.start()
    time.sleep(1.5)
    for _ in range(3):
        s.get(shop)
        time.sleep(0.3)
    s.post(shop)


# httpd fails such a connect also with 503, and takes the worker out then: another cause for the next request.
for _kind in ("caddy", "envoy"):
    also(_kind, "no-upstream-attempt/no-local-port")
for _kind in ("apache", "caddy", "envoy"):
    also(_kind, "proxy-loop/by-another-address")
