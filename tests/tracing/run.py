#!/usr/bin/env python3
"""Traces a program with the real bpftrace and compares the exact number of entries and returns of each function.

    tests/tracing/run.py [--python PROGRAM] [CHECK...]     default: target/release/limpid, all checks

`program.py` says what is traced, `expected.txt` how often each of its functions is entered and left: `name entries returns`.
`hot.py` and `hot.txt` are the same for loops that the just-in-time compiler takes. Both run with it and without.
`garbage.py` collects garbage; what its probes say is in here. `lines.txt` has the lines of `lines.py` in the order in which they run: `function line`. Every script of bpftrace/ runs on a
program made for it, see bt_scripts.py; `pystats trace`, from the same folder as the program, on known.py, see pystats_trace.py; `pystats live`, `top` and
`serve`, see pystats_live.py; `pystats stacks` and `record`, see pystats_stacks.py; what is counted, see
pystats_statistics.py; what all of them say when they cannot, see pystats_errors.py; perf counts as bpftrace does, see perf_counts.py; perf and gdb know their
way in machine code, see machine_code.py. By name only:
`bcc`, which needs what `scripts/setup bcc` installs; see bcc_counts.py.
Besides, no string may have been empty, and the binary's notes name each probe once, in an executable segment. Needs root,
bpftrace, perf and gdb; LIMPID_SKIP_TRACERS=1 leaves it out and says so.
"""

import argparse
import difflib
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import bcc_counts
import bt_scripts
import machine_code
import perf_counts
import pystats_errors
import pystats_live
import pystats_stacks
import pystats_statistics
import pystats_trace

HERE = Path(__file__).resolve().parent
LIMPID = HERE.parent.parent / "target/release/limpid"

SCRIPT = """
usdt:{binary}:python:function__entry {{
    if (str(arg0) == "{program}") {{ @entry[str(arg1)] = count(); }}
    if (str(arg0) == "" || str(arg1) == "") {{ @empty = count(); }}
}}
usdt:{binary}:python:function__return {{
    if (str(arg0) == "{program}") {{ @return[str(arg1)] = count(); }}
    if (str(arg0) == "" || str(arg1) == "") {{ @empty = count(); }}
}}
BEGIN {{ printf("ready\\n"); }}
"""


LINES = """
usdt:{binary}:python:line /str(arg0) == "{program}"/ {{ printf("%s %d\\n", str(arg1), arg2); }}
BEGIN {{ printf("ready\\n"); }}
"""


GARBAGE = """
usdt:{binary}:python:function__entry /str(arg1) == "traced" && str(arg0) == "{program}"/ {{ @traced = 1; }}
usdt:{binary}:python:gc__start /@traced/ {{ printf("start %d\\n", (int32)arg0); }}
usdt:{binary}:python:gc__done /@traced/ {{ printf("done %d\\n", arg0); }}
usdt:{binary}:python:function__return /str(arg1) == "traced" && str(arg0) == "{program}"/ {{ @traced = 0; }}
BEGIN {{ printf("ready\\n"); }}
"""


