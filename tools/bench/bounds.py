"""Hostile captures, each at two sizes: does memory hold, is time linear, does the report stay short?"""

import argparse
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import bombs, measure, programs

# What is counted differs per kind; four times this is the larger capture.
COUNTS = {
    "syn-flood": 500_000,
    "never-closed": 250_000,
    "one-direction": 250_000,
    "out-of-order": 60_000,
    "backwards": 50_000,
    "wrap": 50_000,
    "pipelined": 25_000,
    "keep-alive": 100_000,
    "endless-line": 25_000,
    "endless-fields": 25_000,
    "endless-interim": 250_000,
    "tiny-chunks": 250_000,
    "endless-chunk-line": 25_000,
    "lasting-hole": 60_000,
    "neighbours": 250_000,
    "interfaces": 250_000,
    "names": 250_000,
    "icmp-errors": 250_000,
    "fragments": 250_000,
    "refusing-upstreams": 250_000,
    "answering-upstreams": 250_000,
    "retransmissions": 250_000,
    "duplicate-acks": 250_000,
    "failures": 250_000,
    "reused-ports": 250_000,
    "clock-steps": 100_000,
    # Mebibytes that come out.
    "zstd-bomb": 1_000,
    "gzip-bomb": 1_000,
}
LARGEST_RATIO = 5
LARGEST_REPORT = 16 << 20
# Below this, start and noise count for more than the work.
SHORTEST = 0.15


@dataclass
class Result:
    kind: str
    count: int
    size: int
    small: measure.Run
    large: measure.Run
    report: int
    limit: float

    @property
    def ratio(self):
        return max(self.large.cpu, SHORTEST) / max(self.small.cpu, SHORTEST)

    @property
    def faults(self):
        found = [f"at {name}: {run.ended}" for name, run in (("N", self.small), ("4N", self.large)) if run.ended]
        if self.large.peak > self.limit:
            found.append(f"memory over {self.limit:.0f} MiB")
        if self.ratio > LARGEST_RATIO:
            found.append(f"time x {self.ratio:.1f}")
        if self.report > LARGEST_REPORT:
            found.append(f"report of {self.report / 1e6:.0f} MB")
        return found

    def row(self):
        return (
            f"| {self.kind} | {self.count:,} | {self.size / 1e6:.0f} | {self.small.wall:.2f} | {self.large.wall:.2f} "
            f"| {self.large.cpu:.2f} | {self.ratio:.1f} | {self.small.peak:.0f} | {self.large.peak:.0f} "
            f"| {self.report / 1e6:.2f} | {'; '.join(self.faults) or 'pass'} |"
        )


HEAD = (
    "| capture | 4N | MB | wall s at N | at 4N | CPU s at 4N | CPU 4N / N | peak MiB at N | at 4N | report MB | verdict |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)


def write(kind, count, path):
    if kind.endswith("-bomb"):
        getattr(bombs, kind.removesuffix("-bomb"))(path, count)
    else:
        subprocess.run([programs.compiled("hostile"), kind, str(count), str(path)], check=True)


def examine(kind, arguments, options, folder):
    """Runs one kind at N and 4N."""
    count = max(int(COUNTS[kind] * arguments.scale), 1)
    capture, report = folder / f"{kind}.capture", folder / f"{kind}.report"
    runs = []
    for number in (count, 4 * count):
        write(kind, number, capture)
        size = capture.stat().st_size
        command = [arguments.gwsniff, "--format", "json", "--progress", "never", *options, str(capture)]
        runs.append(measure.run(command, report, arguments.timeout, arguments.address_space << 30))
    result = Result(kind, 4 * count, size, *runs, report.stat().st_size, arguments.max_memory)
    for path in (capture, report, Path(str(report) + ".err")):
        path.unlink(missing_ok=True)
    return result


def parsed(arguments):
    parser = argparse.ArgumentParser(prog="memory", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="which captures (all); " + ", ".join(COUNTS))
    parser.add_argument("--gwsniff", metavar="BIN", help="a built gwsniff; built here where not given")
    parser.add_argument("--scale", type=float, default=1, help="times the usual size (1: a million, mostly)")
    parser.add_argument("--max-memory", type=float, default=512, metavar="MIB", help="what must hold (512)")
    parser.add_argument("--threads", type=int, help="handed to gwsniff")
    parser.add_argument("--timeout", type=int, default=120, metavar="S", help="processor seconds for one run (120)")
    parser.add_argument("--address-space", type=int, default=16, metavar="GIB", help="hard limit for one run (16)")
    return parser.parse_args(arguments)


def main(arguments):
    arguments = parsed(arguments)
    unknown = set(arguments.kinds) - set(COUNTS)
    if unknown:
        raise SystemExit(f"memory: no such capture: {', '.join(sorted(unknown))}")
    arguments.gwsniff = programs.gwsniff(arguments.gwsniff)
    options = ["--threads", str(arguments.threads)] if arguments.threads else []
    limit = ["--max-memory", f"{arguments.max_memory:.0f}M"]
    if programs.takes(arguments.gwsniff, *limit):
        options += limit
    else:
        print("gwsniff takes no --max-memory: what it uses is held against the limit all the same\n")
    folder = programs.cache() / f"hostile.{os.getpid()}"
    folder.mkdir()
    failed = 0
    try:
        print(HEAD, flush=True)
        for kind in arguments.kinds or COUNTS:
            result = examine(kind, arguments, options, folder)
            failed += bool(result.faults)
            print(result.row(), flush=True)
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    print(f"\n{len(arguments.kinds or COUNTS) - failed} passed, {failed} failed")
    return 1 if failed else 0
