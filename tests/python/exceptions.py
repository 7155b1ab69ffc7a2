"""Exceptions as objects: construction, text, attributes, chaining."""

import sys


def show(e):
    print(repr(e), "|", str(e), "|", e.args)


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


# Text and arguments.
for e in [Exception(), ValueError(1), TypeError("a", "b"), KeyError("k"), KeyError(""), KeyError(1, 2), LookupError(("x",))]:
    show(e)
print(error(ValueError, a=1))
e = ValueError("x")
e.args = [1, 2]
show(e)
print(error(delattr, e, "args"))

# Subclasses see both __new__ and __init__.
class Own(Exception):
    def __init__(self, a, b=2):
        self.total = a + b


e = Own(1, b=5)
show(e)
print(e.total, e.__dict__)
print(e.__reduce__() == (Own, (1,), {"total": 6}))
e.__setstate__({"total": 7, "extra": "y"})
print(e.total, e.extra)
print(error(e.__setstate__, 5))
print(error(BaseException.__new__, int))

# Chaining.
try:
    try:
        1 / 0
    except ZeroDivisionError as inner:
        raise KeyError("outer")
except KeyError as e:
    print(repr(e.__context__), e.__cause__, e.__suppress_context__)
try:
    try:
        1 / 0
    except ZeroDivisionError as inner:
        raise KeyError("outer") from None
except KeyError as e:
    print(repr(e.__context__), e.__cause__, e.__suppress_context__)
try:
    raise KeyError from ValueError(3)
except KeyError as e:
    print(e.__context__, repr(e.__cause__), e.__suppress_context__)
print(error(setattr, ValueError(), "__cause__", 1))
print(error(setattr, ValueError(), "__context__", 1))
print(error(setattr, ValueError(), "__traceback__", 1))
print(error(setattr, ValueError(), "__suppress_context__", 1))
print(error(delattr, ValueError(), "__cause__"))
print(error(delattr, ValueError(), "__traceback__"))

# A chain never becomes a cycle.
a, b = ValueError("a"), ValueError("b")
try:
    try:
        raise a
    except ValueError:
        try:
            raise b
        except ValueError:
            raise a
except ValueError as e:
    print(e is a, e.__context__ is b, b.__context__)

# Notes.
e = ValueError("n")
print(hasattr(e, "__notes__"))
e.add_note("first")
e.add_note("second")
print(e.__notes__, error(e.add_note, 1))
e.__notes__ = 5
print(error(e.add_note, "x"))

# Tracebacks.
def f():
    g()


def g():
    raise RuntimeError("deep")


try:
    f()
except RuntimeError as e:
    tb = e.__traceback__
    names = []
    while tb:
        names.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    print(names[1:])
    print(e.with_traceback(None) is e, e.__traceback__)
    print(error(setattr, sys.exc_info()[1], "__traceback__", "no"))

# What is being handled.
print(sys.exc_info(), sys.exception())
try:
    raise KeyError("handled")
except KeyError as e:
    print(sys.exception() is e, sys.exc_info()[0], sys.exc_info()[1] is e)
print(sys.exception())


def handled_in_generator():
    try:
        raise ValueError("in generator")
    except ValueError:
        yield sys.exception()
        yield sys.exception()


try:
    raise KeyError("outside")
except KeyError:
    it = handled_in_generator()
    print(repr(next(it)), repr(sys.exception()), repr(next(it)))

# StopIteration, SystemExit.
def gen():
    return 42
    yield


try:
    next(gen())
except StopIteration as e:
    show(e)
    print(e.value)
print(StopIteration().value, StopIteration(1, 2).value)
for args in [(), (3,), ("bad",), (1, 2)]:
    print(SystemExit(*args).code)
try:
    sys.exit((1, 2))
except SystemExit as e:
    print(e.args, e.code)

# ImportError, NameError, AttributeError.
e = ImportError("m", name="n", path="p")
show(e)
print(e.msg, e.name, e.path, e.__reduce__())
print(error(ImportError, "m", invalid=1))
print(ImportError(1, 2).msg)
try:
    undefined_name
except NameError as e:
    show(e)
    print(e.name)
try:
    (5).nothing
except AttributeError as e:
    show(e)
    print(e.name, e.obj)
e = AttributeError("x", name="nm", obj=3)
print(e.name, e.obj, error(AttributeError, "x", unknown=1))


