"""Sets and frozensets: operators and methods, iteration, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


s = {3, 1, 2}
print(s, set(), frozenset(), frozenset([2, 1]), set("a"), {1.0, 1, True}, len(s), 1 in s, 9 in s, bool(set()), bool(s))
s.add(4)
s.add(4)
s.discard(1)
s.discard(100)
s.remove(2)
print(s, error(s.remove, 2), s.pop(), s.pop(), error(s.pop), s)
s.update([1, 2], (3,), {4: 5}, {6}, range(7, 9), frozenset([10]))
print(s)
s.clear()
print(s)

a, b = {1, 2, 3, 4}, {3, 4, 5}
print(a | b, a & b, a - b, a ^ b, b - a)
print(a.union(b, [9]), a.intersection(b, [3, 7]), a.difference(b, [1]), a.symmetric_difference([1, 1, 9]))
print(a.union(), a.intersection(), a.difference(), a.union() is a)
print(a <= b, {3} < b, {3, 4, 5} <= b, b >= {5}, b > b, a == {4, 3, 2, 1}, a != b, a == [1, 2, 3, 4], a == frozenset(a))
print(a.issubset(range(10)), a.issuperset([1]), a.isdisjoint([7]), a.isdisjoint(b), a.issubset([1]), a.issuperset("x"))
c = set(a)
c |= b
print(c)
c &= {1, 5, 9}
print(c)
c -= {1}
print(c)
c ^= {5, 6}
print(c)
c |= c
c &= c
print(c)
c ^= c
print(c)
c.update("ab")
c.intersection_update("bc", "b")
print(c)
c.difference_update([], "b")
print(c)
c.symmetric_difference_update([1, 1, 2])
print(c)
c -= c
print(c)
f = frozenset([1, 2, 3])
print(f | {4}, {4} | f == f | {4}, type(f | {4}), type({4} | f), f & [].__class__((1,)) if False else f & {1}, f.copy() is f)
print(hash(f) == hash(frozenset([3, 2, 1])), hash(frozenset()), hash(frozenset([1, 2, 3])), f in {f}, set(f) in {f})
print({frozenset([1]): "x"}[frozenset([1])], frozenset(f) is f, frozenset({1}) == {1})
nested = {frozenset([1]), frozenset([2])}
nested.remove({1})
nested.discard({2})
print(nested, error(nested.remove, {3}))
for g in (
    lambda: {1} | [1],
    lambda: {1} & [1],
    lambda: {1} - 1,
    lambda: {1} < 3,
    lambda: {1}.union(3),
    lambda: {1}.update(3),
    lambda: set(1),
    lambda: set([1], [2]),
    lambda: set(a=1),
    lambda: frozenset([1], [2]),
    lambda: frozenset(a=1),
    lambda: hash(set()),
    lambda: {1}.issubset(1),
    lambda: f.add,
):
    print(error(g))


def grow(s):
    for x in s:
        s.add(x + 100)


print(error(grow, {1, 2}))
it = iter({1, 2})
print(it.__length_hint__(), next(it), it.__length_hint__(), next(it), next(it, "end"), it.__length_hint__(), next(it, "end"))
it = iter({1, 2, 3})
next(it)
print(it.__reduce__()[1], list(it), it.__reduce__()[1])


class S(set):
    pass


class F(frozenset):
    def __new__(cls, items=(), tag=None):
        self = super().__new__(cls, items)
        self.tag = tag
        return self


x = S([1, 2])
x.note = "n"
y = F([1], tag="t")
print(x, y, x.note, y.tag, type(x | {3}), type(y | {3}), type(x.copy()), type(y.copy()), x == {1, 2}, y == {1})
print(x.__reduce__(), {1}.__reduce__(), type(x & x), type(x - x), type(x ^ x))
z = S([1])
z.add(y)
print(len(z), y in z, {1} in z)


class Collide:
    def __init__(self, v):
        self.v = v

    def __hash__(self):
        return 5

    def __eq__(self, other):
        return self.v == other.v if isinstance(other, Collide) else NotImplemented


many = {Collide(i) for i in range(50)}
print(len(many), Collide(49) in many, Collide(50) in many, len(many - {Collide(3)}), len(many & {Collide(3), Collide(99)}))
many.discard(Collide(7))
many.add(Collide(7))
print(len(many), len({Collide(i % 10) for i in range(100)}))


class Clearing:
    def __init__(self, target):
        self.target = target

    def __hash__(self):
        return 5

    def __eq__(self, other):
        self.target.clear()
        return False


m = {Collide(1), Collide(2)}
print(Clearing(m) in m, m)
m = {Collide(1)}
m.add(Clearing(m))
print(len(m))

big = set(range(1000))
for i in range(0, 1000, 2):
    big.discard(i)
print(len(big), sum(big), min(big), max(big), big == set(range(1, 1000, 2)))
big.update(range(2000))
print(len(big), sum(big))
total = 0
while big:
    total += big.pop()
print(total)
print(sorted({"b", "a"} | {"c"}), {x % 3 for x in range(10)}, {*range(3), *[5]}, set({1: 2}), set({1: 2}.keys()), set({1: 2}.items()))
print(sorted({0, 8, 16, 1, 9}), len({-1, -2, -3}), set(range(20, 0, -1)) == set(range(1, 21)), 256 in {64, 32, 128, 256, 5})
print({1, 2}.__sizeof__() > 0, set.__doc__ is not None, [k.__name__ for k in (set.add, set.union)])
