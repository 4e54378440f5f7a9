"""Caddy: configuration, life, and what its logs say. `http.handlers.reverse_proxy` states each attempt at
level debug."""

import json
import re
import signal
import subprocess
import time

from . import Attempt, Record, kill

# The error strings of Go's net, net/http and crypto/tls as Caddy 2.6.2 logs them. Order matters: the first expression
# that matches names the row of evidence.TABLE.
_ERRORS = [
    (r"no upstreams available", "caddy: no upstreams"),
    (r"lookup .*: (no such host|i/o timeout|server misbehaving|read udp)", "caddy: lookup"),
    (r"dial tcp.*: connect: connection refused", "caddy: dial refused"),
    (r"dial tcp.*: connect: permission denied", "connect 13"),
    (r"dial tcp.*: connect: (no route to host|network is unreachable)", "caddy: dial unreachable"),
    (r"dial tcp.*: (i/o timeout|connect: connection timed out)", "caddy: dial timeout"),
    (r"dial tcp.*: connect: connection reset by peer", "connect 104"),
    (r"dial (tcp|unix)", "caddy: dial"),
    (r"invalid Read on closed Body", "caddy: body gone"),
    (r"fcgi: invalid header version", "not FastCGI"),
    (r"^readfrom tcp.*: (write|use of closed)", "caddy: upload"),
    (r"timeout awaiting response headers", "caddy: head timed out"),
    (r"write tcp.*: i/o timeout", "send timed out"),
    (r"read tcp.*: i/o timeout", "caddy: read timed out"),
    (r"server response headers exceeded", "head too big"),
    (r"malformed MIME header", "head invalid"),
    (r"malformed HTTP|first record does not look like", "caddy: not HTTP"),
    (r"Content-Length|unsupported transfer encoding|too many transfer encodings", "caddy: length"),
    (r"too many 1xx informational responses", "caddy: interim"),
    (r"chunk(ed)? (length|encoding)", "chunk invalid"),
    (r"connection reset by peer", "caddy: reset"),
    (r"broken pipe", "caddy: reset"),
    (r"context canceled", "client left"),
    (r"read tcp.*use of closed network connection", "caddy: read timed out"),
    (r"unexpected EOF", "caddy: cut"),
    (r"EOF|server closed idle connection", "caddy: closed"),
]
# No upstream is to be named: none was dialled, or the one that was did nothing wrong.
_NOBODY = {"caddy: no upstreams", "caddy: body gone"}
_BODY = {
    "caddy: cut": "body closed",
    "caddy: closed": "body closed",
    "caddy: reset": "body reset",
    "caddy: read timed out": "body timed out",
    "send timed out": "client slow",  # towards the client
}


