"""The command."""

import argparse
import concurrent.futures
import fnmatch
import multiprocessing
import os
import sys
import time
import traceback

from . import faults  # noqa: F401  (registers the cases)
from . import live
from . import service
from .case import CASES, play
from .gateways import KINDS
from .install import install


def main():
    parser = argparse.ArgumentParser(prog="lab", description=__import__("lab").__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install what is absent")
    listing = commands.add_parser("list", help="list the cases")
    running = commands.add_parser("run", help="play cases and write their captures")
    for command in (listing, running):
        command.add_argument("cases", nargs="*", metavar="CASE", help="cause/gateway-name, or a pattern of it")
        command.add_argument("--gateway", choices=KINDS)
    running.add_argument("--out", required=True, metavar="DIR")
    running.add_argument("--keep", metavar="DIR", help="keep configurations and logs there")
    running.add_argument("--jobs", type=int, default=4, metavar="N")
    living = commands.add_parser("live", help="let gwsniff capture ten faults by itself and compare it with the log")
    living.add_argument("--gwsniff", required=True, metavar="BIN")
    living.add_argument("--gateway", choices=KINDS)
    living.add_argument("--keep", metavar="DIR", help="keep the reports there")
    serving = commands.add_parser("service", help="let gwsniffd run during ten faults and compare what it shows and keeps")
    serving.add_argument("--gwsniffd", required=True, metavar="BIN")
    serving.add_argument("--gwsniff", required=True, metavar="BIN", help="reads the evidence files")
    serving.add_argument("--keep", metavar="DIR", help="keep pictures, documents and history there")
    arguments = parser.parse_args()
    if arguments.command == "install":
        print("installed: " + (", ".join(install(KINDS)) or "nothing was missing"))
        return 0
    if arguments.command == "live":
        kinds = (arguments.gateway,) if arguments.gateway else KINDS
        install(kinds, servers=False)
        return live.run(arguments.gwsniff, kinds, arguments.keep)
    if arguments.command == "service":
        install(("nginx",), servers=False)
        return service.run(arguments.gwsniffd, arguments.gwsniff, arguments.keep)
    chosen = _chosen(arguments)
    if not chosen:
        print("no such case", file=sys.stderr)
        return 64
    if arguments.command == "list":
        for case in chosen:
            print(f"{case.path:60} {case.plan}")
        return 0
    return _run(chosen, arguments)


def _chosen(arguments):
    chosen = []
    for path, case in sorted(CASES.items()):
        if arguments.gateway and case.gateway != arguments.gateway:
            continue
        if not arguments.cases or any(fnmatch.fnmatch(path, pattern) for pattern in arguments.cases):
            chosen.append(case)
    return chosen


def _run(chosen, arguments):
    if os.geteuid() != 0:
        print("the lab makes network namespaces: run it as root", file=sys.stderr)
        return 77
    install({case.gateway for case in chosen})
    failures, start = 0, time.monotonic()
    # One process per case: threads of one case must not wait for another's.
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, context, max_tasks_per_child=None) as pool:
        futures = {pool.submit(_one, case.path, arguments.out, arguments.keep): case for case in chosen}
        for future in concurrent.futures.as_completed(futures):
            problem = future.result()
            failures += problem is not None
            print(
                f"{'ok  ' if problem is None else 'FAIL'} {futures[future].path}{'' if problem is None else ': '}"
                f"{problem or ''}",
                flush=True,
            )
    print(f"{len(chosen) - failures} written, {failures} refused, {time.monotonic() - start:.0f} s")
    return 1 if failures else 0


def _one(path, out, keep):
    for _ in range(3):  # a race may be lost
        try:
            play(CASES[path], out, keep)
            return None
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            if os.environ.get("LAB_TRACE"):
                problem += "\n" + traceback.format_exc()
    return problem
