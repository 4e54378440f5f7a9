"""One run of a program: how long, how much processor, how much memory."""

import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    """What a run cost. Times in seconds, memory in MiB."""

    wall: float
    cpu: float
    peak: float
    status: int
    timed_out: bool

    @property
    def ended(self):
        """How it ended, in words; empty where it ended well."""
        if self.timed_out:
            return f"stopped after {self.wall:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}" if self.status else ""


def run(command, output, timeout=None, address_space=None):
    """Runs a command to its end, its standard output in the file `output`.

    It is stopped after `timeout` seconds, and gets no more than `address_space` bytes where given.
    """

    def limit():
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    # A crash is told by the status; the runtime's own account of it takes minutes for a large process.
    environment = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
    with open(output, "wb") as file, open(str(output) + ".err", "wb") as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=file, stderr=errors, env=environment, preexec_fn=limit)
        expired = threading.Event()

        def stop():
            expired.set()
            process.kill()

        timer = threading.Timer(timeout, stop) if timeout else None
        if timer:
            timer.start()
        # wait4 and not wait: it alone tells the usage of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        if timer:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, expired.is_set())
