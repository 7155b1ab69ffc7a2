"""The module sys: what it says and what it can change."""

import sys


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


print(sys.version_info[:2], sys.version_info.major, sys.version_info.releaselevel, sys.version_info >= (3, 11))
print(sys.version.startswith("%d.%d.%d" % sys.version_info[:3]), sys.hexversion >> 24, sys.implementation.name in ("cpython", "limpid"))
print(sys.implementation.version == sys.version_info, sys.implementation.hexversion == sys.hexversion)
print(sys.maxsize, sys.maxunicode, sys.byteorder, sys.platform, sys.float_repr_style)
print(sys.float_info)
print(sys.int_info.default_max_str_digits, sys.int_info.str_digits_check_threshold, sys.hash_info.modulus, sys.hash_info.inf, sys.hash_info.imag)
print(type(sys.flags).__name__, type(sys.flags).__module__, sys.flags.optimize, sys.flags.dev_mode, len(sys.flags))
print(error(type(sys.flags)), error(type(sys.version_info)))
print(error(setattr, sys.flags, "debug", 5))
print(sys.version_info.n_fields, sys.float_info.n_sequence_fields, sys.version_info.__match_args__)
print(sys.thread_info.name, "sys" in sys.builtin_module_names, "os" in sys.stdlib_module_names, type(sys.stdlib_module_names).__name__)
print(sys.api_version, sys.copyright.splitlines()[0][:13], isinstance(sys._git, tuple), len(sys._git))
print(isinstance(sys.argv, list), isinstance(sys.path, list), isinstance(sys.orig_argv, list), isinstance(sys.warnoptions, list), type(sys._xoptions) is dict)
print(sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())

# Limits.
limit = sys.getrecursionlimit()
sys.setrecursionlimit(limit + 50)
print(sys.getrecursionlimit() - limit, error(sys.setrecursionlimit, 0), error(sys.setrecursionlimit, "x"))
sys.setrecursionlimit(limit)


def deep(n):
    return 0 if n == 0 else deep(n - 1)


print(deep(500), error(deep, limit + 100))


def low():
    return error(sys.setrecursionlimit, 1)


print(low().split(" at ")[0])
print(sys.get_int_max_str_digits(), error(sys.set_int_max_str_digits, 5), error(int, "1" * 5000).split(":")[0])
interval = sys.getswitchinterval()
sys.setswitchinterval(0.01)
print(sys.getswitchinterval(), error(sys.setswitchinterval, 0), error(sys.setswitchinterval, "x"))
sys.setswitchinterval(interval)

# Objects.
a, b = "inter" + "ned", "".join(["inter", "ned"])
print(sys.intern(a) is sys.intern(b), error(sys.intern, 5), error(sys.intern, type("S", (str,), {})("x")))
print(sys.getsizeof(5) > 0, sys.getsizeof([]) > 0, isinstance(sys.getrefcount(a), int))


class BadSize:
    def __init__(self, v):
        self.v = v

    def __sizeof__(self):
        return self.v


print(error(sys.getsizeof, BadSize("x")), sys.getsizeof(BadSize("x"), "default"), error(sys.getsizeof, BadSize(-1)))

# Frames.
def frame_names():
    f = sys._getframe()
    names = []
    while f:
        names.append(f.f_code.co_name)
        f = f.f_back
    return names


def outer():
    return frame_names(), sys._getframe(1).f_code.co_name, sys._getframemodulename() if hasattr(sys, "_getframemodulename") else "__main__"


print(outer(), error(sys._getframe, 1000))
print(list(sys._current_frames().values())[0] is sys._getframe())

# Hooks.
import builtins


class Out:
    def __init__(self):
        self.text = ""

    def write(self, s):
        self.text += s

    def flush(self):
        pass


saved, sys.stdout = sys.stdout, Out()
sys.displayhook(None)
sys.displayhook([1, "x"])
out, sys.stdout = sys.stdout, saved
print(repr(out.text), builtins._)
print(sys.displayhook is sys.__displayhook__, sys.excepthook is sys.__excepthook__)
saved, sys.stderr = sys.stderr, Out()
try:
    1 / 0
except ZeroDivisionError:
    sys.excepthook(*sys.exc_info())
out, sys.stderr = sys.stderr, saved
print(out.text.splitlines()[0], "|", out.text.splitlines()[-1])

events = []
sys.addaudithook(lambda event, args: events.append((event, args)) if event.startswith("test.") else None)
sys.audit("test.event", 1, "two")
sys.audit("other")
print(events, error(sys.audit), error(sys.audit, 5))


def refuse(event, args):
    if event == "test.refused":
        raise PermissionError("refused")


sys.addaudithook(refuse)
print(error(sys.audit, "test.refused"))

print(sys.get_asyncgen_hooks(), error(sys.set_asyncgen_hooks, firstiter=5))
print(sys.get_coroutine_origin_tracking_depth(), error(sys.set_coroutine_origin_tracking_depth, -1))
print(sys.gettrace(), sys.getprofile(), sys.is_finalizing(), sys.call_tracing(lambda a, b: a + b, (1, 2)))
print(error(sys.exit), error(sys.exit, 3), error(sys.exit, "text"))
sys.modules["made_up"] = "anything"
import made_up

print(made_up)
