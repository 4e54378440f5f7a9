"""Writes the folder of one case."""

import json
import shutil


def write(case, content, capture, out):
    """Writes capture.pcapng, expected.json and README.md; returns the folder."""
    folder = out / case.path
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(capture, folder / "capture.pcapng")
    (folder / "expected.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(_readme(case, content))
    return folder


def _readme(case, content):
    gateway, capture = content["gateway"], content["capture"]
    legs = {"both": "both legs", "upstream": "the upstream leg only", "client": "the client leg only"}[capture["legs"]]
    facts = [f"{gateway['kind']} {gateway['version']}", legs, f"captured on {capture['on']}"]
    if capture["clientTLS"]:
        facts.append("the client leg is TLS without keys")
    if capture["ipv6"]:
        facts.append("IPv6")
    if capture["roundTripMs"] >= 1:
        facts.append(f"{capture['roundTripMs']:g} ms round trip to the upstream")
    shows = "; ".join(_finding(finding) for finding in content["findings"]) or "No failure: nothing above a note."
    return (
        f"# {case.folder}: {case.name.replace('-', ' ')}\n\n{case.plan}\n\n"
        f"Shows: {shows}\n\nGateway: {', '.join(facts)}.\n\n"
        f"Made by `tools/lab/lab run {case.path} --out captures`; expected.json follows from the plan and the "
        "gateway's own log.\n"
    )


def _finding(finding):
    variant = f" ({finding['variant']})" if finding["variant"] else ""
    where = f" at {finding['upstream']}" if finding["upstream"] else ""
    kind = {"nearMiss": " as a near miss", "note": " as a note"}.get(finding["severity"], "")
    times = "once" if finding["count"] == 1 else f"{finding['count']} times"
    return f"`{finding['cause']}`{variant}{where}, {times}{kind}"
