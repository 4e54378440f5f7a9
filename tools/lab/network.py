"""Network namespaces joined by veth pairs.

Sockets stay in the namespace in which they were made, so one Python process can hold a client, an upstream and a
relay: `with namespace:` moves the calling thread there, and back.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
# ETHTOOL_SRXCSUM, STXCSUM, SSG, STSO, SGSO, SGRO: a frame that is read and sent again must be complete and small.
_OFFLOAD_SETTERS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)
_home = os.open("/proc/self/ns/net", os.O_RDONLY)


def run(*command, check=True, stdin=None):
    """Runs a command and returns what it printed; a failure carries its error text."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _enter(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """One host of the lab."""

    def __init__(self, name):
        self.name = name
        self._files = {}
        run("ip", "netns", "add", name)
        self._descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.ip("link", "set", "lo", "up")
        self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        self.sysctl("net.ipv6.conf.default.disable_ipv6", 1)

    def __enter__(self):
        _enter(self._descriptor)
        return self

    def __exit__(self, *_):
        _enter(_home)

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def sysctl(self, key, value):
        with self:
            with open("/proc/sys/" + key.replace(".", "/"), "w") as file:
                file.write(str(value))

    def command(self, *arguments):
        """The command line that runs `arguments` on this host."""
        enter = ["nsenter", f"--net=/run/netns/{self.name}"]
        if not self._files:
            return [*enter, *arguments]
        mounts = "".join(f"mount --bind '{source}' '{path}' && " for path, source in self._files.items())
        return [*enter, "unshare", "--mount", "sh", "-c", mounts + 'exec "$@"', "sh", *arguments]

    def replace_file(self, path, source):
        """What runs on this host from now on sees the file `source` under `path`."""
        self._files[path] = source

    def nft(self, rules):
        """Loads nftables rules, in the syntax of `nft -f`."""
        run(*self.command("nft", "-f", "-"), stdin=rules)

    def nft_flush(self):
        run(*self.command("nft", "flush", "ruleset"))

    def tcp_counters(self):
        """What the kernel counted of TCP on this host: the `TcpExt` lines of netstat, by name."""
        with self, open("/proc/thread-self/net/netstat") as file:
            names, values = [line.split()[1:] for line in file if line.startswith("TcpExt:")]
        return {name: int(value) for name, value in zip(names, values)}

    def plain_frames(self, interface):
        """Turns checksum and segmentation offload off on `interface`."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for setter in _OFFLOAD_SETTERS:
                value = ctypes.create_string_buffer(struct.pack("=II", setter, 0))
                request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)).ljust(40, b"\0")
                try:
                    fcntl.ioctl(control, _SIOCETHTOOL, request)
                except OSError:
                    pass  # this kernel has no such switch

    def remove(self):
        os.close(self._descriptor)
        run("ip", "netns", "del", self.name, check=False)


class Network:
    """The namespaces of one case; `close` removes all of them whatever happened."""

    _serial = 0

    def __init__(self):
        Network._serial += 1
        self._prefix = f"gwl{os.getpid()}-{Network._serial}"
        self.hosts = {}

    def host(self, name):
        if name not in self.hosts:
            self.hosts[name] = Namespace(f"{self._prefix}-{name}")
        return self.hosts[name]

    def link(self, first, first_interface, second, second_interface):
        """Joins two hosts by a veth pair, both ends up."""
        run(
            "ip",
            "-n",
            first.name,
            "link",
            "add",
            first_interface,
            "type",
            "veth",
            "peer",
            "name",
            second_interface,
            "netns",
            second.name,
        )
        first.ip("link", "set", first_interface, "up")
        second.ip("link", "set", second_interface, "up")

    def switch(self, name):
        """A host that is a learning switch."""
        host = self.host(name)
        host.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        host.ip("link", "set", "br0", "up")
        return host

    def plug(self, switch, port, host, interface):
        self.link(switch, port, host, interface)
        switch.ip("link", "set", port, "master", "br0")

    def close(self):
        for host in self.hosts.values():
            host.remove()
        self.hosts.clear()
