"""Instances and tuples that machine code makes itself: they are there, and stay, whatever their classes become meanwhile."""

import gc
import sys


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class Growing:
    def __init__(self, i):
        self.i = i


class Finalized:
    gone = 0

    def __init__(self, i):
        self.i = i


def make(cls, n):
    kept = []
    for i in range(n):
        p = cls(i, i + 0.5)
        if i % 7 == 0:
            kept.append(p)
    return kept


points = make(Point, 5000)
print(len(points), sum(p.x for p in points), sum(p.y for p in points))
slotted = make(Slotted, 5000)
print(len(slotted), sum(p.a for p in slotted), sum(p.b for p in slotted))


def make_growing(n, more):
    last = None
    for i in range(n):
        g = Growing(i)
        if more:
            for name in more:
                setattr(g, name, i)
        last = g
    return vars(last)


names = [f"attribute{i}" for i in range(40)]
print(make_growing(3000, ()))
print(len(make_growing(300, names)))
print(make_growing(3000, ()))
print(len(make_growing(300, names)))


def make_finalized(n):
    for i in range(n):
        Finalized(i)


make_finalized(3000)


def note(self):
    Finalized.gone += 1


Finalized.__del__ = note
make_finalized(1000)
gc.collect()
# The stack may hold on to some.
print("finalized", Finalized.gone > 990)


def tuples(n):
    kept = [None] * 16
    total = 0
    for i in range(n):
        t = (i, (i, "x"), 0.5 * i)
        kept[i & 15] = t
        if len(kept[(i * 3) & 15] or ()) == 3:
            total += 1
    return kept, total


kept, total = tuples(20000)
print(total, kept[0], kept[15])
print([t[1] for t in kept] == [(t[0], "x") for t in kept])


def cycles(n):
    """Young objects that refer to each other, and an old one that refers to the youngest."""
    root = Point(None, None)
    for i in range(n):
        p = Point(root.x, i)
        root.x = p if i % 10 else None
        if i % 1000 == 0:
            gc.collect(0)
    length = 0
    while root.x is not None:
        root = root.x
        length += 1
    return length


print(cycles(20000))


def limits(n):
    try:
        for i in range(n):
            p = Point(i, 1)
            q = (p.x // (n - 3 - i), p)
    except ZeroDivisionError:
        return p.x, q[1].x
    return None


print(limits(3000))
print(sys.getsizeof((1, 2, 3)) == sys.getsizeof(tuple([1, 2, 3])))
