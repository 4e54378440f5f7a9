"""Requests and answers that are out of the ordinary, at Apache httpd, Caddy and Envoy."""

import time

from ..case import Fault, also, case
from ..upstreams import answer, raw, response
from . import (  # noqa: F401  (their cases are played here too)
    applications,
    framing,
    interim,
    limits,
    protocolshapes,
    servers,
    tooearly,
    wrongprotocol,
)

_FOR_ALL = (
    "application-protocol-mismatch/http2-ipv6",
    "application-protocol-mismatch/http2-to-http1",
    "clean/expect-continue",
    "clean/request-too-large-relayed",
    "clean/surplus-bytes",
    "clean/upgrade-refused",
    "interim-response/none-final",
    "interim-response/none-final-upstream-leg",
    "proxy-protocol-mismatch/wanted-haproxy",
    "proxy-protocol-mismatch/wanted-nginx",
    "proxy-protocol-mismatch/wanted-upstream-leg",
    "request-too-large/reset-in-head",
    "request-too-large/uwsgi-buffer",
)

also("apache", *_FOR_ALL, "application-protocol-mismatch/fastcgi-to-http", "client-slow/upload-stops")
also("apache", "interim-response/continue-never", "unexpected-upgrade/not-asked", "unexpected-upgrade/any-device")
also("caddy", *_FOR_ALL, "application-protocol-mismatch/fastcgi-to-http", "client-slow/upload-stops-streamed")
also("caddy", "early-response/413-lost", "early-response/413-relayed", "surplus-bytes/next-exchange", "unexpected-upgrade/not-asked", "unexpected-upgrade/any-device")
also("envoy", "early-response/413-relayed", "surplus-bytes/next-exchange", *_FOR_ALL, "client-slow/upload-stops-streamed", "interim-response/silence-after")
also("caddy", "client-slow/download-stops")
also("envoy", "too-many-headers/150-short", "too-many-headers/long-fields", "too-many-headers/tls-client")
also("envoy", "conflicting-content-length/unknown-coding")

_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@case(
    "interim-response",
    "a-dozen",
    "The application sends a dozen interim answers before its final one: more than httpd (ten) and Caddy (five) take.",
    gateways=("apache", "caddy"),
)
def a_dozen(s):
    s.network(router=True)
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("interim-response", up)
    s.get(shop)
    s.get(shop, fault, do=raw(_HINT * 12 + response(headers=["Connection: close"])), client=s.new_client())
    s.get(shop, do=raw(_HINT * 3 + response(headers=["Connection: close"])), client=s.new_client())
    s.get(shop, fault, do=raw([_HINT * 12, 0.1, response()], then="wait"), client=s.new_client())
    s.get(shop, client=s.new_client())


def _drops_header(connection):
    """A server that knows no PROXY header: it reads the first bytes and closes, as it does with all that is no HTTP."""
    connection.socket.recv(4096)
    time.sleep(0.03)
    connection.close()
    return True


_V1 = {
    "name": "envoy.transport_sockets.upstream_proxy_protocol",
    "typed_config": {
        "@type": "type.googleapis.com/"
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        "config": {"version": "V1"},
        "transport_socket": {
            "name": "envoy.transport_sockets.raw_buffer",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
            },
        },
    },
}


@case(
    "proxy-protocol-mismatch",
    "sent-to-all-closed",
    """The gateway begins each connection with a PROXY header, and the server, which does not know it, reads and closes
    after 30 ms without a byte.""",
    gateways=("haproxy", "envoy"),
)
def sent_to_all_closed(s):
    up, strict = s.serve(), s.serve(1, greet=_drops_header)
    shop = s.route(up)
    cart = s.route(strict, server_options={"haproxy": "send-proxy-v2", "envoy": {"transport_socket": _V1}})
    s.start()
    fault = Fault("proxy-protocol-mismatch", strict)
    s.get(shop)
    s.get(cart, fault, client=s.new_client())
    s.post(cart, fault, client=s.new_client())
    s.get(cart, fault, client=s.new_client())
    s.get(shop, client=s.new_client())


def _reads_some(connection):
    connection.socket.recv(2048)
    time.sleep(5)
    return True


