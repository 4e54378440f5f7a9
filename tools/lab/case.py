"""A case: a plan in Python, played on a scene of its own."""

import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import evidence, expected
from .capture import Capture
from .client import Answer, Client
from .gateways import Route, Settings, gateway
from .names import NameServer
from .network import Network
from .relay import Relay
from .upstreams import Upstream

BOTH = ("nginx", "haproxy")
_WORDS = (
    "shop cart orders account search catalog invoices media reports tickets users payments stock prices basket "
    "checkout feed profile session news offers images export import booking quotes events wallet"
).split()
_PORTS = (8080, 8081, 8000, 3000, 5000, 9000, 8888, 7001, 8443, 4567, 9292, 8090)

CASES = {}


@dataclass
class Fault:
    """What the plan says of one request at one upstream. `logged_as`: the address where the log names another one."""

    cause: str
    upstream: object = None
    variant: str | None = None
    severity: str = "failure"
    blame: str | None = None
    logged_as: str | None = None
    attempts_known: bool = True
    upstream_name: str | None = None

    def __post_init__(self):
        if self.cause not in evidence.BLAME:
            raise ValueError(self.cause)
        if isinstance(self.upstream, Upstream):
            self.upstream = self.upstream.address
        if self.cause == "client-abort":
            self.severity = "note"  # nothing failed the client: it left


@dataclass
class Sent:
    target: str
    faults: list
    answer: Answer


@dataclass
class Case:
    """`folder` is the cause (or `clean`), `name` is unique within gateway and cause."""

    folder: str
    name: str
    gateway: str
    plan: str
    play: object
    clean: bool = False

    @property
    def path(self):
        return f"{self.folder}/{self.gateway}-{self.name}"


def case(folder, name, plan, gateways=BOTH):
    """Registers a function as a case for each gateway."""

    def register(play):
        for kind in gateways:
            made = Case(folder, name, kind, " ".join(plan.split()), play, folder == "clean")
            CASES[made.path] = made
        return play

    return register


def also(kind, *paths, plan=None, lines=None):
    """Registers cases of other gateways, as "folder/name", for `kind` too: what is played is the same. `lines` are
    further global lines of that gateway, where the case needs a setting of its own there."""

    def played(base):
        def play(scene):
            scene.lines = lines or {}
            base(scene)

        return play

    for path in paths:
        folder, name = path.split("/")
        made = next(CASES[f"{folder}/{other}-{name}"] for other in BOTH if f"{folder}/{other}-{name}" in CASES)
        case(folder, name, plan or made.plan, gateways=(kind,))(played(made.play))