def trace(script, binary, program, jit):
    """What a bpftrace script prints while a program runs, with the just-in-time compiler or without."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        script = script.format(binary=binary, program=program)
        # Strings of 64 bytes would cut the path off.
        environment = dict(os.environ, BPFTRACE_STRLEN="200")
        with output.open("w") as f:
            tracer = subprocess.Popen(["bpftrace", "-e", script], stdout=f, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_for(lambda: "ready" in output.read_text() or tracer.poll() is not None, "bpftrace to attach", 60)
            if tracer.poll() is not None:
                sys.exit(f"bpftrace has failed:\n{output.read_text()}")
            subprocess.run([binary, program], check=True, timeout=120, env=dict(os.environ, PYTHON_JIT=str(jit)))
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(60)
        return output.read_text()


def count_calls(binary, program, jit):
    """What bpftrace counts: entries and returns by function, and the number of empty strings."""
    text = trace(SCRIPT, binary, program, jit)
    counts = {"entry": Counter(), "return": Counter()}
    for map_name, function, count in re.findall(r"^@(entry|return)\[(.*)\]: (\d+)$", text, re.MULTILINE):
        counts[map_name][function] = int(count)
    empty = re.search(r"^@empty: (\d+)$", text, re.MULTILINE)
    return counts["entry"], counts["return"], int(empty[1]) if empty else 0


def wait_for(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} seconds in vain for {what}")
        time.sleep(0.05)


def check_counts(binary, program, expected_file, jit):
    """The complaints about the counts of a program."""
    expected = {}
    for line in (HERE / expected_file).read_text().splitlines():
        name, entries, returns = line.rsplit(" ", 2)
        expected[name] = int(entries), int(returns)
    entries, returns, empty = count_calls(binary, HERE / program, jit)
    found = {name: (entries[name], returns[name]) for name in entries | returns}
    complaints = [
        f"{name}: {found.get(name, (0, 0))} entries and returns instead of {expected.get(name, (0, 0))}"
        for name in sorted(expected.keys() | found.keys())
        if found.get(name) != expected.get(name)
    ]
    if empty:
        complaints.append(f"{empty} empty strings")
    return complaints


def check_lines(binary, jit):
    """The complaints about the lines."""
    text = trace(LINES, binary, HERE / "lines.py", jit)
    found = [line for line in text.splitlines() if re.fullmatch(r"\S+ \d+", line)]
    expected = (HERE / "lines.txt").read_text().splitlines()
    return list(difflib.unified_diff(expected, found, "expected", "traced", lineterm=""))


def check_garbage(binary):
    """The complaints about collections."""
    text = trace(GARBAGE, binary, HERE / "garbage.py", 0)
    found = re.findall(r"^(?:start|done) \d+$", text, re.MULTILINE)
    expected = ["start 0", "done 0", "start 1", "done 0", "start 2", "done 0", "start 2", "done 1", "start 2", "done 20"]
    return list(difflib.unified_diff(expected, found, "expected", "traced", lineterm=""))


def check_notes(binary):
    """The complaints about the notes: each probe once, at an address in an executable segment."""
    notes = subprocess.run(["readelf", "-n", "-W", binary], capture_output=True, text=True, check=True).stdout
    segments = subprocess.run(["readelf", "-l", "-W", binary], capture_output=True, text=True, check=True).stdout
    executable = [
        (int(address, 16), int(address, 16) + int(size, 16))
        for address, size in re.findall(r"LOAD +\S+ (0x\S+) \S+ \S+ (0x\S+) R E", segments)
    ]
    sites = re.findall(r"Provider: python\s+Name: (\S+)\s+Location: (0x[0-9a-f]+)", notes)
    complaints = [f"{name}: {n} sites" for name, n in Counter(name for name, _ in sites).items() if n != 1]
    complaints += [
        f"{name}: {address} is not executable"
        for name, address in sites
        if not any(start <= int(address, 16) < end for start, end in executable)
    ]
    missing = {"function__entry", "function__return", "gc__start", "line", "audit"} - {name for name, _ in sites}
    return complaints + [f"{name}: no site" for name in sorted(missing)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=str(LIMPID))
    parser.add_argument("--bless", action="store_true", help="take what the scripts of bpftrace/ print as what is expected")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these")
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.python)
    if os.environ.get("LIMPID_SKIP_TRACERS") == "1":
        print("skipped, as LIMPID_SKIP_TRACERS asks: what bpftrace sees")
        checks = {"notes": check_notes}
    else:
        checks = {"notes": check_notes}
        for jit in (0, 1):
            checks[f"counts with PYTHON_JIT={jit}"] = functools.partial(check_counts, program="program.py", expected_file="expected.txt", jit=jit)
            checks[f"hot counts with PYTHON_JIT={jit}"] = functools.partial(check_counts, program="hot.py", expected_file="hot.txt", jit=jit)
            checks[f"lines with PYTHON_JIT={jit}"] = functools.partial(check_lines, jit=jit)
        checks["garbage"] = check_garbage
        for name in bt_scripts.names():
            checks[f"bpftrace {name}"] = functools.partial(bt_scripts.check, name, bless=arguments.bless)
        checks["pystats trace"] = pystats_trace.check
        checks["pystats errors"] = pystats_errors.check
        checks["perf"] = perf_counts.check
        if "bcc" in arguments.checks:
            checks["bcc"] = bcc_counts.check
    checks["machine code"] = machine_code.check
    checks["pystats live"] = pystats_live.check
    checks["pystats stacks"] = pystats_stacks.check
    checks["pystats statistics"] = pystats_statistics.check
    if arguments.checks:
        checks = {name: check for name, check in checks.items() if set(name.split()) & set(arguments.checks)}
    failed = 0
    for name, check in checks.items():
        complaints = check(binary)
        failed += bool(complaints)
        print(f"{name}: {'failed' if complaints else 'ok'}", *complaints, sep="\n    ")
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
