"""What the lab needs from the distribution."""

import shutil
import subprocess

from .gateways import gateway

# Program and package.
_TOOLS = {
    "nft": "nftables",
    "conntrack": "conntrack",
    "dumpcap": "tshark",
    "tshark": "tshark",
    "ip": "iproute2",
    "openssl": "openssl",
    "nsenter": "util-linux",
}
_GATEWAYS = {
    "nginx": ("nginx", "nginx-light"),
    "haproxy": ("haproxy", "haproxy"),
    "apache": ("apache2", "apache2-bin"),  # without the package of the service
    "caddy": ("caddy", "caddy"),
}
# What stands behind the gateways in single cases.
_SERVERS = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "gnutls-serv": "gnutls-bin",
    "php-fpm8.2": "php8.2-fpm",
    "uwsgi": "uwsgi-core",
    "node": "nodejs",
}


def install(kinds, servers=True):
    """Installs what is absent (Debian and relatives) for the gateways `kinds`; returns what was installed."""
    needed = _TOOLS | dict(_GATEWAYS[kind] for kind in kinds if kind in _GATEWAYS) | (_SERVERS if servers else {})
    missing = sorted({package for program, package in needed.items() if shutil.which(program) is None})
    if missing:
        command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
        environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run(["apt-get", "update", "-q"], env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return missing + [kind for kind in kinds if hasattr(gateway(kind), "install") and gateway(kind).install()]