class Scene:
    """The hosts of one case. Addresses, ports, paths and names follow from the case's name, so that they differ from
    case to case and stay the same from run to run."""

    def __init__(self, case, folder):
        self.case, self.kind, self.folder = case, case.gateway, folder
        self.random = random.Random(case.path)
        self.net = Network()
        self.sents, self.routes, self.upstreams = [], {}, []
        self._behind = []
        self._closers, self._captures = [], None
        self._words = self.random.sample(_WORDS, len(_WORDS))
        self._ports = self.random.sample(_PORTS, len(_PORTS))
        self._octets = self.random.sample(range(10, 100), 12)
        self._serial = self.random.randrange(10, 900)
        self._lock = threading.Lock()
        self._hosts = {}
        self.name = f"{self._words[-1]}.example"
        self.relay = self.switch = self.router = self.front_port = None
        self.loops = False
        self.ipv6 = self.loopback = self.tls = False
        self.gateway = None
        self.lines = {}  # further global lines of the gateway, added to those of `start`
        self.round_trip = 0.1
        self.record = Capture
        self.options = []  # what gwsniff is told, because no packet of this capture could tell it
        self.repairs = None  # called for what was sent again and why, before the hosts go
        self.verify = None  # called with the capture's path: the plan's own timing, checked on the wire

    # Building

    def network(self, router=False, one_way_ms=None, ipv6=False, loopback=False):
        """Lays the wires: client, gateway, [relay], [router], switch. Hosts are plugged in as they are asked for."""
        self.ipv6, self.loopback = ipv6, loopback
        net, third = self.net, self.random.randrange(1, 250)
        self._near = f"fd00:78:{third}::" if ipv6 else f"10.78.{third}."
        self._far = f"fd00:79:{third}::" if ipv6 else f"10.79.{third}."
        self._mask = "/64" if ipv6 else "/24"
        self.client_host, self.gateway_host = net.host("c"), net.host("g")
        net.link(self.client_host, "eth0", self.gateway_host, "eth0")
        self._address(self.client_host, "eth0", self._near + "2")
        self._address(self.gateway_host, "eth0", self._near + "1")
        self.switch = net.switch("s")
        toward = self.gateway_host, "eth1"
        if one_way_ms is not None:
            middle = net.host("m")
            net.link(*toward, middle, "near")
            for host, interface in (toward, (middle, "near")):
                host.plain_frames(interface)
            toward = middle, "far"
            self.round_trip = 2 * one_way_ms
        if router:
            self.router = net.host("r")
            self.router.sysctl("net.ipv6.conf.all.forwarding" if ipv6 else "net.ipv4.ip_forward", 1)
            if not ipv6:
                self.router.sysctl("net.ipv4.icmp_ratelimit", 0)
            else:
                self.router.sysctl("net.ipv6.icmp.ratelimit", 0)
            net.link(*toward, self.router, "eth0")
            net.plug(self.switch, "p0", self.router, "eth1")
            between = f"fd00:77:{third}::" if ipv6 else f"10.77.{third}."
            self._address(self.gateway_host, "eth1", between + "1")
            self._address(self.router, "eth0", between + "254")
            self._address(self.router, "eth1", self._far + "254")
            self.router_address = between + "254"
            route = (self._far + ":/64").replace(":::", "::") if ipv6 else self._far + "0/24"
            self.gateway_host.ip(*(["-6"] if ipv6 else []), "route", "add", route, "via", between + "254")
            end = self.router, "eth0"
        else:
            net.plug(self.switch, "p0", toward[0], toward[1])
            self._address(self.gateway_host, "eth1", self._far + "1")
            end = self.switch, "p0"
        if one_way_ms is not None:
            end[0].plain_frames(end[1])
            self.relay = Relay(net.host("m"), "near", "far", one_way_ms)
            self._closers.append(self.relay.close)

    def _address(self, host, interface, address):
        if self.ipv6:
            host.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 0)
            host.ip("addr", "add", address + self._mask, "dev", interface, "nodad")
        else:
            host.ip("addr", "add", address + self._mask, "dev", interface)

    def host(self, number=0):
        """The upstream host with that number, made at need; returns (namespace, address)."""
        if self.switch is None:
            self.network()
        if self.loopback:
            return self.gateway_host, "::1" if self.ipv6 else "127.0.0.1"
        if number not in self._hosts:
            namespace = self.net.host(f"u{number}")
            self.net.plug(self.switch, f"p{number + 1}", namespace, "eth0")
            if self.relay is not None and self.router is None:
                namespace.plain_frames("eth0")
            address = self._far + str(self._octets[number])
            self._address(namespace, "eth0", address)
            if self.router is not None:
                namespace.ip(*(["-6"] if self.ipv6 else []), "route", "add", "default", "via", self._far + "254")
            self._hosts[number] = (namespace, address)
        return self._hosts[number]

    def serve(self, number=0, port=None, **options):
        """Starts an upstream on host `number`, on `port`, or on one of its own."""
        namespace, address = self.host(number)
        upstream = Upstream(namespace, address, port or self._ports.pop(), self._family, **options)
        self.upstreams.append(upstream)
        self._closers.append(upstream.stop_listening)
        return upstream

    def own_front(self):
        """The address on which the gateway itself is going to listen."""
        if self.switch is None:
            self.network()
        self.front_port, self.loops = 80, True
        return self._text(self._near + "1", self.front_port)

    def nobody(self, number=0):
        """An address on host `number` where nothing listens."""
        return self._text(self.host(number)[1], self._ports.pop())

    def absent(self):
        """An address of the upstream network that no host has."""
        self.host()
        return self._text(self._far + str(self._octets.pop()), self._ports.pop())

    def _text(self, address, port):
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    @property
    def _family(self):
        return socket.AF_INET6 if self.ipv6 else socket.AF_INET

    def name_server(self, number=5):
        """A name server on upstream host `number`; what runs on the gateway asks it, and nobody else."""
        namespace, address = self.host(number)
        server = NameServer(namespace, address, family=self._family)
        self._closers.append(server.close)
        (self.folder / "resolv.conf").write_text(f"nameserver {address}\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n")
        self.gateway_host.replace_file("/etc/resolv.conf", self.folder / "resolv.conf")
        self.gateway_host.replace_file("/etc/hosts", self.folder / "hosts")
        return server

    def route(self, *servers, keepalive=False, lines=None, server_options=None, protocol="http", resolver=None):
        """A path prefix that the gateway sends to `servers`; returns the prefix. `resolver` is the name server that the gateway asks
        for their names while it runs."""
        prefix = "/" + self._words.pop() + "/"
        names = [server.address if isinstance(server, Upstream) else server for server in servers]
        asked = resolver.address if resolver else None
        route = Route(prefix, names, keepalive, lines or {}, server_options or {}, protocol, asked)
        self.routes[prefix] = route, [server for server in servers if isinstance(server, Upstream)]
        return prefix

    def start(
        self,
        capture="both",
        connect_s=2,
        read_s=3,
        tls=False,
        lines=None,
        link_type=None,
        host=None,
        warm=(),
        snap=None,
    ):
        """Starts the gateway and the capture.

        `capture` is both, upstream, client, any or loopback (all on the gateway), or switch: the upstream network as a
        mirror port shows it; `upstream-host`; or `router` and `router-any`: its two interfaces, or all. `warm` holds prefixes that are asked for before the capture begins,
        `snap` is the snapshot length.
        """
        self.tls = tls
        certificate = self._certificate() if tls else None
        front = ("[::1]" if self.ipv6 else "127.0.0.1") if self.loopback else self._near + "1"
        if ":" in front and not front.startswith("["):
            front = f"[{front}]"
        if self.front_port is None:
            self.front_port = 443 if tls else self.random.choice((80, 80, 8000 + self.random.randrange(1, 60)))
        while not self.loops and any(
            str(self.front_port) == server.rpartition(":")[2] for r, _ in self.routes.values() for server in r.servers
        ):
            self.front_port = 80
        self.front = front.strip("[]")
        settings = Settings(
            [f"{front}:{self.front_port}"],
            [route for route, _ in self.routes.values()],
            connect_s,
            read_s,
            certificate,
            {**(lines or {}), **self.lines},
        )
        self.gateway = gateway(self.kind)(self.gateway_host, self.folder, settings)
        self._closers.append(self.gateway.stop)
        self.gateway.start()
        where = {
            "both": (self.gateway_host, ["eth0", "eth1"], "both", "two interfaces"),
            "upstream": (self.gateway_host, ["eth1"], "upstream", "one interface"),
            "client": (self.gateway_host, ["eth0"], "client", "one interface"),
            "any": (self.gateway_host, ["any"], "both", "any"),
            "loopback": (self.gateway_host, ["lo"], "both", "loopback"),
            "switch": (self.switch, ["br0"], "upstream", "one interface"),
            "upstream-host": (self.host(host or 0)[0], ["eth0"], "upstream", "one interface"),
            "router": (self.router, ["eth0", "eth1"], "upstream", "two interfaces"),
            "router-any": (self.router, ["any"], "upstream", "any"),
        }[capture]
        if where[1] == ["any"] and link_type is None:
            link_type = self.random.choice(("LINUX_SLL", "LINUX_SLL2"))
        self._legs, self._on = where[2], where[3]
        self.client = self.new_client()
        for prefix in warm:
            self.client.request("GET", self.target(prefix))
            time.sleep(0.1)
        self._capture = self.record(where[0], where[1], self.folder / "capture.pcapng", link_type, snap)
        self._closers.append(self._capture.abandon)

    def _certificate(self):
        both, key = self.folder / "front.pem", self.folder / "front.key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", str(key), "-out", str(both), "-days", "30", "-subj", f"/CN={self.name}"]
        subprocess.run(command, check=True, capture_output=True)
        both.write_text(both.read_text() + key.read_text())
        return str(both), str(key)

    # Playing

    def new_client(self):
        namespace = self.gateway_host if self.loopback else self.client_host
        return Client(namespace, (self.front, self.front_port), self.name, self._family, self.tls)

    def target(self, prefix):
        with self._lock:
            self._serial += self.random.randrange(1, 9)
            tail = self._serial
        return prefix + (f"{tail}" if self.random.random() < 0.5 else f"view?id={tail}")

    def get(self, prefix, *faults, **options):
        return self._send("GET", prefix, None, faults, **options)

    def head(self, prefix, *faults, **options):
        return self._send("HEAD", prefix, None, faults, **options)

    def delete(self, prefix, *faults, **options):
        return self._send("DELETE", prefix, None, faults, **options)

    def post(self, prefix, *faults, size=None, **options):
        body = ("item=%d&" % self.random.randrange(10**6)).encode() * (1 + self.random.randrange(4))
        if size:
            body = (body * (size // len(body) + 1))[:size]
        return self._send("POST", prefix, body, faults, **options)

    def _send(self, method, prefix, body, faults, do=None, client=None, **options):
        target = self.target(prefix)
        if do is not None:
            for upstream in self.routes[prefix][1]:
                upstream.on(target, do)
        hides = getattr(gateway(self.kind), "closes_kept_clients", False)
        if faults and client is None and hides and self.random.random() < 0.5:
            client = self.new_client()  # from a client connection that is not new the gateway may hide a failure
        answer = (client or self.client).request(method, target, body, **options)
        with self._lock:
            self.sents.append(Sent(target, list(faults), answer))
        return answer

    def pipeline(self, prefix, count):
        """Sends several GETs at once on the kept connection and reads the answers in turn."""
        targets = [self.target(prefix) for _ in range(count)]
        self.client.send_raw(b"".join(self.client.head("GET", target) for target in targets))
        self.sents += [Sent(target, [], answer) for target, answer in zip(targets, self.client.read_several(count))]

    def websocket(self, prefix, do):
        """Opens a WebSocket on a connection of its own, sends two masked frames and waits for the end."""
        target = self.target(prefix)
        for upstream in self.routes[prefix][1]:
            upstream.on(target, do)
        client = self.new_client()
        headers = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        answer = client.request("GET", target, headers=[*headers, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
        for frame in (b"\x81\x85\1\2\3\4igoho", b"\x88\x82\1\2\3\4\2\xea"):
            client.send_raw(frame)
            client.receive()
        client.close()
        self.sents.append(Sent(target, [], answer))

    def together(self, *calls, gap=0.0):
        """Runs calls at the same time, each `gap` seconds after the one before."""
        errors = []

        def guarded(call):
            try:
                call()
            except Exception as error:  # carried to the caller's thread
                errors.append(error)

        threads = []
        for call in calls:
            threads.append(threading.Thread(target=guarded, args=(call,), daemon=True))
            threads[-1].start()
            time.sleep(gap)
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def behind(self, fault, count, lines):
        """Plans a fault behind a second gateway: `lines` returns the lines of that one's log, one per attempt."""
        self._behind.append((fault, count, lines))

    def on_close(self, closer):
        """`closer` is called at the end of the case, whatever happens."""
        self._closers.append(closer)

    # Ending

    def finish(self):
        """Stops capture and gateway, in this order, and returns expected.json's content."""
        self._capture.stop()
        repairs = self.repairs() if self.repairs else None
        self.client.close()
        self.gateway.stop()
        if self.verify is not None:
            self.verify(self.folder / "capture.pcapng")
        capture = {
            "legs": self._legs,
            "on": self._on,
            "clientTLS": self.tls,
            "ipv6": self.ipv6,
            "roundTripMs": self.round_trip,
        }
        made_by = {"kind": self.kind, "version": self.gateway.version()}
        behind = [(fault, count, lines()) for fault, count, lines in self._behind]
        records = self.gateway.records()
        replays = getattr(self.gateway, "hides_replay", False)
        content = expected.build(self.case.plan, made_by, capture, self.sents, records, behind, self.options, replays)
        return {**content, "retransmissions": repairs} if repairs else content

    def close(self):
        for closer in reversed(self._closers):
            try:
                closer()
            except Exception:
                pass  # the rest must be undone too
        self.net.close()


def rehearse(case, record, judge):
    """Plays a case whose capture is `record`'s business, and hands expected.json's content to `judge`."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-lab-"))
    scene = Scene(case, folder)
    scene.record = record
    try:
        case.play(scene)
        return judge(scene.finish())
    finally:
        scene.close()
        shutil.rmtree(folder, ignore_errors=True)


def play(case, out, keep=None):
    """Plays a case and writes its folder under `out`; raises where the lab disagrees with itself."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-lab-"))
    scene = Scene(case, folder)
    try:
        case.play(scene)
        content = scene.finish()
        if case.clean and content["findings"]:
            raise expected.Disagreement("a clean case with findings")
        if not case.clean and not content["findings"]:
            raise expected.Disagreement("no request failed")
        from .writing import write

        return write(case, content, folder / "capture.pcapng", Path(out))
    finally:
        scene.close()
        if keep:
            shutil.copytree(folder, Path(keep) / case.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("log"))
        shutil.rmtree(folder, ignore_errors=True)
