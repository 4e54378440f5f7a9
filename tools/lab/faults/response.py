"""The connection is there and the answer is not: closed, reset, silent, cut in its head."""

from ..case import Fault, case
from ..capture import fields
from ..expected import Disagreement
from ..upstreams import answer, raw, reset_on_accept, response
from . import servers


def _around(s, shop, *calls):
    s.get(shop)
    s.post(shop)
    for call in calls:
        call()
    s.get(shop)


@case("reset-after-accept", "linger", "The server aborts each connection as it accepts it.")
def reset_linger(s):
    up = s.serve()
    namespace, address = s.host(1)
    port = s.random.choice((6001, 7070, 8500))
    listener = reset_on_accept(namespace, address, port)
    s.on_close(listener.close)
    bad = f"{address}:{port}"
    shop, cart = s.route(up), s.route(bad)
    s.start()
    fault = Fault("reset-after-accept", bad)
    _around(s, shop, lambda: s.get(cart, fault), lambda: s.post(cart, fault), lambda: s.get(cart, fault))
    s.verify = lambda path: _prompt_reset(path, port)


def _prompt_reset(path, port):
    """Refuses a capture in which a reset came more than a round trip and 0.9 ms after the request could leave: the
    machine was busy, and the reset could answer a request that was read."""
    begun, accepted = {}, {}
    for source, target, flags, time in fields(
        path, f"tcp.port == {port}", "tcp.srcport", "tcp.dstport", "tcp.flags", "frame.time_epoch"
    ):
        flags, time = int(flags, 16), float(time)
        if flags & 0x12 == 0x02:
            begun[source] = time
        elif flags & 0x12 == 0x12:
            accepted[target] = time
        elif flags & 0x04 and source == str(port):
            late = time - accepted[target] - (accepted[target] - begun[target])
            if late > 0.0009:
                raise Disagreement(f"a reset came {late * 1000:.1f} ms too late")


@case("reset-after-accept", "balancer", "A TCP load balancer (HAProxy) accepts and rejects each connection at once.")
def reset_balancer(s):
    up = s.serve()
    bad = servers.tcp_balancer(s, 1, s.random.choice((5432, 7000, 8600)))
    shop, cart = s.route(up), s.route(bad)
    s.start()
    fault = Fault("reset-after-accept", bad)
    _around(s, shop, lambda: s.get(cart, fault), lambda: s.post(cart, fault))
    s.verify = lambda path: _prompt_reset(path, int(bad.rpartition(":")[2]))


@case("reset-after-accept", "far", "The server aborts each connection as it accepts it, 24 ms away.")
def reset_far(s):
    s.network(one_way_ms=12)
    up = s.serve()
    bad = servers.tcp_balancer(s, 1, s.random.choice((5555, 7100, 8700)))
    shop, cart = s.route(up), s.route(bad)
    s.start()
    _around(
        s,
        shop,
        lambda: s.post(cart, Fault("reset-after-accept", bad)),
        lambda: s.get(cart, Fault("reset-after-accept", bad)),
    )
    s.verify = lambda path: _prompt_reset(path, int(bad.rpartition(":")[2]))


@case(
    "closed-before-response",
    "worker-dies",
    "The worker reads the request, works for a moment and dies; its connection ends in FIN.",
)
def closed(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("closed-before-response", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(b"", after=0.13)),
        lambda: s.post(shop, fault, do=raw(b"", after=0.31)),
        lambda: s.get(shop, fault, do=raw(b"", after=0.077)),
    )


@case("closed-before-response", "nginx-444", "The upstream is an nginx that closes without an answer (return 444).")
def closed_444(s):
    up = s.serve()
    other = servers.nginx(s, 1, 8181, "location / { return 444; }")
    shop, cart = s.route(up), s.route(other)
    s.start()
    fault = Fault("closed-before-response", other)
    _around(s, shop, lambda: s.get(cart, fault), lambda: s.get(cart, fault))


@case(
    "closed-before-response",
    "worker-timeout",
    "The server's own watchdog ends the worker three seconds after the request.",
)
def worker_timeout(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=9)
    fault = Fault("closed-before-response", up, variant="worker-timeout")
    s.get(shop)
    s.together(
        *[lambda client=s.new_client(): s.get(shop, fault, do=raw(b"", after=3.0), client=client) for _ in range(3)],
        gap=0.4,
    )
    s.get(shop)


