"""Tuples: operators, comparison, hashes, subclasses."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


t = (1, 2, 3)
print(t, (), (1,), (1, (2, (3,))), tuple("ab"), tuple(), tuple([1, 2]), tuple(t) is t, t[:] is t, () is tuple([]))
print(t + (4,), () + t is t, t + () is t, t * 2, 2 * t, t * 0, t * -1, t * 1 is t)
print(t[0], t[-1], t[1:], t[::-1], t[::2], t[5:], t[-2:], t[2:0:-1])
print(1 in t, 9 in t, t.index(2), t.count(3), t.index(3, 1), t.index(3, -1), len(t))
print((1, 2) < (1, 3), (1, 2) < (1, 2, 0), (2,) > (1, 9), () < (0,), (1, 2) == (1.0, 2), (1,) != (1,), (1, 2) <= (1, 2))
print((1, "a") == (1, "a"), (1,) == [1], error(lambda: (1,) < [1]), error(lambda: (1,) < ("a",)))
print(hash(()), hash((1,)), hash((1, 2)), hash((1, 2.5, (3,))), hash((0,)) == hash((0.0,)))
for f in (
    lambda: t[3],
    lambda: t[-4],
    lambda: t["a"],
    lambda: t[2**100],
    lambda: t + [1],
    lambda: t * "a",
    lambda: t * 2**62,
    lambda: t.index(9),
    lambda: t.index(3, 0, 2),
    lambda: tuple(1),
    lambda: tuple(1, 2),
    lambda: tuple(a=1),
    lambda: t.__setitem__,
    lambda: hash(([],)),
):
    print(error(f))


def delete():
    del t[0]


def assign():
    t[0] = 1


print(error(delete), error(assign))


class Pair(tuple):
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    @property
    def first(self):
        return self[0]


p = Pair(1, 2)
p.extra = "x"
print(p, p.first, p.extra, type(p[:]), type(p + ()), p == (1, 2), hash(p) == hash((1, 2)), isinstance(p, tuple), len(p))
print(tuple(p), type(tuple(p)), p.__getnewargs__(), type(p * 1))


class Slotted(tuple):
    __slots__ = ()


s = Slotted(range(3))
print(s, error(setattr, s, "x", 1))

l = []
cyclic = (l,)
l.append(cyclic)
print(cyclic)
nan = float("nan")
print((nan,) == (nan,), (1, nan) < (1, 2), (nan,) != (nan,))


class Loud:
    def __init__(self, v):
        self.v = v

    def __eq__(self, other):
        log.append((self.v, other.v))
        return self.v == other.v

    def __hash__(self):
        return 1


log = []
print((Loud(1), Loud(2), Loud(3)) == (Loud(1), Loud(5), Loud(3)), log)
a, *b, c = t + (4, 5)
print(a, b, c)
print((*t, *"xy"), max((1, 2), (1, 1)), sorted([(2, 1), (1, 2), (1, 1)]))
print(tuple.__doc__.splitlines()[0], tuple.count.__doc__)
