#!/usr/bin/env python3
"""Turns the output of `gwsniff --experimental-dump-help`, or of gwsniffd or gwsniff-attach, (standard input) into a manual page (standard output)."""

import json
import sys


def escape(text):
    """Text for roff: the escape character, hyphens that are to be typed, and control characters at the line's start."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def paragraphs(text):
    """Blocks of text; a block whose lines are indented is set as it stands, a line "NAME:" alone is a heading."""
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if lines and lines[0].isupper() and lines[0].endswith(":"):
            yield f".SH {lines.pop(0).rstrip(':')}"
        if lines and all(line.startswith(" ") for line in lines):
            yield ".PP\n.nf\n" + escape("\n".join(lines)) + "\n.fi"
        elif lines:
            yield ".PP\n" + escape("\n".join(lines))


def spelling(name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def argument(entry):
    value = "" if entry["kind"] == "flag" else f" \\fI{escape(entry['valueName'])}\\fR"
    if entry["kind"] == "positional":
        term = value.strip()
    else:
        term = ", ".join(f"\\fB{escape(spelling(name))}\\fR" for name in entry["names"]) + value
    text = entry.get("abstract", "")
    notes = []
    if entry.get("allValues"):
        notes.append("one of " + ", ".join(entry["allValues"]))
    if entry.get("defaultValue"):
        notes.append("default " + entry["defaultValue"])
    if notes:
        text += " (" + "; ".join(notes) + ")"
    return f".TP\n{term}\n{escape(text)}"


def page(tree):
    command = tree["command"]
    name = command["commandName"]
    yield f'.TH {name.upper()} 1 "" "{name}" "User Commands"'
    yield f".SH NAME\n{name} \\- {escape(command['abstract'].rstrip('.'))}"
    yield ".SH SYNOPSIS"
    if name == "gwsniff-attach":
        yield ".B gwsniff attach\n\\fB\\-\\-to\\fR \\fIURL\\fR \\fIFILE\\fR... [options]"
    elif any(entry["kind"] == "positional" for entry in command["arguments"]):
        yield f".B {name}\n[options] \\fIFILE\\fR...\n.br\n.B {name}\n[options] \\fB\\-\\-iface\\fR \\fIIF\\fR"
    else:
        yield f".B {name}\n[options]"
    for child in command.get("subcommands", []):
        if child["commandName"] == "help":
            continue
        values = " ".join(
            f"\\fI{escape(entry['valueName'])}\\fR" for entry in child.get("arguments", []) if entry["kind"] == "positional"
        )
        yield f".br\n.B {name} {child['commandName']}\n{values}".rstrip()
    yield from paragraphs(command.get("discussion", ""))
    sections = {}
    for entry in command["arguments"]:
        if entry["shouldDisplay"]:
            sections.setdefault(entry.get("sectionTitle", "Options"), []).append(entry)
    for title, entries in sections.items():
        yield f".SH {escape(title.upper())}"
        yield from map(argument, entries)
    if command.get("subcommands"):
        yield ".SH COMMANDS"
    for child in command.get("subcommands", []):
        yield f".TP\n\\fB{child['commandName']}\\fR\n{escape(child['abstract'])}"
        # Its own; what it shares with the command itself stands there.
        own = [entry for entry in child.get("arguments", []) if entry["shouldDisplay"] and "sectionTitle" not in entry]
        own = [entry for entry in own if {name["name"] for name in entry.get("names", [])}.isdisjoint({"help", "version"})]
        if any(entry["kind"] != "positional" for entry in own):
            yield ".RS"
            yield from map(argument, own)
            yield ".RE"
        for grandchild in child.get("subcommands", []):
            if grandchild["commandName"] == "help":
                continue
            yield f".TP\n\\fB{child['commandName']} {grandchild['commandName']}\\fR\n{escape(grandchild['abstract'])}"
            yield from map(argument, (entry for entry in grandchild["arguments"] if entry["shouldDisplay"]))
    yield ".SH SEE ALSO\n.BR tcpdump (8),\n.BR pcap\\-filter (7)"


def main():
    print("\n".join(page(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
