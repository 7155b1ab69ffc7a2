#!/usr/bin/env python3
"""Runs the programs in tests/python and compares what they print.

    tests/run.py                          all, with target/release/limpid
    tests/run.py generators 'dict_*'      those with these names
    tests/run.py --python python3         with another Python
    tests/run.py --options='-X gcstress'  with options for it
    tests/run.py --set PYTHON_JIT=0       with a variable set
    tests/run.py --bless NAME...          writes what they print into the .expected files

A program NAME.py passes if it prints what is in NAME.expected and exits with 0. Two kinds of comment in its first lines
change that: `# exit: 1` is another exit status, `# stderr: yes` compares standard error too, behind standard output.
Needs Python 3.9 or newer.
"""

import argparse
import difflib
import fnmatch
import os
import re
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PROGRAMS = TESTS / "python"
LIMPID = TESTS.parent / "target/release/limpid"


def setting(source, name, default):
    """The value of a comment `# name: value` in the first ten lines."""
    head = "\n".join(source.splitlines()[:10])
    found = re.search(rf"^# {name}: *(.*)$", head, re.MULTILINE)
    return found[1].strip() if found else default


def run(program, args):
    """What a program prints, and what is wrong besides: a wrong exit status, no end."""
    source = program.read_text(encoding="utf-8", errors="replace")
    with_stderr = setting(source, "stderr", "no") == "yes"
    status = int(setting(source, "exit", "0"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment.update(LC_ALL="C.UTF-8", TZ="UTC", PYTHONHASHSEED="0")
    environment.update(variable.split("=", 1) for variable in args.set)
    command = [*shlex.split(args.python), *shlex.split(args.options), program.name]
    process = subprocess.Popen(
        command,
        cwd=PROGRAMS,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=args.timeout)
    except subprocess.TimeoutExpired:
        # With the processes that it started, which have the same session.
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return output, errors, f"took longer than {args.timeout:g} s"
    if with_stderr:
        output += errors
    problem = None
    if process.returncode != status:
        problem = f"exit status {process.returncode} instead of {status}"
    return output, errors, problem


def check(program, args):
    """Why a program does not pass, as text; empty if it does."""
    output, errors, problem = run(program, args)
    expected_file = program.with_suffix(".expected")
    if args.bless and problem is None:
        expected_file.write_bytes(output)
    if not expected_file.exists():
        return "there is no .expected file"
    expected = expected_file.read_bytes()
    report = []
    if output != expected:
        lines = [text.decode("utf-8", "backslashreplace").splitlines() for text in (expected, output)]
        report += list(difflib.unified_diff(*lines, "expected", "printed", lineterm="", n=2))[:40]
    if problem:
        report.append(problem)
    if report:
        report += errors.decode("utf-8", "backslashreplace").splitlines()[-20:]
    return "\n".join("    " + line for line in report)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="names of programs, with * and ?")
    parser.add_argument("--python", default=str(LIMPID), help="the command to run them with")
    parser.add_argument("--options", default="", help="more options for it")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of their environment")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bless", action="store_true", help="take what they print as what is expected")
    args = parser.parse_args()
    if os.sep in args.python.split()[0]:
        args.python = os.path.abspath(args.python)
    programs = sorted(PROGRAMS.glob("*.py"))
    if args.names:
        programs = [p for p in programs if any(fnmatch.fnmatch(p.stem, name) for name in args.names)]
    passed = failed = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for program, report in zip(programs, pool.map(lambda p: check(p, args), programs)):
            if report:
                failed += 1
                print(f"{program.name}: failed\n{report}", flush=True)
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
