"""The gateways of the lab. Each has a configuration, a start, a stop, and a log that is read into `Record`s."""

import os
import signal
from dataclasses import dataclass, field

KINDS = ("nginx", "haproxy", "apache", "caddy", "envoy")


@dataclass
class Route:
    """One path prefix and the servers behind it ("address:port")."""

    prefix: str
    servers: list
    keepalive: bool = False
    lines: dict = field(default_factory=dict)  # gateway kind -> further configuration lines of this route
    server_options: dict = field(default_factory=dict)  # gateway kind -> text after each server
    protocol: str = "http"  # what the gateway speaks to the servers: http, https, fastcgi, uwsgi, h2
    resolver: str | None = None  # "address:port" of the name server that is asked for the servers' names meanwhile


@dataclass
class Settings:
    listen: list
    routes: list
    connect_s: int = 2
    read_s: int = 3
    tls: tuple | None = None  # (certificate, key) paths
    lines: dict = field(default_factory=dict)  # gateway kind -> further global lines


@dataclass
class Attempt:
    """Failed upstream attempts by the gateway's own account. `evidence` is a row name of evidence.TABLE."""

    upstream: str | None
    evidence: str
    count: int = 1


@dataclass
class Record:
    """One request by the gateway's own account; `lines` are the log lines behind it, verbatim."""

    target: str
    status: int | None
    attempts: list
    lines: list
    sent: int | None = None  # bytes that the gateway says it sent to the client
    made: bool = False  # an error status that is not the upstream's
    passes: int = 1  # how often that target stands in the log


def kill(process):
    """Ends a gateway and its children as a crash does: the children hold the connections, and may outlive their parent."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        children = [int(child) for child in file.read().split()]
    for child in children:
        os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait(10)


def gateway(kind):
    """The class of a gateway kind."""
    from . import apache, caddy, envoy, haproxy, nginx

    classes = {
        "nginx": nginx.Nginx,
        "haproxy": haproxy.HAProxy,
        "apache": apache.Apache,
        "caddy": caddy.Caddy,
        "envoy": envoy.Envoy,
    }
    return classes[kind]
