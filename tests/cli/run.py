#!/usr/bin/env python3
"""Tests of the command line, from outside: arguments and environment in, output and exit status out.

    tests/cli/run.py                          all, with target/release/limpid
    tests/cli/run.py --python python3.14 NAME... some, with another Python

NAME is a class, a class and a method (`Options.test_help`), or a module (`test_options`).
Needs Python 3.9 or newer.
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMPID = HERE.parent.parent / "target/release/limpid"


def matches(test, names):
    module, *rest = test.id().split(".")
    return not names or any(name in (module, rest[0], ".".join(rest)) for name in names)


def each_test(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each_test(test)
        else:
            yield test


def main(folder=HERE, description=__doc__):
    """Runs the tests of a folder that are named on the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--python", default=str(LIMPID))
    args = parser.parse_args()
    os.environ["PYTHON_UNDER_TEST"] = os.path.abspath(args.python) if os.sep in args.python else args.python
    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    tests = [t for t in each_test(loader.discover(str(folder), "test_*.py")) if matches(t, args.names)]
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite(tests))
    # A test of which several subtests fail is one.
    failing = [getattr(test, "test_case", test) for test, _ in result.failures + result.errors] + result.unexpectedSuccesses
    wrong = len({test.id() for test in failing})
    print(f"{result.testsRun - wrong - len(result.skipped)} passed, {wrong} failed")
    return 1 if wrong or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
