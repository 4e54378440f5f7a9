"""The upstream answers before it has read the request, and clients that are too slow for the gateway."""

import os
import signal
import socket
import time

from ..case import Fault, case
from ..upstreams import raw, response

_BY_PIECES = {"nginx": ["proxy_request_buffering off;"], "haproxy": ["no option http-buffer-request"]}
_TOO_LARGE = response("413 Payload Too Large", b"limit is 2048 bytes\n", ["Connection: close"])


def _answers_early(then, hold=0.0, size=1500, after=0.0):
    def greet(connection):
        seen = 0
        while seen < size:
            seen += len(connection.socket.recv(min(2048, size - seen)))
        time.sleep(after)
        connection.send(_TOO_LARGE)
        time.sleep(hold)
        if then == "reset":
            connection.reset()
        elif then == "drain":
            connection.wait_for_peer(3)
        return True

    return greet


def _children(process):
    text = open(f"/proc/{process}/task/{process}/children").read()
    return [child for number in text.split() for child in [int(number), *_children(int(number))]]


class _Slow:
    """The client's socket: what is sent at once goes out in `parts`, with `between` called before each but the first."""

    def __init__(self, opened, parts, between):
        self._opened, self._parts, self._between = opened, parts, between

    def __getattr__(self, name):
        return getattr(self._opened, name)

    def sendall(self, data):
        size = len(data) // self._parts + 1
        for start in range(0, len(data), size):
            if start:
                self._between()
            self._opened.sendall(data[start : start + size])


@case(
    "early-response",
    "413-lost",
    """The server answers 413 in the middle of the upload and aborts; the gateway, busy for a moment, meets the abort
    when it writes on, and the answer is lost.""",
)
def lost(s):
    s.network(router=True)
    up, strict = s.serve(), s.serve(1, greet=_answers_early("reset", after=0.4))
    shop, cart = s.route(up), s.route(strict, lines=_BY_PIECES)
    s.start(read_s=5)
    s.get(shop)
    for size in (9000, 14000):
        client = s.new_client()
        opened = client.connect()

        def busy():
            # The gateway is stopped from before the rest of the body comes until after the answer and the RST.
            time.sleep(0.15)
            main = s.gateway._process.pid
            everything = [main, *_children(main)]
            for process in everything:
                os.kill(process, signal.SIGSTOP)
            wake.append(everything)

        wake = []

        def resume():
            time.sleep(0.7)
            for process in wake[0]:
                os.kill(process, signal.SIGCONT)

        client._socket = _Slow(opened, 2, busy)
        s.together(lambda: s.post(cart, Fault("early-response", strict), size=size, client=client), resume)
        client.close()
    s.get(shop, client=s.new_client())


@case(
    "early-response",
    "413-relayed",
    """The server answers 413 in the middle of the upload and reads on, or aborts once the gateway has the answer: the
    client gets it.""",
)
def relayed(s):
    s.network(router=True)
    up = s.serve()
    polite, rude = s.serve(1, greet=_answers_early("drain")), s.serve(1, greet=_answers_early("reset", 0.2))
    shop, cart, basket = s.route(up), s.route(polite, lines=_BY_PIECES), s.route(rude, lines=_BY_PIECES)
    s.start(read_s=5)
    s.get(shop)
    for prefix, server in ((cart, polite), (basket, rude)):
        client = s.new_client()
        client._socket = _Slow(client.connect(), 2, lambda: time.sleep(0.1))
        s.post(prefix, Fault("early-response", server, severity="note"), size=9000, client=client)
        client.close()
    s.get(shop, client=s.new_client())


_PATIENCE = {
    "nginx": ["client_body_timeout 2s;", "send_timeout 2s;", "client_header_timeout 2s;"],
    "haproxy": ["timeout client 2s", "timeout http-request 2s"],
    "apache": ["Timeout 2"],
    "caddy-servers": ["timeouts {", "read_body 2s", "read_header 2s", "write 2s", "}"],
    "envoy": {"stream_idle_timeout": "2s"},
}


@case(
    "client-slow",
    "upload-stops",
    "The client announces a body and stops in the middle of it, until the gateway gives up.",
)
def upload_stops(s):
    up = s.serve()
    shop = s.route(up, lines={"haproxy": ["option http-buffer-request"]})
    s.start(read_s=6, lines=_PATIENCE)
    s.get(shop)
    for size in (3000, 6000):
        client = s.new_client()
        client._socket = _Slow(client.connect(), 2, lambda: time.sleep(3.2))
        s.post(shop, Fault("client-slow"), size=size, client=client)
    s.get(shop, client=s.new_client())


@case(
    "client-slow",
    "upload-stops-streamed",
    "The gateway passes the upload on as it comes; the client stops in the middle of it, until the gateway gives up.",
    gateways=("nginx",),
)
def upload_streamed(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines=_BY_PIECES)
    s.start(read_s=6, lines=_PATIENCE)
    s.get(shop)
    client = s.new_client()
    client._socket = _Slow(client.connect(), 2, lambda: time.sleep(3.2))
    s.post(shop, Fault("client-slow", up), size=5000, client=client)
    s.get(shop, client=s.new_client())


_WIDE = response(body=b"0123456789abcdef\n" * 2600)


@case(
    "client-slow",
    "download-stops",
    "The client stops reading in the middle of its answer: its window closes, until the gateway gives up on it.",
)
def download_stops(s):
    s.network()
    s.gateway_host.sysctl("net.ipv4.tcp_wmem", "4096 4096 8192")
    up = s.serve()
    lines = {"nginx": ["proxy_buffering off;"]}
    shop = s.route(up, lines=lines)
    s.start(read_s=9, lines=_PATIENCE, snap=400)
    s.get(shop)
    client = s.new_client()
    with client.namespace:
        opened = socket.socket(client.family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(20)
    opened.connect(client.address)
    client._socket = _Lazy(opened, 4.0)
    s.get(shop, Fault("client-slow", up, attempts_known=False), do=raw(_WIDE), client=client)
    s.get(shop, client=s.new_client())


class _Lazy:
    """A client's socket that is read again only after a pause."""

    def __init__(self, opened, pause):
        self._opened, self._pause = opened, pause

    def __getattr__(self, name):
        return getattr(self._opened, name)

    def recv(self, size):
        time.sleep(self._pause)
        self._pause = 0
        return self._opened.recv(size)
