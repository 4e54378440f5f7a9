"""An upstream whose first bytes are no status line.

HAProxy answers 502. nginx logs "upstream sent no valid HTTP/1.0 header", takes the bytes for an HTTP/0.9 answer, status
009, and passes them on: the client gets no status, and does not learn where the answer ends unless the connection does.
"""

import struct
import time

from ..case import Fault, case
from ..upstreams import raw

_ODD_LINES = {
    "letters-for-status": (b"HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\ndone\n", "The status is letters."),
    "garbage": (b"\x00\x9f\x12 core dumped at 0x4000\r\n\r\n", "The answer is garbage."),
    "lower-case": (b"http/1.1 200 ok\r\nContent-Length: 5\r\n\r\ndone\n", "The protocol name is in lower case."),
    "no-version": (b"HTTP 200 OK\r\nContent-Length: 5\r\n\r\ndone\n", "The status line lacks the version."),
    "python-traceback": (
        b"Traceback (most recent call last):\n  File \"app.py\", line 3\nKeyError: 'cart'\n\n",
        "The answer is an error text without a head.",
    ),
}

_BANNERS = {
    "ssh": (
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
        True,
        "The port belongs to an SSH server, which speaks first.",
    ),
    "smtp": (b"220 mail.example ESMTP Postfix\r\n", True, "The port belongs to a mail server, which speaks first."),
    "redis": (
        b"-ERR unknown command 'GET', with args beginning with: \r\n",
        False,
        "The port belongs to Redis, which answers the request with an error.",
    ),
    "mysql": (
        struct.pack("<I", 74)[:3]
        + b"\0\x0a8.0.36\0"
        + b"\x2b\0\0\0"
        + b"Q\x1f:h\x02a#^\0"
        + b"\xff\xff\xff\x02\0\xff\xdf\x15"
        + b"\0" * 10
        + b"\x13s6a9|B\x02\x7f\x1aLE\0mysql_native_password\0",
        True,
        "The port belongs to MySQL, which speaks first.",
    ),
}


_PASSED_ON = " nginx passes the bytes on as HTTP/0.9."


def _odd(s, cause, data, first=False, kept=False):
    def greet(connection):
        connection.send(data)
        connection.socket.recv(4096)
        time.sleep(0.02)
        connection.close()
        return True

    up = s.serve()
    bad = s.serve(1, greet=greet) if first else s.serve(1, default=raw(data, after=0.01))
    shop = s.route(up)
    cart = s.route(bad, lines={"nginx": ["keepalive_timeout 2s;"]})
    s.start()
    headers = ["Connection: close"] if s.kind == "nginx" and not kept else []
    fault = Fault(cause, bad)
    s.get(shop)
    s.get(cart, fault, headers=headers)
    s.post(cart, fault, headers=headers)
    s.get(shop)


def _register(cause, name, text, data, first=False):
    for kind in ("nginx", "haproxy"):
        story = text + (_PASSED_ON if kind == "nginx" else "")
        case(cause, name, story, gateways=(kind,))(lambda s: _odd(s, cause, data, first))


for _name, (_data, _text) in _ODD_LINES.items():
    _register("malformed-status-line", _name, _text, _data)
for _name, (_data, _first, _text) in _BANNERS.items():
    _register("non-http-banner", _name, _text, _data, _first)


@case(
    "malformed-status-line",
    "passed-on-kept",
    """The status is letters. nginx passes the bytes on as HTTP/0.9 on a connection that the client keeps, and closes it
    at its keep-alive timer.""",
    gateways=("nginx",),
)
def kept_letters(s):
    _odd(s, "malformed-status-line", _ODD_LINES["letters-for-status"][0], kept=True)


@case(
    "non-http-banner",
    "ssh-upstream",
    "The port belongs to an SSH server. Only the upstream leg is captured.",
)
def ssh_upstream(s):
    s.network(router=True)
    banner = raw(_BANNERS["ssh"][0], after=0.02)
    up, bad = s.serve(), s.serve(1, default=banner)
    shop, cart = s.route(up), s.route(bad)
    s.start(capture="upstream")
    headers = ["Connection: close"] if s.kind == "nginx" else []
    s.get(shop)
    s.get(cart, Fault("non-http-banner", bad), headers=headers)
    s.get(shop)
    s.post(cart, Fault("non-http-banner", bad), headers=headers)
    s.get(shop)
