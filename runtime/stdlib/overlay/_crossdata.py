"""What may pass from one interpreter to another: values that cannot be changed, and those that are made to be shared."""


class InterpreterError(Exception):
    """A cross-interpreter operation failed"""

    __module__ = "concurrent.interpreters"


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found"""

    __module__ = "concurrent.interpreters"


class NotShareableError(TypeError):
    """An object cannot be sent between interpreters"""

    __module__ = "concurrent.interpreters"


_ATOMS = frozenset({type(None), bool, int, float, str, bytes, memoryview})
_registered = set()


def register(kind):
    """Instances of this class may pass, too."""
    _registered.add(kind)


def is_shareable(obj):
    """May an object pass as it is?"""
    kind = type(obj)
    if kind is tuple:
        return all(map(is_shareable, obj))
    if kind is int:
        # What fits into a machine word.
        return -1 << 63 <= obj < 1 << 63
    return kind in _ATOMS or kind in _registered


def check_shareable(obj):
    """An error unless the object may pass as it is."""
    if not is_shareable(obj):
        raise NotShareableError(f"{obj!r} does not support cross-interpreter data")
