"""One run of a program: how long, how much processor, how much memory."""

import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Run:
    """What a run cost. Times in seconds, memory in MiB."""

    wall: float
    cpu: float
    peak: float
    status: int

    @property
    def ended(self):
        """How it ended, in words; empty where it ended well."""
        if self.status == -signal.SIGXCPU:
            return f"stopped after {self.cpu:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}" if self.status else ""


def run(command, output, processor=None, address_space=None):
    """Runs a command to its end, its standard output in the file `output`.

    It is stopped after `processor` seconds of processor time, which another program's work does not lengthen, and gets no
    more than `address_space` bytes, where given.
    """

    def limit():
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        if processor is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (processor, processor + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    # A crash is told by the status; the runtime's own account of it takes minutes for a large process.
    environment = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
    with open(output, "wb") as file, open(str(output) + ".err", "wb") as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=file, stderr=errors, env=environment, preexec_fn=limit)
        # wait4 and not wait: it alone tells the usage of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)
