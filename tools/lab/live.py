"""gwsniff captures by itself while ten faults happen; its findings are compared with the gateway's log."""

import concurrent.futures
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .case import Case, Fault, rehearse
from .upstreams import answer, raw

_SHORT = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 700\r\n\r\n" + b"0123456789\n" * 30
_HALF = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Le"


class Sniffer:
    """gwsniff in place of a capture; same life as Capture."""

    def __init__(self, binary, folder, host, interfaces, *_):
        self._report = folder / "live.json"
        command = [binary, "--format", "json", "-o", str(self._report), "-w", str(folder / "live.pcapng"), "--quiet"]
        for interface in interfaces:
            command += ["--iface", interface]
        self._errors = open(folder / "live.err", "wb")
        self._process = subprocess.Popen(host.command(*command), stdout=self._errors, stderr=self._errors)
        end = time.monotonic() + 20
        while not self._listens(len(interfaces)):
            if self._process.poll() is not None or time.monotonic() > end:
                self.abandon()
                raise RuntimeError(
                    "gwsniff does not capture: " + (folder / "live.err").read_text(errors="replace").strip()
                )
            time.sleep(0.05)
        time.sleep(0.5)

    def _listens(self, count):
        """Whether the process's namespace has its packet sockets."""
        try:
            lines = Path(f"/proc/{self._process.pid}/net/packet").read_text().splitlines()
        except OSError:
            return False
        return len(lines) - 1 >= count

    def stop(self):
        time.sleep(1.0)
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(60)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("gwsniff does not end at SIGINT") from error
        if status != 0:
            raise RuntimeError(f"gwsniff ended with status {status}")

    def abandon(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._errors.close()


# A response head beyond what the gateway takes as `_ten` configures it; Caddy takes 10 MiB.
_LARGE_HEAD = {"nginx": 5_200, "haproxy": 9_200, "apache": 9_200, "envoy": 90_000}
# A field line that the gateway refuses; Caddy takes a space in a name, and none takes a line without colon.
_BAD_LINE = {"caddy": b"no colon here"}


def _ten(s):
    """Ten faults (at Caddy nine), each at an upstream port of its own, among healthy requests."""
    s.network(one_way_ms=6)
    fine, idle = s.serve(), s.serve(1)
    refused = s.nobody()
    rejected, dropped = s.serve(1), s.serve(1)
    s.host(1)[0].nft(
        "table inet f { chain c { type filter hook input priority 0; "
        f"tcp dport {rejected.port} reject with icmpx type port-unreachable; tcp dport {dropped.port} drop; }}; }}"
    )
    large = _LARGE_HEAD.get(s.kind)
    big = answer(headers=["Set-Cookie: cart=" + "9" * large]) if large else None
    bad_line = _BAD_LINE.get(s.kind, b"X Bad Name: 1")
    bad_header = raw(b"HTTP/1.1 200 OK\r\n" + bad_line + b"\r\nContent-Length: 5\r\n\r\ndone\n")
    shop = s.route(fine)
    kept = s.route(idle, keepalive=True, lines={"haproxy": ["http-reuse always"]})
    faults = [
        (s.route(refused), Fault("connect-refused", refused), None),
        (s.route(rejected), Fault("icmp-port-unreachable", rejected), None),
        (s.route(dropped), Fault("connect-timeout", dropped), None),
    ]
    for cause, deed in (
        ("closed-before-response", raw(b"", after=0.15)),
        ("reset-before-response", raw(b"", then="reset", after=0.2)),
        ("response-timeout", raw(b"", then="wait")),
        ("header-too-large", big),
        ("malformed-header", bad_header),
        ("truncated-body-fin", raw(_SHORT, hold=0.1)),
    ):
        if deed is None:
            continue
        upstream = s.serve(2)
        faults.append((s.route(upstream), Fault(cause, upstream), deed))
    s.start(
        capture="any" if s.kind == "haproxy" else "both",
        connect_s=1,
        read_s=2,
        lines={"haproxy-global": ["tune.bufsize 8192"]},
    )
    s.get(shop)
    s.get(kept)
    s.get(kept)
    for number, (prefix, fault, deed) in enumerate(faults):
        client = s.new_client()
        s.get(prefix, fault, do=deed, client=client)
        if number % 2:
            s.post(prefix, fault, do=deed, client=s.new_client())
        s.get(shop)
    s.post(kept)
    time.sleep(0.4)
    if idle.close_idle() == 0:
        raise RuntimeError("no idle upstream connection")
    time.sleep(0.002)
    s.post(kept, Fault("stale-keepalive-reuse", idle))
    s.get(shop)


def _key(finding):
    return finding["cause"], finding["upstream"]


def _judge(expected, report, rerun):
    """Rows of (cause, upstream, wanted, found, passed): the counts by the log and by gwsniff."""
    wanted = {_key(finding): finding["count"] for finding in expected["findings"]}
    found = {_key(f): f["count"] for f in report["findings"] if f["severity"] != "note"}
    rows = []
    for cause, upstream in sorted(wanted | found, key=str):
        pair = wanted.get((cause, upstream), 0), found.get((cause, upstream), 0)
        rows.append((cause, upstream, *pair, pair[0] == pair[1]))
    requests = expected["requests"]["failed"], report["requests"]["failed"]
    rows.append(("(failed requests)", None, *requests, requests[0] == requests[1]))
    again = {_key(f): f["count"] for f in rerun["findings"] if f["severity"] != "note"}
    rows.append(("(saved file agrees)", None, len(found), len(again), found == again))
    return rows


def _one(binary, kind, keep):
    folder = Path(tempfile.mkdtemp(prefix="gateway-lab-live-"))
    try:
        plan = "Ten faults while gwsniff captures by itself."
        case = Case("live", "ten-faults", kind, plan, _ten)
        expected = rehearse(case, lambda *arguments: Sniffer(binary, folder, *arguments), lambda content: content)
        report = json.loads((folder / "live.json").read_text())
        rerun = subprocess.run(
            [binary, "--format", "json", "--quiet", str(folder / "live.pcapng")], capture_output=True
        )
        (folder / "expected.json").write_text(json.dumps(expected, indent=2))
        return _judge(expected, report, json.loads(rerun.stdout)), None
    except Exception as error:
        text = (folder / "live.err").read_text(errors="replace").strip() if (folder / "live.err").exists() else ""
        return [], f"{type(error).__name__}: {error} {text}"
    finally:
        if keep:
            shutil.copytree(folder, Path(keep) / kind, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def run(binary, kinds, keep):
    """Runs each gateway; returns the exit status."""
    if os.geteuid() != 0:
        print("the lab makes network namespaces: run it as root")
        return 77
    binary = str(Path(binary).resolve())
    context = multiprocessing.get_context("fork")
    passed = failed = 0
    # Not more at once than there are processors: timers of one must not wait for another's.
    with concurrent.futures.ProcessPoolExecutor(min(len(kinds), os.cpu_count() or 1), context) as pool:
        for kind, (rows, problem) in zip(kinds, pool.map(_one, [binary] * len(kinds), kinds, [keep] * len(kinds))):
            print(f"{kind:8} {'cause':24} {'upstream':24} {'log':>4} {'gwsniff':>8}")
            for cause, upstream, wanted, found, good in rows:
                print(f"{'ok' if good else 'FAIL':8} {cause:24} {upstream or '-':24} {wanted:>4} {found:>8}")
                passed, failed = passed + good, failed + (not good)
            if problem:
                print(f"FAIL     {problem}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
