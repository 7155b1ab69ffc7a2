"""Profiles programs: how often each function is called and how long it runs, seen by sys.monitoring.

    python -m cProfile [-o FILE] [-s SORT] [-m MODULE | SCRIPT] [ARGUMENT]...
"""

__all__ = ["run", "runctx", "Profile"]

import _lsprof
import profile as _by_trace
import types


def run(statement, filename=None, sort=-1):
    """Runs a statement in __main__ and shows its statistics, or writes them to a file."""
    return _by_trace._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    """Runs a statement in these namespaces and shows its statistics, or writes them to a file."""
    return _by_trace._Utils(Profile).runctx(statement, globals, locals, filename, sort)


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True): a profiler with the reports of pstats."""

    def print_stats(self, sort=-1):
        """Stops collecting and prints the table, by one key or a tuple of them."""
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        """Stops collecting and writes the statistics to a file, for pstats."""
        import marshal
        with open(file, "wb") as out:
            self.create_stats()
            marshal.dump(self.stats, out)

    def create_stats(self):
        """Stops collecting; the statistics are in the attribute stats."""
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Brings the attribute stats up to date: label -> (calls from outside, calls, inline, total, callers)."""
        entries = self.getstats()
        callers = {label(entry.code): {} for entry in entries}
        for entry in entries:
            caller = label(entry.code)
            for part in entry.calls or ():
                # A callee that has not come back yet has no entry of its own.
                of_callee = callers.get(label(part.code))
                if of_callee is None:
                    continue
                figures = _figures(part)
                if (before := of_callee.get(caller)) is not None:
                    figures = tuple(map(sum, zip(figures, before)))
                of_callee[caller] = figures
        self.stats = {}
        for entry in entries:
            key = label(entry.code)
            calls, outermost, inline, total = _figures(entry)
            self.stats[key] = outermost, calls, inline, total, callers[key]

    def run(self, cmd):
        """Profiles a statement in __main__."""
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        """Profiles a statement in these namespaces."""
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func, /, *args, **kw):
        """Profiles one call; its result."""
        with self:
            return func(*args, **kw)

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def _figures(entry):
    """The figures of an entry in the order in which pstats has those of a caller."""
    return entry.callcount, entry.callcount - entry.reccallcount, entry.inlinetime, entry.totaltime


def label(code):
    """What pstats calls a function: file, line and name."""
    if isinstance(code, str):
        return "~", 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


def main():
    import argparse
    import importlib.machinery
    import io
    import os
    import sys

    import pstats

    parser = argparse.ArgumentParser(prog="python -m cProfile", description="Profiles a script or a module.")
    parser.add_argument("-o", "--outfile", type=os.path.abspath, help="write the statistics to this file")
    parser.add_argument("-s", "--sort", default=2, choices=sorted(pstats.Stats.sort_arg_dict_default),
                        metavar="SORT", help="how the table is sorted")
    parser.add_argument("-m", dest="module", action="store_true", help="the program is a module of the library")
    parser.add_argument("program", nargs="?", help="a script, or a module with -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the program")
    options = parser.parse_args()
    if options.program is None:
        parser.print_usage()
        sys.exit(2)

    sys.argv[:] = [options.program, *options.arguments]
    if options.module:
        import runpy
        code = "run_module(name, run_name='__main__')"
        module = types.ModuleType("__main__")
        module.run_module = runpy.run_module
        module.name = options.program
    else:
        sys.path.insert(0, os.path.dirname(options.program))
        with io.open_code(options.program) as source:
            code = compile(source.read(), options.program, "exec")
        module = types.ModuleType("__main__")
        module.__spec__ = importlib.machinery.ModuleSpec("__main__", None, origin=options.program)
        module.__file__ = options.program
        module.__package__ = module.__cached__ = None
        module.__builtins__ = __builtins__
        # Classes and functions of the script are found again by their module, when they are pickled for instance.
        sys.modules["__main__"] = module
    try:
        runctx(code, module.__dict__, None, options.outfile, options.sort)
    except BrokenPipeError as error:
        # Nobody reads any more: nothing is said at the end of the program either.
        sys.stdout = None
        sys.exit(error.errno)


if __name__ == "__main__":
    main()
