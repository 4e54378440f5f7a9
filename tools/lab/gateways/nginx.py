"""nginx: configuration, life, and what its logs say."""

import json
import re
import signal
import subprocess
import time

from . import Attempt, Record, kill

_LOG_FORMAT = (
    '{"time":"$time_iso8601","client":"$remote_addr:$remote_port","request":"$request","status":"$status",'
    '"upstream_addr":"$upstream_addr","upstream_status":"$upstream_status",'
    '"upstream_connect_time":"$upstream_connect_time","upstream_header_time":"$upstream_header_time",'
    '"upstream_response_time":"$upstream_response_time","body_bytes_sent":"$body_bytes_sent",'
    '"bytes_sent":"$bytes_sent","cache":"$upstream_cache_status",'
    '"request_id":"$request_id"}'
)

# Order matters: the first expression that matches names the row of evidence.TABLE.
_ERRORS = [
    (r"no live upstreams", "no live upstreams"),
    (r"no resolver defined to resolve", "no resolver"),
    (r"could not be resolved \(3:", "name not found"),
    (r"could not be resolved \(2:", "name server failed"),
    (r"could not be resolved \(5:", "name server refused"),
    (r"could not be resolved \(110:", "name timed out"),
    (r"connect\(\) to unix:\S+ failed", "unix socket"),
    (r"connect\(\) to \S+ failed \(99:", "no port"),
    (r"connect\(\) failed \(111", "connect 111"),
    (r"connect\(\) failed \(13:", "connect 13"),
    (r"connect\(\) failed \(113", "connect 113"),
    (r"connect\(\) failed \(101", "connect 101"),
    (r"connect\(\) failed \(104", "connect 104"),
    (r"timed out \(110.*while connecting to upstream", "connect timed out"),
    (r"timed out \(110.*while sending request", "send timed out"),
    (r"timed out \(110.*while reading response header", "head timed out"),
    (r"timed out \(110.*while reading upstream", "body timed out"),
    (r"timed out \(110.*while SSL handshaking", "handshake timed out"),
    (r"peer closed connection in SSL handshake", "handshake closed"),
    (r"SSL_do_handshake\(\) failed.*alert number", "handshake refused"),
    (r"SSL_do_handshake\(\) failed.*(wrong version number|packet length too long|unexpected message)", "not TLS"),
    (r"(writev|sendfile|send)\(\) failed \((104|32)", "send reset"),
    (r"upstream sent too big header", "head too big"),
    (r"upstream sent invalid header", "head invalid"),
    (r"upstream sent no valid HTTP/1.0 header", "no status line"),
    (r"upstream sent invalid chunked response", "chunk invalid"),
    (r"prematurely closed connection while reading response header", "head closed"),
    (r"(recv|readv)\(\) failed \(104.*while reading response header", "head reset"),
    (r"upstream prematurely closed connection while reading upstream", "body closed"),
    (r"(recv|readv)\(\) failed \(104.*while reading upstream", "body reset"),
    (r"unsupported FastCGI protocol version|unexpected FastCGI record", "not FastCGI"),
    (r"too large http2 frame|unexpected http2 frame|invalid http2", "not HTTP/2"),
    (r"client timed out", "client slow"),
    (r"client prematurely closed connection|client closed connection while", "client left"),
]

# What speaks a route's protocol, and the scheme that its `_pass` wants.
_MODULES = {
    "http": ("proxy", "http://"),
    "https": ("proxy", "https://"),
    "fastcgi": ("fastcgi", ""), "uwsgi": ("uwsgi", ""), "h2": ("grpc", "grpc://"),
}
_PARAMETERS = {
    "REQUEST_METHOD": "$request_method",
    "REQUEST_URI": "$request_uri",
    "QUERY_STRING": "$query_string",
    "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length",
    "SERVER_PROTOCOL": "$server_protocol",
}
_WITHOUT_SERVER = (
    "no live upstreams",
    "unix socket",
    "no resolver",
    "no port",
    "name not found",
    "name server failed",
    "name server refused",
    "name timed out",
)


