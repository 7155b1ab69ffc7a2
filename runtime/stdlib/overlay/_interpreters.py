"""Interpreters of this process, known by their numbers. concurrent.interpreters has the class that people use.

What runs in another interpreter is a function of this module, the other interpreter's own copy: those whose names begin with `_in_`. It gets
packed arguments (see _crossdata) and returns a packed outcome.
"""

import sys as _sys
import types as _types
from _thread import allocate_lock as _allocate_lock
import _crossdata
import _interpretercore as _core
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


def _entry(whence, config, counted):
    # `running` is held while the module __main__ runs; `users` ends the interpreter when there are none left, if it is `counted`.
    return _types.SimpleNamespace(whence=whence, config=tuple(config.items()), running=_allocate_lock(), lock=_allocate_lock(), users=0,
                                  counted=counted)


# All interpreters, by number.
_all = _crossdata.shared("interpreters", lambda: {_MAIN: _entry(WHENCE_RUNTIME, _PRESETS["legacy"] | {"gil": "own"}, False)})


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
    """Makes a new interpreter. With `reqrefs` it ends when decref() has been called as often as incref()."""
    if config is None or isinstance(config, str):
        config = new_config(config)
    settings = vars(config)
    if missing := [name for name in _PRESETS["default"] if name not in settings]:
        raise ValueError(f"missing config key: {missing[0]}")
    if settings["allow_daemon_threads"] and not settings["allow_threads"]:
        raise InterpreterError("interpreter creation failed")
    try:
        id = _core.create(settings["allow_fork"], settings["allow_exec"], settings["allow_threads"], settings["allow_daemon_threads"])
    except RuntimeError as error:
        raise InterpreterError("interpreter creation failed") from error
    _all[id] = _entry(WHENCE_STDLIB, settings, reqrefs)
    return id


def destroy(id, *, restrict=False):
    """Ends an interpreter, which must neither be this one nor run."""
    interpreter = _look_up(id, restrict)
    if id == _core.current():
        raise InterpreterError("cannot destroy the current interpreter")
    if id == _MAIN or not interpreter.running.acquire(blocking=False):
        raise InterpreterError("interpreter running")
    try:
        _core.end(id)
    except LookupError:
        # It has ended with the program, of which this is the end.
        return
    finally:
        # Until now: what runs at its end may look it up.
        del _all[id]
    for name, module in (("queues", "_interpqueues"), ("channels", "_interpchannels")):
        if name in _core.shared:
            __import__(module).unbind(id)


def list_all(*, require_ready=False):
    """Pairs of number and origin of all interpreters."""
    return [(id, interpreter.whence) for id, interpreter in sorted(_all.copy().items(), key=lambda entry: entry[0])]


def get_current():
    """Number and origin of the interpreter that runs this."""
    id = _core.current()
    return id, whence(id)


def get_main():
    """Number and origin of the main interpreter."""
    return _MAIN, WHENCE_RUNTIME


def _look_up(id, restrict):
    if not isinstance(id, int):
        raise TypeError(f"interpreter ID must be an int, got {type(id).__name__}")
    if id < 0:
        raise ValueError(f"interpreter ID must be a non-negative int, got {id!r}")
    interpreter = _all.get(id)
    if interpreter is None:
        raise InterpreterNotFoundError(f"unrecognized interpreter ID {id}")
    if restrict and interpreter.whence != WHENCE_STDLIB:
        raise InterpreterError(f"unrecognized interpreter {id}")
    return interpreter


def whence(id):
    """Where an interpreter comes from."""
    return _look_up(id, False).whence


def is_running(id, *, restrict=False):
    """Does its __main__ module run?"""
    return _look_up(id, restrict).running.locked() or id == _MAIN


def get_config(id, *, restrict=False):
    """An interpreter's configuration."""
    return _types.SimpleNamespace(**dict(_look_up(id, restrict).config))


def incref(id, *, implieslink=False, restrict=False):
    """One more user of an interpreter."""
    interpreter = _look_up(id, restrict)
    with interpreter.lock:
        interpreter.users += 1
        if implieslink:
            interpreter.counted = True


def decref(id, *, restrict=False):
    """One user of an interpreter less."""
    interpreter = _look_up(id, restrict)
    with interpreter.lock:
        interpreter.users -= 1
        is_over = interpreter.counted and interpreter.users <= 0
    if is_over and id != _core.current() and not interpreter.running.locked():
        destroy(id)


# ---- running ----


def _run(id, restrict, function, *arguments):
    """The outcome of one of the functions below in an interpreter that does not run."""
    interpreter = _look_up(id, restrict)
    if id in (_MAIN, _core.current()) or not interpreter.running.acquire(blocking=False):
        raise InterpreterError("interpreter already running")
    try:
        return _core.call(id, __name__, function, arguments)
    except RuntimeError as error:
        raise InterpreterError(str(error)) from None
    finally:
        interpreter.running.release()


