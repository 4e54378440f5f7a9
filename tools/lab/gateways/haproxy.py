"""HAProxy: configuration, life, and what its log says. The log comes over a datagram socket, as to a syslog."""

import re
import signal
import socket
import subprocess
import threading
import time

from . import Attempt, Record

# `option httplog` with the server's address and the connection error in front of the request.
_LOG_FORMAT = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq"
    ' server=%si:%sp error=%[bc_err_str,regsub(\\" \\",_,g)] %{+Q}r'
)
_LINE = re.compile(
    r"(?P<client>\S+) \[[^]]*\] \S+ \S+/(?P<name>\S+) (?P<timers>\S+) (?P<status>-?\d+) (?P<sent>\d+) "
    r"(?P<state>\S\S)\S* \S+/(?P<retries>\+?\d+) \S+ server=(?P<server>\S+) "
    r"error=(?P<error>\S*) \"(?P<request>[^\"]*)\""
)


class HAProxy:
    kind = "haproxy"
    closes_kept_clients = True  # where the upstream dies, on a connection that has had an answer

    def __init__(self, host, folder, settings):
        self.host, self.folder, self.settings = host, folder, settings
        self._process = None
        self._lines = []
        self._log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._log.bind(str(folder / "log"))
        threading.Thread(target=self._collect, daemon=True).start()
        (folder / "haproxy.cfg").write_text(self._configuration())

    @staticmethod
    def version():
        text = subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout
        return re.search(r"version (\d+\.\d+\.\d+)", text).group(1)

    def _collect(self):
        while True:
            try:
                data = self._log.recv(16384)
            except OSError:
                return
            self._lines.append(re.sub(r"^<\d+>", "", data.decode(errors="replace")).strip())

    def _configuration(self):
        settings = self.settings
        format_line = _LOG_FORMAT.replace(" ", "\\ ").replace("\\\\ ", "\\ ")
        lines = [
            "global",
            f"log {self.folder}/log local0",
            "nbthread 1",
            *settings.lines.get("haproxy-global", []),
            "defaults",
            "mode http",
            "log global",
            f"timeout connect {settings.connect_s}s",
            f"timeout server {settings.read_s}s",
            "timeout client 30s",
            "timeout http-keep-alive 30s",
            *settings.lines.get("haproxy", []),
            "frontend web",
            f"log-format {format_line}",
        ]
        secure = f" ssl crt {settings.tls[0]}" if settings.tls else ""
        lines += [f"bind {address}{secure}" for address in settings.listen]
        for number, route in enumerate(settings.routes):
            lines.append(f"use_backend pool{number} if {{ path_beg {route.prefix} }}")
        for resolver in sorted({route.resolver for route in settings.routes if route.resolver}):
            lines += [f"resolvers {_resolvers(resolver)}", f"nameserver ns {resolver}", "timeout retry 1s"]
            lines += ["timeout resolve 1s", "resolve_retries 2", "hold valid 1s", "hold obsolete 0s"]
            lines += [f"hold {state} 1s" for state in ("nx", "timeout", "refused", "other")]
        for number, route in enumerate(settings.routes):
            options = route.server_options.get("haproxy", "")
            if route.resolver:
                options += f" resolvers {_resolvers(route.resolver)} init-addr none resolve-prefer ipv4"
            lines.append(f"backend pool{number}")
            if not route.keepalive:
                lines.append("option http-server-close")
            if route.protocol == "fastcgi":
                lines.append("use-fcgi-app scripts")
                options += " proto fcgi"
            elif route.protocol == "h2":
                options += " proto h2"
            elif route.protocol == "https":
                options += " ssl verify none"
            lines += route.lines.get("haproxy", [])
            lines += [f"server s{index} {server} {options}" for index, server in enumerate(route.servers, 1)]
        if any(route.protocol == "fastcgi" for route in settings.routes):
            lines += ["fcgi-app scripts", f"docroot {self.folder}"]
        return "\n".join([*lines, ""])

    def halt(self, how):
        """Ends it at once, with what it has in hand: "stop" as an administrator would, "kill" as a crash does."""
        self._process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
        self._process.wait(10)

    def reload(self):
        old = self._process
        self.start("-sf", str(old.pid))
        threading.Thread(target=old.wait, daemon=True).start()

    def start(self, *arguments):
        command = self.host.command("haproxy", "-db", "-f", str(self.folder / "haproxy.cfg"), *arguments)
        errors = open(self.folder / "haproxy.err", "w")
        self._process = subprocess.Popen(command, stderr=errors, stdout=errors)
        errors.close()
        time.sleep(0.6)
        if self._process.poll() is not None:
            raise RuntimeError("haproxy: " + (self.folder / "haproxy.err").read_text())

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            time.sleep(0.2)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        time.sleep(0.1)
        (self.folder / "haproxy.log").write_text("\n".join(self._lines) + "\n")

    def records(self):
        """What the log says, by request target."""
        records = {}
        for line in self._lines:
            found = _LINE.search(line)
            if not found:
                continue
            parts = found["request"].split(" ")
            target = parts[1] if len(parts) > 1 else found["request"]
            passes = records[target].passes + 1 if target in records else 1
            records[target] = self._record(target, found, line)
            records[target].passes = passes
        return records

    def _record(self, target, found, line):
        status, state, retries = int(found["status"]), found["state"], found["retries"]
        timers = [int(part.lstrip("+")) for part in found["timers"].split("/")]
        server = None if found["name"] == "<NOSRV>" else _bracketed(found["server"])
        count = int(retries.lstrip("+"))
        attempts = []
        if server is None and state == "SC":
            attempts.append(Attempt(None, "no server"))
        elif found["error"].startswith("Out_of_local_source_ports"):
            attempts.append(Attempt(None, "no port"))
        elif state in ("SC", "sC", "SH", "sH", "PH", "SD", "sD", "PD", "CH", "CD", "CC", "cD", "cH", "cR"):
            attempts.append(Attempt(server, state, count + 1))
        elif state in ("sQ", "RC"):
            attempts.append(Attempt(None, state))
        else:
            if count:
                # The server of the failed attempts is not in the line: with redispatch it is another one.
                attempts.append(Attempt(None if "+" in retries else server, "retried", count))
            if status in (502, 503, 504) and timers[3] >= 0:
                attempts.append(Attempt(server, "relayed"))
        # The log's own preamble holds a process id and nothing of use.
        quoted = line[found.start() :]
        made = status >= 400 and state != "--"
        return Record(target, status if status >= 0 else None, attempts, [quoted], int(found["sent"]), made)


def _resolvers(address):
    return "at-" + address.translate(str.maketrans("[]:", "   ")).strip().replace(" ", "-")


def _bracketed(server):
    address, _, port = server.rpartition(":")
    return f"[{address}]:{port}" if ":" in address else server
