"""What the tests of the command line share."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PYTHON = os.environ.get("PYTHON_UNDER_TEST", "limpid")
#: How the program names itself in its messages.
NAME = PYTHON


class Outcome:
    """What a run has printed, and its exit status (negative: the signal that has ended it)."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def clean_environment(**variables):
    """The environment without what would change a Python, and with some variables set."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and not k.startswith("LC_")}
    environment.update(LANG="C.UTF-8", HOME="/nonexistent", **variables)
    return environment


class Case(unittest.TestCase):
    """A test with a folder of its own, in which the programs run."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="limpid-cli-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def write(self, name, text):
        """Makes a file with a text or bytes in it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run_python(self, *arguments, stdin=b"", env=None, timeout=60, **options):
        """Runs the Python under test."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        process = subprocess.run(
            [PYTHON, *map(str, arguments)],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=clean_environment(**(env or {})),
            timeout=timeout,
            **options,
        )
        out, err = (text.decode("utf-8", "backslashreplace") for text in (process.stdout, process.stderr))
        return Outcome(process.returncode, out, err)

    def run_with_limit(self, limit, *arguments):
        """Runs it under a limit of the shell's `ulimit`."""
        command = ["bash", "-c", f'ulimit {limit} && exec "$@"', "bash", PYTHON, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def check(self, outcome, status=0, out=None, err=None):
        """Compares; None is anything."""
        expected = (status, outcome.out if out is None else out, outcome.err if err is None else err)
        self.assertEqual((outcome.status, outcome.out, outcome.err), expected)

    def evaluate(self, expression, *arguments, **options):
        """What an expression prints in a fresh Python; `sys` and `os` are imported."""
        outcome = self.run_python(*arguments, "-c", f"import sys, os; print({expression})", **options)
        self.assertEqual((outcome.status, outcome.err), (0, ""), outcome)
        return outcome.out.rstrip("\n")
