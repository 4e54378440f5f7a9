"""Healthy traffic that resembles the faults of requests and answers: late, long, odd, and all right."""

import time

from ..case import case
from ..upstreams import answer, raw, response


@case("clean", "lingering-close", "The server reads on for a while after its answer to an upload, and then closes.")
def lingering(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    s.get(shop)
    done = response(headers=["Connection: close"])
    s.post(shop, size=5000, do=raw(done, hold=0.4))
    s.get(shop, do=raw(done, hold=0.3, then="wait"), client=s.new_client())
    s.get(shop, client=s.new_client())


@case("clean", "long-poll", "Long polls that are answered after two seconds, with content and without, on a path of 80 ms.")
def long_poll(s):
    s.network(one_way_ms=40)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=5)
    s.get(shop)
    empty = raw(b"HTTP/1.1 204 No Content\r\nServer: app/1.9\r\n\r\n", then="keep", after=2.0)
    s.together(
        lambda: s.get(shop, do=answer(after=2.2), client=s.new_client()),
        lambda: s.get(shop, do=empty, client=s.new_client()),
        lambda: s.post(shop, do=answer(after=1.7), client=s.new_client()),
        gap=0.1,
    )
    s.get(shop)


@case(
    "clean",
    "application-errors",
    "The application answers 400, 401, 403, 404, 405, 410, 413, 429, 500 and 501 itself, also early and with large heads.",
)
def errors(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    for status in ("400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed"):
        s.get(shop, do=answer(status, b"no\n"))
    s.post(shop, do=answer("413 Payload Too Large", b"too much\n"), size=3000)
    for status in ("410 Gone", "429 Too Many Requests", "500 Internal Server Error", "501 Not Implemented"):
        s.post(shop, do=answer(status, b"no\n"))
    s.get(shop)


@case(
    "clean",
    "odd-but-legal",
    """Answers that are legal and rare: an empty reason phrase, HTTP/1.0 with keep-alive, chunk extensions and trailers,
    no length and close, HEAD with a length, 205 and a 200 without a body.""",
)
def odd(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop, do=raw(b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\ndone\n", then="keep"))
    s.get(shop, do=raw(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\ndone\n", then="keep"))
    trailing = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\ndone\n\r\n0\r\n\r\n"
    s.get(shop, do=raw(trailing, then="keep"))
    s.head(shop, do=raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", then="keep"))
    s.get(shop, do=raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then="keep"))
    s.get(shop, do=raw([b"HTTP/1.1 200 OK\r\n\r\n", b"until the end ", 0.2, b"of the connection\n"]), client=s.new_client())
    s.get(shop, client=s.new_client())


@case("clean", "slow-upload", "A client that sends its body in pieces half a second apart, and one that reads slowly.")
def slow_upload(s):
    s.network(router=True)
    up = s.serve()
    lines = {"nginx": ["proxy_request_buffering off;"]}
    shop = s.route(up, lines=lines)
    s.start(read_s=5)
    s.get(shop)
    client = s.new_client()
    opened = client.connect()

    class Pieces:
        def __getattr__(self, name):
            return getattr(opened, name)

        def sendall(self, data):
            size = len(data) // 4 + 1
            for start in range(0, len(data), size):
                opened.sendall(data[start : start + size])
                time.sleep(0.5)

    client._socket = Pieces()
    s.post(shop, size=4000, client=client)
    client.close()
    s.get(shop, client=s.new_client())
