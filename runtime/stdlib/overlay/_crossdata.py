"""What passes from one interpreter to another.

Interpreters share the heap, so what can never change passes as it is. pack() makes such a value of an object, and unpack() makes an object
of it in the other interpreter: the same, an equal one, or another view of the same memory.
"""

import _interpretercore as _core


class InterpreterError(Exception):
    """A cross-interpreter operation failed"""

    __module__ = "concurrent.interpreters"


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found"""

    __module__ = "concurrent.interpreters"


class NotShareableError(TypeError):
    """An object cannot be sent between interpreters"""

    __module__ = "concurrent.interpreters"


_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
# How instances of other classes pass, and how what was made of them is read: by class, and by the name of what they are.
_packers = {}
_unpackers = {}


def register(kind, name, pack, unpack):
    """Instances of this class may pass: `pack` makes a shareable value of one, `unpack` an instance of that."""
    _packers[kind] = name, pack
    _unpackers[name] = unpack


def is_shareable(obj):
    """May an object pass as it is?"""
    kind = type(obj)
    if kind is tuple:
        return all(map(is_shareable, obj))
    if kind is int:
        # What fits into a machine word.
        return -1 << 63 <= obj < 1 << 63
    return kind in _ATOMS or kind is memoryview or kind in _packers


def check_shareable(obj):
    """An error unless the object may pass as it is."""
    if not is_shareable(obj):
        raise NotShareableError(f"{obj!r} does not support cross-interpreter data")


def pack(obj, fallback=True):
    """What passes in place of an object: a pair of how it was made and a shareable value. With `fallback` other objects are pickled."""
    kind = type(obj)
    if kind in _ATOMS and (kind is not int or is_shareable(obj)):
        return "as is", obj
    if kind is tuple and (fallback or is_shareable(obj)):
        return "tuple", tuple([pack(item, fallback) for item in obj])
    if kind is memoryview:
        return "view", obj
    if kind in _packers:
        name, packer = _packers[kind]
        return name, packer(obj)
    if not fallback:
        check_shareable(obj)
    if kind is _Function and _is_stateless(obj):
        import marshal
        return "function", marshal.dumps(obj.__code__)
    return "pickle", _pickled(obj)


def unpack(packed):
    """The object that a packed one stands for here."""
    how, value = packed
    if how == "as is":
        return value
    if how == "tuple":
        return tuple([unpack(item) for item in value])
    if how == "view":
        return memoryview(value)
    if how == "function":
        import marshal
        return _Function(marshal.loads(value), _main_module().__dict__)
    if how == "pickle":
        return _unpickled(*value)
    if how not in _unpackers:
        # These modules register them when they are imported.
        import concurrent.interpreters
        import _interpchannels
    return _unpackers[how](value)


# ---- functions ----

_Function = type(pack)


def _is_stateless(function):
    return not (function.__defaults__ or function.__kwdefaults__ or function.__closure__) and is_self_contained(function.__code__)


def is_self_contained(code):
    """Does the code use no names but its own and those of builtins?"""
    return not code.co_freevars and _uses_builtins_only(code)


def _uses_builtins_only(code):
    import builtins
    import dis
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return False
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            name = instruction.argval
            if name.startswith("__") or not hasattr(builtins, name):
                return False
    return all(_uses_builtins_only(inner) for inner in code.co_consts if type(inner) is type(code))


# ---- pickles ----


def _main_module():
    import sys
    return sys.modules["__main__"]


def _pickled(obj):
    import pickle
    try:
        data = pickle.dumps(obj)
    except Exception as error:
        raise NotShareableError("object could not be pickled") from error
    # What is in the script that runs is found by running it.
    script = getattr(_main_module(), "__file__", None) if b"__main__" in data else None
    return data, script


# The namespaces of scripts that were run to find what is in them.
_scripts = {}


def _script_module(path):
    module = _scripts.get(path)
    if module is None:
        import runpy
        import types
        module = types.ModuleType("<fake __main__>")
        _scripts[path] = module
        module.__dict__.update(runpy.run_path(path, run_name="<fake __main__>"))
    return module


def _unpickled(data, script):
    import pickle
    import sys
    try:
        if script is None or getattr(_main_module(), "__file__", None) == script:
            return pickle.loads(data)
        main = sys.modules["__main__"]
        sys.modules["__main__"] = _script_module(script)
        try:
            return pickle.loads(data)
        finally:
            sys.modules["__main__"] = main
    except Exception as error:
        raise NotShareableError("object could not be unpickled") from error


# ---- exceptions ----


def summary(error):
    """An exception as a tuple of strings: name, qualified name and module of its class, its message, the whole as it is displayed."""
    import traceback
    kind = type(error)
    try:
        message = str(error)
    except Exception:
        message = None
    try:
        display = "".join(traceback.format_exception(error)).rstrip("\n")
    except Exception:
        display = None
    return kind.__name__, kind.__qualname__, kind.__module__, message, display


def summary_object(parts):
    """A summary as people see it."""
    from types import SimpleNamespace
    name, qualname, module, message, display = parts
    shown = name if module in ("builtins", "__main__") else f"{module}.{qualname}"
    return SimpleNamespace(
        type=SimpleNamespace(__name__=name, __qualname__=qualname, __module__=module),
        msg=message,
        formatted=f"{shown}: {message}" if message else shown,
        errdisplay=display,
    )


# How a queue or a channel replaces what an interpreter has left behind in it: removes it, an error, a mark.
REMOVE, ERROR, MARK = _REPLACEMENTS = 1, 2, 3


def replacement(op, default):
    """The way that is asked for, -1 for the default."""
    if op == -1:
        op = default
    if op not in _REPLACEMENTS:
        raise ValueError(f"unsupported unboundop {op}")
    return op


def shared(name, make):
    """An object that all interpreters have in common, by name."""
    return _core.shared.setdefault(name, make())
