"""What one interpreter changes is not changed in another: limits, locks, tracing; finalizers run in the interpreter of their objects."""
import csv
import gc
import sys
import time
import warnings
from concurrent import interpreters
import _imp

sys.stdout.reconfigure(line_buffering=True)
one = interpreters.create()
one.exec("""if True:
    import csv, gc, sys, warnings
    from concurrent import interpreters
    def show(*values):
        print("one:", *values, flush=True)
""")

# Limits.
sys.setrecursionlimit(1234)
sys.set_int_max_str_digits(700)
csv.field_size_limit(99)
gc.set_debug(gc.DEBUG_SAVEALL)
one.exec("show(sys.getrecursionlimit(), sys.get_int_max_str_digits(), csv.field_size_limit(), gc.get_debug(), len(str(10 ** 800)))")
one.exec("sys.setrecursionlimit(321); sys.set_int_max_str_digits(0); csv.field_size_limit(1 << 40); gc.set_debug(0)")
print(sys.getrecursionlimit(), sys.get_int_max_str_digits(), csv.field_size_limit(), gc.get_debug() == gc.DEBUG_SAVEALL)
gc.set_debug(0)
try:
    str(10**800)
except ValueError as error:
    print(error)
one.exec("""if True:
    def down(n):
        return n and 1 + down(n - 1)
    try:
        down(400)
    except RecursionError as error:
        show(error)
    show(sys.getrecursionlimit(), csv.field_size_limit() == 1 << 40)
""")


def down(n):
    return n and 1 + down(n - 1)


print(down(1000))

# A change of the filters in one interpreter does not make another forget what it has shown.
warnings.simplefilter("default")
for i in range(2):
    warnings.warn_explicit("shown once", UserWarning, "file", 1, registry=(registry := globals().setdefault("registry", {})))
    one.exec("warnings.simplefilter('ignore')")
print([key[0] for key in registry if key != "version"])

# The import lock.
_imp.acquire_lock()
one.exec("import _imp; show(_imp.lock_held()); _imp.acquire_lock(); show(_imp.lock_held()); _imp.release_lock()")
print("held" if _imp.lock_held() else "free")
_imp.release_lock()


# Tracing and monitoring.
def shared(a):
    b = a + 1
    return b


seen, events = [], sys.monitoring.events


def trace(frame, event, argument):
    if frame.f_code.co_name in ("shared", "other"):
        seen.append((event, frame.f_code.co_name))
    return trace


sys.monitoring.use_tool_id(3, "main's")
sys.monitoring.register_callback(3, events.PY_START, lambda code, offset: seen.append(code.co_name))
sys.monitoring.set_local_events(3, shared.__code__, events.PY_START)
sys.settrace(trace)
one.exec("def other(): return 1\nother()")
print(one.call(shared, 1), seen)
shared(1)
sys.settrace(None)
print(seen)
one.exec("""if True:
    E = sys.monitoring.events
    show(sys.gettrace(), sys.monitoring.get_tool(3))
    sys.monitoring.use_tool_id(3, "one's")
    lines = []
    sys.monitoring.register_callback(3, E.LINE, lambda code, line: lines.append((code.co_name, line)) if code.co_name == "other" else None)
    sys.monitoring.set_events(3, E.LINE)
    other()
""")
seen.clear()
print(shared(2), seen, sys.monitoring.get_tool(3), sys.monitoring.get_events(3))
one.exec("other(); show(lines); sys.monitoring.free_tool_id(3)")

# Finalizers and callbacks of what dies in a collection that another interpreter makes.
one.exec("""if True:
    import builtins, weakref
    builtins.tag = "one's"
    happened = []

    def note(what):
        happened.append((what, tag, interpreters.get_current().id))

    class Finalized:
        def __del__(self):
            note("del")

    class Plain:
        pass

    def generator():
        try:
            yield
        finally:
            note("generator")

    def litter():
        global r
        a, b, g = Finalized(), Plain(), generator()
        a.a, b.b = a, b
        r = weakref.ref(b, lambda r: note("callback"))
        next(g)
    litter()
""")
for _ in range(3):
    gc.collect()
one.exec("show(sorted(happened))")


class Mine:
    def __del__(self):
        print("main's", interpreters.get_current().id, __name__)


def litter():
    mine = Mine()
    mine.mine = mine


litter()
one.exec("for _ in range(3): gc.collect()")
for _ in range(1000):
    time.sleep(0)

# At the end of an interpreter, and what is left of it.
one.exec("""if True:
    class Last:
        def __del__(self):
            print("last:", tag, interpreters.get_current().id, flush=True)
    def finish():
        last = Last()
        last.last = last
    finish()
""")
one.close()
for _ in range(3):
    gc.collect()
print("end")