@case(
    "closed-before-response",
    "second-request",
    "On a kept connection the server reads the second request, acknowledges it, and closes without an answer.",
)
def closed_second(s):
    s.network(one_way_ms=4)
    up = s.serve()
    shop = s.route(up, keepalive=True, lines={"nginx": ["proxy_next_upstream off;"], "haproxy": ["http-reuse always"]})
    s.start()
    s.get(shop)
    s.get(shop)
    s.post(shop, Fault("closed-before-response", up), do=raw(b"", after=0.45), client=s.new_client())
    s.get(shop)
    s.post(shop, Fault("closed-before-response", up), do=raw(b"", after=0.27), client=s.new_client())
    s.get(shop)


@case(
    "closed-before-response",
    "masked",
    "The first server closes without an answer, the gateway tries the second one.",
    gateways=("nginx",),
)
def closed_masked(s):
    one, two = s.serve(0, default=raw(b"", after=0.05)), s.serve(1)
    shop = s.route(one, two, server_options={"nginx": "max_fails=0"})
    s.start()
    fault = Fault("closed-before-response", one, severity="nearMiss")
    s.get(shop, fault)
    s.get(shop)
    s.get(shop, fault)


@case(
    "closed-before-response",
    "masked-by-retry-on",
    "The server closes without an answer once in a while; retry-on hides it.",
    gateways=("haproxy",),
)
def closed_masked_haproxy(s):
    seen = set()

    def once(connection, request):
        import time

        if request.target not in seen:
            seen.add(request.target)
            time.sleep(0.06)
            return False
        return answer()(connection, request)

    up = s.serve()
    shop = s.route(up, lines={"haproxy": ["retry-on conn-failure empty-response", "retries 2"]})
    s.start()
    s.get(shop)
    fault = Fault("closed-before-response", up, severity="nearMiss")
    s.get(shop, fault, do=once)
    s.get(shop, fault, do=once)


@case("reset-before-response", "worker-aborts", "The server reads the request, works, and aborts the connection.")
def reset_before(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("reset-before-response", up)
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(b"", then="reset", after=0.09)),
        lambda: s.post(shop, fault, do=raw(b"", then="reset", after=0.4)),
    )


@case(
    "reset-before-response",
    "unread-input",
    "The server closes while part of the request is still unread, so its kernel sends RST.",
)
def reset_unread(s):
    def stingy(connection):
        import time

        connection.socket.recv(40)
        time.sleep(0.15)
        connection.close()
        return True

    up, bad = s.serve(), s.serve(1, greet=stingy)
    shop, cart = s.route(up), s.route(bad)
    s.start()
    fault = Fault("reset-before-response", bad)
    _around(s, shop, lambda: s.get(cart, fault), lambda: s.post(cart, fault))


@case("reset-before-response", "killed-in-queue", "The request waits in the accept queue until the listener is closed.")
def reset_queue(s):
    import time

    up = s.serve()
    bad = s.serve(1, backlog=16)
    shop, cart = s.route(up), s.route(bad)
    s.start(read_s=5)
    s.get(shop)
    bad.stop_listening()
    time.sleep(0.1)
    bad.listen(backlog=16, start=False)
    fault = Fault("reset-before-response", bad)

    def end():
        bad.listener.close()

    s.together(
        lambda: s.get(cart, fault, client=s.new_client()),
        lambda: s.get(cart, fault, client=s.new_client()),
        end,
        gap=0.5,
    )
    s.get(shop)


@case("response-timeout", "silence", "The server takes the request and says nothing until the gateway gives up.")
def silence(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=2)
    fault = Fault("response-timeout", up)
    s.get(shop)
    s.together(
        lambda: s.get(shop, fault, do=raw(b"", then="wait"), client=s.new_client()),
        lambda: s.post(shop, fault, do=raw(b"", then="wait"), client=s.new_client()),
        gap=0.2,
    )
    s.get(shop)


@case(
    "response-timeout",
    "never-accepted",
    "The connection is established in the server's queue and the server never takes it.",
)
def never_accepted(s):
    import time

    up, bad = s.serve(), s.serve(1)
    shop, cart = s.route(up), s.route(bad)
    s.start(read_s=3)
    s.get(shop)
    bad.stop_listening()
    time.sleep(0.1)
    bad.listen(backlog=16, start=False)
    s.get(cart, Fault("response-timeout", bad))
    s.get(shop)


