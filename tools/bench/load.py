"""Load over a veth pair between two network namespaces: packets sent, received and lost, and the processor that it cost."""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .compare import made
from .programs import cache, gwsniff
from .senders import SENDERS

_SENDER, _RECEIVER = "gwsniff-send", "gwsniff-load"
_BUFFER = 64


@dataclass
class Outcome:
    """One run. Processor in seconds, memory in MiB."""

    sent: int
    rate: float
    received: int
    lost: int
    cpu: float
    wall: float
    peak: float


def _run(*words):
    subprocess.run(words, check=True, capture_output=True)


class Wire:
    """Two namespaces and a cable; nothing in them answers."""

    def __enter__(self):
        self.__exit__()
        for name in (_SENDER, _RECEIVER):
            _run("ip", "netns", "add", name)
            _run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        _run("ip", "link", "add", "load0", "netns", _SENDER, "type", "veth", "peer", "name", "load1", "netns", _RECEIVER)
        for name, end in ((_SENDER, "load0"), (_RECEIVER, "load1")):
            _run("ip", "-n", name, "link", "set", end, "arp", "off", "up")
        return self

    def __exit__(self, *_):
        for name in (_SENDER, _RECEIVER):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _listens(process):
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            if len(Path(f"/proc/{process.pid}/net/packet").read_text().splitlines()) > 1:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the receiver does not capture")


def once(command, sender, file, rate, seconds, errors):
    """Runs a receiver while a capture is sent; how it ended."""
    inside = ["ip", "netns", "exec"]
    with open(errors, "wb") as stream:
        receiver = subprocess.Popen([*inside, _RECEIVER, *command], stdout=subprocess.DEVNULL, stderr=stream)
        try:
            _listens(receiver)
            time.sleep(0.5)
            start = time.monotonic()
            done = subprocess.run(
                [*inside, _SENDER, *sender.command(file, "load0", rate, seconds)],
                check=True,
                capture_output=True,
            )
            time.sleep(1)
            receiver.send_signal(signal.SIGINT)
            # wait4 and not wait: it alone tells the usage of this one child.
            _, _, usage = os.wait4(receiver.pid, 0)
            receiver.returncode = 0
            wall = time.monotonic() - start
        finally:
            if receiver.returncode is None:
                receiver.kill()
                receiver.wait()
    sent, duration = sender.result(done.stdout.decode())
    text = Path(errors).read_text(errors="replace")
    counts = {name: int(count) for count, name in re.findall(r"(\d+) packets? (captured|dropped by \w+)", text)}
    if "captured" not in counts:
        raise RuntimeError(f"{command[0]} said: {text.strip()}")
    received = counts.pop("captured")
    return Outcome(
        sent,
        sent / duration,
        received,
        # What a receiver did not count as dropped was lost all the same.
        max(sum(counts.values()), sent - received),
        usage.ru_utime + usage.ru_stime,
        wall,
        usage.ru_maxrss / 1024,
    )


def _receivers(binary, report):
    return {
        "gwsniff": [binary, "--iface", "load1", "-B", str(_BUFFER), "--format", "json", "-o", str(report)],
        "tcpdump -w /dev/null": ["tcpdump", "-i", "load1", "-B", str(_BUFFER << 10), "-w", "/dev/null"],
    }


def check(binary, sender, file, rate, seconds):
    """A loaded run and the file that it saved give the same findings: 0, or 1 and what differs."""
    saved, live, offline = (cache() / name for name in ("load.pcapng", "load.json", "load-file.json"))
    receiver = [*_receivers(binary, live)["gwsniff"], "-w", str(saved)]
    outcome = once(receiver, sender, file, rate, seconds, cache() / "load.err")
    subprocess.run([binary, "--format", "json", "-o", str(offline), str(saved)], check=True)
    reports = [json.loads(path.read_text()) for path in (live, offline)]
    saved.unlink()
    findings = [
        {(f["cause"], f["upstream"], f["severity"]): (f["count"], f["attempts"]) for f in report["findings"]}
        for report in reports
    ]
    print(f"{Path(file).stem}: {outcome.received:,} packets, {outcome.lost:,} lost; requests", end=" ")
    print(" and in the file ".join(f"{r['requests']['total']:,}, {r['requests']['failed']:,} failed" for r in reports))
    different = [key for key in findings[0].keys() | findings[1].keys() if findings[0].get(key) != findings[1].get(key)]
    for key in sorted(different, key=str):
        print("DIFFERENT:", *key, findings[0].get(key), "in the file", findings[1].get(key))
    for report in reports:
        print("notes:", report["capture"]["quality"]["notes"])
    return int(bool(different) or reports[0]["requests"] != reports[1]["requests"])


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gwsniff", help="the gwsniff to measure (default: this tree's)")
    parser.add_argument("--bytes", type=int, default=1_000_000_000, help="of each generated capture")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--sender", choices=SENDERS, default="sendmmsg", help="tcpreplay is installed where it is missing")
    parser.add_argument("--rates", default="100000,200000,300000,0", help="packets a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="save what is captured and compare the findings of both")
    parser.add_argument("--captures", nargs="*", help="captures to send instead of generated ones")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("network namespaces are needed: run it as root")
        return 77
    binary = gwsniff(options.gwsniff)
    files = options.captures or [
        str(made(kind, options.bytes, options.seed).path) for kind in ("web", "small")
    ]
    sender = SENDERS[options.sender]
    sender.prepare()
    report, failed = cache() / "load.json", 0
    with Wire():
        if options.check:
            rate = int(options.rates.split(",")[0])
            return max(check(binary, sender, file, rate, options.seconds) for file in files)
        print(f"{options.sender}, {options.runs} runs each: medians, and the sum of what was sent and lost")
        print("| capture | rate, packets/s | receiver | sent | received | lost | CPU s | of wall s | peak MiB |")
        print("|---|--:|---|--:|--:|--:|--:|--:|--:|")
        for file in files:
            for rate in map(int, options.rates.split(",")):
                outcomes = {name: [] for name in _receivers(binary, report)}
                for _ in range(options.runs):
                    for name, command in _receivers(binary, report).items():
                        outcomes[name].append(once(command, sender, file, rate, options.seconds, cache() / "load.err"))
                for name, runs in outcomes.items():
                    median = lambda key: statistics.median(getattr(run, key) for run in runs)  # noqa: E731
                    print(
                        f"| {Path(file).stem} | {median('rate'):,.0f} | {name} | {sum(run.sent for run in runs):,} "
                        f"| {sum(run.received for run in runs):,} | {sum(run.lost for run in runs):,} "
                        f"| {median('cpu'):.1f} | {median('wall'):.1f} | {median('peak'):.0f} |",
                        flush=True,
                    )
                ours, theirs = (sum(run.lost for run in runs) for runs in outcomes.values())
                if ours > 0 and theirs == 0:
                    failed += 1
                    print(f"MISSED: {Path(file).stem} at {rate}: {ours:,} packets lost where tcpdump loses none")
    if report.exists():
        quality = json.loads(report.read_text())["capture"]["quality"]
        print(f"the last report's notes: {quality.get('notes')}")
    return 1 if failed else 0
