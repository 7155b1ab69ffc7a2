"""Iterators over builtin types, enumerate, filter, map, zip, reversed; copying and pickling them."""

import copy
import pickle


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print(list(enumerate("ab")), list(enumerate("ab", 5)), list(enumerate("a", start=2**48 - 1)), list(enumerate("ab", 2**48 - 1)), list(enumerate("ab", 2**70)))
print(error(enumerate), error(enumerate, 1), error(enumerate, "a", "b"), list(enumerate(iterable="x", start=1)))
print(list(zip()), list(zip("ab")), list(zip("ab", range(5))), list(zip("abc", "de", "fg")), list(zip([], "a")))
print(list(zip(*[range(3)] * 10)), error(zip, 1), error(zip, "a", 2), error(zip, "a", foo=1))
print(list(zip("ab", "cd", strict=True)), error(list, zip("ab", "c", strict=True)), error(list, zip("a", "cd", strict=True)))
print(error(list, zip("abc", "abc", "ab", strict=True)), error(list, zip("ab", "ab", "abc", strict=True)), list(zip("a", strict=True)))
print(list(map(str, range(3))), list(map(lambda a, b: a + b, [1, 2, 3], [10, 20])), list(map(max, [1], [2], [3])))
print(error(map), error(map, str), error(map, str, 1), error(list, map(3, [1])))
print(list(filter(None, [0, 1, "", "a", None])), list(filter(bool, [0, 2])), list(filter(lambda x: x > 1, range(4))))
print(error(filter, None), error(filter, None, 1), error(filter, None, [], 1))
print(list(reversed("abc")), list(reversed((1, 2))), list(reversed([])), error(reversed, {1}), error(reversed, 3), error(reversed))


class Seq:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return i * 10

    def __len__(self):
        return self.n


class NoLen:
    def __getitem__(self, i):
        if i < 3:
            return i
        raise StopIteration


class NotReversible:
    __reversed__ = None

    def __getitem__(self, i):
        return i

    def __len__(self):
        return 1


print(list(Seq(3)), list(reversed(Seq(3))), 20 in Seq(3), 25 in Seq(3), list(NoLen()), error(reversed, NotReversible()), error(reversed, NoLen()))
a, b, *c = Seq(4)
print(a, b, c, type(iter(Seq(1))).__name__, iter(Seq(3)).__length_hint__(), iter(NoLen()).__length_hint__())

n = 0


def counter():
    global n
    n += 1
    return n


print(list(iter(counter, 4)), error(iter, 3, 4), type(iter(counter, 1)).__name__)


def stopper():
    raise StopIteration


print(list(iter(stopper, 1)))


class Iter:
    def __iter__(self):
        return 3


class NoIter:
    pass


class IterNone:
    __iter__ = None


print(error(iter, Iter()), error(iter, NoIter()), error(iter, IterNone()), error(lambda: 1 in Iter()), error(next, 3), error(list, 5))
print(error(lambda: [*NoIter()]), error(lambda: [x for x in 3]))


class Exploding:
    def __iter__(self):
        return self

    def __next__(self):
        raise ValueError("boom")


for f in (list, tuple, set, dict, sorted, sum, any, enumerate, iter):
    print(f.__name__, error(lambda: list(f(Exploding()))))

# A list that changes under its iterator.
x = [1, 2, 3]
it = iter(x)
next(it)
x.append(4)
print(list(it), list(it))
x.append(5)
print(list(it), next(it, "end"))
x = [1, 2, 3]
it = iter(x)
next(it)
del x[:]
print(list(it))
x = [1, 2, 3]
it = reversed(x)
x.pop()
print(list(it))

# Hints, states, copies, pickles.
for make in (
    lambda: iter([1, 2, 3, 4]),
    lambda: iter((1, 2, 3, 4)),
    lambda: reversed([1, 2, 3, 4]),
    lambda: iter(range(1, 5)),
    lambda: iter("abcd"),
    lambda: iter(b"abcd"),
    lambda: reversed("abcd"),
    lambda: iter(Seq(4)),
):
    it = make()
    print(type(it).__name__, it.__length_hint__(), next(it), it.__length_hint__(), end=" ")
    twin = copy.copy(it)
    print(list(it) == list(twin), end=" ")
    fresh = make()
    next(fresh)
    if "Seq" not in repr(fresh.__reduce__()):
        print(list(pickle.loads(pickle.dumps(fresh))), end=" ")
    fresh.__setstate__(2)
    print(list(fresh), fresh.__length_hint__(), end=" ")
    fresh.__setstate__(0)
    print(list(fresh))
for make in (
    lambda: enumerate([5, 6], 3),
    lambda: zip([1, 2], [3, 4]),
    lambda: zip([1, 2], [3, 4], strict=True),
    lambda: map(str, [1, 2]),
    lambda: filter(None, [1, 0, 2]),
    lambda: iter({1: 2, 3: 4}),
    lambda: iter({1, 2}),
    lambda: iter({1: 2}.items()),
):
    it = pickle.loads(pickle.dumps(make()))
    print(list(it))
    it = make()
    next(it)
    print(list(pickle.loads(pickle.dumps(it))))


class MyZip(zip):
    pass


class MyEnum(enumerate):
    def __init__(self, *args, **kw):
        self.tag = "t"


class MyMap(map):
    def __new__(cls, *args):
        return super().__new__(cls, *args)


class MyFilter(filter):
    def __init__(self, f, items, extra=None):
        self.extra = extra


m = MyZip("ab", "cd")
m.attr = 1
print(list(m), m.attr, MyEnum("a").tag, list(MyEnum("a")), list(MyMap(str, [1])), MyFilter(None, [1], extra=2).extra)
print(iter(m) is m, next(zip("a")), next(map(str, [1])), next(enumerate("a")))
print(sum(x * y for x, y in zip(range(5), range(5, 10))), dict(enumerate("ab")), max(enumerate([3, 1]), key=lambda p: p[1]))
import operator

print(operator.length_hint([1, 2]), operator.length_hint(iter([1, 2])), operator.length_hint(3, 7), operator.length_hint(Seq(2)))


class Hint:
    def __init__(self, v):
        self.v = v

    def __iter__(self):
        return iter([1, 2])

    def __length_hint__(self):
        if isinstance(self.v, type):
            raise self.v("hint")
        return self.v


print(list(Hint(1)), list(Hint(100)), list(Hint(NotImplemented)), list(Hint(TypeError)), error(list, Hint(ValueError)), error(list, Hint(-1)), error(list, Hint("a")))
