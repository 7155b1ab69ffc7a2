"""The hash of a tuple is found out once."""
from collections import namedtuple

calls = 0


class Counted:
    def __init__(self, v):
        self.v = v

    def __hash__(self):
        global calls
        calls += 1
        return hash(self.v)

    def __eq__(self, other):
        return isinstance(other, Counted) and self.v == other.v


class Sub(tuple):
    def __init__(self, *args):
        self.extra = "kept"


Point = namedtuple("Point", "x y")
for length in range(6):
    items = [Counted(i) for i in range(length)]
    for make in (tuple, Sub):
        calls, t = 0, make(items)
        print(length, make.__name__, hash(t) == hash(tuple(range(length))), hash(t) == hash(t), calls if make is tuple else "")

s = Sub([1, 2])
print(hash(s) == hash((1, 2)), s.extra, s.__dict__)
p = Point(1, (2, "a"))
print(hash(p) == hash((1, (2, "a"))), {p: 1}[1, (2, "a")], {(1, (2, "a")): 2}[p])

table = {}
for i in range(400):
    key = (i % 3, (i % 5, ("a", i % 2)))
    table[key] = table.get(key, 0) + 1
    assert key in table and (i % 3, (i % 5, ("a", i % 2))) in table
print(len(table), sum(table.values()), table[0, (0, ("a", 0))])


def nest(depth):
    t = ()
    for _ in range(depth):
        t = (t, 1)
    return t


deep = {nest(i): i for i in range(40)}
print([deep[nest(i)] for i in range(40)] == list(range(40)))
for unhashable in ((1, []), ((), ({},))):
    for _ in range(3):
        try:
            hash(unhashable)
        except TypeError as e:
            print(e)
keys = [(i, str(i)) for i in range(1000)]
print(len({*keys, *[(i, str(i)) for i in range(1000)]}))
