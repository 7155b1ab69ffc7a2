"""Weak references, proxies, and their callbacks."""

import gc
import weakref


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


def collect():
    # The collector takes whatever lies on the native stack for alive; other calls overwrite what is left there.
    sorted([3, 1, 2], key=lambda x: str(-x))
    gc.collect()


class Thing:
    def __init__(self, name="t"):
        self.name = name

    def method(self):
        return "method of " + self.name


def make():
    return Thing("made")


thing = Thing()
r = weakref.ref(thing)
print(r() is thing, r is weakref.ref(thing), r == weakref.ref(thing), hash(r) == hash(thing), r.__callback__)
print(weakref.getweakrefcount(thing), weakref.getweakrefs(thing) == [r], thing.__weakref__ is r)
print(repr(r).startswith("<weakref at 0x"), "to 'Thing' at 0x" in repr(r))
for bad in [1, "x", None, (1,), [], {}]:
    print(error(weakref.ref, bad))
print(error(weakref.ref), error(weakref.ref, thing, None, 1), error(weakref.ref, thing, callback=None), error(r, 1))

# Dead references.
def dead_ref():
    return weakref.ref(Thing())


d = dead_ref()
collect()
print(d(), "; dead>" in repr(d), d == d, d == weakref.ref(thing), error(hash, d))

# Callbacks.
calls = []


def with_callback():
    t = Thing()
    return weakref.ref(t, lambda r: calls.append(r()))


c = with_callback()
collect()
print(calls, c(), c.__callback__)
many = [weakref.ref(thing, print) for _ in range(3)]
print(weakref.getweakrefcount(thing), len(set(map(id, many))), many[0] == many[1])

# Subclasses.
class Keyed(weakref.ref):
    __slots__ = ("key",)

    def __new__(cls, ob, callback, key):
        return super().__new__(cls, ob, callback)

    def __init__(self, ob, callback, key):
        super().__init__(ob, callback)
        self.key = key


class WithDict(weakref.ref):
    pass


k = Keyed(thing, None, "key")
w = WithDict(thing)
w.attr = [1, 2]
collect()
print(k() is thing, k.key, w.attr, k == r, w is not WithDict(thing))

# Equality follows the referents while they live.
class Equal:
    def __eq__(self, other):
        return isinstance(other, Equal)

    def __hash__(self):
        return 7


a, b = Equal(), Equal()
ra, rb = weakref.ref(a), weakref.ref(b)
print(ra == rb, ra is rb, hash(ra), ra != rb, error(lambda: ra < rb))

# Proxies.
p = weakref.proxy(thing)
print(p.name, p.method(), type(p).__name__, weakref.proxy(thing) is p, isinstance(p, Thing))
p.name = "changed"
print(thing.name, error(hash, p), p == thing, str(p) == str(thing))
del p.name
print(hasattr(thing, "name"))


class Number:
    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return ("add", self.n, other)

    def __radd__(self, other):
        return ("radd", self.n, other)

    def __iadd__(self, other):
        self.n += other
        return self

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return i * 2

    def __contains__(self, x):
        return x == 5

    def __bool__(self):
        return False

    def __index__(self):
        return 4

    def __iter__(self):
        return iter([1, 2])

    def __call__(self, *args):
        return ("called", args)


n = Number(1)
q = weakref.proxy(n)
print(q + 1, 1 + q, len(q), q[3], 5 in q, bool(q), [10, 20, 30, 40, 50][q], list(q), q(1, 2), type(q).__name__)


def dead_proxy():
    return weakref.proxy(Thing())


x = dead_proxy()
collect()
for f in [lambda: x.name, lambda: len(x), lambda: x + 1, lambda: x == 1, lambda: setattr(x, "a", 1), lambda: str(x), lambda: bool(x)]:
    print(error(f))

# The module's containers.
values = weakref.WeakValueDictionary()
values["thing"] = thing
values["gone"] = make()
collect()
print(sorted(values), values["thing"] is thing, error(values.__getitem__, "gone"))
keys = weakref.WeakKeyDictionary()
keys[thing] = 1
keys[make()] = 2
collect()
print(len(keys), keys[thing])
members = weakref.WeakSet([thing, make()])
collect()
print(len(members), thing in members)
m = weakref.WeakMethod(thing.method)
thing.name = "again"
print(m()())

finalized = []


def with_finalizer():
    t = Thing()
    return weakref.finalize(t, finalized.append, "finalized")


f = with_finalizer()
collect()
print(finalized, f.alive)

# Functions, classes and generators have weak references, too.
def function():
    yield 1


g = function()
print(weakref.ref(function)() is function, weakref.ref(Thing)() is Thing, weakref.ref(g)() is g, weakref.ref(thing.method)() is None or True)


class NoWeak:
    __slots__ = ("a",)


print(error(weakref.ref, NoWeak()))


class Slotted:
    __slots__ = ("__weakref__",)


s = Slotted()
print(weakref.ref(s)() is s)


# An object that finalizes is still there for its own __del__; its weak references are gone before.
class Resurrected:
    saved = None

    def __del__(self):
        Resurrected.saved = self


def resurrect():
    return weakref.ref(Resurrected())


z = resurrect()
collect()
print(Resurrected.saved is not None)
