"""The same faults where the capture sees other things: one leg, TLS towards the client, `any`, loopback, IPv6."""

import time

from ..case import BOTH, Fault, case
from ..upstreams import answer, raw

_HALF = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 1"
_SHORT = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 700\r\n\r\n" + b"0123456789\n" * 30

# What the upstream does with a request, by cause; None: nothing listens, or it depends on the gateway.
_DEEDS = {
    "connect-refused": None,
    "closed-before-response": raw(b"", after=0.12),
    "reset-before-response": raw(b"", then="reset", after=0.2),
    "response-timeout": raw(b"", then="wait"),
    "closed-mid-head": raw(_HALF, hold=0.05),
    "reset-mid-head": raw(_HALF, then="reset", hold=0.15),
    "truncated-body-fin": raw(_SHORT, hold=0.1),
    "truncated-body-reset": raw(_SHORT, then="reset", hold=0.25),
    "body-timeout": raw(_SHORT, then="wait"),
    "header-too-large": None,
    # It stays open: a close by the server would hide, where no client is seen, that the gateway refused the answer.
    "malformed-header": raw(b"HTTP/1.1 200 OK\r\nX Bad Name: 1\r\nContent-Length: 5\r\n\r\ndone\n", hold=0.1),
    "malformed-status-line": raw(b"HTTP/1.1 two-hundred OK\r\nContent-Length: 5\r\n\r\ndone\n"),
    "upstream-error-response": answer("503 Service Unavailable", b"overloaded\n"),
}


def _play(s, cause, place):
    s.network(router=place in ("upstream", "tls-router"), ipv6=place == "ipv6", loopback=place.startswith("loopback"))
    up = s.serve()
    keep = s.random.random() < 0.5
    shop = s.route(up, keepalive=keep)
    bad = s.nobody() if cause == "connect-refused" else up
    deed, buffer = _DEEDS[cause], 8192
    if cause == "header-too-large":
        # Without the client's leg only the gateway's usual limit tells the size that it did not take: HAProxy's 16 kB.
        buffer = 16384 if place == "upstream" else 8192
        deed = answer(headers=["X-Debug: " + "trace" * (900 if s.kind == "nginx" else buffer // 5 + 60)])
    cart = s.route(bad, keepalive=keep)
    where = {"upstream": "upstream", "any": "any", "tls-any": "any"}.get(place, "loopback" if s.loopback else "both")
    s.start(
        capture=where,
        read_s=s.random.choice((2, 3)),
        connect_s=s.random.choice((1, 2, 3)),
        tls=place.startswith("tls"),
        lines={"haproxy-global": [f"tune.bufsize {buffer}"]},
    )
    variant = "application" if cause == "upstream-error-response" else None
    fault = Fault(cause, bad, variant=variant)
    s.get(shop)
    s.post(shop)
    # A refused SYN carries no request. Where the clients are not seen, only the pause tells that no retry followed.
    pause = 0.4 if cause == "connect-refused" and place == "upstream" else 0.0
    for number in range(s.random.choice((2, 3))):
        time.sleep(pause)
        # Without it the client of an HTTP/0.9 answer would wait for nginx's keep-alive timer.
        headers = ["Connection: close"] if cause == "malformed-status-line" else []
        (s.post if number % 2 else s.get)(cart, fault, do=deed, headers=headers)
        time.sleep(pause)
        s.get(shop, client=s.new_client())


_PLACES = {
    "tls": (
        "The client's side is TLS without keys.",
        {
            "closed-before-response": BOTH,
            "response-timeout": BOTH,
            "reset-before-response": BOTH,
            "truncated-body-fin": BOTH,
            "connect-refused": ("nginx",),
            "header-too-large": BOTH,
            "malformed-status-line": BOTH,
        },
    ),
    "tls-any": (
        "The client's side is TLS without keys; captured on all interfaces.",
        {"closed-mid-head": BOTH, "upstream-error-response": BOTH},
    ),
    "upstream": (
        "Only the upstream leg is captured, a router away.",
        {
            "closed-before-response": BOTH,
            "response-timeout": BOTH,
            "closed-mid-head": BOTH,
            "header-too-large": BOTH,
            "body-timeout": ("nginx",),
            "connect-refused": ("nginx",),
            "truncated-body-reset": ("haproxy",),
            "malformed-header": BOTH,
        },
    ),
    "any": (
        "Captured on all interfaces.",
        {
            "connect-refused": BOTH,
            "reset-before-response": BOTH,
            "response-timeout": BOTH,
            "truncated-body-reset": BOTH,
        },
    ),
    "loopback": (
        "Gateway and upstream share 127.0.0.1; captured on loopback.",
        {
            "connect-refused": BOTH,
            "closed-before-response": BOTH,
            "response-timeout": BOTH,
            "header-too-large": BOTH,
            "upstream-error-response": BOTH,
            "malformed-status-line": BOTH,
            "reset-mid-head": ("nginx",),
        },
    ),
    "ipv6": (
        "All over IPv6.",
        {
            "closed-before-response": BOTH,
            "reset-mid-head": BOTH,
            "response-timeout": BOTH,
            "body-timeout": BOTH,
            "truncated-body-fin": BOTH,
        },
    ),
}

_STORY = {
    "connect-refused": "Nothing listens on the upstream's port.",
    "closed-before-response": "The server reads the request and closes without an answer.",
    "reset-before-response": "The server reads the request and aborts.",
    "response-timeout": "The server reads the request and stays silent.",
    "closed-mid-head": "The server closes inside its head.",
    "reset-mid-head": "The server aborts inside its head.",
    "truncated-body-fin": "The server closes inside the body that it announced.",
    "truncated-body-reset": "The server aborts inside the body that it announced.",
    "body-timeout": "The body stops until the gateway gives up.",
    "header-too-large": "A debug header is larger than the gateway's buffer.",
    "malformed-header": "A header name holds spaces.",
    "malformed-status-line": "The status is a word.",
    "upstream-error-response": "The application itself answers 503.",
}

for _place, (_text, _causes) in _PLACES.items():
    for _cause, _kinds in _causes.items():
        case(_cause, _place, f"{_STORY[_cause]} {_text}", gateways=_kinds)(
            lambda s, cause=_cause, place=_place: _play(s, cause, place)
        )