@case("response-timeout", "partial-head", "The server sends half a head and stalls.")
def partial_head(s):
    up = s.serve()
    shop = s.route(up)
    s.start(read_s=3)
    fault = Fault("response-timeout", up)
    half = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Ty"
    _around(s, shop, lambda: s.get(shop, fault, do=raw(half, then="wait", after=0.2)))


@case("response-timeout", "late-answer", "The server answers after the gateway has left.")
def late(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=2)
    fault = Fault("response-timeout", up)
    s.get(shop)
    s.together(
        lambda: s.get(shop, fault, do=raw(response(), after=2.6), client=s.new_client()),
        lambda: s.post(shop, fault, do=raw(response(), after=3.1), client=s.new_client()),
    )
    import time

    time.sleep(1.5)
    s.get(shop)


@case("response-timeout", "five-seconds", "The server works for longer than the gateway waits; kept connections.")
def five(s):
    s.network(one_way_ms=10)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=5)
    s.get(shop)
    s.get(shop)
    s.post(shop, Fault("response-timeout", up), do=raw(b"", then="wait"))
    s.get(shop)


@case("closed-mid-head", "fin", "The server closes in the middle of its head.")
def mid_head(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("closed-mid-head", up)
    half = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nSet-Cookie: sid=8f14e45fceea167a; Pa"
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(half, after=0.05)),
        lambda: s.post(shop, fault, do=raw(half, hold=0.4)),
    )


@case("closed-mid-head", "status-line-only", "The server sends a status line and closes.")
def status_only(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    _around(s, shop, lambda: s.get(shop, Fault("closed-mid-head", up), do=raw(b"HTTP/1.1 201 Created\r\n", hold=0.1)))


@case("reset-mid-head", "rst", "The server aborts in the middle of its head.")
def mid_head_reset(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("reset-mid-head", up)
    half = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 1"
    _around(
        s,
        shop,
        lambda: s.get(shop, fault, do=raw(half, then="reset", after=0.05, hold=0.12)),
        lambda: s.post(shop, fault, do=raw(half, then="reset", after=0.03, hold=0.35)),
    )


@case("header-too-large", "one-line", "One header line (a cookie) is larger than the gateway's buffer.")
def too_large(s):
    up = s.serve()
    shop = s.route(up)
    s.start(lines={"haproxy-global": ["tune.bufsize 8192"]})
    size = 5200 if s.kind == "nginx" else 9000
    fault = Fault("header-too-large", up)
    do = answer(headers=["Set-Cookie: cart=" + "9a" * (size // 2)])
    _around(s, shop, lambda: s.get(shop, fault, do=do), lambda: s.post(shop, fault, do=do))


@case("header-too-large", "many-cookies", "Many small cookies together are larger than the gateway's buffer.")
def too_large_many(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(lines={"haproxy-global": ["tune.bufsize 8192"]})
    count = 40 if s.kind == "nginx" else 80
    do = answer(headers=[f"Set-Cookie: part{number}={'xyz' * 40}" for number in range(count)])
    _around(s, shop, lambda: s.get(shop, Fault("header-too-large", up), do=do))


@case("malformed-header", "space-in-name", "A header name holds a space.")
def header_space(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    bad = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nX Trace Id: 4711\r\nContent-Length: 5\r\n\r\ndone\n"
    fault = Fault("malformed-header", up)
    _around(s, shop, lambda: s.get(shop, fault, do=raw(bad)), lambda: s.post(shop, fault, do=raw(bad)))


@case("malformed-header", "no-colon", "A header line has no colon.", gateways=("haproxy",))
def header_colon(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    bad = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nthis is no field\r\nContent-Length: 5\r\n\r\ndone\n"
    _around(s, shop, lambda: s.get(shop, Fault("malformed-header", up), do=raw(bad)))


@case("malformed-header", "control-byte", "A header name holds a control byte.")
def header_control(s):
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start()
    bad = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nX-\x01Trace: 4711\r\nContent-Length: 5\r\n\r\ndone\n"
    _around(s, shop, lambda: s.get(shop, Fault("malformed-header", up), do=raw(bad)))