def _script_of(code, name):
    """The code of a source text, or of a function without arguments, as it passes."""
    if isinstance(code, str):
        code = compile(code, "<script>", "exec", dont_inherit=True)
    elif isinstance(code, _types.FunctionType):
        if code.__closure__ or code.__defaults__ or code.__kwdefaults__:
            raise ValueError("function has a closure or defaults")
        code = code.__code__
    if not isinstance(code, _types.CodeType):
        raise TypeError(f"{name}() argument 2 must be a string, a function, or a code object, not {type(code).__name__}")
    if code.co_argcount or code.co_posonlyargcount or code.co_kwonlyargcount or code.co_flags & 0x0C:
        raise ValueError("code with arguments is not supported")
    if code.co_freevars:
        raise ValueError("code with free variables is not supported")
    import marshal
    return marshal.dumps(code)


def _run_script(id, code, name, shared, restrict):
    script = _script_of(code, name)
    outcome = _run(id, restrict, "_in_script", script, _packed_namespace(shared))
    return None if outcome is None else _crossdata.summary_object(outcome)


def _packed_namespace(ns):
    return tuple([(name, _crossdata.pack(value, False)) for name, value in (ns or {}).items()])


def exec(id, code, shared=None, *, restrict=False):
    """Runs code in the __main__ module of an interpreter that does not run. A summary of the exception that has ended it, if any."""
    return _run_script(id, code, "exec", shared, restrict)


def run_string(id, script, shared=None, *, restrict=False):
    """Runs a source text in the __main__ module of an interpreter that does not run."""
    if not isinstance(script, str):
        raise TypeError(f"run_string() argument 2 must be a string, not {type(script).__name__}")
    return _run_script(id, script, "run_string", shared, restrict)


def run_func(id, func, shared=None, *, restrict=False):
    """Runs a function in the __main__ module of an interpreter that does not run."""
    if isinstance(func, str):
        raise TypeError("run_func() argument 2 must be a function, not str")
    return _run_script(id, func, "run_func", shared, restrict)


def call(id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False):
    """Calls something in an interpreter that does not run: its result, and a summary of the exception that has ended it, if any."""
    _look_up(id, restrict)
    packed = []
    for what, value in (("func", callable), ("args", tuple(args or ())), ("kwargs", tuple((kwargs or {}).items()))):
        try:
            packed.append(_crossdata.pack(value))
        except NotShareableError as error:
            raise NotShareableError(f"{what} not shareable") from error
    state, value = _run(id, restrict, "_in_call", tuple(packed))
    if state == "raised":
        return None, _crossdata.summary_object(value)
    if state == "refused":
        what, problem = value
        raise NotShareableError(f"{what} not shareable") from NotShareableError(problem)
    return _crossdata.unpack(value), None


def set___main___attrs(id, ns, *, restrict=False):
    """Binds shareable values in the __main__ module of an interpreter."""
    interpreter = _look_up(id, restrict)
    packed = _packed_namespace(ns)
    if id == _core.current():
        _in_main(packed)
    elif interpreter.running.locked() or id == _MAIN:
        raise InterpreterError("interpreter already running")
    else:
        _run(id, restrict, "_in_main", packed)


def capture_exception(exc=None):
    """A summary of an exception, the current one by default, that another interpreter can read."""
    if exc is None:
        exc = _sys.exception()
    elif not isinstance(exc, BaseException):
        raise TypeError(f"expected exception, got {exc!r}")
    return _crossdata.summary_object(_crossdata.summary(exc))


# ---- what runs in the other interpreter ----


def _in_main(packed):
    vars(_sys.modules["__main__"]).update({name: _crossdata.unpack(value) for name, value in packed})


def _in_script(script, packed):
    import builtins
    import marshal
    main = vars(_sys.modules["__main__"])
    try:
        _in_main(packed)
        builtins.exec(marshal.loads(script), main)
    except BaseException as error:
        return _crossdata.summary(_without_frames_of_this(error))
    return None


def _in_call(packed):
    values = []
    for what, value in zip(("func", "args", "kwargs"), packed):
        try:
            values.append(_crossdata.unpack(value))
        except NotShareableError as error:
            return "refused", (what, str(error))
    function, args, kwargs = values
    try:
        result = function(*args, **dict(kwargs))
    except BaseException as error:
        return "raised", _crossdata.summary(_without_frames_of_this(error))
    try:
        return "returned", _crossdata.pack(result)
    except NotShareableError as error:
        return "refused", ("result", str(error))


def _without_frames_of_this(error):
    traceback = error.__traceback__
    return error.with_traceback(traceback and traceback.tb_next)
