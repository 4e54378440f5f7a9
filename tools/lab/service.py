"""gwsniffd runs on the gateway while ten faults happen; what it shows and keeps is compared with the gateway's log.

Looked at: /metrics, /healthz, the page's data, the page in a browser, an evidence file, and, after the service was killed, the history.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .case import Case, rehearse
from .live import _key, _ten

_ADDRESS = "127.0.0.1:9502"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Service:
    """gwsniffd in place of a capture; same life as Capture."""

    def __init__(self, binaries, folder, host, interfaces, *_):
        self._binary, self._gwsniff = binaries
        self.folder, self._host = folder, host
        self.results = {}
        settings = {
            "http.listen": _ADDRESS,
            "capture.interfaces": ",".join(interfaces),
            "history.path": folder / "history.sqlite",
            "recorder.directory": folder / "evidence",
            "recorder.before": "20s",
            "recorder.after": "2s",
            "recorder.pause": "0s",
        }
        command = [self._binary]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        self._errors = open(folder / "service.err", "wb")
        self._process = subprocess.Popen(host.command(*command), stdout=self._errors, stderr=self._errors)
        end = time.monotonic() + 30
        while self._status("/healthz") != 200:
            if self._process.poll() is not None or time.monotonic() > end:
                self.abandon()
                raise RuntimeError("gwsniffd does not run: " + (folder / "service.err").read_text(errors="replace"))
            time.sleep(0.1)
        time.sleep(0.5)

    def _ask(self, target, method="GET", fields=()):
        """Status and body; the question is put on the gateway, where alone the server listens."""
        program = (
            "import sys, urllib.request as u, urllib.error as e\n"
            "try: r = u.urlopen(u.Request(sys.argv[1], method=sys.argv[2], headers=dict(f.split(':', 1) for f in sys.argv[3:])), timeout=20)\n"
            "except e.HTTPError as error: r = error\n"
            "except OSError: sys.exit('0')\n"
            "sys.stdout.buffer.write(b'%d\\n' % r.status + r.read())\n"
        )
        command = self._host.command("python3", "-c", program, f"http://{_ADDRESS}{target}", method, *fields)
        done = subprocess.run(command, capture_output=True, timeout=60)
        status, _, body = done.stdout.partition(b"\n")
        return int(status or 0), body

    def _status(self, target):
        return self._ask(target)[0]

    def stop(self):
        self._settle()
        for name, target in (("metrics", "/metrics"), ("health", "/healthz"), ("live", "/api/v1/live")):
            self.results[name] = self._ask(target)
        for finding in json.loads(self.results["live"][1])["findings"]:
            key = finding["key"].replace("[", "%5B").replace("]", "%5D").replace(":", "%3A")
            self.results[finding["key"]] = self._ask(f"/api/v1/finding?key={key}")
        token = self._ask("/api/v1/token")[1].decode().strip()
        self.results["refused"] = self._ask("/api/v1/recordings", "POST")
        self.results["recorded"] = self._ask(
            "/api/v1/recordings?reason=lab", "POST", [f"X-Gwsniff-Token:{token}", f"Origin:http://{_ADDRESS}"]
        )
        self._look()
        time.sleep(3.0)
        # Nothing is left to be written: what is there now has to survive.
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        done = subprocess.run(
            [self._binary, "history", "report", "--history", str(self.folder / "history.sqlite"), "--format", "json"],
            capture_output=True,
        )
        self.results["history"] = (done.returncode, done.stdout or done.stderr)
        self.results["evidence"] = self._judge_evidence()

    def _settle(self):
        """Until nothing is added any more: what was found is counted when two reports, seconds apart, say it."""
        shown, since, end = None, time.monotonic(), time.monotonic() + 60
        while time.monotonic() < end and time.monotonic() - since < 6:
            live = json.loads(self._ask("/api/v1/live")[1])
            counts = live["requests"], live["statuses"], [(f["key"], f["count"]) for f in live["findings"]]
            if counts != shown:
                shown, since = counts, time.monotonic()
            time.sleep(0.5)

    def _judge_evidence(self):
        """Causes that gwsniff finds in the evidence files."""
        causes = set()
        for file in sorted((self.folder / "evidence").glob("gwsniff-*.pcapng")):
            done = subprocess.run([self._gwsniff, "--format", "json", "--quiet", str(file)], capture_output=True)
            if done.returncode == 0:
                causes |= {f["cause"] for f in json.loads(done.stdout)["findings"] if f["severity"] != "note"}
        return 0, json.dumps(sorted(causes)).encode()

    def _look(self):
        """The page as a browser shows it: its text and pictures of it."""
        browser = next((path for path in map(shutil.which, _BROWSERS) if path), None)
        if browser is None:
            return
        live = json.loads(self.results["live"][1])
        worst = live["findings"][0]["key"].replace(":", "%3A") if live["findings"] else ""
        common = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        common += [f"--user-data-dir={self.folder}/browser", "--virtual-time-budget=8000", "--timeout=20000"]
        views = {
            "page": (["--window-size=1280,2600"], ""),
            "dark": (["--window-size=1280,2600", "--force-dark-mode", "--blink-settings=preferredColorScheme=0"], ""),
            "narrow": (["--window-size=500,3600"], ""),
            "finding": (["--window-size=1280,3000"], f"#finding={worst}"),
        }
        for name, (options, anchor) in views.items():
            picture = self.folder / f"{name}.png"
            command = [*common, *options, f"--screenshot={picture}", f"http://{_ADDRESS}/{anchor}"]
            subprocess.run(self._host.command(*command), capture_output=True, timeout=120)
        for name, anchor in (("dom", ""), ("dom-finding", f"#finding={worst}")):
            command = [*common, "--dump-dom", f"http://{_ADDRESS}/{anchor}"]
            done = subprocess.run(self._host.command(*command), capture_output=True, timeout=120)
            self.results[name] = (done.returncode, done.stdout)

    def abandon(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def _rows(expected, results):
    """(what, wanted, found, passed): the gateway's log beside each place where the service tells of it."""
    wanted = {_key(finding): finding["count"] for finding in expected["findings"]}
    metrics = results["metrics"][1].decode()
    series = re.findall(r'^gwsniff_findings_total\{cause="(.*?)",severity="failure",upstream="(.*?)"\} (\d+)$', metrics, re.M)
    counted = {(cause, upstream): int(count) for cause, upstream, count in series}
    live = json.loads(results["live"][1])
    shown = {(f["cause"], f["upstream"]): f["count"] for f in live["findings"] if f["severity"] == "failure"}
    history = json.loads(results["history"][1])
    kept = {_key(f): f["count"] for f in history["findings"] if f["severity"] == "failure"}
    evidence = set(json.loads(results["evidence"][1]))
    for key in sorted(wanted | counted, key=str):
        name = f"{key[0]} {key[1]}"
        yield f"{name}: metrics", wanted.get(key, 0), counted.get(key, 0)
        yield f"{name}: page's data", wanted.get(key, 0), shown.get(key, 0)
        yield f"{name}: history after SIGKILL", wanted.get(key, 0), kept.get(key, 0)
        yield f"{name}: in an evidence file", True, key[0] in evidence
    yield "health", 200, results["health"][0]
    yield "failed requests", expected["requests"]["failed"], live["requests"]["failed"]
    errors = sum(int(n) for n in re.findall(r"^gwsniff_client_errors_total\{.*\} (\d+)$", metrics, re.M))
    yield "client errors by status", sum(e["count"] for e in expected["clientErrors"]), errors
    yield "recording without the token", 403, results["refused"][0]
    yield "recording with the token", 202, results["recorded"][0]
    if "dom" in results:
        text = results["dom"][1].decode(errors="replace")
        for cause in sorted({key[0] for key in wanted}):
            yield f"{cause}: on the page", True, f">{cause}</button>" in text
        finding = results["dom-finding"][1].decode(errors="replace")
        yield "a finding's ladder on the page", True, 'class="ladder"' in finding
        detail = finding.partition('id="detail"')[2].partition("</section>")[0]
        yield "a finding's evidence on the page", True, 'href="/evidence/gwsniff-' in detail


