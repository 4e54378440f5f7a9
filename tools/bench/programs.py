"""Where things are: the cache folder, the programs in C that write captures, gwsniff itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def cache():
    """The folder for captures and programs, outside the source tree."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(os.environ.get("GWSNIFF_BENCH") or base + "/gwsniff/bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compiled(name):
    """The program made from NAME.c here, made again where that is newer."""
    source, program = HERE / f"{name}.c", cache() / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run([compiler(), "-O2", "-o", str(program), str(source), "-lm"], check=True)
    return str(program)


def compiler():
    """A C compiler; the Swift toolchain brings one where there is no other."""
    return os.environ.get("CC") or shutil.which("cc") or "clang"


def gwsniff(given):
    """The gwsniff to measure: `given`, or this tree's, built where needed."""
    if given:
        return given
    subprocess.run([str(ROOT / "tools/gwsniff"), "--version"], check=True, stdout=sys.stderr)
    return str(ROOT / ".build/release/gwsniff")


def takes(binary, *options):
    """Whether a gwsniff accepts these options: it then complains of the file and not of the usage."""
    wrong_usage = 64
    command = [binary, *options, str(cache() / "no such capture")]
    return subprocess.run(command, capture_output=True).returncode != wrong_usage
