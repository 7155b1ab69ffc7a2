"""Ranges, of small and of big ints."""

import pickle


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


r = range(10)
print(r, range(1, 5), range(10, 0, -3), range(0), list(r), list(range(1, 10, 3)), list(range(10, 0, -3)), list(range(5, 5)))
print(len(r), len(range(0, 10, 3)), len(range(10, 0)), len(range(10, 0, -1)), bool(range(0)), bool(r), r.start, r.stop, r.step)
print(r[3], r[-1], r[2:5], r[::-1], r[::2], r[8:2:-3], range(1, 20, 4)[1:3], r[100:], r[-3:])
print(5 in r, 10 in r, 3.0 in r, 3.5 in r, "a" in r, True in r, -1 in range(0, -5, -1), 7 in range(0, 10, 2))
print(r.index(4), r.count(4), r.count(11), r.count(4.0), range(0, 10, 2).index(6), error(r.index, "x"))
print(r == range(0, 10, 1), range(0) == range(5, 5), range(0, 3, 2) == range(0, 4, 2), r != range(9), r == list(r))
print(hash(r) == hash(range(10)), hash(range(0)) == hash(range(3, 3)), hash(range(0, 3, 2)) == hash(range(0, 4, 2)))
print(list(reversed(r)), list(reversed(range(1, 10, 4))), list(reversed(range(0))), list(reversed(range(5, 0, -2))))
for f in (
    lambda: range(),
    lambda: range(1, 2, 3, 4),
    lambda: range(1, 2, 0),
    lambda: range(1.5),
    lambda: range("a"),
    lambda: range(stop=5),
    lambda: r[10],
    lambda: r[-11],
    lambda: r["a"],
    lambda: r < r,
    lambda: r[::0],
    lambda: len(range(2**70)),
    lambda: r + r,
):
    print(error(f))


def assign():
    r.start = 1


print(error(assign))

big = 2**70
b = range(big, big + 10, 3)
print(b, list(b), len(b), b[1], b[-1], b[1:3], big in b, big + 1 in b, b.index(big + 3), list(reversed(b)), b == range(big, big + 12, 3))
c = range(-big, big)
print(c[0], c[-1], c[big], 0 in c, c.index(0), error(len, c), bool(c), c.count(5))
d = range(0, 2**64, 2**62)
print(list(d), len(d), list(reversed(d)), d[::2], 2**63 in d)
e = range(2**63 - 3, 2**63 + 3)
print(list(e), list(reversed(e)), len(e))
g = range(-(2**63), 2**63 - 1, 2**62)
print(list(g), list(reversed(g)))
h = range(10, -(2**65), -(2**64))
print(list(h), len(h), list(h[::-1]))
print(list(range(2**48 - 2, 2**48 + 2)), list(range(-(2**48) - 2, -(2**48) + 2)), list(range(0, 2**49, 2**48)))


class Index:
    def __init__(self, i):
        self.i = i

    def __index__(self):
        return self.i


print(range(Index(3)), list(range(Index(1), Index(7), Index(2))), r[Index(2)], range(True), range(False, True))
it = iter(r)
print(next(it), it.__length_hint__(), next(it), list(it), next(it, "end"), it.__length_hint__())
it = iter(b)
print(next(it), it.__length_hint__(), next(it), list(it), next(it, "end"), type(it).__name__, type(iter(r)).__name__)
it = iter(range(5))
next(it)
it.__setstate__(2)
print(list(it))
it = iter(range(5))
it.__setstate__(100)
print(list(it))
it = iter(range(big, big + 5))
it.__setstate__(3)
print(list(it))
print(r.__reduce__(), iter(r).__reduce__()[1], iter(b).__reduce__()[1], reversed(r).__reduce__()[1])
for x in (r, b, range(5, 1, -1), range(0)):
    y = pickle.loads(pickle.dumps(x))
    assert x == y and list(x) == list(y)
    z = pickle.loads(pickle.dumps(iter(x)))
    assert list(z) == list(x)
print([i for i in range(3)], sum(range(101)), max(range(5)), min(range(5, 0, -1)), list(zip(range(3), range(3, 6))))


class IntLike(int):
    pass


print(IntLike(3) in r, range(IntLike(3)), type(range(IntLike(3)).stop).__name__, r[IntLike(2)])
