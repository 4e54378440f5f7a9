"""An nginx on loopback, an upstream that answers well or badly as its path says, and clients. One process; Ctrl-C ends it.

Writes a line a second to standard output: requests and failed requests so far, as the clients saw them.
"""

import asyncio
import random
import signal
import struct
import subprocess
import sys
from pathlib import Path

GATEWAY, UPSTREAM, CLOSED = 8081, 8082, 8083
_KINDS = {
    "ok": 200, "large": 20, "late": 10, "post": 10, "refused": 2, "reset": 2, "closed": 2, "cut": 2, "silent": 1,
}  # fmt: skip
_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream good {{ server 127.0.0.1:{upstream}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{gateway};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 2s; proxy_next_upstream off;
    location / {{ proxy_pass http://good; }}
    location /refused {{ proxy_pass http://127.0.0.1:{closed}; }}
  }}
}}
"""


def _abort(writer):
    """Closes with a reset."""
    connection = writer.get_extra_info("socket")
    # SO_LINGER of no time: socket(7).
    connection.setsockopt(1, 13, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _upstream(reader, writer):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    try:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            kind = request.split(b" ", 2)[1].strip(b"/").split(b"/")[0].decode()
            if kind == "post":
                await reader.readexactly(512)
            if kind == "reset":
                return _abort(writer)
            if kind == "closed":
                break
            if kind == "silent":
                await asyncio.sleep(4)
                break
            if kind == "cut":
                writer.write(head % 5_000 + b"x" * 100)
                break
            if kind == "late":
                await asyncio.sleep(0.3)
            body = b"x" * (60_000 if kind == "large" else 300)
            writer.write(head % len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        pass
    writer.close()


async def _client(seen, pause):
    kinds, weights = list(_KINDS), list(_KINDS.values())
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", GATEWAY)
            for _ in range(random.randint(1, 20)):
                kind = random.choices(kinds, weights)[0]
                method, body = (b"POST", b"y" * 512) if kind == "post" else (b"GET", b"")
                length = b"Content-Length: %d\r\n" % len(body) if body else b""
                path = f"/{kind}/{random.randint(0, 999)}".encode()
                writer.write(method + b" " + path + b" HTTP/1.1\r\nHost: soak\r\n" + length + b"\r\n" + body)
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                seen["requests"] += 1
                status = int(head.split(b" ")[1])
                try:
                    await reader.readexactly(int(fields.get(b"content-length", 0)))
                    seen["failed"] += status in (502, 504)
                except asyncio.IncompleteReadError:
                    seen["failed"] += 1
                    break
                if fields.get(b"connection") == b"close":
                    break
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            writer.close()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)


async def _run(folder, clients, pause):
    conf = Path(folder) / "nginx.conf"
    conf.write_text(_CONFIGURATION.format(folder=folder, upstream=UPSTREAM, gateway=GATEWAY, closed=CLOSED))
    server = await asyncio.start_server(_upstream, "127.0.0.1", UPSTREAM)
    gateway = subprocess.Popen(["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(conf)])
    seen = {"requests": 0, "failed": 0}
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await asyncio.sleep(0.5)
    tasks = [asyncio.create_task(_client(seen, pause)) for _ in range(clients)]
    while not over.is_set():
        print(seen["requests"], seen["failed"], flush=True)
        try:
            await asyncio.wait_for(over.wait(), 1)
        except asyncio.TimeoutError:
            pass
    for task in tasks:
        task.cancel()
    await asyncio.sleep(5)
    print(seen["requests"], seen["failed"], flush=True)
    gateway.terminate()
    gateway.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
