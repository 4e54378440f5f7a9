"""What sends a capture over and over on an interface: this tree's own sender, or tcpreplay."""

import os
import re
import shutil
import subprocess

from .programs import compiled


class _Own:
    """send.c: 64 packets a system call, past the queueing discipline."""

    def prepare(self):
        compiled("send")

    def command(self, file, interface, rate, seconds):
        return [compiled("send"), file, interface, str(rate), str(seconds)]

    def result(self, text):
        sent, nanoseconds = map(int, text.split())
        return sent, nanoseconds / 1e9


class _Tcpreplay:
    """tcpreplay: a system call a packet, the capture in memory before the first is sent."""

    #: Packets a second that it is taken to send at most.
    _TOP = 400_000

    def prepare(self):
        if shutil.which("tcpreplay"):
            return
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-q"], ["install", "-qy", "--no-install-recommends", "tcpreplay"]):
            subprocess.run(["apt-get", *words], env=environment, stdout=subprocess.DEVNULL, check=True)

    def command(self, file, interface, rate, seconds):
        speed = [f"--pps={rate}"] if rate else ["--topspeed"]
        # Following flows is its own pastime. --duration (4.4.3) is looked at where the file begins anew, so the packets are counted.
        limit = f"--limit={max(1, round((rate or self._TOP) * seconds))}"
        quiet = ["--quiet", "--preload-pcap", "--no-flow-stats", "--loop=0"]
        return ["tcpreplay", *quiet, *speed, limit, f"--intf1={interface}", file]

    def result(self, text):
        actual = re.search(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds", text)
        failed = re.search(r"Failed packets:\s+(\d+)", text)
        if not actual:
            raise RuntimeError(f"tcpreplay said: {text.strip()}")
        return int(actual[1]) - int(failed[1] if failed else 0), float(actual[2])


#: `command` is for (file, interface, packets a second or 0 for as fast as it goes, seconds); `result` reads packets and seconds from its output.
SENDERS = {"sendmmsg": _Own(), "tcpreplay": _Tcpreplay()}