@case(
    "zero-window-stall",
    "client-held-back",
    """The server stops reading an upload, and the gateway, whose buffers are full, stops reading its client: both
    windows are closed until the gateway gives up. The client was not slow.""",
    gateways=("haproxy", "envoy"),
)
def held_back(s):
    s.network(router=True)
    s.gateway_host.sysctl("net.ipv4.tcp_rmem", "4096 4096 4096")
    s.gateway_host.sysctl("net.ipv4.tcp_wmem", "4096 4096 4096")
    s.host(0)[0].sysctl("net.ipv4.tcp_rmem", "4096 4096 4096")
    up, stuck = s.serve(1), s.serve(0, greet=_reads_some)
    small = {"per_connection_buffer_limit_bytes": 4096}
    shop = s.route(up)
    cart = s.route(stuck, lines={"envoy": {"timeout": "0s"}}, server_options={"envoy": small})
    lines = {"envoy": {"stream_idle_timeout": "2s"}, "envoy-listener": small, "haproxy-global": ["tune.bufsize 16384"]}
    s.start(read_s=2, lines=lines, snap=200)
    s.get(shop)
    s.post(cart, Fault("zero-window-stall", stuck), size=150000, client=s.new_client())
    s.get(shop, client=s.new_client())


_LUA = {
    "name": "lua",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {
            "inline_string": "function envoy_on_response(handle)\n handle:body():length()\nend\n"
        },
    },
}


@case(
    "gateway-rejected-response",
    "buffer-limit",
    """A filter of Envoy's holds answers back until they are whole; one passes the buffer's limit, and Envoy stops it in
    its midst and answers 500.""",
    gateways=("envoy",),
)
def buffer_limit(s):
    up = s.serve()
    small = {"per_connection_buffer_limit_bytes": 8192}
    shop = s.route(up, server_options={"envoy": small})
    s.start(lines={"envoy-filters": [_LUA], "envoy-listener": small})
    wide = answer(body=b"0123456789abcdef\n" * 1000)
    s.get(shop)
    for _ in range(2):
        s.get(shop, Fault("gateway-rejected-response", up), do=wide, client=s.new_client())
    s.get(shop, client=s.new_client())


@case(
    "gateway-rejected-response",
    "line-too-long",
    """An output filter of httpd's (mod_substitute) fails at a line that is longer than it takes: the client's connection
    is closed without a byte of the 200.""",
    gateways=("apache",),
)
def line_too_long(s):
    up = s.serve()
    rule = ["SetOutputFilter SUBSTITUTE", "Substitute s/alpha/beta/", "SubstituteMaxLineLength 500"]
    shop = s.route(up, lines={"apache": rule})
    s.start()
    fault = Fault("gateway-rejected-response", up)
    page = ["Content-Type: text/html"]
    s.get(shop)
    s.get(shop, do=answer(headers=page, body=b"alpha\n" * 60))
    s.get(shop, fault, do=answer(headers=page, body=b"alpha " * 300 + b"\n"), client=s.new_client())
    s.post(shop, fault, do=answer(headers=page, body=b"alpha " * 200, after=0.1), client=s.new_client())
    s.get(shop, client=s.new_client())


_BARE = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nTransfer-Encoding: chunked\r\n\r\n6\nhello\n\n0\n\n"


@case(
    "bad-chunk-size",
    "bare-line-feeds",
    "The lines of the chunks end in LF alone, which Envoy refuses.",
    gateways=("envoy",),
)
def bare_line_feeds(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("bad-chunk-size", up)
    s.get(shop)
    s.get(shop, fault, do=raw(_BARE, then="wait"), client=s.new_client())
    s.post(shop, fault, do=raw(_BARE, then="wait", after=0.05), client=s.new_client())
    s.get(shop)


_LONG_NOTHING = b"HTTP/1.1 204 No Content\r\nServer: app/1.9\r\nContent-Length: 12\r\n\r\n"


@case(
    "conflicting-content-length",
    "length-of-nothing",
    "A 204 that announces twelve bytes, which Envoy refuses (RFC 9110 section 8.6 forbids it).",
    gateways=("envoy",),
)
def length_of_nothing(s):
    up = s.serve()
    shop = s.route(up)
    s.start()
    fault = Fault("conflicting-content-length", up)
    s.get(shop)
    s.get(shop, fault, do=raw(_LONG_NOTHING, then="wait"), client=s.new_client())
    s.delete(shop, fault, do=raw(_LONG_NOTHING, then="wait", after=0.05), client=s.new_client())
    s.get(shop)
