"""Limits: heads that are too large for the upstream, answers with too many fields, and what comes after the end."""

import time

from ..case import Fault, case
from ..upstreams import answer, raw, response
from . import servers


def _fields(count):
    return [f"X-F{number}: {number}" for number in range(count)]


@case(
    "too-many-headers",
    "150-short",
    "The answer has 150 short header fields: small in bytes, more in number than HAProxy takes (`tune.http.maxhdr`).",
    gateways=("haproxy",),
)
def too_many(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("too-many-headers", up)
    s.get(shop)
    s.get(shop, do=answer(headers=_fields(60)))
    s.get(shop, fault, do=answer(headers=_fields(150)), client=s.new_client())
    s.post(shop, fault, do=answer(headers=_fields(115), after=0.1), client=s.new_client())
    s.get(shop)


@case(
    "too-many-headers",
    "long-fields",
    "The answer has 120 fields, five kilobytes in all: HAProxy has room for the bytes, not for the number.",
    gateways=("haproxy",),
)
def too_many_long(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("too-many-headers", up)
    fields = [f"Set-Cookie: preference{number}=value-{number}; Path=/" for number in range(120)]
    s.get(shop)
    s.get(shop, fault, do=answer(headers=fields), client=s.new_client())
    s.get(shop, client=s.new_client())
    s.get(shop, fault, do=raw(response(headers=fields), then="wait"), client=s.new_client())


@case("clean", "many-headers", "Answers with 150 short header fields, which nginx takes.", gateways=("nginx",))
def many_headers(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=answer(headers=_fields(150)))
    s.post(shop, do=answer(headers=_fields(130)))
    s.get(shop)


def _cookie(size):
    return ["Cookie: session=" + "".join("abcdefghij"[number % 10] for number in range(size - 16))]


_BUFFERS = {"nginx": ["large_client_header_buffers 4 32k;"], "haproxy-global": ["tune.bufsize 65536"], "apache": ["LimitRequestFieldSize 32768"]}


def _closes_beyond(limit, then="close"):
    """Reads heads as servers with a fixed buffer do: what does not fit ends the connection."""

    def greet(connection):
        while b"\r\n\r\n" not in connection.buffer:
            more = connection.socket.recv(min(2048, limit + 1 - len(connection.buffer)))
            if not more:
                return True
            connection.buffer += more
            if len(connection.buffer) > limit:
                if then == "reset":
                    connection.reset()
                return True
        return False

    return greet


@case(
    "request-too-large",
    "uwsgi-buffer",
    "The upstream is uWSGI (`http-socket`) with its buffer of 4096 bytes: a larger request head ends the connection.",
)
def uwsgi_buffer(s):
    address = servers.uwsgi(s, 0, 3031, "--http-socket")
    shop = s.route(address)
    s.start(lines=_BUFFERS)
    fault = Fault("request-too-large", address)
    s.get(shop)
    s.get(shop, headers=_cookie(1500))
    s.get(shop, fault, headers=_cookie(5000), client=s.new_client())
    s.get(shop, client=s.new_client())
    s.get(shop, fault, headers=_cookie(9000), client=s.new_client())
    s.get(shop, client=s.new_client())


@case(
    "request-too-large",
    "reset-in-head",
    "The upstream aborts at the end of its buffer of 5000 bytes, while the rest of the head is on its way.",
)
def reset_in_head(s):
    s.network(one_way_ms=4)
    up = s.serve(greet=_closes_beyond(5000, "reset"))
    shop = s.route(up)
    s.start(lines=_BUFFERS)
    fault = Fault("request-too-large", up)
    s.get(shop)
    s.get(shop, headers=_cookie(3000))
    s.get(shop, fault, headers=_cookie(5500), client=s.new_client())
    s.post(shop, client=s.new_client())
    s.get(shop, fault, headers=_cookie(7000), client=s.new_client())
    s.get(shop, client=s.new_client())


@case(
    "clean",
    "request-too-large-relayed",
    "Request heads that the upstream (nginx, limit 1 KiB) refuses with a 400 of its own, which the gateway passes on.",
)
def too_large_relayed(s):
    limit = "client_header_buffer_size 512; large_client_header_buffers 2 1k;"
    address = servers.nginx(s, 0, 8085, 'location / { return 200 "ok"; }', http=limit)
    shop = s.route(address)
    s.start()
    s.get(shop)
    s.get(shop, headers=_cookie(2000), client=s.new_client())
    s.get(shop)


@case("clean", "surplus-bytes", "The application sends more bytes than it announced, in one segment and a moment later.")
def surplus(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=raw(response() + b"<!-- rendered in 12 ms -->\n", then="wait"))
    s.get(shop)
    s.get(shop, do=raw([response(), 0.1, b"\r\nstray\r\n"], then="wait"))
    time.sleep(0.3)
    s.get(shop)


@case(
    "surplus-bytes",
    "next-exchange",
    """Stray bytes after an answer are on their way when the gateway sends the next request on that connection: it
    takes them for the answer.""",
)
def surplus_next(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    headers = ["Connection: close"] if s.kind == "nginx" else []
    s.get(shop, do=raw([response(), 0.03, b"debug: 3 queries in 12 ms\n"], then="keep"))
    # The answer has taken 40 ms to come here; the stray bytes follow 30 ms later.
    last = raw(response(headers=["Connection: close"]))
    s.get(shop, Fault("surplus-bytes", up), headers=headers, do=last, client=s.client)
    s.get(shop, client=s.new_client())
