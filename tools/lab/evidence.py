"""Which causes each kind of log evidence allows.

The log often cannot tell causes apart (a firewall's ICMP reject and a closed port are both "Connection refused"), so a
row allows several and the plan decides between them. A planned cause that its row does not allow is a fault of the
lab: the case is not written.
"""

_CONNECT_FAILED = {
    "stale-address",
    "connect-refused",
    "handshake-reset-by-firewall",
    "icmp-port-unreachable",
    "icmp-admin-prohibited",
    "host-unreachable",
}
_NO_HANDSHAKE = {"stale-address", "connect-timeout", "accept-queue-overflow", "host-unreachable", "stale-tuple"}
_NO_HEAD = {
    "response-timeout",
    "loss-stall-request",
    "loss-stall-response",
    "accept-queue-overflow",
    "connect-timeout",
    "pmtu-blackhole",
    "idle-state-expired",
    "zero-window-stall",  # where the gateway's socket took the whole request and the upstream did not
    "client-abort",  # httpd does not look for its client while it waits
    "interim-response",  # only interim answers came
}
_RESET = {
    "fastcgi-empty-response",  # a worker that was killed
    "reset-after-accept",
    "reset-during-upload",
    "reset-before-response",
    "reset-mid-head",
    "stale-keepalive-reuse",
    # The log says no more than that the upstream ended it; why it did, the plan and the packets tell.
    "early-response",
    "request-too-large",
    "proxy-protocol-mismatch",
    "application-protocol-mismatch",
    "middlebox-reset",
    "idle-state-expired",
    "interim-response",
}
_CLOSED = {
    "closed-before-response",
    "closed-mid-head",
    "stale-keepalive-reuse",
    "request-too-large",
    "proxy-protocol-mismatch",
    "application-protocol-mismatch",
    "interim-response",
}
_OTHER_PROTOCOL = {
    "non-http-banner",
    "plaintext-to-tls-upstream",
    "application-protocol-mismatch",
    "proxy-protocol-mismatch",  # what did not want the PROXY header answers in its own way
}
_REFUSED_HANDSHAKE = {"tls-protocol-version", "tls-handshake-failure", "tls-unrecognized-name"}
_NOT_UNDERSTOOD = _OTHER_PROTOCOL | {
    "malformed-header",
    "malformed-status-line",
    "header-too-large",
    "conflicting-content-length",
    "bad-chunk-size",
    "interim-response",
    "unexpected-upgrade",
    "too-many-headers",
    "surplus-bytes",
}

