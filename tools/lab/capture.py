"""A capture of one or several interfaces of one host, by dumpcap."""

import os
import select
import signal
import subprocess
import time

from .network import run


class Capture:
    """Runs from `start` to `stop`; the file is pcapng."""

    def __init__(self, host, interfaces, path, link_type=None, snap_length=None):
        self._path = path
        command = ["dumpcap", "-q", "-w", str(path), "-B", "16"]
        for interface in interfaces:
            command += ["-i", interface]
            if link_type:
                command += ["-y", link_type]
            if snap_length:
                command += ["-s", str(snap_length)]
        self._process = subprocess.Popen(host.command(*command), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._await_start()

    def _await_start(self):
        text, end = b"", time.monotonic() + 10
        descriptor = self._process.stderr.fileno()
        while b"File:" not in text:
            ready, _, _ = select.select([descriptor], [], [], 0.1)
            if ready:
                chunk = os.read(descriptor, 4096)
                if not chunk:
                    raise RuntimeError("dumpcap ended: " + text.decode(errors="replace").strip())
                text += chunk
            if time.monotonic() > end:
                raise RuntimeError("dumpcap does not start")
        time.sleep(0.3)

    def stop(self):
        time.sleep(0.6)  # dumpcap reads the ring in batches
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)
        os.chmod(self._path, 0o644)

    def abandon(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def fields(path, display_filter, *names):
    """The named fields of the packets that pass a Wireshark display filter, as rows of text."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display_filter, "-T", "fields"]
    for name in names or ("frame.number",):
        command += ["-e", name]
    return [line.split("\t") for line in run(*command).splitlines()]
