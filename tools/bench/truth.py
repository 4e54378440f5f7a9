"""Whether a report says what the generator put into the capture."""

import collections
import json

# The generator's name of a fault: the cause that it must be reported as.
CAUSES = {
    "refused": "connect-refused",
    "rst_15ms_after_request": "reset-before-response",
    "fin_after_request": "closed-before-response",
    "partial_header": "closed-mid-head",
    "ssh_banner": "non-http-banner",
    "upstream_own_502": "upstream-error-response",
    "truncated_body": "truncated-body-fin",
    "syn_unanswered_on_live_port": "accept-queue-overflow",
}


def shown(path):
    """What the capture shows to its end, from the last line of its truth file."""
    words = path.read_text().splitlines()[-1].split()
    if words[0] != "shown":
        raise SystemExit(f"{path}: of another generator: no line of what is shown")
    return dict(zip(words[1::2], map(int, words[2::2]), strict=True))


def disagreements(report_path, truth_path):
    """Sentences, one for each number that differs; none where the report is right."""
    report = json.loads(report_path.read_text())
    truth = shown(truth_path)
    found = collections.Counter()
    for finding in report["findings"]:
        if finding["severity"] != "note":
            found[finding["cause"]] += finding["count"]
    expected = collections.Counter({cause: truth[name] for name, cause in CAUSES.items()})
    # The client left first: it is told, and nobody else is blamed for it.
    aborts = found.pop("client-abort", 0)
    if aborts > truth["client_abort"]:
        yield f"client-abort: {aborts} reported, {truth['client_abort']} planted"
    for cause in sorted(set(found) | set(expected)):
        if found[cause] != expected[cause]:
            yield f"{cause}: {found[cause]} reported, {expected[cause]} planted"
    total = report["requests"]["total"]
    if total != truth["requests"]:
        yield f"requests: {total} reported, {truth['requests']} sent"