def local():
    print(variable)
    variable = 1


try:
    local()
except UnboundLocalError as e:
    print(isinstance(e, NameError), e.name)

# OSError: the number picks the class.
for args in [(2, "gone"), (2, "gone", "file"), (13, "no", "a", None, "b"), (5, "io"), (11, "again", 7), ("x", "y"), (1,), (1, 2, 3, 4, 5, 6)]:
    e = OSError(*args)
    print(type(e).__name__, repr(str(e)), e.args, e.errno, e.strerror, e.filename, e.filename2)
print(error(OSError, 1, 2, key=3))
e = BlockingIOError(11, "again", 7)
print(e.characters_written, e.filename)
e.characters_written = 9
print(e.characters_written)
del e.characters_written
print(error(getattr, e, "characters_written"))
print(OSError(2, "gone", "file").__reduce__(), OSError(2, "gone", "f", None, "g").__reduce__())


class OwnError(OSError):
    def __init__(self, a, b, c):
        super().__init__(a, b)
        self.c = c


e = OwnError(2, "gone", "c")
print(type(e).__name__, e.args, e.errno, e.c)


class OwnNew(OSError):
    def __new__(cls, a):
        return OSError.__new__(cls, 2, a)


e = OwnNew("gone")
print(type(e).__name__, e.args, e.errno)
print(FileNotFoundError("only").errno, IOError is OSError, EnvironmentError is OSError)

# SyntaxError.
e = SyntaxError("bad", ("/tmp/file.py", 3, 4, "text\n"))
show(e)
print(e.msg, e.filename, e.lineno, e.offset, e.text, e.end_lineno, e.print_file_and_line)
print(str(SyntaxError("bad")), str(SyntaxError("bad", (None, 3, 4, "t"))), str(SyntaxError("bad", ("f.py", None, 4, "t"))))
print(error(SyntaxError, "bad", ("f", 1, 2, "t", 5)))
print(SyntaxError().msg)

# Unicode errors.
e = UnicodeEncodeError("ascii", "a\xe9\u20ac\U0001f600", 1, 2, "ordinal not in range")
print(e, "|", e.encoding, ascii(e.object), e.start, e.end, e.reason)
for start, end in [(2, 3), (3, 4), (1, 3), (9, 10)]:
    print(UnicodeEncodeError("ascii", "a\xe9\u20ac\U0001f600", start, end, "why"))
print(UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "invalid start byte"))
print(UnicodeDecodeError("utf-8", bytearray(b"a\xff"), 0, 2, "bad"))
print(UnicodeTranslateError("a\u3042", 1, 2, "why"))
print(error(UnicodeEncodeError, "ascii"), "|", error(UnicodeEncodeError, 1, "x", 0, 1, "r"))
e.reason = 5
e.start = 0
print(e, e.start)

# MRO and hierarchy.
print(ModuleNotFoundError.__mro__)
print(ExceptionGroup.__mro__)
print(IndentationError.__base__, TabError.__base__, BrokenPipeError.__mro__[1:3])
print(issubclass(RecursionError, RuntimeError), issubclass(UnicodeDecodeError, ValueError), issubclass(KeyboardInterrupt, Exception))

# raise and except.
print(error(lambda: (_ for _ in ()).throw(1)))
for what in [1, int, "text", None]:
    try:
        raise what
    except TypeError as e:
        print(e)
try:
    raise ValueError from 5
except TypeError as e:
    print(e)
try:
    raise
except RuntimeError as e:
    print(e)
try:
    try:
        raise ValueError("x")
    except 5:
        pass
except TypeError as e:
    print(e, repr(e.__context__))
try:
    raise ValueError("tuple")
except (KeyError, ValueError) as e:
    print("caught")


class Strange(Exception):
    def __new__(cls):
        return 5


try:
    raise Strange
except TypeError as e:
    print(e)

# finally and return, break, continue.
def order():
    out = []
    for i in range(3):
        try:
            if i == 1:
                continue
            out.append(("body", i))
        finally:
            out.append(("finally", i))
    return out


print(order())


def swallowed():
    try:
        1 / 0
    except ZeroDivisionError:
        return "except"
    finally:
        print("finally runs")


print(swallowed())

# The name of `except ... as` is unbound afterwards.
try:
    raise ValueError
except ValueError as gone:
    pass
print("gone" in globals())
