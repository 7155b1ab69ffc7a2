#!/usr/bin/env python3
"""Traces that are interpreted do what machine code does: uops and exits, counted in both while programs run, are the same.

    tests/same_traces.py INTERPRETING COMPILING                both of them programs built from the same source
    tests/same_traces.py INTERPRETING COMPILING jit_numbers    with these programs of tests/python

Without names it takes all programs that are for the compiler but those with threads, whose course depends on time.

Needs Python 3.9 or newer.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "python"
#: Loops are recorded early, and none is measured: whether it runs faster with code plays no part.
VARIABLES = {
    "PYTHON_JIT": "1",
    "PYTHON_JIT_JUMP_BACKWARD_INITIAL_VALUE": "15",
    "PYTHON_JIT_JUMP_BACKWARD_INITIAL_BACKOFF": "4",
    "PYTHON_JIT_SIDE_EXIT_INITIAL_VALUE": "7",
    "PYTHON_JIT_SIDE_EXIT_INITIAL_BACKOFF": "3",
    "PYTHONHASHSEED": "0",
}
COUNTED = "Optimization ", "uops[", "jit_exit["


def counts(python, program):
    """What a run of a program has counted, by name."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        environment.update(VARIABLES, PYTHONSTATSDIR=folder)
        command = [python, "-X", "pystats", "-X", "jit-wait", program]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=True)
        lines = [line.strip() for file in sorted(Path(folder).iterdir()) for line in file.read_text().splitlines()]
    return dict(line.rsplit(" : " if " : " in line else ": ", 1) for line in lines if line.startswith(COUNTED))


def main():
    interpreting, compiling, *names = sys.argv[1:]
    programs = [PROGRAMS / f"{name}.py" for name in names]
    if not programs:
        programs = [program for program in sorted(PROGRAMS.glob("jit_*.py")) if "import threading" not in program.read_text()]
    failed = 0
    for program in programs:
        interpreted, compiled = counts(interpreting, program), counts(compiling, program)
        different = sorted(name for name in interpreted.keys() | compiled.keys() if interpreted.get(name) != compiled.get(name))
        ran = int(interpreted.get("Optimization uops executed", 0))
        if different or not ran:
            failed += 1
            print(f"{program.name}: {len(different)} counts differ, {ran} uops were interpreted")
            for name in different[:10]:
                print(f"    {name}: {interpreted.get(name)} interpreted, {compiled.get(name)} compiled")
    print(f"{len(programs) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
