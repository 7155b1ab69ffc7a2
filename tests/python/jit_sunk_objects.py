# Objects that compiled code does without until somebody gets to know them.
import gc
import resource
import sys
import threading


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, by):
        return Vector(self.x * by, self.y * by)

    def dot(self, other):
        return self.x * other.x + self.y * other.y

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"


class Pair:
    __slots__ = ("first", "second")

    def __init__(self, first, second):
        self.first = first
        self.second = second


def temporaries(n):
    a, b, total = Vector(1.0, 2.0), Vector(0.5, 0.25), 0.0
    for i in range(n):
        c = a + b * 2.0
        total += c.dot(b)
    # The last one is needed after all.
    return total, c


def accumulate(n):
    total = Vector(0, 0)
    step = Vector(1, 2)
    for i in range(n):
        total = total + step
    return total


def left_in_the_middle(n):
    """Leaves while objects are half made, or hold others."""
    seen = []
    for i in range(n):
        p = Pair(i, Pair(i + 1, (i, i + 2)))
        if i % 97 == 96:
            seen.append((p.first, p.second.first, p.second.second))
        p.second.first = i if i % 50 else float(i)
    return seen[:3], len(seen), p.second.first, p.second.second


def identity(n):
    same = 0
    for i in range(n):
        v = Vector(i, i)
        w = v
        u = Vector(i, i)
        same += (v is w) + (v is u) * 1000
        if i == n - 1:
            return same, v is w, v is u, w.x


def in_a_circle(n):
    for i in range(n):
        a = Pair(i, None)
        b = Pair(a, a)
        a.second = b
        if i % 100 == 99:
            assert a.second.first is a and b.first.second is b
    return a.first, a.second.first is a


class Odd(Exception):
    pass


def exceptions(n):
    caught = 0
    for i in range(n):
        v = Vector(i, -i)
        try:
            if i % 10 == 3:
                raise Odd(v)
        except Odd as e:
            caught += e.args[0] is v and v.x == i
    return caught, v


def changed_class(n):
    """The class changes while objects of it do not exist."""
    class Thing:
        def __init__(self, v):
            self.v = v

        def get(self):
            return self.v

    total = 0
    for i in range(n):
        t = Thing(i)
        if i == n // 2:
            Thing.get = lambda self: self.v + 1000
            Thing.extra = 1
        total += t.get()
    return total, t.extra, t.v


def deleted(n):
    total = 0
    for i in range(n):
        v = Vector(i, i)
        if i % 3 == 0:
            del v.y
        total += hasattr(v, "y") + len(vars(v))
    return total


def with_finalizer(n):
    gone = []

    class Final:
        def __init__(self, i):
            self.i = i

        def __del__(self):
            gone.append(self.i)

    for i in range(n):
        f = Final(i)
    f = None
    gc.collect()
    gc.collect()
    return len(gone) >= n - 3


def swapped(n):
    a, b = 1, 2
    for i in range(n):
        pair = (b, a + b)
        a, b = pair
        b %= 1000003
        if i % 64 == 0:
            last = pair
    return a, b, pair[1] % 1000003 == b, last[0] >= 0, pair[-1] - pair[0]


def two_names(n):
    """Handed on to the next round under two names, or by another object."""
    old = new = Vector(0, 0)
    for i in range(n):
        old = new
        new = Vector(i, old.x)
        if i % 100 == 50:
            assert old.x == i - 1 and new.y == old.x
    return old, new


def chain(n):
    node = None
    for i in range(n):
        node = Pair(i % 5, node)
        if i % 5 == 4:
            total = 0
            while node is not None:
                total += node.first
                node = node.second
            assert total == 10, total
    return node


def bound_methods(n):
    total, kept = 0, []
    for i in range(n):
        v = Vector(i, 1)
        method = v.dot
        total += method(v)
        if i % 500 == 7:
            kept.append(method)
        bound = kept.append
    bound(method)
    return total, [m.__self__.x for m in kept], method == v.dot, method is v.dot, len(kept)


def seen_by_frames(n):
    found = 0
    for i in range(n):
        v = Vector(i, i + 1)
        if i % 40 == 39:
            here = sys._getframe().f_locals["v"]
            found += here is v and here.y == i + 1
    return found


def much_memory(n):
    """Allocates in compiled code only, so that collections have to be asked for there."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = [None] * 64
    for i in range(n):
        v = Vector(i, (i, i))
        kept[i & 63] = v
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return sum(k.x == k.y[0] for k in kept), grown < 25 << 10


def everything():
    calls = [(temporaries, 3000), (accumulate, 3000), (left_in_the_middle, 3000), (identity, 3000), (in_a_circle, 2000), (exceptions, 2000)]
    calls += [(changed_class, 2000), (deleted, 2000), (swapped, 3000), (two_names, 2000), (chain, 2000)]
    calls += [(seen_by_frames, 2000), (bound_methods, 2000)]
    return [f"{function.__name__}: {function(n)!r}" for function, n in calls]


expected = everything()
print(*expected, sep="\n")
print("again", everything() == expected)
print(with_finalizer(500))
print(much_memory(400_000))

outcomes = []
threads = [threading.Thread(target=lambda: outcomes.append(everything() == expected)) for _ in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(outcomes)
