"""Apache httpd: configuration, life, and what its logs say.

Its proxy writes one line about the socket ("attempt to connect to ... failed", without a request) and one about the
request, both by the same thread and in this order. `%L` ties the second one, and the access log, to the request.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time

from . import Attempt, Record, kill

_MODULES = (
    "mpm_event authz_core headers slotmem_shm socache_shmcb ssl proxy proxy_http proxy_balancer proxy_hcheck "
    "lbmethod_byrequests proxy_fcgi proxy_http2 http2 filter substitute reqtimeout"
).split()

_ERROR_FORMAT = "[%{cu}t] [%-m:%l] [tid %T] [req %-L] [client %-a] %-E: %M"
_LOG_FORMAT = (
    '{\\"time\\":\\"%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t\\",\\"id\\":\\"%L\\",'
    '\\"client\\":\\"%a:%{remote}p\\",\\"request\\":\\"%r\\",'
    '\\"status\\":\\"%>s\\",\\"seconds\\":\\"%{us}T\\",\\"worker\\":\\"%{BALANCER_WORKER_NAME}e\\",'
    '\\"thread\\":\\"%{tid}P\\",\\"kept\\":\\"%k%X\\",\\"bytes_sent\\":\\"%O\\"}'
)

# Order matters: the first expression that matches names the row of evidence.TABLE.
_ERRORS = [
    (r"\(111\).*AH00957", "connect 111"),
    (r"\(13\).*AH00957", "connect 13"),
    (r"\(113\).*AH00957", "connect 113"),
    (r"\(101\).*AH00957", "connect 101"),
    (r"\(104\).*AH00957", "connect 104"),
    (r"\((70007|110)\).*AH00957", "connect timed out"),
    (r"DNS lookup failure for", "name not found"),  # whatever was wrong with it: getaddrinfo tells no more
    (r"AH02454", "unix socket"),
    (r"AH01170", "no worker"),
    (r"AH00941", "pool full"),
    (r"\(70007\).*AH01084", "send timed out"),
    (r"\((104|32)\).*AH01084", "send reset"),
    (r"\(70007\).*(AH01102|AH10404)", "head timed out"),
    (r"\(104\).*(AH01102|AH10404)", "head reset"),
    (r"\(20014\).*AH01102", "head closed"),
    (r"\(70014\).*AH01102", "status line cut"),
    (r"\((20014|70014)\).*AH10404", "head closed"),
    (r"\(22\).*AH01102|AH00898: Corrupt status line", "no HTTP"),
    (r"AH10124", "head too big"),
    (r"AH01106|AH02429", "head invalid"),
    (r"AH01587", "length invalid"),
    (r"AH01590", "chunk invalid"),
    (r"\(70007\).*AH01110", "body timed out"),
    (r"\(104\).*AH01110", "body reset"),
    (r"\(70008\).*AH01110", "body closed"),
    (r"AH01068", "not FastCGI"),
    (r"AH01328", "output filter"),  # mod_substitute: a line too long
    (r"AH00898: Unexpected Upgrade", "unexpected upgrade"),
    (r"AH00898: Too many .* interim responses", "interim responses"),
]
# These repeat what the line before them told.
_CONSEQUENCES = re.compile("AH01106|AH01110")
# These carry an id of the upstream's connection, not of the request.
_ASIDE = re.compile("AH01587|AH01590")
_ADDRESS = re.compile(r"(\d+\.\d+\.\d+\.\d+:\d+|\[[0-9a-f:]+\]:\d+)")
_QUOTED = 400  # characters of an error line: one quotes the refused header
_CLOSE_NOTIFY = 31  # bytes of the alert that ends a TLS connection, all that a client then got


class Apache:
    kind = "apache"
    closes_kept_clients = True  # where the upstream's answer does not come, on a connection that has had one

    def __init__(self, host, folder, settings):
        self.host, self.folder, self.settings = host, folder, settings
        self._process = None
        (folder / "httpd.conf").write_text(self._configuration())

    @staticmethod
    def version():
        text = subprocess.run(["apache2", "-v"], capture_output=True, text=True).stdout
        return re.search(r"Apache/(\S+)", text).group(1)

    def _configuration(self):
        settings, folder = self.settings, self.folder
        lines = [
            f"ServerRoot {folder}",
            f"DefaultRuntimeDir {folder}",
            f"PidFile {folder}/httpd.pid",
            "ServerName gateway.example",
            "DocumentRoot /srv",
            "User www-data",
            "Group www-data",
            *[f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _MODULES],
            # One process: its pools and its view of the workers are those of every request.
            "StartServers 1",
            "ServerLimit 1",
            "ThreadsPerChild 24",
            "MaxRequestWorkers 24",
            "MinSpareThreads 1",
            "MaxSpareThreads 24",
            "GracefulShutdownTimeout 8",
            "Timeout 30",
            "KeepAliveTimeout 30",
            "LogLevel info",
            f"ErrorLog {folder}/error.log",
            f'ErrorLogFormat "{_ERROR_FORMAT}"',
            f'CustomLog {folder}/access.log "{_LOG_FORMAT}"',
            *settings.lines.get("apache", []),
            *[f"Listen {address}" for address in settings.listen],
        ]
        if settings.tls:
            lines += ["SSLEngine on", f"SSLCertificateFile {settings.tls[0]}", f"SSLCertificateKeyFile {settings.tls[1]}"]
        for number, route in enumerate(settings.routes):
            lines += self._route(number, route)
        return "\n".join([*lines, ""])

    def _route(self, number, route):
        settings = self.settings
        options = f"connectiontimeout={settings.connect_s} timeout={settings.read_s}"
        # Debian's default keeps a worker out of use for 60 s after a failed connect; a case that wants this says so.
        own = route.server_options.get("apache", "retry=0")
        options += f" {own}" + ("" if route.keepalive else " disablereuse=On")
        balancer = route.lines.get("apache-balancer")  # further lines of the balancer; also makes one of one server
        if len(route.servers) > 1 or balancer is not None:
            name = f"balancer://pool{number}"
            lines = [f"<Proxy {name}>", *(balancer or [])]
            lines += [f"BalancerMember {_url(server, route)} {options}" for server in route.servers]
            lines += ["</Proxy>", f"ProxyPass {route.prefix} {name}{route.prefix}"]
        else:
            lines = [f"ProxyPass {route.prefix} {_url(route.servers[0], route, route.prefix)} {options}"]
        own = route.lines.get("apache", [])
        return lines + ([f"<Location {route.prefix}>", *own, "</Location>"] if own else [])

    def start(self):
        command = ["apache2", "-DFOREGROUND", "-d", str(self.folder), "-f", str(self.folder / "httpd.conf")]
        os.chmod(self.folder, 0o755)
        errors = open(self.folder / "httpd.err", "w")
        self._process = subprocess.Popen(self.host.command(*command), stderr=errors, stdout=errors)
        errors.close()
        end = time.monotonic() + 10
        while "AH00489" not in self._text("error.log"):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("apache2: " + self._text("httpd.err") + self._text("error.log"))
            time.sleep(0.02)
        time.sleep(0.4)

    def _text(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def halt(self, how):
        """Ends it at once, with what it has in hand: "stop" as an administrator would, "kill" as a crash does."""
        if how == "kill":
            kill(self._process)
        else:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            # A graceful stop: the access log has a line for what still runs.
            self._process.send_signal(signal.SIGWINCH)
            try:
                self._process.wait(12)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def records(self):
        """What the logs say, by request target."""
        errors, pending = {}, {}
        for line in self._text("error.log").splitlines():
            found = re.search(r"\[tid (\d+)\] \[req (\S*)\] ", line)
            if not found or "AH00957: HC" in line:  # the latter is a health check
                continue
            thread, request = found.groups()
            pending.setdefault(thread, []).append(line)
            if request != "-" and not _ASIDE.search(line):
                errors.setdefault(request, []).extend(pending.pop(thread))
        records = {}
        for line in self._text("access.log").splitlines():
            entry = json.loads(line)
            parts = entry["request"].split(" ")
            target = parts[1] if len(parts) > 1 else entry["request"]
            lines = errors.get(entry["id"], [])
            if entry["id"] == "-" and entry["status"] == "503" and entry["thread"] in pending:
                lines = [pending[entry["thread"]].pop(0)]  # "failed to acquire connection" has no line of the request
            passes = records[target].passes + 1 if target in records else 1
            records[target] = self._record(target, entry, line, lines)
            records[target].passes = passes
        return records

    def _record(self, target, entry, line, errors):
        status, sent = _number(entry["status"]), _number(entry["bytes_sent"])
        attempts, lines, before = [], [line], None
        route = next(route for route in self.settings.routes if target.startswith(route.prefix))
        only = route.servers[0] if len(route.servers) == 1 else None
        for error in errors:
            row = next((name for pattern, name in _ERRORS if re.search(pattern, error)), None)
            if row is None or (before and _CONSEQUENCES.search(error)):
                continue
            before = row
            lines.append(error[:_QUOTED])
            attempts.append(Attempt(self._server(only, row, error, entry), row))
        if not attempts and status == 503 and route.protocol == "h2":
            attempts.append(Attempt(only, "not HTTP/2"))  # mod_proxy_http2 has no line for it
        if not attempts and status == 408:
            attempts.append(Attempt(None, "client slow"))
        made = bool(attempts)
        if not attempts and "X" in entry["kept"]:
            attempts.append(Attempt(only or _after(entry["worker"], "//"), "client left"))
        if not attempts and status in (502, 503, 504):
            attempts.append(Attempt(only or _after(entry["worker"], "//"), "relayed"))
        if self.settings.tls and sent <= _CLOSE_NOTIFY:
            sent = 0
        return Record(target, status, attempts, lines, sent, made)

    @staticmethod
    def _server(only, row, error, entry):
        """Which server a line is about; only some lines name it, and the access log the last one."""
        if row in ("no worker", "pool full", "unix socket"):
            return None
        named = _ADDRESS.search(error.partition("AH")[2])
        return only or (named and named.group(1)) or _after(entry["worker"], "//")


def _number(text):
    """A status or a size; httpd writes `-` for none."""
    return int(text) if text.isdigit() else 0


def _after(text, mark):
    return text.partition(mark)[2] or None


_SCHEMES = {"http": "http", "fastcgi": "fcgi", "h2": "h2c"}


def _url(server, route, path=""):
    scheme = _SCHEMES[route.protocol]
    if server.startswith("unix:"):
        return f"{server}|{scheme}://application{path}"
    return f"{scheme}://{server}{path}"
