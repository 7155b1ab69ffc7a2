"""Warnings: filters, registries, levels, and what is shown."""

import sys
import warnings


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


def caught(f, *args, **kw):
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        f(*args, **kw)
    return [(w.category.__name__, str(w.message), w.lineno - LINE if w.filename == __file__ else w.filename) for w in log]


LINE = 24


def level1():
    warnings.warn("level 1")


def level2():
    warnings.warn("level 2", DeprecationWarning, stacklevel=2)


def caller():
    level2()


print(caught(level1))
print(caught(caller))
print(caught(warnings.warn, "as function", stacklevel=1)[0][:2])
print(caught(warnings.warn, UserWarning("instance"), KeyError)[0][:2])
for args in [("x", 5), ("x", KeyError), ("x", int)]:
    print(error(warnings.warn, *args).split(", not")[0])

# Actions.
def times(action, n=3):
    __warningregistry__ = {}
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter(action)
        for i in range(n):
            warnings.warn_explicit("again", UserWarning, "file.py", i % 2, registry=globals().setdefault("registry_" + action, {}))
    return len(log)


print([(a, times(a)) for a in ["always", "default", "module", "once", "ignore"]])
with warnings.catch_warnings():
    warnings.simplefilter("error")
    print(error(warnings.warn, "raised"), error(warnings.warn, "raised", RuntimeWarning))
# Filters by message, module, category and line.
with warnings.catch_warnings(record=True) as log:
    warnings.resetwarnings()
    warnings.filterwarnings("ignore", message="quiet.*")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", module="hush", lineno=7)
    warnings.warn("quiet please")
    warnings.warn("Quiet again")
    warnings.warn("loud")
    warnings.warn("future", FutureWarning)
    warnings.warn_explicit("in hush", UserWarning, "hush.py", 7)
    warnings.warn_explicit("in hush", UserWarning, "hush.py", 8)
    warnings.warn_explicit("in none", UserWarning, "x.py", 8, module=None)
    print([(str(w.message), w.lineno if w.filename != __file__ else "") for w in log])

# What is shown.
class Err:
    def write(self, s):
        print("err:", s.replace(__file__, "FILE"), end="")

    def flush(self):
        pass


saved, sys.stderr = sys.stderr, Err()
with warnings.catch_warnings():
    warnings.simplefilter("always")
    warnings.showwarning("shown", UserWarning, "nofile.py", 3)
    warnings.warn_explicit("explicit", ImportWarning, "nofile.py", 12)
    print()
sys.stderr = saved
print(warnings.formatwarning("m", UserWarning, "f.py", 1, "  source  "))


# The registry of the module remembers.
__warningregistry__ = {}
with warnings.catch_warnings(record=True) as log:
    warnings.simplefilter("default")
    for _ in range(3):
        warnings.warn("remembered")
    print(len(log), sorted(k if isinstance(k, str) else k[:2] for k in __warningregistry__ if k != "version"))
