"""gwsniffd beside an nginx that serves and fails, for minutes or hours: memory and files open stay level, metrics only grow, the history and the
evidence keep their bounds and stay readable, through stops, starts and a kill."""

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .programs import HERE, ROOT

_SPACE = "gwsniff-soak"
_ADDRESS = "127.0.0.1:9502"
_EVIDENCE = 16 << 20
#: Seconds after which too much evidence has to be gone; it is looked after every 5 s.
_HOUSEKEEPING = 20
#: Seconds of failures that a killed service may lose: it counts five after it last did, which takes it less than a second (a debug build some more),
#: commits every second, and some failures take seconds to be told.
_LOST_BY_KILL = 12
#: Within which the traffic ends, of itself after 5 s: longer where others have the machine.
_TRAFFIC_END = 180
#: Files that may have come since.
_NEWEST = 3
_INSIDE = ["ip", "netns", "exec", _SPACE]
_ASK = (
    "import sys, json, urllib.request as u, urllib.error as e\n"
    "answers = {}\n"
    "for path in sys.argv[1:]:\n"
    " try: r = u.urlopen('http://%s' + path, timeout=20)\n"
    " except e.HTTPError as error: r = error\n"
    " answers[path] = [r.status, r.read().decode()]\n"
    "print(json.dumps(answers))\n"
) % _ADDRESS


class Failure(Exception):
    """Something is not as it was."""


class Soak:
    def __init__(self, binary, folder):
        self._binary, self.folder = binary, folder
        self.evidence, self.history = folder / "evidence", folder / "history.sqlite"
        self._errors = open(folder / "service.err", "ab")
        self.process = None
        self.problems, self.samples, self.lives = [], [], []
        self._before = {}
        self._within = time.monotonic()

    def start(self):
        settings = {
            "http.listen": _ADDRESS,
            "capture.interfaces": "lo",
            "history.path": self.history,
            "recorder.directory": self.evidence,
            "recorder.pause": "1s",
            "recorder.before": "2s",
            "recorder.after": "1s",
            "recorder.per-hour": 10_000,
            "recorder.max-size": f"{_EVIDENCE >> 20}M",
            "recorder.memory": "64M",
        }
        command = [*_INSIDE, self._binary]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        self.process = subprocess.Popen(command, stdout=self._errors, stderr=self._errors)
        self.samples.append([])
        self._before = {}
        end = time.monotonic() + 30
        while not self._ask("/healthz").get("/healthz", [0])[0] == 200:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure("gwsniffd does not run: " + (self.folder / "service.err").read_text()[-2_000:])
            time.sleep(0.2)
        self._seen = self._failed()

    def _failed(self, seconds=0):
        """Failed requests that the clients saw so far, or so many seconds ago."""
        lines = (self.folder / "traffic").read_text().splitlines()
        return int(lines[max(0, len(lines) - 1 - seconds)].split()[1]) if lines else 0

    def stop(self, number):
        lost = _LOST_BY_KILL if number == signal.SIGKILL else 0
        # What it must have counted, and what at most: it was ready before it was first asked.
        self.lives.append((number.name, self._failed(lost) - self._seen, self._failed() - self._seen))
        start = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(60)
        if number != signal.SIGKILL and code != 0:
            self.problems.append(f"it ended with {code} at {number.name}")
        print(f"  {number.name}: over after {time.monotonic() - start:.1f} s", flush=True)

    def _ask(self, *paths):
        done = subprocess.run([*_INSIDE, sys.executable, "-c", _ASK, *paths], capture_output=True, timeout=120)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def look(self):
        """One look at everything that it serves and keeps."""
        answers = self._ask("/metrics", "/healthz", "/", "/api/v1/live")
        for path in ("/metrics", "/healthz", "/", "/api/v1/live"):
            status = answers.get(path, [0])[0]
            if status != 200:
                self.problems.append(f"{path} answers {status}")
        if "/metrics" not in answers:
            return
        values = {
            name: float(value)
            for name, value in re.findall(r"^(\w+(?:\{.*\})?) ([-+.\deE]+)$", answers["/metrics"][1], re.MULTILINE)
        }
        for name, value in values.items():
            counts = re.search(r"(_total|_bucket|_count|_sum)(\{|$)", name)
            if counts and value < self._before.get(name, 0):
                self.problems.append(f"{name} fell from {self._before[name]} to {value}")
        for name in self._before.keys() - values.keys():
            self.problems.append(f"{name} is gone")
        self._before = values
        kept = self._evidence()
        dropped = sum(value for name, value in values.items() if name.startswith("gwsniff_dropped_packets"))
        self.samples[-1].append(
            {
                "memory": values["process_resident_memory_bytes"] / (1 << 20),
                "files": values["process_open_fds"],
                "requests": values.get("gwsniff_requests_total", 0),
                "failed": values.get("gwsniff_failed_requests_total", 0),
                "packets": values["gwsniff_packets_total"],
                "evidence": kept / (1 << 20),
                "dropped": dropped,
            }
        )

    def _evidence(self):
        """Bytes of all files of evidence. What is beyond the bound, the newest left out, has to go with the next housekeeping."""
        files = sorted(self.evidence.glob("*.pcapng"), key=lambda file: file.name.split("-")[1])
        sizes = [file.stat().st_size for file in files if file.exists()]
        if sum(sizes[:-_NEWEST]) <= _EVIDENCE:
            self._within = time.monotonic()
        if time.monotonic() - self._within > _HOUSEKEEPING:
            self.problems.append(f"evidence takes {sum(sizes)} bytes for {_HOUSEKEEPING} s")
        return sum(sizes)

    def judge_level(self):
        """Memory and open files of each life: its last quarter against its second."""
        for number, life in enumerate(self.samples):
            if len(life) < 12:
                continue
            quarter = len(life) // 4
            for what, room in (("memory", 24), ("files", 4)):
                early = max(sample[what] for sample in life[quarter : 2 * quarter])
                late = max(sample[what] for sample in life[-quarter:])
                print(f"  life {number + 1}: {what} {early:.0f} in its second quarter, {late:.0f} in its last")
                if late > early * 1.1 + room:
                    self.problems.append(f"{what} grew from {early:.0f} to {late:.0f}")

    def judge_history(self, seen):
        with sqlite3.connect(f"file:{self.history}?mode=ro", uri=True) as database:
            verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
            counts = dict(
                database.execute(
                    "SELECT run, sum(weight) FROM finding JOIN finding_minute ON finding = finding.id "
                    "WHERE severity = 'failure' GROUP BY run"
                ).fetchall()
            )
        if verdict != "ok":
            self.problems.append(f"the history is damaged: {verdict}")
        for run, (name, least, most) in enumerate(self.lives, 1):
            count = counts.get(run, 0)
            print(f"  life {run}, ended by {name}: {count} failed requests in the history of {most} seen meanwhile")
            if count < 0.97 * least - 2:
                self.problems.append(f"life {run} has {count} failed requests in the history where {least} are due")
        command = [self._binary, "history", "report", "--history", str(self.history), "--format", "json"]
        done = subprocess.run(command, capture_output=True)
        if done.returncode != 0:
            self.problems.append(f"the history cannot be read: {done.stderr.decode()}")
            return
        kept = sum(f["count"] for f in json.loads(done.stdout)["findings"] if f["severity"] == "failure")
        counted = sum(life[-1]["failed"] for life in self.samples if life)
        print(f"  failed requests: {seen} seen by clients, {counted:.0f} in the metrics, {kept} in the history")
        # What fails while it does not run, and in the last seconds before the kill, it cannot know.
        if not 0.9 * seen <= kept <= 1.01 * seen + 2:
            self.problems.append(f"the history has {kept} of {seen} failed requests")

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._errors.close()


