"""Lists: every method and operator, with the errors they raise."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


a = [1, 2, 3]
a.append(4)
a.extend([5, 6])
a.extend((7,))
a.extend(range(8, 10))
a.extend(x * x for x in (1, 2))
a += "ab"
print(a, len(a))
print(a.pop(), a.pop(0), a.pop(-2), a)
a.insert(0, "first")
a.insert(-1, "before last")
a.insert(100, "last")
a.insert(-100, "very first")
print(a)
a.remove("last")
print(a.index(4), a.count(4), 4 in a, 99 in a, "b" not in a)
a.reverse()
print(a, a.copy() == a, a.copy() is a)
a.clear()
print(a, bool(a), not a)

a.extend(a)
a.append(1)
a.extend(a)
a.extend(a)
print(a)
a *= 2
print(a, a * 0, 2 * [1, 2], [1] * -1)
a *= 0
print(a)

print([1, 2] + [3], [1] + [], [] + [])
print([1, 2] == [1, 2], [1, 2] != [1, 2], [1, 2] < [1, 3], [1, 2] < [1, 2, 0], [2] > [1, 9], [1] >= [1], [1] <= [0])
print([1, "a"] == [1, "a"], [1, 2.0] == [1.0, 2], [float("nan")] == [float("inf")])
print(error(lambda: [1] < ["a"]), error(lambda: [1] < (1,)), [1] == (1,), [1] != (1,))

for f in (
    lambda: [].pop(),
    lambda: [1].pop(1),
    lambda: [1].pop("a"),
    lambda: [1].remove(2),
    lambda: [1][1],
    lambda: [1][-2],
    lambda: [1]["a"],
    lambda: [1][None],
    lambda: [1][2**70],
    lambda: [1].__setitem__(3, 1),
    lambda: [1].__delitem__(3),
    lambda: [1].__setitem__("x", 1),
    lambda: [1] + (2,),
    lambda: [1] * 1.5,
    lambda: [1] * [2],
    lambda: [1].insert("a", 1),
    lambda: [1].extend(1),
    lambda: list(1),
    lambda: list([1], [2]),
    lambda: list(a=1),
    lambda: hash([]),
    lambda: [0] * (2**62),
    lambda: [1].index(1, None),
):
    print(error(f))

# Slices.
b = list(range(10))
print(b[2:5], b[:3], b[7:], b[:], b[::2], b[::-1], b[8:2:-3], b[-3:], b[:-7], b[5:2], b[100:], b[-100:2])
b[2:4] = ["x", "y", "z"]
print(b)
b[5:5] = [1, 2]
b[:0] = (0,)
b[len(b):] = {9: 9}
print(b)
b[::2] = [None] * len(b[::2])
print(b)
del b[::3]
print(b)
del b[2:5], b[-1], b[0]
print(b)
b[:] = []
print(b)
b = [1, 2, 3]
b[1:2] = b
print(b)
b[:] = b
print(b)
b[::-1] = b
print(b)
b[3:1] = "ins"
print(b)
b = list(range(20))
del b[18:2:-4]
print(b)
del b[::-1]
print(b)


def assign(target, key, value):
    target[key] = value


print(error(assign, [1, 2, 3], slice(None, None, 2), [1]))
print(error(assign, [1, 2, 3], slice(None, None, 2), 1))
print(error(assign, [1, 2, 3], slice(0, 1), 1))
print(error(assign, [1, 2, 3], slice(0, 1, 0), [1]))
print(error(lambda: [1][::0]), error(lambda: [1]["a":]))


class Index:
    def __init__(self, i):
        self.i = i

    def __index__(self):
        return self.i


b = list("abcdef")
print(b[Index(2)], b[Index(1):Index(4)], b[Index(-1)])
b[Index(0)] = "A"
print(b, b.pop(Index(1)), b * Index(2))
print(list(range(5))[-(2**100):2**100:2])

# Cycles and nesting.
c = [1]
c.append(c)
c.append([c])
print(c)
print(list("abc"), list(), list({1: 2}), list((x for x in range(3))), [*range(3), *"ab"])
print([[1, 2], [3]][0][1], [i for i in range(5) if i % 2])

# Subclasses.


class MyList(list):
    def __init__(self, *args, tag=None):
        super().__init__(*args)
        self.tag = tag


d = MyList([3, 1, 2], tag="t")
print(d, d.tag, type(d[:]), type(d + [1]), type(d * 2), type(d.copy()), d == [3, 1, 2], isinstance(d, list))
d.sort()
print(d, d.__class__.__name__, len(d))


class Weird:
    """Equal to everything, and changes the list it is looked for in."""

    def __init__(self, target):
        self.target = target

    def __eq__(self, other):
        self.target.clear()
        return False


e = [1, 2, 3]
print(Weird(e) in e, e)
e = [1, 2, 3]
print(e.count(Weird(e)), e)
e = [Weird(None)] * 3
e[0].target = e
print(error(e.remove, 5), e)
print(list(reversed([1, 2, 3])), list(reversed([])))
for f in (list.append, list.index, list.sort, list.pop, list.__len__):
    print(f.__name__, f.__doc__.splitlines()[0])
print([].__sizeof__() > 0, list.__doc__.splitlines()[0])
x = [3, 1, 2]
for i in x:
    if i == 3:
        x.append(4)
    if len(x) < 10 and i == 2:
        x.remove(1)
print(x)