TABLE = {
    # nginx, error log
    "no live upstreams": {"no-live-upstream", "no-upstream-attempt"},  # the second where only max_conns was reached
    "unix socket": {"no-upstream-attempt"},
    "no resolver": {"no-upstream-attempt"},
    "no port": {"no-upstream-attempt"},
    "cache hit": {"cached-error"},
    "name not found": {"dns-failure"},  # also where the name exists without an address
    "name server failed": {"dns-failure"},
    "name server refused": {"dns-failure"},
    "name timed out": {"dns-failure"},  # also after an ICMP error: nginx waits on
    "connect 111": {"connect-refused", "handshake-reset-by-firewall", "icmp-port-unreachable", "stale-address"},
    "connect 13": {"icmp-admin-prohibited"},  # ICMPv6 only: Linux makes EACCES of 1/1, 1/5 and 1/6
    "connect 113": {"icmp-admin-prohibited", "host-unreachable"},
    "connect 101": {"icmp-admin-prohibited", "host-unreachable"},
    "connect 104": {"reset-after-accept", "early-response", "middlebox-reset"},
    "connect timed out": _NO_HANDSHAKE,
    "send timed out": {"loss-stall-request", "zero-window-stall", "pmtu-blackhole", "idle-state-expired"},
    "head timed out": _NO_HEAD,
    # "interim-response" where it took an interim answer for the final one and waits for its body (nginx 1.22).
    "body timed out": {
        "body-timeout",
        "loss-stall-response",
        "conflicting-content-length",
        "interim-response",
        "pmtu-blackhole",
    },
    "send reset": _RESET - {"reset-mid-head", "reset-before-response"},
    "head too big": {"header-too-large"},
    "head invalid": {"malformed-header"},
    # nginx goes on with status 009 and passes the bytes to the client as HTTP/0.9, which has no status.
    "no status line": {"malformed-status-line", "surplus-bytes"} | _OTHER_PROTOCOL,
    "not FastCGI": {"application-protocol-mismatch"},
    "not TLS": {"tls-to-plaintext-upstream"},
    "handshake refused": _REFUSED_HANDSHAKE,
    "handshake closed": {"tls-handshake-reset"},
    "handshake timed out": {"tls-handshake-timeout"},
    "not HTTP/2": {"application-protocol-mismatch"},
    "client slow": {"client-slow"},
    "chunk invalid": {"bad-chunk-size"},
    "head closed": _CLOSED,
    "head reset": _RESET,
    "body closed": {"truncated-body-fin", "conflicting-content-length"},
    "body reset": {"truncated-body-reset", "middlebox-reset"},
    # The second where Caddy gives up on a client: its timer cancels the request as the client's end does.
    "client left": {"client-abort", "client-slow"},
    # HAProxy, termination state; "silent" is a request without a log line and without an answer: where the client's
    # connection has carried a request before, HAProxy 2.6 answers an upstream's early end by closing it
    # (abort_keep_alive).
    # The second where nothing failed before: maintenance; the third where no address was found for the server.
    "no server": {"no-live-upstream", "no-upstream-attempt", "dns-failure"},
    # The last where an HTTP/2 preface is answered in HTTP/1.
    "SC": _CONNECT_FAILED
    | _REFUSED_HANDSHAKE
    | {"reset-after-accept", "application-protocol-mismatch", "tls-to-plaintext-upstream", "tls-handshake-reset"},
    "sC": _NO_HANDSHAKE | {"tls-handshake-timeout"},
    "sQ": {"no-upstream-attempt"},
    "RC": {"no-upstream-attempt"},  # no local port, or no file descriptor
    "SH": _RESET | _CLOSED,
    "sH": _NO_HEAD,
    "PH": _NOT_UNDERSTOOD | {"gateway-rejected-response"},  # also what `http-response deny` logs
    "SD": {
        "truncated-body-fin",
        "truncated-body-reset",
        "middlebox-reset",
        "reset-during-upload",
        "bad-chunk-size",
        "early-response",
    },
    "sD": {"body-timeout", "loss-stall-response", "pmtu-blackhole", "zero-window-stall"},
    "PD": {"bad-chunk-size"},
    "CH": {"client-abort"},
    "CD": {"client-abort"},
    "CC": {"client-abort"},
    "cR": {"client-slow"},
    "cH": {"client-slow", "interim-response"},  # the second where the client waits for a 100 that never comes
    "cD": {"client-slow", "interim-response"},
    "retried": _CONNECT_FAILED | _NO_HANDSHAKE | _RESET | _CLOSED | {"upstream-error-response", "response-timeout"},
    "silent": _RESET | _CLOSED,
    # Apache httpd, error log; where the rows above do not say the same.
    "no worker": {"no-live-upstream", "no-upstream-attempt"},  # the second where a member is disabled
    "pool full": {"no-upstream-attempt"},
    "status line cut": _CLOSED | _OTHER_PROTOCOL,
    "no HTTP": {"malformed-status-line"} | _OTHER_PROTOCOL,
    "length invalid": {"conflicting-content-length"},
    "interim responses": {"interim-response"},
    "unexpected upgrade": {"unexpected-upgrade"},
    "output filter": {"gateway-rejected-response"},
    # Caddy, the error of its round trip. Go's messages tell less than the others'.
    "replayed": {"stale-keepalive-reuse"},  # no word of it in the log, and the client got its answer
    "caddy: no upstreams": {"no-live-upstream", "no-upstream-attempt"},
    "caddy: lookup": {"dns-failure"},
    "caddy: dial refused": {"connect-refused", "icmp-port-unreachable", "handshake-reset-by-firewall", "stale-address"},
    "caddy: dial unreachable": {"icmp-admin-prohibited", "host-unreachable"},
    "caddy: dial timeout": _NO_HANDSHAKE,
    "caddy: dial": {"no-upstream-attempt"},  # a Unix socket, or no address to dial from
    "caddy: head timed out": _NO_HEAD | {"interim-response"},
    "caddy: read timed out": _NO_HEAD,
    # The last where bytes beyond the end of an answer were taken for the next one.
    "caddy: not HTTP": {"malformed-status-line", "surplus-bytes"} | _OTHER_PROTOCOL,
    "caddy: length": {"conflicting-content-length"},
    "caddy: interim": {"interim-response"},
    "caddy: reset": _RESET,
    # Caddy 2.6 has used the body up in the first attempt and gives up the second one, at a server that did nothing.
    "caddy: body gone": _CONNECT_FAILED | _NO_HANDSHAKE,
    "caddy: upload": {"reset-during-upload", "early-response", "zero-window-stall", "loss-stall-request", "pmtu-blackhole"}
    | _RESET,
    "caddy: switched": {"unexpected-upgrade"},  # a 101 that its client had not asked for
    # Go's reader makes one error of them; the last where interim answers came and no final one.
    # And where an HTTP/2 preface is answered in HTTP/1.
    "caddy: cut": {"closed-mid-head", "reset-mid-head", "interim-response", "application-protocol-mismatch"},
    "caddy: closed": _CLOSED,
    # Envoy: response flags, `after head` where the client had its status, or the connection's own error. A body or a
    # head that ends too early is a protocol error to it.
    "UF Connection refused": {"connect-refused", "handshake-reset-by-firewall", "icmp-port-unreachable", "stale-address"},
    "UF No route to host": {"icmp-admin-prohibited", "host-unreachable"},
    "UF Network is unreachable": {"icmp-admin-prohibited", "host-unreachable"},
    "UF Permission denied": {"icmp-admin-prohibited"},
    "UF Connection reset by peer": {"reset-after-accept"},
    "UF immediate": {"no-upstream-attempt"},  # a socket of the machine that is not there, no route: no packet leaves
    "UF": _NO_HANDSHAKE,
    "UC": (_RESET | {"closed-before-response"}) - {"reset-mid-head"},
    "UPE": _NOT_UNDERSTOOD | {"closed-mid-head", "reset-mid-head"},
    "UPE after head": {"truncated-body-fin", "truncated-body-reset", "bad-chunk-size", "middlebox-reset"},
    "UC after head": {"truncated-body-fin", "truncated-body-reset", "middlebox-reset"},
    "UT": _NO_HEAD | _NO_HANDSHAKE,  # the route's timer runs while Envoy connects, too
    "UT after head": {"body-timeout", "loss-stall-response", "pmtu-blackhole"},
    "per try": _NO_HEAD,
    "SI": _NO_HEAD | {"zero-window-stall", "client-slow"},
    "SI after head": {"body-timeout", "loss-stall-response", "pmtu-blackhole"},
    # The second where no host is configured, the third where no address was found for any.
    "UH": {"no-live-upstream", "no-upstream-attempt", "dns-failure"},
    "UO": {"no-upstream-attempt"},
    "NC": {"no-upstream-attempt"},
    "DC": {"client-abort"},
    "DC after head": {"client-abort"},
    # all: the upstream's own status in the log
    "relayed": {"upstream-error-response"},
    # nginx, Caddy: an error to the client, another status from the upstream, and no line in the error log
    "rewritten": {"gateway-rejected-response"},
}

