"""Real servers as upstreams."""

import subprocess
import sys
import time
from pathlib import Path


def tcp_balancer(s, number, port):
    """An HAProxy in TCP mode that rejects each connection as soon as it has it; returns its address."""
    namespace, address = s.host(number)
    configuration = s.folder / "balancer.cfg"
    configuration.write_text(
        "global\nnbthread 1\ndefaults\nmode tcp\ntimeout connect 2s\ntimeout client 9s\ntimeout server 9s\n"
        f"frontend f\nbind {address}:{port}\ntcp-request connection reject\n"
    )
    _start(s, namespace, ["haproxy", "-db", "-f", str(configuration)])
    return f"{address}:{port}"


def nginx(s, number, port, location, http="", listen="", events=""):
    """An nginx on an upstream host; returns its address. `listen` is what stands after address and port there."""
    namespace, address = s.host(number)
    return nginx_at(s, namespace, address, port, location, http, listen, events)[0]


def nginx_at(s, namespace, address, port, location, http="", listen="", events=""):
    """An nginx on any host; returns its address and the path of its error log."""
    folder = s.folder / f"upstream-{port}"
    folder.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"[{address}]" if ":" in address else address
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log info;\n"
        f"events {{ {events} }}\n"
        f"http {{ access_log {folder}/access.log; {temporary} {http} "
        f"server {{ listen {text}:{port} {listen}; {location} }} }}\n"
    )
    command = ["nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
    _start(s, namespace, command)
    return f"{text}:{port}", folder / "error.log"


def tls_server(s, number, port):
    """`gnutls-serv` on an upstream host: a TLS server that answers by an alert what is no TLS. OpenSSL's just close.
    Returns its address."""
    namespace, address = s.host(number)
    both = certificate(s, port)
    command = ["gnutls-serv", "--quiet", "--http", "-p", str(port)]
    _start(s, namespace, [*command, f"--x509certfile={both}.crt", f"--x509keyfile={both}"])
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def certificate(s, port):
    """A key, and beside it its self-signed certificate; returns the key's path."""
    both = s.folder / f"tls-{port}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(both), "-out", f"{both}.crt", "-days", "30", "-subj", "/CN=upstream.example"]
    subprocess.run(command, check=True, capture_output=True)
    return both


_UWSGI_APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"done\\n"]
"""


def openssl_server(s, number, port, *options):
    """`openssl s_server` with a certificate of its own; returns its address."""
    namespace, address = s.host(number)
    both = certificate(s, port)
    command = ["openssl", "s_server", "-quiet", "-www", "-accept", f"{address}:{port}", *options]
    _start(s, namespace, [*command, "-cert", f"{both}.crt", "-key", str(both)])
    return f"{address}:{port}"


_LISTENER = """
import socket, struct, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
kept = []
while True:
    peer, _ = listener.accept()
    kept.append(peer)
    peer.recv(65536)
    if sys.argv[3] == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if sys.argv[3] != "wait":
        peer.close()
"""


def listener(s, number, port, then):
    """Reads what a client says first, and then waits, closes or resets; returns its address."""
    namespace, address = s.host(number)
    _start(s, namespace, [sys.executable, "-c", _LISTENER, address, str(port), then])
    return f"{address}:{port}"


def uwsgi(s, number, port, socket):
    """uWSGI with a small Python application; `socket` is `--http-socket` or `--uwsgi-socket`. Returns its address."""
    namespace, address = s.host(number)
    program = s.folder / f"application-{port}.py"
    program.write_text(_UWSGI_APPLICATION)
    command = ["uwsgi", "--plugin", "python3", socket, f"{address}:{port}", "--wsgi-file", str(program)]
    _start(s, namespace, [*command, "--master", "--workers", "1", "--die-on-term", "--need-app"])
    time.sleep(0.7)
    return f"{address}:{port}"


def php_fpm(s, number, port, scripts=None):
    """php-fpm with two workers and a script that answers `done`, and further `scripts` by name; returns its address."""
    namespace, address = s.host(number)
    done = {"done": 'header("Content-Type: text/plain"); echo "done\\n";'}
    for name, body in (done | (scripts or {})).items():
        (s.folder / f"{name}.php").write_text(f"<?php {body}\n")
    configuration = s.folder / f"fpm-{port}.conf"
    configuration.write_text(
        f"[global]\nerror_log = {s.folder}/fpm-{port}.log\ndaemonize = no\n[www]\nlisten = {address}:{port}\n"
        "user = root\ngroup = root\npm = static\npm.max_children = 2\n"
    )
    program = next(iter(sorted(str(path) for path in Path("/usr/sbin").glob("php-fpm*"))))
    _start(s, namespace, [program, "-R", "-F", "-y", str(configuration)])
    return f"{address}:{port}"


def php_lines(s, script="done"):
    """Lines of a route that make each request one for that script, by gateway kind."""
    return {
        "nginx": [f"fastcgi_param SCRIPT_FILENAME {s.folder}/{script}.php;"],
        "haproxy": [f"http-request set-path /{script}.php"],
    }


def node(s, number, port):
    """Node's own HTTP server; returns its address."""
    namespace, address = s.host(number)
    program = f"require('http').createServer((q, a) => a.end('done\\n')).listen({port}, '{address}')"
    _start(s, namespace, ["node", "-e", program])
    return f"{address}:{port}"


def python_http(s, number, port):
    """Python's http.server; returns its address."""
    namespace, address = s.host(number)
    folder = s.folder / f"files-{port}"
    folder.mkdir()
    command = ["python3", "-m", "http.server", str(port), "--bind", address, "--directory", str(folder)]
    _start(s, namespace, command)
    return f"{address}:{port}"


def accepting_proxy(s, number, port):
    """An HAProxy that wants a PROXY header and answers 200 itself; returns its address."""
    namespace, address = s.host(number)
    configuration = s.folder / f"accepting-{port}.cfg"
    configuration.write_text(
        "global\nnbthread 1\ndefaults\nmode http\ntimeout connect 2s\ntimeout client 9s\ntimeout server 9s\n"
        f"frontend f\nbind {address}:{port} accept-proxy\nhttp-request return status 200 content-type text/plain "
        "string done\n"
    )
    _start(s, namespace, ["haproxy", "-db", "-f", str(configuration)])
    return f"{address}:{port}"


def error_lines(log, message, upstream):
    """The lines of an nginx error log that hold `message` and name `upstream`."""
    return [line for line in log.read_text().splitlines() if message in line and f"//{upstream}/" in line]


def _start(s, namespace, command):
    process = subprocess.Popen(namespace.command(*command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def end():
        process.terminate()
        process.wait(5)

    s.on_close(end)
    time.sleep(0.5)
    if process.poll() is not None:
        raise RuntimeError(process.stderr.read().decode())
