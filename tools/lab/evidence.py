"""Which causes each kind of log evidence allows.

The log often cannot tell causes apart (a firewall's ICMP reject and a closed port are both "Connection refused"), so a
row allows several and the plan decides between them. A planned cause that its row does not allow is a fault of the
lab: the case is not written.
"""

_CONNECT_FAILED = {"connect-refused", "icmp-port-unreachable", "icmp-admin-prohibited", "host-unreachable"}
_NO_HANDSHAKE = {"connect-timeout", "accept-queue-overflow", "host-unreachable"}
_NO_HEAD = {
    "response-timeout",
    "loss-stall-request",
    "loss-stall-response",
    "accept-queue-overflow",
    "connect-timeout",
}
_RESET = {"reset-after-accept", "reset-before-response", "reset-mid-head", "stale-keepalive-reuse"}
_CLOSED = {"closed-before-response", "closed-mid-head", "stale-keepalive-reuse"}
_NOT_UNDERSTOOD = {"malformed-header", "malformed-status-line", "header-too-large", "non-http-banner"}

TABLE = {
    # nginx, error log
    "no live upstreams": {"no-live-upstream", "no-upstream-attempt"},  # the second where only max_conns was reached
    "unix socket": {"no-upstream-attempt"},
    "connect 111": {"connect-refused", "icmp-port-unreachable"},
    "connect 13": {"icmp-admin-prohibited"},  # ICMPv6 only: Linux makes EACCES of 1/1, 1/5 and 1/6
    "connect 113": {"icmp-admin-prohibited", "host-unreachable"},
    "connect 101": {"icmp-admin-prohibited", "host-unreachable"},
    "connect 104": {"reset-after-accept"},
    "connect timed out": _NO_HANDSHAKE,
    "send timed out": {"loss-stall-request"},
    "head timed out": _NO_HEAD,
    "body timed out": {"body-timeout", "loss-stall-response"},
    "send reset": {"reset-after-accept", "stale-keepalive-reuse"},
    "head too big": {"header-too-large"},
    "head invalid": {"malformed-header"},
    # nginx goes on with status 009 and passes the bytes to the client as HTTP/0.9, which has no status.
    "no status line": {"malformed-status-line", "non-http-banner"},
    "chunk invalid": set(),
    "head closed": _CLOSED,
    "head reset": _RESET,
    "body closed": {"truncated-body-fin"},
    "body reset": {"truncated-body-reset"},
    "client left": {"client-abort"},
    # HAProxy, termination state; "silent" is a request without a log line and without an answer: where the client's
    # connection has carried a request before, HAProxy 2.6 answers an upstream's early end by closing it
    # (abort_keep_alive).
    "no server": {"no-live-upstream", "no-upstream-attempt"},  # the second where nothing failed before: maintenance
    "SC": _CONNECT_FAILED | {"reset-after-accept"},
    "sC": _NO_HANDSHAKE,
    "sQ": {"no-upstream-attempt"},
    "SH": _RESET | _CLOSED,
    "sH": _NO_HEAD,
    "PH": _NOT_UNDERSTOOD,
    "SD": {"truncated-body-fin", "truncated-body-reset"},
    "sD": {"body-timeout", "loss-stall-response"},
    "PD": set(),
    "CH": {"client-abort"},
    "CD": {"client-abort"},
    "CC": {"client-abort"},
    "retried": _CONNECT_FAILED | _NO_HANDSHAKE | _RESET | _CLOSED | {"upstream-error-response", "response-timeout"},
    "silent": _RESET | _CLOSED,
    # both: the upstream's own status in the log
    "relayed": {"upstream-error-response"},
}

# The side to blame where CAUSES.md lists one; None where the packets of a case may decide otherwise.
BLAME = {
    "connect-refused": "upstream",
    "icmp-port-unreachable": "firewall",
    "icmp-admin-prohibited": "firewall",
    "host-unreachable": "network",
    "connect-timeout": None,
    "accept-queue-overflow": "upstream",
    "reset-after-accept": "upstream",
    "closed-before-response": "upstream",
    "reset-before-response": "upstream",
    "response-timeout": "upstream",
    "closed-mid-head": "upstream",
    "reset-mid-head": "upstream",
    "header-too-large": "gateway",
    "malformed-header": "upstream",
    "malformed-status-line": "upstream",
    "non-http-banner": "gateway",
    "truncated-body-fin": "upstream",
    "truncated-body-reset": "upstream",
    "body-timeout": "upstream",
    "loss-stall-request": "network",
    "loss-stall-response": "network",
    "stale-keepalive-reuse": None,
    "upstream-error-response": "upstream",
    "no-live-upstream": "gateway",
    "no-upstream-attempt": "gateway",
    "client-abort": "client",
    "undetermined": "unknown",
}
