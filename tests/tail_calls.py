#!/usr/bin/env python3
"""Looks at the machine code of the interpreter: every handler must leave through a jump.

    tests/tail_calls.py [--python PROGRAM]     default: target/release/limpid

Handlers call each other in tail position. Should LLVM ever make a real call of one, the native stack grows with every instruction; it
does so as soon as a handler has a local variable whose address is known outside, or a destructor to run. Such a handler has to return, so
it has a `ret`. Only the one that leaves the interpreter may have one. Besides, a long loop must run on a small native stack.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

LIMPID = Path(__file__).resolve().parent.parent / "target/release/limpid"
LOOP = "i = 0\nwhile i < 3000000: i += 1\nprint(i)"


def handlers(program):
    """The handlers in a program: name, address, size."""
    symbols = subprocess.run(["nm", "-S", "--defined-only", program], capture_output=True, text=True, check=True).stdout
    for line in symbols.splitlines():
        address, *size, _, name = line.split()
        if size and (found := re.search(r"dispatch8handlers\d+(\w+?)17h[0-9a-f]{16}E", name)):
            yield found[1], int(address, 16), int(size[0], 16)


def returns(program, address, size):
    """Does the code there have a return instruction?"""
    command = ["objdump", "-d", "--no-show-raw-insn", f"--start-address={address}", f"--stop-address={address + size}", program]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.search(r"\tret\b", code) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(LIMPID))
    program = parser.parse_args().python
    passed = failed = 0
    for name, address, size in handlers(program):
        if returns(program, address, size) and name != "INTERPRETER_EXIT":
            print(f"{name} does not end in a tail call")
            failed += 1
        else:
            passed += 1
    if passed + failed < 150:
        print(f"only {passed + failed} handlers found: has the program no symbols?")
        failed += 1
    limited = f'ulimit -s 512; exec "{program}" -c "$0"'
    loop = subprocess.run(["bash", "-c", limited, LOOP], capture_output=True, text=True)
    if loop.stdout.strip() == "3000000":
        passed += 1
    else:
        print(f"the loop on a small stack: exit status {loop.returncode}, {loop.stderr.strip()}")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
