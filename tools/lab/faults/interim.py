"""Interim answers (1xx) that go wrong, and connections switched that nobody asked to switch."""

import time

from ..case import Fault, case
from ..upstreams import answer, raw, response, wants_more

_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"


def _hinted(data, pause=0.05):
    """A final answer, with `data` before it."""

    def behave(connection, request):
        connection.send(data)
        time.sleep(pause)
        connection.send(response(headers=[] if wants_more(request) else ["Connection: close"]))
        return wants_more(request)

    return behave


@case(
    "interim-response",
    "early-hints",
    """The application sends 103 before its final answer. nginx 1.22 takes the 103 for the final one, and the client
    waits for what never comes.""",
    gateways=("nginx",),
)
def early_hints(s):
    up = s.serve()
    shop, cart = s.route(up), s.route(up, keepalive=True)
    s.start(read_s=2)
    fault = Fault("interim-response", up)
    s.get(shop)
    s.get(cart, fault, do=_hinted(_HINT), client=s.new_client())
    s.post(shop)
    s.get(cart, fault, do=_hinted(_HINT, 0.2), client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "early-hints-passed-on",
    """The application sends 103 before its final answer and then closes. nginx 1.22 takes the 103 for the final one
    and passes the rest on as its body: together the client gets what was sent.""",
    gateways=("nginx",),
)
def early_hints_passed_on(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    s.get(shop)
    s.get(shop, do=_hinted(_HINT), client=s.new_client())
    s.get(shop)


@case(
    "interim-response",
    "unasked-continue",
    """The application sends 100 to requests that did not ask for it; nginx 1.22 takes it for the final answer.""",
    gateways=("nginx",),
)
def unasked(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.post(shop, Fault("interim-response", up), do=_hinted(_CONTINUE), client=s.new_client())
    s.get(shop)


@case(
    "interim-response",
    "none-final",
    "The application sends 103 and dies: no final answer follows.",
    gateways=("haproxy",),
)
def none_final(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("interim-response", up)
    s.get(shop)
    s.get(shop, fault, do=raw(_HINT, hold=0.12), client=s.new_client())
    s.post(shop)
    s.get(shop, fault, do=raw(_HINT + _HINT, hold=0.3, then="reset"), client=s.new_client())
    s.get(shop)


@case(
    "interim-response",
    "silence-after",
    "The application sends 102 every half second and no final answer, until the gateway gives up.",
    gateways=("haproxy",),
)
def silence_after(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=2)
    s.get(shop)
    busy = b"HTTP/1.1 102 Processing\r\n\r\n"
    s.get(shop, Fault("interim-response", up), do=raw([busy, 0.5, busy, 0.5, busy], then="wait"), client=s.new_client())
    s.get(shop)


def _mute(connection):
    """Takes the head and waits for the body, without the 100 that the client waits for."""
    while b"\r\n\r\n" not in connection.buffer:
        connection.buffer += connection.socket.recv(4096)
    connection.wait_for_peer()
    return True


@case(
    "interim-response",
    "continue-never",
    """The client asks for 100 before it sends its body, HAProxy passes that on, and the application never sends the
    100: both wait.""",
    gateways=("haproxy",),
)
def continue_never(s):
    up, mute = s.serve(), s.serve(1, greet=_mute)
    shop, cart = s.route(up), s.route(mute)
    s.start(read_s=2, lines={"haproxy": ["timeout client 3s"]})
    s.get(shop)
    s.post(cart, Fault("interim-response", mute), size=2000, expect=True, client=s.new_client())
    s.get(shop, client=s.new_client())


@case("clean", "expect-continue", "Uploads that ask for 100 and get it, or are answered at once.")
def expect_continue(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.post(shop, size=3000, expect=True)
    s.get(shop)
    s.post(shop, size=1500, expect=True, do=answer("201 Created", after=0.3), client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "many-interim",
    "The application sends a dozen interim answers before its final one; HAProxy passes them all on.",
    gateways=("haproxy",),
)
def many(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=_hinted(_HINT * 12))
    s.get(shop, do=_hinted(_CONTINUE))
    s.get(shop)


@case(
    "unexpected-upgrade",
    "not-asked",
    "The application switches protocols (101) although nobody asked it to; HAProxy refuses.",
    gateways=("haproxy",),
)
def not_asked(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    fault = Fault("unexpected-upgrade", up)
    s.get(shop)
    s.get(shop, fault, do=raw(_SWITCH, then="wait"), client=s.new_client())
    s.post(shop, fault, do=raw(_SWITCH, hold=0.1), client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "switched-unasked",
    "The application switches protocols (101) although nobody asked it to; nginx passes that on.",
    gateways=("nginx",),
)
def switched(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    s.get(shop)
    s.get(shop, do=raw(_SWITCH, hold=0.1), client=s.new_client())
    s.get(shop)


@case(
    "clean",
    "upgrade-refused",
    "A WebSocket is asked for, and the application answers 400, 426 and 200 instead: its own answers, passed on.",
)
def refused(s):
    up = s.serve()
    lines = {"nginx": ["proxy_set_header Upgrade $http_upgrade;", 'proxy_set_header Connection "upgrade";']}
    shop = s.route(up, keepalive=True, lines=lines)
    s.start()
    asks = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    asks.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for status in ("400 Bad Request", "426 Upgrade Required", "200 OK"):
        s.get(shop, do=answer(status), headers=asks, client=s.new_client())
    s.get(shop)