class Nginx:
    kind = "nginx"

    def __init__(self, host, folder, settings):
        self.host, self.folder, self.settings = host, folder, settings
        self._process = None
        (folder / "nginx.conf").write_text(self._configuration())

    @staticmethod
    def version():
        text = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr
        return re.search(r"nginx/(\S+)", text).group(1)

    def _configuration(self):
        settings, folder = self.settings, self.folder
        lines = [
            "daemon off;",
            "user root;",  # the case's folder, with the temporary files, is open to nobody else
            "worker_processes 1;",
            f"pid {folder}/nginx.pid;",
            f"error_log {folder}/error.log info;",
            *settings.lines.get("nginx-main", []),
            "events {",
            *(settings.lines.get("nginx-events") or ["worker_connections 256;"]),
            "}",
            "http {",
            f"log_format lab escape=none '{_LOG_FORMAT}';",
            f"access_log {folder}/access.log lab;",
            "keepalive_timeout 65;",
            "server_tokens off;",
        ]
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            lines.append(f"{kind}_temp_path {folder}/{kind};")
        lines += settings.lines.get("nginx", [])
        for number, route in enumerate(settings.routes):
            if route.resolver:
                continue
            options = route.server_options.get("nginx", "")
            lines.append(f"upstream pool{number} {{")
            lines += [f"server {server} {options};" for server in route.servers]
            if route.keepalive:
                lines.append("keepalive 8;")
            lines.append("}")
        lines.append("server {")
        secure = " ssl" if settings.tls else ""
        lines += [f"listen {address}{secure};" for address in settings.listen]
        if settings.tls:
            lines += [f"ssl_certificate {settings.tls[0]};", f"ssl_certificate_key {settings.tls[1]};"]
        for number, route in enumerate(settings.routes):
            module, scheme = _MODULES[route.protocol]
            if route.resolver:
                # Only a variable makes nginx 1.22 ask for the name while it runs.
                lines += [f"location {route.prefix} {{ resolver {route.resolver} {route.server_options.get('nginx', '')};"]
                lines += [f"set $server{number} {route.servers[0]}; {module}_pass {scheme}$server{number};"]
            else:
                lines.append(f"location {route.prefix} {{ {module}_pass {scheme}pool{number};")
            lines += [f"{module}_{phase}_timeout {settings.read_s}s;" for phase in ("read", "send")]
            lines.append(f"{module}_connect_timeout {settings.connect_s}s;")
            if route.protocol in ("fastcgi", "uwsgi"):
                lines += [f"{module}_param {name} {value};" for name, value in _PARAMETERS.items()]
            if route.keepalive and route.protocol == "http":
                lines += ["proxy_http_version 1.1;", 'proxy_set_header Connection "";']
            lines += route.lines.get("nginx", []) + ["}"]
        return "\n".join([*lines, "}", "}", ""])

    def start(self):
        # Without -e the program would first open its compiled-in log.
        command = ["nginx", "-e", f"{self.folder}/error.log", "-p", str(self.folder), "-c", f"{self.folder}/nginx.conf"]
        self._process = subprocess.Popen(self.host.command(*command), stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        while not (self.folder / "nginx.pid").exists() or not (self.folder / "nginx.pid").read_text().strip():
            if self._process.poll() is not None:
                raise RuntimeError("nginx: " + self._process.stderr.read().decode())
            if time.monotonic() > end:
                raise RuntimeError("nginx does not start")
            time.sleep(0.02)
        time.sleep(0.2)

    def halt(self, how):
        """Ends it at once, with what it has in hand: "stop" as an administrator would, "kill" as a crash does."""
        if how == "kill":
            kill(self._process)
        else:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
        (self.folder / "nginx.pid").unlink(missing_ok=True)

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def records(self):
        """What the logs say, by request target."""
        errors = {}
        for line in (self.folder / "error.log").read_text(errors="replace").splitlines():
            found = re.search(r'request: "(\S+) (\S+)[^"]*"', line)
            if found:
                errors.setdefault(found.group(2), []).append(line)
        records = {}
        for line in (self.folder / "access.log").read_text(errors="replace").splitlines():
            # The target may hold quotes only if the lab put them there, and it does not.
            entry = json.loads(line)
            parts = entry["request"].split(" ")
            target = parts[1] if len(parts) > 1 else entry["request"]
            passes = records[target].passes + 1 if target in records else 1
            records[target] = self._record(target, entry, line, errors.get(target, []))
            records[target].passes = passes
        return records

    def _record(self, target, entry, line, errors):
        status = int(entry["status"])
        attempts, lines = [], [line]
        for error in errors:
            row = next((name for pattern, name in _ERRORS if re.search(pattern, error)), None)
            if row is None:
                continue
            upstream = re.search(r'upstream: "\w+://([^/"]+)', error)
            name = upstream.group(1) if upstream and row not in _WITHOUT_SERVER else None
            attempts.append(Attempt(name, row))
            lines.append(error)
        if not attempts and status >= 500 and entry["cache"] == "HIT":
            attempts.append(Attempt(None, "cache hit"))
        if not attempts and status in (502, 503, 504) and entry["upstream_header_time"] != "-":
            own = entry["upstream_status"].split(", ")[-1] == entry["status"]
            attempts.append(Attempt(entry["upstream_addr"].split(", ")[-1], "relayed" if own else "rewritten"))
        if not attempts and status == 499:
            attempts.append(Attempt(entry["upstream_addr"].split(", ")[-1], "client left"))
        if not attempts and status == 408 and entry["upstream_status"] in ("", "-"):
            attempts.append(Attempt(entry["upstream_addr"].split(", ")[-1] or None, "client slow"))
        made = status >= 400 and entry["upstream_status"].split(", ")[-1] != entry["status"]
        return Record(target, status, attempts, lines, int(entry["bytes_sent"]), made)
