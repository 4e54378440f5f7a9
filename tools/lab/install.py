"""What the lab needs from the distribution."""

import shutil
import subprocess

from .gateways import gateway

_PACKAGES = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "apache2": "apache2-bin",  # without the package of the service
    "caddy": "caddy",
    "nft": "nftables",
    "dumpcap": "tshark",
    "tshark": "tshark",
    "ip": "iproute2",
    "openssl": "openssl",
    "gnutls-serv": "gnutls-bin",
    "nsenter": "util-linux",
    "php-fpm8.2": "php8.2-fpm",
    "uwsgi": "uwsgi-core",
    "node": "nodejs",
}


def install(kinds=()):
    """Installs what is absent (Debian and relatives); returns the packages installed. Of gateways that no package
    holds only those of `kinds` are brought."""
    missing = sorted({package for program, package in _PACKAGES.items() if shutil.which(program) is None})
    if missing:
        command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
        environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run(["apt-get", "update", "-q"], env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return missing + [kind for kind in kinds if hasattr(gateway(kind), "install") and gateway(kind).install()]
