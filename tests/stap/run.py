#!/usr/bin/env python3
"""Runs every script of stap/ with the real SystemTap, in a guest, on the program of its name, and compares the exact output.

    tests/stap/run.py [--python PROGRAM] [--bless] [SCRIPT...]     default: target/release/limpid, all scripts

The programs are those of the scripts for bpftrace, in tests/tracing/bpftrace; what a script prints about its program is in expected/, with
names for what differs from run to run: PROGRAM is the program's path, T1, T2 ... are threads, N is a time. Lines about other files are
left out. A script's head has the commands that compile and run it, `test_check` and `test_installcheck`; those are what runs here.

The scripts in cpython/ are written as people write them for CPython, without a tapset of ours: they find the probes by their names alone,
and take the arguments by number. Each runs on the program of its name there, as `cpython_NAME`.

Needs what `scripts/setup stap` installs, on x86-64. Takes about three minutes, of which the first compilation on a machine is one: modules
are compiled here and loaded in a guest (guest.py), so the kernel of this machine is of no importance and no privilege is needed.
LIMPID_SKIP_TRACERS=1 leaves it out and says so.
"""

import argparse
import difflib
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROGRAMS = REPOSITORY / "tests/tracing/bpftrace"
EXPECTED = HERE / "expected"
# Scripts as for CPython, with their programs; what they print is in expected/ too.
CPYTHON = HERE / "cpython"
PREFIX = "cpython_"
# Where the programs are in the guest.
PLACES = {"programs": PROGRAMS, CPYTHON.name: CPYTHON}

sys.path.insert(0, str(HERE.parent / "tracing"))
import bt_scripts  # noqa: E402
from guest import Failure, Guest  # noqa: E402

# What is kept besides, and what differs from run to run.
KEEP = {
    "cfunctions": r" (math\.gcd|time\.sleep)$",
    "gcpause": r"^generation [12]:",
    "stopworld": r"^gc\.(un)?freeze:",
}
DIFFERENT = {
    "cfunctions": [(r"^( *\d+) +\d+ +\d+", r"\1 N N")],
    "gcpause": [(r"\d+ objects freed", "N objects freed"), (r" from \d+", " from N")],
    # A wait is done in pieces.
    "lockwait": [(r"\d+ waits, \d+ micro", "N waits, N micro"), (r"^value .*", "value N")],
    "offcpu": [(r"\d+ microseconds", "N microseconds")],
    "stopworld": [(r"\d+ microseconds", "N microseconds"), (r" from \d+", " from N")],
}

# What the head of a script must have, as the examples that come with SystemTap do.
KEYS = "title name version keywords category status exit output scope description usage overhead test_check test_installcheck".split()


def head(script):
    """The entries of a script's head."""
    lines = []
    for line in script.read_text().splitlines()[2:]:
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").rstrip())
    text = re.sub(r"\n   +", " ", "\n".join(lines))
    return dict(re.findall(r"^ (\w+): (.*)$", text, re.MULTILINE))


def histograms(text):
    """The text with each histogram in one line: how many values, and the lowest bucket that has one."""

    def short(match):
        buckets = re.findall(r"^ *(\d+) \|@* +(\d+)$", match[0], re.MULTILINE)
        lowest = next((bucket for bucket, count in buckets if count != "0"), None)
        return f"value {sum(int(count) for _, count in buckets)} from {lowest}\n"

    return re.sub(r"^value \|-+ count\n(?: *(?:\d+ \|.*|~)\n)+", short, text, flags=re.MULTILINE)


def normal(name, text):
    """What is the same in every run: the lines as they come, then those of lists, whose equal ones are in any order."""
    text = histograms(text).replace(f"/programs/{name}.py", "PROGRAM")
    keep = re.compile("|".join([r"PROGRAM|^ *[A-Z][A-Z ]+$", bt_scripts.KEEP.get(name, "PROGRAM"), KEEP.get(name, "PROGRAM")]))
    threads, lines, rows, about_program = {}, [], [], False
    for line in text.splitlines():
        if line.startswith("value "):
            if about_program:
                lines.append(line)
        elif line.startswith(" ") and line.split()[0].isdigit():
            if keep.search(line):
                rows.append(line)
        elif keep.search(line) and line[0].isdigit():
            lines.append(" ".join(bt_scripts.columns(line, bt_scripts.COLUMNS.get(name, ""), threads)))
        elif keep.search(line):
            lines.append(line)
        about_program = bool(keep.search(line))
    for pattern, replacement in DIFFERENT.get(name, []):
        lines, rows = ([re.sub(pattern, replacement, line) for line in some] for some in (lines, rows))
    if name == "threads":
        for tid, new in threads.items():
            rows = [re.sub(rf"^( +\d+  ){tid}\b", rf"\1{new}", row) for row in rows]
    return [*lines, *sorted(re.sub(r" +", " ", row) for row in rows)]


