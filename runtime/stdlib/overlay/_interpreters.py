"""What there is to know of interpreters: a process has one, the main one.

Classes, modules and the state of the runtime belong to the process, so a second interpreter cannot be made yet; create() says so.
"""

import sys as _sys
import types as _types
import _crossdata
from _crossdata import InterpreterError, InterpreterNotFoundError, NotShareableError, is_shareable

WHENCE_UNKNOWN = 0
WHENCE_RUNTIME = 1
WHENCE_LEGACY_CAPI = 2
WHENCE_CAPI = 3
WHENCE_XI = 4
WHENCE_STDLIB = 5

_MAIN = 0

_PRESETS = {
    "default": dict(use_main_obmalloc=False, allow_fork=False, allow_exec=False, allow_threads=True, allow_daemon_threads=False,
                    check_multi_interp_extensions=True, gil="own"),
    "legacy": dict(use_main_obmalloc=True, allow_fork=True, allow_exec=True, allow_threads=True, allow_daemon_threads=True,
                   check_multi_interp_extensions=False, gil="shared"),
    "empty": dict(use_main_obmalloc=False, allow_fork=False, allow_exec=False, allow_threads=False, allow_daemon_threads=False,
                  check_multi_interp_extensions=False, gil="default"),
}
_PRESETS["isolated"] = _PRESETS["default"]


def new_config(name="isolated", /, **overrides):
    """A configuration for a new interpreter: that of a name, with changes."""
    preset = _PRESETS.get(name or "default")
    if preset is None:
        raise ValueError(f"unsupported config name '{name}'")
    unknown = overrides.keys() - preset.keys()
    if unknown:
        raise ValueError(f"got {len(unknown)} unexpected config overrides: {sorted(unknown)}")
    return _types.SimpleNamespace(**preset | overrides)


def create(config="isolated", *, reqrefs=False):
    """Makes a new interpreter."""
    raise InterpreterError("interpreter creation failed: this runtime has the main interpreter only")


def list_all(*, require_ready=False):
    """Pairs of number and origin of all interpreters."""
    return [get_main()]


def get_current():
    """Number and origin of the interpreter that runs this."""
    return get_main()


def get_main():
    """Number and origin of the main interpreter."""
    return _MAIN, WHENCE_RUNTIME


def _look_up(id, restrict):
    if not isinstance(id, int):
        raise TypeError(f"interpreter ID must be an int, got {type(id).__name__}")
    if id < 0:
        raise ValueError(f"interpreter ID must be a non-negative int, got {id!r}")
    if id != _MAIN:
        raise InterpreterNotFoundError(f"unrecognized interpreter ID {id}")
    if restrict:
        raise InterpreterError(f"unrecognized interpreter {id}")


def whence(id):
    """Where an interpreter comes from."""
    _look_up(id, False)
    return WHENCE_RUNTIME


def is_running(id, *, restrict=False):
    """Does its __main__ module run?"""
    _look_up(id, restrict)
    return True


def get_config(id, *, restrict=False):
    """An interpreter's configuration."""
    _look_up(id, restrict)
    return new_config("legacy", gil="own")


def destroy(id, *, restrict=False):
    """Ends an interpreter, which must not be this one."""
    _look_up(id, restrict)
    raise InterpreterError("cannot destroy the current interpreter")


def exec(id, code, shared=None, *, restrict=False):
    """Runs code in the __main__ module of an interpreter that does not run."""
    _refuse_to_run(id, restrict)


def run_string(id, script, shared=None, *, restrict=False):
    """Runs a source text in the __main__ module of an interpreter that does not run."""
    _refuse_to_run(id, restrict)


def run_func(id, func, shared=None, *, restrict=False):
    """Runs a function in the __main__ module of an interpreter that does not run."""
    _refuse_to_run(id, restrict)


def call(id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False):
    """Calls something in an interpreter that does not run."""
    _refuse_to_run(id, restrict)


def _refuse_to_run(id, restrict):
    _look_up(id, restrict)
    raise InterpreterError("interpreter already running")


def set___main___attrs(id, ns, *, restrict=False):
    """Binds shareable values in the __main__ module of an interpreter."""
    _look_up(id, restrict)
    for value in ns.values():
        _crossdata.check_shareable(value)
    vars(_sys.modules["__main__"]).update(ns)


def incref(id, *, implieslink=False, restrict=False):
    """One more user of an interpreter."""
    _look_up(id, restrict)


def decref(id, *, restrict=False):
    """One user of an interpreter less."""
    _look_up(id, restrict)


def capture_exception(exc=None):
    """A summary of an exception, the current one by default, that another interpreter can read."""
    if exc is None:
        exc = _sys.exception()
    elif not isinstance(exc, BaseException):
        raise TypeError(f"expected exception, got {exc!r}")
    import traceback
    kind = type(exc)
    message = str(exc)
    return _types.SimpleNamespace(
        type=_types.SimpleNamespace(__name__=kind.__name__, __qualname__=kind.__qualname__, __module__=kind.__module__),
        msg=message,
        formatted=f"{kind.__name__}: {message}" if message else kind.__name__,
        errdisplay="".join(traceback.format_exception(exc)).rstrip("\n"),
    )
