"""Upstream servers, well-behaved unless told otherwise for a certain request target."""

import os
import socket
import struct
import threading
import time
from dataclasses import dataclass

_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass
class Request:
    method: str
    target: str
    version: str
    headers: dict
    body: bytes
    number: int  # on its connection, from 1


class Connection:
    """One accepted connection."""

    def __init__(self, opened):
        self.socket = opened
        self.buffer = b""
        self.count = 0

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.socket.close()

    def close(self):
        self.socket.close()

    def wait_for_peer(self, seconds=30):
        """Waits until the gateway closes, at most `seconds`."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
        self.socket.settimeout(None)

    def request(self):
        """The next request, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.buffer += more
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = (lines[0].split(" ") + ["", ""])[:3]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(headers)
        self.count += 1
        return Request(method, target, version, headers, body, self.count)

    def _body(self, headers):
        if "chunked" in headers.get("transfer-encoding", "").lower():
            while not self.buffer.endswith(b"0\r\n\r\n"):
                self.buffer += self.socket.recv(65536)
            body, self.buffer = self.buffer, b""
            return body
        length = int(headers.get("content-length", "0") or "0")
        while len(self.buffer) < length:
            more = self.socket.recv(65536)
            if not more:
                break
            self.buffer += more
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return body


def wants_more(request):
    """Whether the gateway would use the connection again."""
    connection = request.headers.get("connection", "").lower()
    return "close" not in connection and (request.version == "HTTP/1.1" or "keep-alive" in connection)


def response(status="200 OK", body=b"done\n", headers=()):
    lines = [f"HTTP/1.1 {status}", "Server: app/1.9", "Content-Type: text/plain", *headers]
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answer(status="200 OK", body=b"done\n", headers=(), after=0.0):
    """A complete answer, `after` seconds after the request."""

    def behave(connection, request):
        time.sleep(after)
        keep = wants_more(request)
        extra = [*headers] if keep else [*headers, "Connection: close"]
        content = response(status, body, extra)
        if request.method == "HEAD":
            content = content[: len(content) - len(body)]
        connection.send(content)
        return keep

    return behave


def raw(data, then="close", after=0.0, hold=0.0):
    """Sends `data` as it stands, `after` seconds after the request; after `hold` more it closes, resets or waits."""

    def behave(connection, request):
        time.sleep(after)
        for part in [data] if isinstance(data, bytes) else data:
            if isinstance(part, float):
                time.sleep(part)
            elif part:
                connection.send(part)
        time.sleep(hold)
        if then == "reset":
            connection.reset()
        elif then == "wait":
            connection.wait_for_peer()
        elif then == "keep":
            return wants_more(request)
        return False

    return behave


def take(size, then, hold=0.0):
    """A greeting that reads at least `size` bytes of whatever comes and then resets, or waits without reading on."""

    def greet(connection):
        seen = 0
        while seen < size:
            seen += len(connection.socket.recv(min(2048, size - seen)))
        time.sleep(hold)
        if then == "reset":
            connection.reset()
        return True

    return greet


class Upstream:
    """A server on one address. `on(target, behaviour)` sets what it does with that target; the rest is answered.

    `greet` is called with the connection before anything is read; if it returns True the connection is over.
    `receive_buffer` in bytes bounds the window that it offers.
    """

    def __init__(
        self,
        namespace,
        address,
        port,
        family=socket.AF_INET,
        backlog=128,
        greet=None,
        default=None,
        receive_buffer=None,
    ):
        self.host, self.port = address, port
        self.address = f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}"
        self.greet, self.default = greet, default or answer()
        self.live = []
        self._receive_buffer = receive_buffer
        self._behaviours = {}
        self._accepting = threading.Event()
        self._accepting.set()
        self._family = family
        self._namespace = namespace
        self.listener = None
        self.listen(backlog)

    def listen(self, backlog=128, start=True):
        with self._namespace:
            self.listener = socket.socket(self._family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._receive_buffer is not None:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self.listener.bind((self.host, self.port))
        self.listener.listen(backlog)
        if start:
            threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def on(self, target, behaviour):
        self._behaviours[target] = behaviour

    def _accept(self, listener):
        while True:
            self._accepting.wait()
            try:
                opened, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(opened,), daemon=True).start()

    def stop_accepting(self):
        """From now on connections stay in the queue. One accept that was already waiting is used up by the caller."""
        self._accepting.clear()

    def stop_listening(self):
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _serve(self, opened):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(opened)
        self.live.append(connection)
        try:
            if self.greet is not None and self.greet(connection):
                return
            while True:
                request = connection.request()
                if request is None:
                    break
                behaviour = self._behaviours.get(request.target, self.default)
                if not behaviour(connection, request):
                    break
        except OSError:
            pass
        finally:
            try:
                connection.close()
            except OSError:
                pass
            if connection in self.live:
                self.live.remove(connection)

    def close_idle(self, reset=False):
        """Closes all live connections from outside their threads, as an idle timer does; returns how many."""
        closed = 0
        for connection in list(self.live):
            try:
                if reset:
                    _abort(connection.socket)
                else:
                    connection.socket.shutdown(socket.SHUT_RDWR)
                closed += 1
            except OSError:
                pass
        return closed


def _abort(opened):
    """Sends RST although another thread waits in recv: disconnect by connect(AF_UNSPEC)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    address = struct.pack("H14x", socket.AF_UNSPEC)
    if libc.connect(opened.fileno(), address, len(address)) != 0:
        raise OSError(ctypes.get_errno(), "connect to AF_UNSPEC")


def reset_on_accept(namespace, address, port, family=socket.AF_INET):
    """A listener that aborts each connection as it is accepted, with as little delay as a process can have."""
    with namespace:
        listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)  # accepted sockets inherit it
    listener.bind((address, port))
    listener.listen(64)

    def work():
        while True:
            try:
                descriptor, _ = listener._accept()
            except OSError:
                return
            os.close(descriptor)

    threading.Thread(target=work, daemon=True).start()
    return listener