def _soak(soak, minutes, pause):
    traffic = subprocess.Popen(
        [*_INSIDE, sys.executable, str(HERE / "traffic.py"), str(soak.folder), "20", str(pause)],
        stdout=open(soak.folder / "traffic", "wb"),
    )
    try:
        soak.start()
        ends = {1: signal.SIGTERM, 2: signal.SIGKILL, 3: signal.SIGINT}
        begun = time.monotonic()
        for part in range(1, 5):
            while time.monotonic() - begun < minutes * 15 * part or not soak.samples[-1]:
                soak.look()
                time.sleep(min(5, minutes))
            life = soak.samples[-1][-1]
            print(
                f"  after {(time.monotonic() - begun) / 60:.1f} min: {life['packets']:,.0f} packets, {life['requests']:,.0f} requests, "
                f"{life['dropped']:.0f} dropped, {life['memory']:.0f} MiB, {life['files']:.0f} files open, "
                f"{life['evidence']:.1f} MiB of evidence",
                flush=True,
            )
            if part < 4:
                soak.stop(ends[part])
                soak.start()
        traffic.terminate()
        traffic.wait(_TRAFFIC_END)
        time.sleep(5)
        soak.look()
        soak.stop(signal.SIGTERM)
    finally:
        if traffic.poll() is None:
            traffic.terminate()
            traffic.wait(_TRAFFIC_END)
    requests, failed = map(int, (soak.folder / "traffic").read_text().split()[-2:])
    print(f"  {requests:,} requests of clients, {failed:,} failed")
    soak.judge_level()
    soak.judge_history(failed)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gwsniffd", help="the gwsniffd to run (default: this tree's)")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two requests of a client; there are 20")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0 or shutil.which("nginx") is None:
        print("network namespaces and nginx are needed: run it as root where nginx is installed")
        return 77
    if options.gwsniffd is None:
        subprocess.run([str(ROOT / "tools/gwsniffd"), "--version"], check=True, stdout=sys.stderr)
    binary = options.gwsniffd or str(ROOT / ".build/release/gwsniffd")
    subprocess.run(["ip", "netns", "del", _SPACE], capture_output=True)
    subprocess.run(["ip", "netns", "add", _SPACE], check=True)
    with tempfile.TemporaryDirectory(prefix="gwsniff-soak-") as name:
        # The workers of nginx become somebody else.
        os.chmod(name, 0o755)
        soak = Soak(binary, Path(name))
        try:
            subprocess.run(["ip", "-n", _SPACE, "link", "set", "lo", "up"], check=True)
            _soak(soak, options.minutes, options.pause)
        except Failure as failure:
            soak.problems.append(str(failure))
        finally:
            soak.close()
            subprocess.run(["ip", "netns", "del", _SPACE], capture_output=True)
    for problem in dict.fromkeys(soak.problems):
        print("MISSED:", problem)
    return 1 if soak.problems else 0