class Caddy:
    kind = "caddy"
    # Go's transport repeats a request without a body by itself where a kept connection ended under it, and logs nothing.
    hides_replay = True

    def __init__(self, host, folder, settings):
        self.host, self.folder, self.settings = host, folder, settings
        self._process = None
        (folder / "Caddyfile").write_text(self._configuration())

    @staticmethod
    def version():
        text = subprocess.run(["caddy", "version"], capture_output=True, text=True).stdout
        return re.search(r"v?(\d+\.\d+\.\d+)", text).group(1)

    def _configuration(self):
        settings, folder = self.settings, self.folder
        lines = [
            "{",
            "admin off",
            "auto_https off",
            f"storage file_system {folder}/caddy",
            f"log {{\n output file {folder}/error.log\n format json\n level DEBUG\n}}",
            "servers {\n protocols h1 h2",
            *settings.lines.get("caddy-servers", []),
            "}",
            *settings.lines.get("caddy-global", []),
            "}",
        ]
        for number, address in enumerate(settings.listen):
            bind, _, port = address.rpartition(":")
            lines += [f":{port} {{", f"bind {bind.strip('[]')}"]
            if settings.tls:
                lines.append(f"tls {settings.tls[0]} {settings.tls[1]}")
            lines.append(f"log {{\n output file {folder}/access{number}.log\n format json\n}}")
            lines += settings.lines.get("caddy", [])
            for route in settings.routes:
                lines += [f"handle {route.prefix}* {{", f"reverse_proxy {' '.join(route.servers)} {{"]
                lines += [*route.lines.get("caddy", []), f"transport {_transport_of(route)} {{", *self._transport(route), "}", "}", "}"]
            lines.append("}")
        return "\n".join([*lines, ""])

    def _transport(self, route):
        """`none` in caddy-transport leaves Caddy's own timers: 3 s to dial, none for the answer."""
        settings = self.settings
        if route.protocol == "fastcgi":
            return ["root /srv", f"dial_timeout {settings.connect_s}s", f"read_timeout {settings.read_s}s"]
        own = settings.lines.get("caddy-transport", []) + route.lines.get("caddy-transport", [])
        lines = [] if route.keepalive else ["keepalive off"]
        lines += ["versions h2c"] if route.protocol == "h2" else []
        if "none" in own:
            return lines + [line for line in own if line != "none"]
        timers = [f"dial_timeout {settings.connect_s}s", f"response_header_timeout {settings.read_s}s"]
        return lines + timers + own

    def start(self):
        # The program wants a place of its own for what it keeps; the case's folder is one.
        command = ["env", f"HOME={self.folder}", f"XDG_DATA_HOME={self.folder}", "caddy", "run"]
        command += ["--config", f"{self.folder}/Caddyfile", "--adapter", "caddyfile"]
        errors = open(self.folder / "caddy.err", "w")
        self._process = subprocess.Popen(self.host.command(*command), stderr=errors, stdout=errors)
        errors.close()
        end = time.monotonic() + 20
        log = self.folder / "error.log"
        while not log.exists() or "serving initial configuration" not in log.read_text(errors="replace"):
            if self._process.poll() is not None:
                raise RuntimeError("caddy: " + (self.folder / "caddy.err").read_text()[-800:])
            if time.monotonic() > end:
                raise RuntimeError("caddy does not start")
            time.sleep(0.05)
        time.sleep(0.2)

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

    def records(self):
        """What the logs say, by request target."""
        told, aborts = {}, []
        for entry in _entries(self.folder / "error.log"):
            if "request" in entry:
                told.setdefault(entry["request"]["uri"], []).append(entry)
            elif entry["msg"] == "aborting with incomplete response":
                aborts.append(entry)
        handled = [entry for path in sorted(self.folder.glob("access*.log")) for entry in _entries(path)]
        for abort in aborts:
            target = _ended(handled, abort["ts"])["request"]["uri"]
            told.setdefault(target, []).append(abort)
        records = {}
        for entry in handled:
            target = entry["request"]["uri"]
            passes = records[target].passes + 1 if target in records else 1
            records[target] = self._record(target, entry, told.get(target, []))
            records[target].passes = passes
        return records

    def _record(self, target, access, told):
        status, attempts = access["status"], []
        lines, upstream, own = [_short(access)], None, False
        for entry in told:
            upstream, row = entry.get("upstream", upstream), None
            error = entry.get("error") or entry["msg"]
            if entry["msg"] == "upstream roundtrip":
                own = own or entry.get("status") == status
                if "error" in entry:
                    row = _row(target, error)
                elif entry["status"] in (502, 503, 504):
                    row = "relayed"
                elif entry["status"] == 101 and "Upgrade" in entry["request"]["headers"]:
                    status = 101  # the access log has 0 for a connection that was taken over
                elif entry["status"] == 101:
                    status, row = 200, "caddy: switched"  # 2.6 answers with an empty 200
            elif entry["msg"] == "aborting with incomplete response":
                row = _row(target, error)
                row = _BODY.get(row, row)
            elif "no upstreams available" in error and entry["level"] == "error":
                row = "caddy: no upstreams"
            if row is not None:
                attempts.append(Attempt(None if row in _NOBODY else upstream, row))
                lines.append(_short(entry))
        if not attempts and _cut(access):
            attempts.append(Attempt(upstream, "client left"))
        made = status >= 400 and not own
        if not attempts and made and upstream is not None:
            attempts.append(Attempt(upstream, "rewritten"))
        return Record(target, status or None, attempts, lines, access["size"], made)


def _transport_of(route):
    return "fastcgi" if route.protocol == "fastcgi" else "http"


def _row(target, error):
    for pattern, row in _ERRORS:
        if re.search(pattern, error):
            return row
    raise RuntimeError(f"{target}: no row for {error}")


def _cut(access):
    """Whether the body is shorter than its head said, and no error of the upstream's side was logged: the client
    left."""
    announced = access.get("resp_headers", {}).get("Content-Length")
    if not announced or access["request"]["method"] == "HEAD" or access["status"] in (204, 304):
        return False
    return access["size"] < int(announced[0])


def _ended(handled, ts):
    """The request whose end was logged next after `ts`. The line of an incomplete body names neither request nor
    upstream, and the request's own line follows it from the same goroutine."""
    after = sorted((entry for entry in handled if entry["ts"] >= ts), key=lambda entry: entry["ts"])[:2]
    if not after or after[0]["ts"] > ts + 0.02 or (len(after) > 1 and after[1]["ts"] < after[0]["ts"] + 0.0003):
        raise RuntimeError("it is not clear whose body was incomplete")
    return after[0]


def _entries(path):
    return [json.loads(line) for line in path.read_text(errors="replace").splitlines()] if path.exists() else []


def _short(entry):
    """The log line without the headers, which double its length and tell nothing here."""
    kept = {key: value for key, value in entry.items() if key not in ("headers", "resp_headers", "common_log")}
    if "request" in kept:
        wanted = ("remote_ip", "remote_port", "proto", "method", "host", "uri")
        kept["request"] = {key: value for key, value in kept["request"].items() if key in wanted}
    return json.dumps(kept)