def run(binary, gwsniff, keep):
    """Runs the slice on nginx; returns the exit status."""
    if os.geteuid() != 0:
        print("the lab makes network namespaces: run it as root")
        return 77
    binaries = str(Path(binary).resolve()), str(Path(gwsniff).resolve())
    folder = Path(tempfile.mkdtemp(prefix="gateway-lab-service-"))
    services = []

    def record(*arguments):
        services.append(Service(binaries, folder, *arguments))
        return services[-1]

    passed = failed = 0
    try:
        case = Case("live", "ten-faults", "nginx", "Ten faults while gwsniffd runs.", _ten)
        expected = rehearse(case, record, lambda content: content)
        results = services[-1].results
        for what, wanted, found in _rows(expected, results):
            good = wanted == found
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"FAIL     {what}: {found}, expected {wanted}")
        if "dom" not in results:
            print("skipped: the page in a browser: no chromium here (apt-get install chromium)")
        for name, (_, body) in results.items():
            if name in ("metrics", "live", "history", "dom", "dom-finding"):
                (folder / f"{name}.out").write_bytes(body)
    except Exception as error:  # what the lab cannot play is told, like what fails
        text = (folder / "service.err").read_text(errors="replace").strip() if (folder / "service.err").exists() else ""
        print(f"FAIL     {type(error).__name__}: {error}\n{text}")
        failed += 1
    finally:
        if keep:
            shutil.copytree(folder, Path(keep), dirs_exist_ok=True, ignore=shutil.ignore_patterns("browser"))
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
