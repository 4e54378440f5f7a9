"""gwsniff beside tcpdump and tshark on generated captures: medians, ratios, bars, and whether the report is right."""

import argparse
import shutil
import statistics
import subprocess
from dataclasses import dataclass, field

from . import measure, programs, truth

FULL = {"web": 1_099_511_627, "small": 1_073_741_824}
HUNDRED = 104_857_600
# Enough for some of each fault; too short to time.
TINY = 20_000_000
# Times tcpdump's wall clock, by capture and threads; MiB; how many times faster than tshark.
WALL = {("web", 2): 0.6, ("web", 1): 0.8, ("small", 2): 1.0, ("small", 1): 1.6}
PEAK = {"web": 64, "small": 300}
TSHARK = {"web": 150}


@dataclass
class Tool:
    """A program and what it cost, run by run."""

    name: str
    command: list
    threads: int | None = None
    runs: list = field(default_factory=list)

    def output(self, folder):
        """Where its standard output goes."""
        return folder / ("".join(letter for letter in self.name if letter.isalnum()) + ".out")

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)


@dataclass
class Capture:
    kind: str
    size: int
    path: object

    @property
    def truth(self):
        return self.path.with_name(self.path.name + ".truth")


def made(kind, size, seed):
    """The capture of a kind and size, written where it is not there yet."""
    generator = programs.compiled("generate")
    path = programs.cache() / f"{kind}-{size}-{seed}.pcap"
    capture = Capture(kind, size, path)
    if not capture.truth.exists() or not capture.truth.read_text().splitlines()[-1].startswith("shown"):
        subprocess.run([generator, kind, str(size), str(path), str(seed)], check=True)
    return capture


def warm(path):
    """Reads a file once, so that every tool finds it in memory."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def gwsniffs(binary, path):
    """gwsniff with each number of threads that is measured, as far as it takes them."""
    command = [binary, "--format", "json", "--progress", "never"]
    if not programs.takes(binary, "--threads", "2"):
        return [Tool("gwsniff", command + [str(path)], 1)]
    return [Tool(f"gwsniff, threads {n}", command + ["--threads", str(n), str(path)], n) for n in (2, 1)]


def measured(tools, runs, folder):
    """Runs tool after tool in turn, so that what disturbs the machine disturbs all."""
    for _ in range(runs):
        for tool in tools:
            run = measure.run(tool.command, tool.output(folder))
            if run.ended:
                raise SystemExit(f"{' '.join(tool.command)}: {run.ended}")
            tool.runs.append(run)


def misses(capture, tools, tcpdump, tshark):
    """Sentences on each bar that was missed."""
    base = tcpdump.median("wall")
    for tool in tools:
        ratio, bar = tool.median("wall") / base, WALL[capture.kind, tool.threads]
        if ratio > bar:
            yield f"{capture.kind}, {tool.name}: {ratio:.2f} times tcpdump's time, the bar is {bar}"
        peak, bar = tool.median("peak"), PEAK[capture.kind]
        if peak >= bar:
            yield f"{capture.kind}, {tool.name}: {peak:.0f} MiB resident, the bar is {bar}"
    if tshark and capture.kind in TSHARK:
        faster = tshark.median("wall") / min(tool.median("wall") for tool in tools)
        if faster < TSHARK[capture.kind]:
            yield f"{capture.kind}: {faster:.0f} times faster than tshark, the bar is {TSHARK[capture.kind]}"


def rows(capture, tools, tcpdump):
    base = tcpdump.median("wall")
    for tool in tools:
        wall = tool.median("wall")
        yield (
            f"| {capture.kind}, {capture.size / 1e6:,.0f} MB | {tool.name} | {wall:.2f} | {tool.median('cpu'):.2f} "
            f"| {tool.median('peak'):.0f} | {wall / base:.2f} | {len(tool.runs)} |"
        )


def compare(capture, arguments, tshark_runs, folder):
    """Measures one capture; returns table rows, bars missed and disagreements with the truth."""
    warm(capture.path)
    tools = gwsniffs(arguments.gwsniff, capture.path)
    tcpdump = Tool("tcpdump -w /dev/null", ["tcpdump", "-r", str(capture.path), "-w", "/dev/null"])
    measured([*tools, tcpdump], arguments.runs, folder)
    tshark = None
    if tshark_runs:
        tshark = Tool("tshark -z expert", ["tshark", "-r", str(capture.path), "-q", "-z", "expert"])
        measured([tshark], tshark_runs, folder)
    wrong = []
    for tool in tools:
        differences = truth.disagreements(tool.output(folder), capture.truth)
        wrong += [f"{capture.kind}, {tool.name}: {text}" for text in differences]
    if len({tool.output(folder).read_bytes() for tool in tools}) > 1:
        wrong.append(f"{capture.kind}: the report depends on the number of threads")
    shown = [*tools, tcpdump, *([tshark] if tshark else [])]
    return list(rows(capture, shown, tcpdump)), list(misses(capture, tools, tcpdump, tshark)), wrong


def parsed(arguments):
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--gwsniff", metavar="BIN", help="a built gwsniff; built here where not given")
    parser.add_argument("--runs", type=int, default=9, help="of each tool, in turn (9)")
    parser.add_argument("--size", choices=["tiny", "small", "full"], default="full", help="20 MB, 100 MB or 1 GB of each")
    parser.add_argument("--only", choices=sorted(FULL), help="one capture instead of both")
    parser.add_argument("--seed", type=int, default=42, help="of the generator (42)")
    parser.add_argument("--tshark", type=int, nargs="?", const=1, default=0, metavar="RUNS", help="tshark too (1 run)")
    return parser.parse_args(arguments)


def main(arguments):
    arguments = parsed(arguments)
    for tool in ["tcpdump"] + ["tshark"] * bool(arguments.tshark):
        if shutil.which(tool) is None:
            raise SystemExit(f"bench: {tool} is not here; tools/dependencies test installs it")
    arguments.gwsniff = programs.gwsniff(arguments.gwsniff)
    folder = programs.cache() / "reports"
    folder.mkdir(exist_ok=True)
    missed, wrong = [], []
    print("| capture | tool | wall s | CPU s | peak MiB | times tcpdump | runs |\n|---|---|--:|--:|--:|--:|--:|", flush=True)
    for kind, full in FULL.items():
        if arguments.only not in (None, kind):
            continue
        capture = made(kind, {"tiny": TINY, "small": HUNDRED, "full": full}[arguments.size], arguments.seed)
        # tshark takes minutes and gigabytes for the full one of small packets.
        tshark_runs = 0 if capture.size > HUNDRED and kind == "small" else arguments.tshark
        lines, slow, false = compare(capture, arguments, tshark_runs, folder)
        if arguments.tshark and not tshark_runs:
            hundred = made(kind, HUNDRED, arguments.seed)
            more, _, also_false = compare(hundred, arguments, arguments.tshark, folder)
            lines, false = lines + more, false + also_false
        print("\n".join(lines), flush=True)
        missed += [] if arguments.size == "tiny" else slow
        wrong += false
    print()
    for text in missed:
        print(f"MISSED  {text}")
    for text in wrong:
        print(f"WRONG   {text}")
    if arguments.size == "small":
        print("Note: the bars are meant for the full captures.")
    if not wrong:
        print("The reports agree with what was planted.")
    if not missed and arguments.size != "tiny":
        print("Every bar was met.")
    return 1 if missed or wrong else 0
