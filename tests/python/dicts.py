"""Dicts: methods, order, views, iteration, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


d = {"a": 1, 2: "b", None: 3.5, (1, 2): [4]}
print(d, len(d), d["a"], d[2], d[None], d[(1, 2)], d[2.0])
print("a" in d, 2.0 in d, "z" in d, d.get("a"), d.get("z"), d.get("z", 9), bool(d), bool({}))
d["a"] = 10
d["new"] = 11
del d[2]
print(d, list(d), list(d.keys()), list(d.values()), list(d.items()))
print(d.pop("a"), d.pop("zz", "default"), error(d.pop, "zz"), d.popitem(), d)
print(d.setdefault("k", 1), d.setdefault("k", 2), d.setdefault("n"), d)
c = d.copy()
c["only"] = 1
print(c == d, c != d, d == dict(d), {1: 2} == {1.0: 2.0}, {1: 2} == {1: 3}, {} == [], error(lambda: {} < {}))
d.clear()
print(d, error(d.popitem), error(lambda: d["x"]))

print(dict(), dict(a=1, b=2), dict([("x", 1), ("y", 2)]), dict({"k": 1}, z=2), dict(zip("abc", range(3))), dict(["ab", (1, 2)]))
print({**{"a": 1}, "b": 2, **{"a": 3}}, dict.fromkeys("aba"), dict.fromkeys([1, 2], 0), dict.fromkeys({3: 1}, 7), dict.fromkeys({5}, 8))
e = {}
e.update({"a": 1})
e.update(b=2)
e.update([("c", 3)], d=4)
e.update()
print(e, {"a": 1} | {"b": 2, "a": 3}, {"a": 1} | {})
e |= {"z": 26}
e |= [("y", 25)]
print(e)
for f in (
    lambda: {} | [],
    lambda: dict(1),
    lambda: dict(1, 2),
    lambda: {}.update(1, 2),
    lambda: dict([(1, 2, 3)]),
    lambda: dict(**{"a": 1}, **{"b": 2}),
    lambda: {}["missing"],
    lambda: {}.__getitem__((1, 2)),
    lambda: {}.pop(1),
    lambda: hash({}),
    lambda: {}.__delitem__(5),
):
    print(error(f))

# Order survives deletion and growth.
o = {}
for i in range(100):
    o[i] = i
for i in range(0, 100, 3):
    del o[i]
for i in range(0, 100, 6):
    o[i] = -i
print(list(o)[:5], list(o)[-5:], len(o), sum(o.values()), list(reversed(o))[:5])
while len(o) > 3:
    o.popitem()
print(o)
big = {i: i for i in range(20000)}
n = 0
while big:
    k, v = big.popitem()
    n += k == v
    if k % 2 == 0 and k > 15000:
        big[-k] = -k
print(n)

# Keys that are equal, and keys that collide.
print({1: "int", 1.0: "float", True: "bool"}, {0: "a", -0.0: "b", False: "c"})


class Collide:
    def __init__(self, v):
        self.v = v

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return self.v == other.v if isinstance(other, Collide) else NotImplemented

    def __repr__(self):
        return f"C{self.v}"


col = {Collide(i): i for i in range(30)}
for i in range(0, 30, 2):
    del col[Collide(i)]
print(col[Collide(5)], Collide(4) in col, len(col), list(col)[:3])
col[Collide(4)] = "again"
print(list(col)[-1], col[Collide(4)], 7 in col)

# Changes during iteration.


def grow(d):
    for k in d:
        d[k + 1000] = 1


def shrink(d):
    for k in d.values():
        d.pop(next(iter(d)))


def replace(d):
    for k in d:
        d[k] += 1
    return d


print(error(grow, {1: 1, 2: 2}), error(shrink, {1: 1, 2: 2}), replace({1: 1, 2: 2}))
it = iter({1: 1})
print(next(it), error(next, it), error(next, it))
x = {1: 1, 2: 2, 3: 3}
it = iter(x.items())
next(it)
x[4] = 4
print(error(next, it), error(next, it))

# Views.
k = {"a": 1, "b": 2, "c": 3}
print(k.keys(), k.values(), k.items())
print(len(k.keys()), "a" in k.keys(), ("a", 1) in k.items(), ("a", 2) in k.items(), "a" in k.items(), 3 in k.values())
print(sorted(k.keys() & {"a", "z"}), sorted(k.keys() | {"z"}), sorted(k.keys() - {"a"}), sorted(k.keys() ^ {"a", "z"}))
print(sorted(["a", "q"] & k.keys()), sorted(["q"] | k.keys()), sorted({"a", "q"} - k.keys()), sorted({"q": 1}.keys() ^ k.keys()))
print(sorted(k.items() & [("a", 1), ("b", 7)]), sorted(k.items() - {("a", 1)}), type(k.keys() & []))
print(k.keys() == {"a", "b", "c"}, k.keys() < {"a", "b", "c", "d"}, k.keys() >= {"a"}, k.keys() != {"a"}, k.items() == k.items())
print(k.keys().isdisjoint(["x"]), k.keys().isdisjoint({"a"}), k.items().isdisjoint([("a", 1)]), k.values() == k.values())
print(list(reversed(k)), list(reversed(k.keys())), list(reversed(k.values())), list(reversed(k.items())))
v = k.values()
k["d"] = 4
print(list(v), k.keys().mapping, error(hash, k.keys()), error(lambda: k.keys() & 3), error(lambda: k.keys() < [1]))
print(k.keys().mapping is k, type(k.keys().mapping).__name__, error(k.keys().mapping.__class__.__setitem__ if False else len, k.items()))

# Subclasses.


class Default(dict):
    def __missing__(self, key):
        return f"<{key}>"


m = Default(a=1)
print(m["a"], m["zz"], m.get("zz"), "zz" in m, m, type(m.copy()), type(m | {}), type(Default.fromkeys("a")))


class Counting(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value * 2)


q = Counting(a=1)
q["b"] = 2
q.update(c=3)
print(q)
cyc = {}
cyc["self"] = cyc
cyc["list"] = [cyc]
print(cyc)


class Mapping:
    def keys(self):
        return ["x", "y"]

    def __getitem__(self, key):
        return key * 2


print(dict(Mapping()), {**Mapping()}, dict(Mapping(), z=1))


class BadHash:
    def __hash__(self):
        raise RuntimeError("no hash")


print(error(lambda: {BadHash(): 1}), error(lambda: BadHash() in {}), error({}.get, BadHash()))


class Mutating:
    """An `__eq__` that changes the dict it is used in."""

    def __init__(self, target):
        self.target = target

    def __hash__(self):
        return 7

    def __eq__(self, other):
        self.target.clear()
        return False


w = {Collide(1): 1, Collide(2): 2}
print(Mutating(w) in w, w)
w = {Collide(1): 1}
w[Mutating(w)] = "in"
print(len(w))
print([i for i in {1: 2, 3: 4}], {i: i * i for i in range(4)}, {v: k for k, v in {1: 2}.items()})
it = iter({1: 1, 2: 2, 3: 3}.items())
next(it)
print(it.__length_hint__(), list(it), it.__length_hint__())
print(iter({1: 1, 2: 2}).__reduce__()[1], {}.__sizeof__() > 0, type(iter({})).__name__, type(iter({}.values())).__name__)
print(type(reversed({})).__name__, type(iter({}.items())).__name__, type(reversed({}.items())).__name__)