def prepare(guest, script, tapset, limpid):
    """Compiles a script as its head says, and has the guest run it so. A complaint, or None."""
    entries = head(script)
    missing = [key for key in KEYS if not entries.get(key)]
    if missing or entries["name"] != script.name:
        return f"its head lacks {missing}"
    stap, phase, include, folder, name, *arguments = shlex.split(entries["test_check"])
    if (stap, phase, include, folder, name) != ("stap", "-p4", "-I", "tapset", script.name):
        return f"test_check: {entries['test_check']}"
    installed = shlex.split(entries["test_installcheck"])
    command = installed.pop(installed.index("-c") + 1).split()
    if installed != ["stap", "-I", "tapset", script.name, "-c", *arguments] or command[0] != "limpid" or len(command) != 2:
        return f"test_installcheck: {entries['test_installcheck']}"
    guest.compile(script.stem, ["-I", tapset, script, *arguments])
    options = "".join(f"{option} " for option in bt_scripts.OPTIONS.get(script.stem, []))
    guest.add(script.stem, f"{limpid} {options}/programs/{script.stem}.py", bt_scripts.ENVIRONMENT.get(script.stem, {}))
    return None


def prepare_cpython(guest, script, folder, limpid):
    """The same for a script as for CPython, in which the program's path is all that is put in."""
    name = PREFIX + script.stem
    own = folder / f"{name}.stp"
    own.write_text(script.read_text().replace("PYTHON", limpid))
    command = f"{limpid} /{CPYTHON.name}/{script.stem}.py"
    guest.compile(name, ["-g", own, "-c", command])
    guest.add(name, command, {})


def normal_cpython(name, text):
    """What is the same in every run: the lines about the program, without times, process and indentation of its output."""
    program = f"{name.removeprefix(PREFIX)}.py"
    lines = [line for line in text.splitlines() if program in line or re.match(r"\d+\tgc__", line)]
    # Which of several handlers of one event runs first, the one that starts the printing or the one that prints, is up to the kernel.
    lines = [line for line in lines if not re.search(r"\tfunction__(entry|return) start ", line)]
    lines = [line.replace(f"/{CPYTHON.name}/{program}", "PROGRAM") for line in lines]
    # A time by itself; a time with the thread, as thread_indent makes it; a process in front of its file.
    return [re.sub(r"^(\d+\t| *\d+ limpid\(\d+\):|\d+ (?=PROGRAM))", "", line) for line in lines]


def compare(name, shown, bless):
    """The complaints about what the guest showed."""
    status = re.search(r"^--- (\d+)\n", shown, re.MULTILINE)
    if not status or status[1] != "0" or not shown.startswith("--- "):
        return shown.splitlines()[:40]
    found = (normal_cpython if name.startswith(PREFIX) else normal)(name, shown[status.end() :])
    expected = EXPECTED / f"{name}.txt"
    if bless:
        expected.write_text("".join(line + "\n" for line in found))
        return []
    return list(difflib.unified_diff(expected.read_text().splitlines(), found, "expected", "traced", lineterm=""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=str(REPOSITORY / "target/release/limpid"))
    parser.add_argument("--bless", action="store_true", help="take what the scripts print as what is expected")
    parser.add_argument("--show", action="store_true", help="print what the scripts print")
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="only these")
    arguments = parser.parse_args()
    if os.environ.get("LIMPID_SKIP_TRACERS") == "1":
        print("skipped, as LIMPID_SKIP_TRACERS asks: SystemTap")
        return 0
    if platform.machine() != "x86_64":
        sys.exit("the guest is for x86-64")
    limpid = os.path.realpath(arguments.python)
    wanted = arguments.scripts
    scripts = sorted(path for path in (REPOSITORY / "stap").glob("*.stp") if not wanted or path.stem in wanted)
    as_for_cpython = sorted(path for path in CPYTHON.glob("*.stp") if not wanted or PREFIX + path.stem in wanted)
    folder = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target", "stap").resolve()
    tapset = folder / "scripts"
    try:
        guest = Guest(folder)
        exported = Path(limpid).with_name("pystats")
        subprocess.run([exported, "scripts", "export", tapset, "--binary", limpid], check=True, timeout=60, stdout=subprocess.DEVNULL)
        complaints = {script.stem: prepare(guest, tapset / script.name, tapset / "tapset", limpid) for script in scripts}
        for script in as_for_cpython:
            prepare_cpython(guest, script, tapset, limpid)
            complaints[PREFIX + script.stem] = None
        files = {f"{folder}/{path.name}": path.read_bytes() for folder, at in PLACES.items() for path in at.glob("*.py")}
        shown = guest.boot([limpid], files)
    except (Failure, OSError, subprocess.SubprocessError) as error:
        print(error)
        print(f"0 passed, {len(scripts) + len(as_for_cpython)} failed")
        return 1
    failed = 0
    for name, complaint in complaints.items():
        found = [complaint] if complaint else compare(name, shown[name], arguments.bless)
        if arguments.show:
            print(shown.get(name, ""))
        failed += bool(found)
        print(f"stap {name}: {'failed' if found else 'ok'}", *found, sep="\n    ")
    print(f"{len(complaints) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