# What the lab does to the gateway itself stands in no log line of a request: it is told by what became of the request.
BY_EFFECT = {"gateway-reload", "proxy-loop"}

# The side to blame where CAUSES.md lists one; None where the packets of a case may decide otherwise.
BLAME = {
    "connect-refused": "upstream",
    "handshake-reset-by-firewall": "firewall",
    "icmp-port-unreachable": "firewall",
    "icmp-admin-prohibited": "firewall",
    "host-unreachable": "network",
    "connect-timeout": None,
    "stale-tuple": "upstream",
    "accept-queue-overflow": "upstream",
    "reset-after-accept": "upstream",
    "closed-before-response": "upstream",
    "fastcgi-empty-response": "upstream",
    "tls-to-plaintext-upstream": "gateway",
    "tls-handshake-timeout": "upstream",
    "tls-handshake-reset": "upstream",
    "tls-protocol-version": "gateway",
    "tls-handshake-failure": "gateway",
    "tls-unrecognized-name": "gateway",
    "reset-before-response": "upstream",
    "reset-during-upload": "upstream",
    "zero-window-stall": "upstream",
    "early-response": "upstream",
    "proxy-protocol-mismatch": "gateway",
    "request-too-large": "upstream",
    "interim-response": "upstream",
    "unexpected-upgrade": "upstream",
    "too-many-headers": "gateway",
    "surplus-bytes": "upstream",
    "client-slow": "client",
    "response-timeout": "upstream",
    "closed-mid-head": "upstream",
    "reset-mid-head": "upstream",
    "header-too-large": "gateway",
    "malformed-header": "upstream",
    "malformed-status-line": "upstream",
    "conflicting-content-length": "upstream",
    "gateway-rejected-response": "gateway",
    "non-http-banner": "gateway",
    "plaintext-to-tls-upstream": "gateway",
    "application-protocol-mismatch": "gateway",
    "bad-chunk-size": "upstream",
    "truncated-body-fin": "upstream",
    "truncated-body-reset": "upstream",
    "body-timeout": "upstream",
    "loss-stall-request": "network",
    "loss-stall-response": "network",
    "stale-keepalive-reuse": None,
    "middlebox-reset": "firewall",
    "idle-state-expired": None,
    "pmtu-blackhole": "network",
    "upstream-error-response": "upstream",
    "no-live-upstream": "gateway",
    "no-upstream-attempt": "gateway",
    "dns-failure": "dns",
    "stale-address": "dns",
    "cached-error": "gateway",
    "proxy-loop": "gateway",
    "gateway-reload": "gateway",
    "client-abort": "client",
    "undetermined": "unknown",
}
