"""Traffic that fails nobody."""

import time

from ..case import case
from ..upstreams import answer, raw, response, wants_more
from . import servers


@case(
    "clean",
    "shop-traffic",
    """Ordinary traffic on kept connections: GET, HEAD, POST, 204, 304, redirects, chunked and close-delimited bodies,
    404 and the application's own 500.""",
)
def traffic(s):
    s.network(router=s.kind == "haproxy")
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    chunked = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"6\r\nfirst\n\r\n7\r\nsecond\n\r\n0\r\n\r\n"
    s.get(shop)
    s.head(shop)
    s.post(shop, do=answer("201 Created"))
    s.get(shop, do=raw(b"HTTP/1.1 204 No Content\r\nServer: app/1.9\r\n\r\n", then="keep"))
    s.get(
        shop, do=raw(b'HTTP/1.1 304 Not Modified\r\nETag: "a1"\r\n\r\n', then="keep"), headers=['If-None-Match: "a1"']
    )
    s.get(shop, do=answer("302 Found", b"", ["Location: /login"]))
    s.get(shop, do=raw(chunked, then="keep"))
    s.get(
        shop,
        do=raw(
            [b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nConnection: close\r\n\r\n", b"some text ", 0.1, b"and its end\n"]
        ),
    )
    s.get(shop, do=answer("404 Not Found", b"no such page\n"))
    s.get(shop, do=answer("500 Internal Server Error", b"ouch: division by zero\n"))
    s.get(shop)


# nginx 1.22 takes a 103 for the final answer.
@case("clean", "interim-answers", "The application sends 103 and 100 before its final answers.", gateways=("haproxy",))
def interim(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

    def hinted(connection, request):
        connection.send(hint)
        time.sleep(0.05)
        connection.send(response())
        return wants_more(request)

    s.get(shop, do=hinted)
    s.post(shop, size=3000, expect=True)
    s.get(shop)


@case("clean", "slow-in-time", "Answers that take almost as long as the gateway's timer allows.")
def slow(s):
    s.network(one_way_ms=6)
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=3)
    s.get(shop, do=answer(after=2.4))
    s.together(
        lambda: s.get(shop, do=answer(after=2.1), client=s.new_client()),
        lambda: s.post(
            shop,
            do=raw([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 2.2, b"tick\n", 2.2, b"tock\n"]),
            client=s.new_client(),
        ),
    )


@case(
    "clean",
    "health-checks",
    "Health checks that end in RST, every 300 ms, between ordinary requests.",
    gateways=("haproxy",),
)
def health(s):
    up, other = s.serve(), s.serve(1)
    shop = s.route(up, other, lines={"haproxy": ["balance roundrobin"]}, server_options={"haproxy": "check inter 300"})
    s.start()
    for _ in range(4):
        s.get(shop)
        time.sleep(0.4)


@case(
    "clean", "idle-close", "The server closes kept connections while they are idle; the next request opens a new one."
)
def idle(s):
    s.network(router=s.kind == "nginx")
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    for reset in (False, True, False):
        s.get(shop)
        s.post(shop)
        time.sleep(0.3)
        up.close_idle(reset)
        time.sleep(0.3)
    s.get(shop)


@case("clean", "repaired-loss", "Segments of requests and answers are lost once and repeated; every answer arrives.")
def repaired(s):
    s.network(one_way_ms=5)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=5)
    seen = set()

    def once(outward, segment):
        if not segment.payload or up.port not in (segment.source_port, segment.target_port):
            return False
        key = outward, segment.sequence, segment.source_port, segment.target_port
        if key in seen or (len(seen) % 2 == 1 and seen.add(key) is None):
            seen.add(key)
            return False
        seen.add(key)
        return True

    s.get(shop)
    s.relay.drop = once
    s.get(shop)
    s.post(shop, size=3500)
    s.get(shop, do=answer(body=b"0123456789" * 500))
    s.relay.drop = None
    s.get(shop)


@case("clean", "repeated-syn", "The first SYN of each connection is lost; the second one connects a second later.")
def second_syn(s):
    s.network(one_way_ms=2)
    up = s.serve()
    shop = s.route(up)
    s.start(connect_s=5)
    seen = set()

    def first_syn(outward, segment):
        if not outward or segment.flags & 18 != 2 or segment.source_port in seen:
            return False
        seen.add(segment.source_port)
        return True

    s.get(shop)
    s.relay.drop = first_syn
    s.get(shop)
    s.post(shop)


@case("clean", "pipelined-client", "A client sends three requests at once on one connection.")
def pipelined(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.pipeline(shop, 3)
    s.get(shop)


@case("clean", "large-upload", "A POST of 20 kB whose client asks for 100 Continue first.")
def upload(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    s.get(shop)
    s.post(shop, size=20000, expect=True)
    s.get(shop)


@case("clean", "http-1.0-upstream", "The server speaks HTTP/1.0 and ends each body by closing.")
def old(s):
    up = s.serve(
        default=raw(
            [b"HTTP/1.0 200 OK\r\nServer: cgi/0.4\r\nContent-Type: text/plain\r\n\r\n", b"a line\n", 0.02, b"another\n"]
        )
    )
    shop = s.route(up)
    s.start()
    s.get(shop)
    s.post(shop)
    s.get(shop)


@case("clean", "websocket", "A WebSocket that opens, carries frames both ways and ends with close frames.")
def websocket(s):
    def upgraded(connection, request):
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        connection.socket.recv(100)
        connection.send(b"\x81\x05hello")
        connection.socket.recv(100)
        connection.send(b"\x88\x02\x03\xe8")
        return False

    up = s.serve()
    lines = {
        "nginx": [
            "proxy_http_version 1.1;",
            "proxy_set_header Upgrade $http_upgrade;",
            'proxy_set_header Connection "upgrade";',
        ],
        "haproxy": ["timeout tunnel 9s"],
    }
    shop = s.route(up, lines=lines, server_options={"apache": "upgrade=websocket"})
    s.start()
    s.get(shop)
    s.websocket(shop, upgraded)
    s.get(shop, client=s.new_client())


@case(
    "clean",
    "real-server-tls-front",
    "The client's side is TLS; the upstream is an nginx that answers from its configuration.",
)
def real_tls(s):
    other = servers.nginx(s, 0, 8080, "location / { return 200 'fine\\n'; }")
    shop = s.route(other, keepalive=True)
    s.start(tls=True)
    for _ in range(4):
        s.get(shop)


@case("clean", "loopback", "Gateway and upstream at 127.0.0.1, captured on loopback.")
def loopback(s):
    s.network(loopback=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="loopback")
    for _ in range(3):
        s.get(shop)
        s.post(shop)


@case("clean", "any-device", "Ordinary traffic captured on all interfaces, with a large answer.")
def any_device(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(capture="any")
    s.get(shop)
    s.get(shop, do=answer(body=b"0123456789abcdef" * 900))
    s.post(shop, size=2000)
