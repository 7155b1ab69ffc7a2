#!/usr/bin/env python3
"""Differential fuzzing: random programs and damaged sources, run by Limpid and by CPython, which have to agree.

    tests/fuzz/run.py                               a minute of it, from seed 0
    tests/fuzz/run.py --seconds 3600 --seed 100000  longer, elsewhere
    tests/fuzz/run.py --only programs|loops|sources one of the kinds
    tests/fuzz/run.py --options='-X gcstress=100'   with options for limpid

*Programs* (generator.py) are compared by what they print and how they exit. The smallest failing part is left in FOLDER (--keep).
*Loops* (loops.py) are the same for programs with hot loops, which run with the just-in-time compiler.
*Sources* (sources.py) are programs of the tests with something changed: both compile them, or both refuse them with the same kind of
error at the same line. The oracle may be of another version, so the texts of errors are compared only if its version is Limpid's.
Needs Python 3.9 or newer.
"""

import argparse
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generator  # noqa: E402
import loops  # noqa: E402
import sources  # noqa: E402

LIMPID = HERE.parent.parent / "target/release/limpid"
#: How a run ends that does not.
HANG = "took too long"


def run(command, program, timeout, **variables):
    """How a program ends, as text: exit status and output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment.update(PYTHONHASHSEED="0", LC_ALL="C.UTF-8", **variables)
    try:
        done = subprocess.run([*command, "-"], input=program.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=timeout)
    except subprocess.TimeoutExpired:
        return HANG
    errors = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    last = errors[-1].split(":")[0] if errors and done.returncode else ""
    return f"{done.stdout.decode('utf-8', 'backslashreplace')}\nstatus {done.returncode} {last}"


def compiles(piece):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(piece, "piece", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


class Programs:
    """Random programs."""

    source = generator
    variables = {}

    def __init__(self, args):
        self.args = args

    def differ(self, parts):
        program = self.source.program(parts)
        expected = run(self.args.oracle, program, 10)
        if expected == HANG:
            return None
        actual = run(self.args.limpid, program, 60, **self.variables)
        return None if actual == expected else (program, expected, actual)

    def check(self, seed):
        """None, or what is wrong and the smallest program that shows it."""
        parts = [piece for piece in self.source.pieces(seed) if compiles(piece)]
        if not self.differ(parts):
            return None
        size = len(parts) // 2
        while size:
            at = 0
            while at < len(parts):
                fewer = parts[:at] + parts[at + size :]
                if self.differ(fewer):
                    parts = fewer
                else:
                    at += size
            size //= 2
        found = self.differ(parts)
        if not found:
            return f"seed {seed}: differs only now and then", self.source.program(parts)
        program, expected, actual = found
        return f"seed {seed}: {difference(expected, actual)}", program


class Loops(Programs):
    """Random programs with hot loops, for the just-in-time compiler."""

    source = loops
    variables = {
        "PYTHON_JIT": "1",
        "PYTHON_JIT_JUMP_BACKWARD_INITIAL_VALUE": "31",
        "PYTHON_JIT_JUMP_BACKWARD_INITIAL_BACKOFF": "5",
        "PYTHON_JIT_SIDE_EXIT_INITIAL_VALUE": "7",
        "PYTHON_JIT_SIDE_EXIT_INITIAL_BACKOFF": "3",
    }

    def __init__(self, args):
        super().__init__(args)
        # Code is there as soon as a loop is hot, the same in every run.
        args.limpid = [*args.limpid, "-X", "jit-wait"]


def difference(expected, actual):
    """The first line that differs."""
    for a, b in zip(expected.splitlines(), actual.splitlines()):
        if a != b:
            return f"{a[:150]!r} became {b[:150]!r}"
    return f"{expected.splitlines()[-1]!r} became {actual.splitlines()[-1]!r}"


class Sources:
    """Damaged sources, many in one run."""

    def __init__(self, args):
        self.args = args
        self.files = sources.corpus(HERE.parent)
        self.versions = version(args.oracle), version(args.limpid)

    def check(self, seed):
        variants = sources.variants(self.files, seed, 60)
        expected = sources.verdicts(self.args.oracle, variants)
        actual = sources.verdicts(self.args.limpid, variants)
        for variant, a, b in zip(variants, expected, actual):
            if not sources.agree(a, b, *self.versions):
                return f"seed {seed}: {a} became {b}", variant
        return None


def find_oracle():
    """The newest CPython on the path."""
    for name in ("python3.14", "python3.13", "python3.12", "python3"):
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return [found]
    sys.exit("fuzz: there is no CPython to compare with")


def version(command):
    """`(3, 14)`"""
    shown = subprocess.run([*command, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True).stdout
    return tuple(map(int, shown.split()))


def check(kind, seed, folder):
    """Do both agree on a program? One that they do not agree on is left in the folder."""
    found = kind.check(seed)
    if found:
        path = Path(folder) / f"fuzz-{type(kind).__name__.lower()}-{seed}.py"
        path.write_bytes(found[1].encode("utf-8", "surrogateescape"))
        print(f"{found[0]}\n    {path}", flush=True)
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(LIMPID))
    parser.add_argument("--oracle", help="the command of a CPython")
    parser.add_argument("--options", default="", help="more options for limpid")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["programs", "loops", "sources"])
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument("--most", type=int, default=5, help="failures to stop at")
    parser.add_argument("--keep", default=tempfile.gettempdir(), metavar="FOLDER", help="where failing programs are left")
    args = parser.parse_args()
    args.limpid = [os.path.abspath(args.python), *args.options.split()]
    args.oracle = shlex.split(args.oracle) if args.oracle else find_oracle()
    kinds = {"programs": Programs, "loops": Loops, "sources": Sources}
    kinds = [kinds[name](args) for name in kinds if args.only in (None, name)]
    end, seeds, results = time.monotonic() + args.seconds, itertools.count(args.seed), []

    def work():
        while time.monotonic() < end and results.count(False) < args.most:
            seed = next(seeds)
            results.extend([check(kind, seed, args.keep) for kind in kinds])

    workers = [threading.Thread(target=work) for _ in range(args.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
