"""expected.json, from the plan and the gateway's log, or a refusal where they disagree."""

from .evidence import BLAME, BY_EFFECT, TABLE


class Disagreement(Exception):
    """The plan, the gateway's log and the client's view do not fit together; nothing is written."""


def check(sent, record, kind, replays=False):
    """Compares one planned request with the gateway's record and returns its findings as (fault, attempts) pairs;
    attempts is None where the gateway does not say. `replays`: this gateway repeats requests without a word of it."""
    target, faults, answer = sent.target, sent.faults, sent.answer
    if any(fault.cause in BY_EFFECT for fault in faults):
        return _by_effect(target, faults, answer, record)
    if record is not None and record.passes > 1:
        raise Disagreement(f"{target}: {record.passes} log lines")
    if record is None:
        if answer.status is None and answer.received == 0 and kind == "haproxy" and not answer.left:
            _allow(target, faults, "silent")
            # A reset so early may have been a connect failure with retries before: nobody logged how many.
            return [(fault, None if fault.cause == "reset-after-accept" else 1) for fault in faults]
        raise Disagreement(f"{target}: no log line, the client got {answer.status}")
    if not answer.left and answer.status != record.status and not _unlike(answer, record):
        raise Disagreement(f"{target}: the client got {answer.status}, the log says {record.status}: {record.lines}")
    if not faults:
        if record.attempts or record.made:
            raise Disagreement(f"{target}: planned as healthy, the log says {record.lines}")
        if not answer.complete and not answer.left:
            raise Disagreement(f"{target}: planned as healthy, the client got {answer}")
        return []
    if not record.attempts and all(fault.severity == "note" for fault in faults):
        return [(fault, None) for fault in faults]  # it failed nobody, so that no log tells of it
    hidden = any(fault.severity == "nearMiss" for fault in faults)
    if hidden and (not answer.complete or (answer.status or 500) >= 400):
        raise Disagreement(f"{target}: planned as hidden from the client, which got {answer.status}")
    if replays and hidden and not record.attempts:
        _allow(target, faults, "replayed")
        return [(fault, 1) for fault in faults]
    found, used = [], []
    for fault in faults:
        rows = [a for a in record.attempts if a not in used and _fits(fault, a)]
        if not rows:
            raise Disagreement(f"{target}: planned {fault.cause} at {fault.upstream}, the log says {record.lines}")
        for row in rows:
            if fault.cause not in TABLE[row.evidence]:
                raise Disagreement(f"{target}: {fault.cause} does not fit {row.evidence!r}: {record.lines}")
        used += rows
        attempts = sum(row.count for row in rows)
        found.append((fault, 0 if fault.upstream is None else attempts))
    if len(used) != len(record.attempts):
        raise Disagreement(f"{target}: more happened than planned: {record.lines}")
    return found


def _by_effect(target, faults, answer, record):
    (fault,) = faults
    if fault.cause == "proxy-loop":
        if record is None or record.passes < 3 or (answer.status or 500) < 400:
            raise Disagreement(f"{target}: planned as a loop, the client got {answer.status}, the log says {record}")
    elif answer.complete or answer.left:
        raise Disagreement(f"{target}: planned as cut by the gateway, the client got all: {answer}")
    return [(fault, 1)]


def _fits(fault, attempt):
    """An attempt whose server the log does not name fits by its evidence alone."""
    if fault.upstream is None or attempt.upstream is None:
        return fault.cause in TABLE[attempt.evidence]
    return attempt.upstream in (fault.upstream, fault.logged_as)


def _unlike(answer, record):
    """nginx logs 009 for what it passes on as HTTP/0.9; both log their status also where they closed instead of
    sending it (0 bytes)."""
    if record.status is not None and 100 <= record.status < 200:
        return True  # nginx 1.22 took an interim status for the final one, which the client did not
    if answer.status is not None:
        return False
    return record.status == 9 or (answer.received == 0 and record.sent == 0)


def _allow(target, faults, row):
    for fault in faults:
        if fault.cause not in TABLE[row]:
            raise Disagreement(f"{target}: {fault.cause} does not fit {row!r}")


def _client_error(sent, record):
    """Whether the request belongs into clientErrors; None where the log leaves open what the wire shows."""
    answer = sent.answer
    if not answer.left:
        return answer.status is None or answer.status >= 500
    if answer.received:
        return False  # it had its status
    # HAProxy still writes a 400 to a client that closed: whether that is an answer is for the reader of the report.
    return True if record.sent == 0 else None


def _key(fault, legs):
    """What makes a finding, as far as the capture can show it: from the client's leg alone no cause can be told."""
    if legs == "client":
        return "undetermined", None, None, fault.severity
    return fault.cause, fault.variant, fault.upstream, fault.severity


def build(plan, gateway, capture, sents, records, behind=(), options=(), replays=False):
    """The content of expected.json. `behind` holds (fault, count, log lines) of a second gateway behind this one."""
    groups, lines, failed, client_errors = {}, [], 0, {}
    certain, legs = True, capture["legs"]
    for sent in sents:
        record = records.get(sent.target)
        found = check(sent, record, gateway["kind"], replays)
        for fault, attempts in found:
            key = _key(fault, legs)
            group = groups.setdefault(key, {"count": 0, "attempts": 0, "fault": fault})
            group["count"] += attempts if fault.severity == "nearMiss" else 1
            known = legs != "client" and fault.attempts_known and attempts is not None and group["attempts"] is not None
            group["attempts"] = group["attempts"] + attempts if known else None
        if found:
            lines += record.lines if record else [f"(no log line for {sent.target}: the client got nothing)"]
        if any(fault.severity == "failure" for fault in sent.faults):
            failed += 1
        listed = _client_error(sent, record) if sent.faults else False
        certain = certain and listed is not None
        if listed:
            client_errors[sent.answer.status] = client_errors.get(sent.answer.status, 0) + 1
    for fault, count, quoted in behind:
        if len(quoted) != count:
            raise Disagreement(f"{fault.cause} at {fault.upstream}: planned {count}, the inner log says {quoted}")
        key = _key(fault, legs)
        groups[key] = {"count": count, "attempts": count, "fault": fault}
        lines += quoted
    expected = {"schema": "gwsniff.expected/1", "gateway": gateway, "plan": plan, "capture": capture}
    expected["options"] = list(options)
    if legs != "upstream" and not capture["clientTLS"]:
        expected["requests"] = {"total": len(sents), "failed": failed}
        if certain:
            ordered = sorted(client_errors.items(), key=lambda item: item[0] or 0)
            expected["clientErrors"] = [{"status": status, "count": count} for status, count in ordered]
    expected["findings"] = [
        {
            "cause": cause,
            "variant": variant,
            "upstream": upstream,
            **({"upstreamName": name} if (name := group["fault"].upstream_name) and legs != "client" else {}),
            "count": group["count"],
            "attempts": group["attempts"],
            "severity": severity,
            "blame": BLAME[cause] if legs == "client" else group["fault"].blame or BLAME[cause],
        }
        for (cause, variant, upstream, severity), group in groups.items()
    ]
    expected["log"] = lines
    return expected
