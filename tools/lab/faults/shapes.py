"""Captures of awkward shape, and requests that meet several faults."""

import time

from ..case import Fault, case
from ..upstreams import answer, raw

_HALF = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 1"
_SHORT = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 700\r\n\r\n" + b"0123456789\n" * 30


@case(
    "response-timeout",
    "begun-before-capture",
    "All connections are older than the capture: no handshake is seen. The server stays silent.",
)
def old_silence(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=3, warm=(shop, shop))
    s.post(shop, Fault("response-timeout", up), do=raw(b"", then="wait"), client=s.client)
    s.get(shop)


@case(
    "closed-before-response",
    "begun-before-capture",
    "All connections are older than the capture: no handshake is seen. The server reads a request and closes.",
)
def old_close(s):
    up = s.serve()
    shop = s.route(up, keepalive=True, lines={"haproxy": ["http-reuse always"]})
    s.start(warm=(shop, shop))
    s.get(shop)
    s.post(shop, Fault("closed-before-response", up), do=raw(b"", after=0.21), client=s.client)
    s.get(shop)


@case(
    "stale-keepalive-reuse",
    "begun-before-capture",
    "The connection is older than the capture; FIN and POST cross on a path of 16 ms.",
)
def old_race(s):
    s.network(one_way_ms=8)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines={"haproxy": ["http-reuse always"]})
    s.start(warm=(shop, shop))
    s.get(shop)
    time.sleep(0.5)
    if up.close_idle() == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(0.003)
    s.post(shop, Fault("stale-keepalive-reuse", up))
    s.get(shop)


@case("reset-before-response", "snapped", "Captured with a snapshot length of 96 bytes. The server aborts.")
def snapped_reset(s):
    up = s.serve()
    shop = s.route(up)
    s.start(snap=96)
    fault = Fault("reset-before-response", up)
    s.get(shop)
    s.get(shop, fault, do=raw(b"", then="reset", after=0.12))
    s.get(shop)
    s.post(shop, fault, do=raw(b"", then="reset", after=0.3))
    s.get(shop)


@case("connect-refused", "snapped", "Captured with a snapshot length of 96 bytes. Nothing listens on the port.")
def snapped_refused(s):
    up = s.serve()
    dead = s.nobody(1)
    shop, cart = s.route(up), s.route(dead)
    s.start(snap=96)
    s.get(shop)
    s.get(cart, Fault("connect-refused", dead))
    s.get(shop)
    s.post(cart, Fault("connect-refused", dead))
    s.get(shop)


@case(
    "closed-before-response",
    "two-servers-two-causes",
    "The first server refuses, the second one takes the request and closes: every attempt failed.",
    gateways=("nginx",),
)
def two_causes(s):
    up, bad = s.serve(2), s.serve(1, default=raw(b"", after=0.11))
    dead = s.nobody(0)
    shop, cart = s.route(up), s.route(dead, bad, server_options={"nginx": "max_fails=0"})
    s.start()
    s.get(shop)
    for _ in range(3):
        s.get(cart, Fault("connect-refused", dead), Fault("closed-before-response", bad))
    s.get(shop)


@case(
    "response-timeout",
    "masked-by-second-server",
    "The first server stays silent; after its timer the gateway asks the second one, and the client waits.",
    gateways=("nginx",),
)
def masked_timeout(s):
    slow, up = s.serve(0, default=raw(b"", then="wait")), s.serve(1)
    shop = s.route(slow, up, server_options={"nginx": "max_fails=0"})
    s.start(read_s=2)
    s.get(shop, Fault("response-timeout", slow, severity="nearMiss"))
    s.get(shop)
    s.get(shop, Fault("response-timeout", slow, severity="nearMiss"))


@case(
    "host-unreachable",
    "neighbour-before-arp-ends",
    "The host is gone, and the gateway's connect timer ends before its ARP requests do.",
)
def neighbour_short(s):
    up = s.serve()
    gone = s.absent()
    shop, cart = s.route(up), s.route(gone)
    s.start(connect_s=2)
    s.get(shop)
    name = gone.rpartition(":")[0]
    s.get(cart, Fault("host-unreachable", name, variant="neighbour", logged_as=gone, attempts_known=False))
    s.get(shop)


@case(
    "no-upstream-attempt",
    "maintenance",
    "The only server of the backend is set to maintenance in the configuration; others serve.",
    gateways=("haproxy",),
)
def maintenance(s):
    up, other = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(other, server_options={"haproxy": "disabled"})
    s.start()
    s.get(shop)
    s.get(cart, Fault("no-upstream-attempt"))
    s.post(cart, Fault("no-upstream-attempt"))
    s.get(shop)


@case("client-abort", "during-download", "The client closes in the middle of a slow download.", gateways=("haproxy",))
def left_download(s):
    up = s.serve()
    shop = s.route(up)
    parts = [b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 6000\r\n\r\n"]
    for _ in range(30):
        parts += [0.1, b"0123456789" * 20]
    s.start(read_s=5, lines={"haproxy": ["option abortonclose"]})
    s.get(shop)
    s.get(shop, Fault("client-abort", up), do=raw(parts), leave_after=0.8, leave_with="reset", client=s.new_client())
    time.sleep(1.0)
    s.get(shop)


@case(
    "reset-mid-head",
    "busy-mix",
    """Six clients at once ask five upstreams in random order: one is healthy, the others refuse, close without an
    answer, abort inside the head, and cut the body.""",
)
def busy(s):
    s.network(router=True)
    fine, closing, resetting, cutting = s.serve(0), s.serve(1), s.serve(1), s.serve(2)
    dead = s.nobody(0)
    table = [
        (s.route(fine, keepalive=True), None, answer(after=0.02)),
        (s.route(dead), Fault("connect-refused", dead), None),
        (s.route(closing), Fault("closed-before-response", closing), raw(b"", after=0.08)),
        (s.route(resetting), Fault("reset-mid-head", resetting), raw(_HALF, then="reset", hold=0.1)),
        (s.route(cutting), Fault("truncated-body-fin", cutting), raw(_SHORT, hold=0.05)),
    ]
    s.start()

    def customer(choices):
        client = s.new_client()
        for prefix, fault, deed in choices:
            s.get(prefix, *([fault] if fault else []), do=deed, client=client)

    plans = [[s.random.choice(table[:1] * 3 + table) for _ in range(4)] for _ in range(6)]
    s.together(*[lambda plan=plan: customer(plan) for plan in plans], gap=0.01)


@case(
    "connect-refused",
    "one-of-many",
    "One request out of forty is refused, while the others go on on kept connections.",
)
def one_of_many(s):
    up = s.serve()
    dead = s.nobody()
    shop, cart = s.route(up, keepalive=True), s.route(dead)
    s.start()
    for number in range(40):
        if number == 25:
            s.get(cart, Fault("connect-refused", dead), client=s.new_client())
        else:
            s.get(shop)
