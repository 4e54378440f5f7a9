"""The request does not get through to the upstream: reset or not read while it is sent, or an old connection in the
way."""

import socket
import struct
import time

from ..case import Fault, case
from ..upstreams import take

_BY_PIECES = {"nginx": ["proxy_request_buffering off;"], "haproxy": ["no option http-buffer-request"]}
_WHOLE = {"nginx": ["proxy_request_buffering on;"], "haproxy": ["option http-buffer-request"]}


@case(
    "reset-during-upload",
    "limit",
    "The server aborts after the first kilobytes of a body that the gateway sends it on a path of 20 ms.",
)
def reset_upload(s):
    s.network(one_way_ms=10)
    # Later than a round trip: a reset at once would be one that nobody had to read anything for.
    up, strict = s.serve(), s.serve(1, greet=take(5000, "reset", hold=0.05), receive_buffer=6000)
    shop, cart = s.route(up), s.route(strict, lines=_WHOLE)
    s.start()
    fault = Fault("reset-during-upload", strict)
    s.get(shop)
    s.post(shop)
    s.post(cart, fault, size=24000)
    s.get(shop, client=s.new_client())


@case(
    "reset-during-upload",
    "streamed",
    "As the client sends its body, the gateway passes it on; the server aborts in the middle.",
)
def reset_streamed(s):
    s.network(router=True)
    up, strict = s.serve(), s.serve(0, greet=take(3000, "reset", hold=0.15))
    shop, cart = s.route(up, keepalive=True), s.route(strict, keepalive=True, lines=_BY_PIECES)
    s.start(read_s=5)
    s.get(shop)
    for size in (9000, 12000):
        _post_slowly(s, cart, Fault("reset-during-upload", strict), size)
    s.post(shop)
    s.get(shop)


def _post_slowly(s, prefix, fault, size):
    """The second half of the body follows after the upstream has gone."""
    client = s.new_client()
    opened = client.connect()

    class Slow:
        """The client's socket, with a pause in the middle of what it sends at once."""

        def __getattr__(self, name):
            return getattr(opened, name)

        def sendall(self, data):
            opened.sendall(data[: len(data) // 2])
            time.sleep(0.6)
            opened.sendall(data[len(data) // 2 :])

    client._socket = Slow()
    s.post(prefix, fault, size=size, client=client)
    client.close()  # until then nginx reads on for what it discards, and has no log line
    time.sleep(0.1)


def _stop_reading(size):
    return take(size, "wait", hold=12.0)


@case(
    "zero-window-stall",
    "never-reads",
    "The server accepts and reads nothing: its window closes, and the gateway cannot send the rest of the body.",
)
def zero_window(s):
    s.network()
    s.gateway_host.sysctl("net.ipv4.tcp_wmem", "4096 4096 8192")  # else the socket itself would take the whole body
    up, stuck = s.serve(), s.serve(1, greet=_stop_reading(0), receive_buffer=4096)
    shop, cart = s.route(up), s.route(stuck)
    s.start(read_s=3)
    s.get(shop)
    s.post(cart, Fault("zero-window-stall", stuck), size=39000)
    s.get(shop, client=s.new_client())
    s.get(shop, client=s.new_client())


@case(
    "zero-window-stall",
    "stops-reading",
    """The server reads the first kilobytes and stops; the gateway's socket takes the rest of the body, so that it
    believes to wait for the answer.""",
)
def zero_window_later(s):
    s.network(router=True)
    up, stuck = s.serve(), s.serve(0, greet=_stop_reading(3000), receive_buffer=3000)
    shop, cart = s.route(up, keepalive=True), s.route(stuck, keepalive=True)
    s.start(read_s=2)
    s.get(shop)
    s.post(cart, Fault("zero-window-stall", stuck), size=13000, client=s.new_client())
    s.post(shop)
    s.get(shop)


@case(
    "stale-tuple",
    "old-connection",
    """The gateway dials from a fixed port from which the server still holds an older connection; a filter on the way
    drops the gateway's RST, so that the old connection stays.""",
)
def stale_tuple(s):
    s.network(router=True)
    up, holding = s.serve(), s.serve(1)
    own = s.router_address.rpartition(".")[0] + ".1"
    port = s.random.randrange(21000, 29000)
    _forgotten_connection(s, (own, port), (holding.host, holding.port))
    s.router.nft(
        "table inet f { chain c { type filter hook forward priority 0; "
        f"tcp dport {holding.port} tcp flags & rst == rst drop; }}; }}"
    )
    shop = s.route(up)
    cart = s.route(
        holding,
        lines={"nginx": [f"proxy_bind {own}:{port};"]},
        server_options={"haproxy": f"source {own}:{port}"},
    )
    s.start(connect_s=2)
    s.get(shop)
    s.get(cart, Fault("stale-tuple", holding))
    s.get(shop)
    s.post(cart, Fault("stale-tuple", holding))
    s.get(shop)


def _forgotten_connection(s, source, target):
    """A connection that the upstream still holds and the gateway's host has lost."""
    with s.gateway_host:
        old = socket.socket()
    old.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    old.bind(source)
    old.connect(target)
    old.sendall(b"GET /report HTTP/1.1\r\nHost: upstream.example\r\n\r\n")
    old.recv(4096)
    s.gateway_host.nft(
        f"table inet f {{ chain c {{ type filter hook output priority 0; tcp sport {source[1]} drop; }}; }}"
    )
    old.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    old.close()
    time.sleep(0.1)
    s.gateway_host.nft_flush()
