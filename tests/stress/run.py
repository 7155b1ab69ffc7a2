#!/usr/bin/env python3
"""The stress suite: threads do all kinds of things to what they share, while others switch instrumentation and statistics and collect.

    tests/stress/run.py                         three minutes: all programs, each in all modes, in slices of some seconds
    tests/stress/run.py --seconds 1800          the long form
    tests/stress/run.py --only 'gen*' --seed 7  some programs, from another seed
    tests/stress/run.py --python PYTHON         with another Python

A program (stress.py tells how they are made) fails by an assertion, a crash or a hang. Modes: plain, collecting all the time, with the
just-in-time compiler, and with one shared copy of the bytecode. A failure is shown with the command that repeats it. Needs Python 3.9.
"""

import argparse
import fnmatch
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMPID = HERE.parent.parent / "target/release/limpid"
#: Options and variables of the modes.
MODES = [([], {"PYTHON_JIT": "0"}), (["-X", "gcstress=200"], {}), ([], {"PYTHON_JIT": "1"}), (["-X", "tlbc=0"], {})]
#: Beyond its time a program gets so many seconds before it counts as hanging; it says first where.
PATIENCE = 90


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(LIMPID), help="what is tested (default: %(default)s)")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="programs whose name matches")
    parser.add_argument("--seconds", type=float, default=180, help="in all (default: %(default)g)")
    parser.add_argument("--slice", type=float, metavar="SECONDS", help="a program at a time (default: fits all programs and modes in)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    names = sorted(p.stem for p in HERE.glob("*.py") if p.stem not in ("run", "stress"))
    names = [n for n in names if any(fnmatch.fnmatch(n, pattern) for pattern in args.only or ["*"])]
    if not names:
        parser.error("no such program")
    turns = [(name, mode) for mode in MODES for name in names]
    length = args.slice or max(1, args.seconds / len(turns))
    end = time.monotonic() + args.seconds
    passed = failed = 0
    number = 0
    while time.monotonic() < end:
        name, (options, variables) = turns[number % len(turns)]
        seed = args.seed + number
        number += 1
        problem = run(args.python, options, variables, name, length, seed)
        passed += problem is None
        failed += problem is not None
        if problem is not None:
            setting = [f"{k}={v}" for k, v in variables.items()]
            command = [*setting, *shlex.split(args.python), *options, str(HERE / f"{name}.py"), f"{length:g}", str(seed)]
            print(f"=== {shlex.join(command)}\n{problem}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def run(python, options, variables, name, length, seed):
    """Why a program fails, None if it does not."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | variables
    command = [*shlex.split(python), *options, str(HERE / f"{name}.py"), f"{length:g}", str(seed)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        output, _ = process.communicate(timeout=length + PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"did not end\n{process.communicate()[0][-4000:]}"
    if process.returncode != 0:
        return f"exit status {process.returncode}\n{output[-4000:]}"
    return None


if __name__ == "__main__":
    sys.exit(main())
