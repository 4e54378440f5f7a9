"""The gateways of the lab. Each has a configuration, a start, a stop, and a log that is read into `Record`s."""

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
