#!/usr/bin/env python3
"""Bad input of every kind: each run has to end in Python's own error and exit status, never in a crash, a hang or a panic.

    tests/robustness/run.py                          all, with target/release/limpid
    tests/robustness/run.py --python python3.14 NAME... some, with another Python

NAME is a class, a class and a method, or a module, as for tests/cli/run.py, which does the work. Needs Python 3.9 or newer.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))

from run import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__))
