"""list.sort and sorted: stability, keys, errors, and lists that change while they are sorted."""

import functools


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def noise(n, seed=12345):
    out = []
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % 2147483648
        out.append(seed)
    return out


for n in (0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 100, 1000, 3000):
    data = noise(n)
    for values in (
        data,
        [x % 10 for x in data],
        [x / 7 for x in data],
        [str(x) for x in data],
        ["pre" + str(x % 50) + "é" * (x % 3) for x in data],
        [(x % 5, str(x % 3), -x) for x in data],
        [x * 10**20 for x in data],
        [x if x % 2 else x / 2 for x in data],
        [x % 2 == 0 for x in data],
        list(range(n)),
        list(range(n, 0, -1)),
        list(range(n // 2)) + list(range(n // 2)),
    ):
        s = sorted(values)
        assert len(s) == len(values)
        assert all(not (s[i + 1] < s[i]) for i in range(len(s) - 1)), values
        r = sorted(values, reverse=True)
        assert all(not (r[i] < r[i + 1]) for i in range(len(r) - 1)), values
        pairs = sorted(enumerate(values), key=lambda p: p[1])
        for p, q in zip(pairs, pairs[1:]):
            assert p[1] < q[1] or not (q[1] < p[1]) and p[0] < q[0]
        pairs = sorted(enumerate(values), key=lambda p: p[1], reverse=True)
        for p, q in zip(pairs, pairs[1:]):
            assert q[1] < p[1] or not (p[1] < q[1]) and p[0] < q[0]
print("sorted")

print(sorted("hello world"), sorted({3: 1, 1: 2}), sorted((3, 2, 1)))
words = ["banana", "Apple", "cherry", "apple", "Banana"]
print(sorted(words), sorted(words, key=str.lower), sorted(words, key=len, reverse=True))
print(sorted([3, 1, 2], key=lambda x: -x), sorted([1.5, 1, True, 0, False, -2.5]))
print(sorted(["b\x00", "b", "ÿ", "Ā", "b\x01", "a" * 9, "a" * 8, "a" * 8 + "b", "", "\U0001F600", "\uffff", "ÿÿ", "ÿa", "þ"]))
print(sorted([(1, "b"), (1, "a"), (0, "z"), (1,)]), sorted([[2, 1], [1, 2], [1]]))
print(sorted([0.0, -0.0, 1e300, -1e300, float("inf"), float("-inf")]), sorted([10**30, 5, -(10**30)]))
print(error(sorted, [1, "a"]), error(sorted, [None, None]), error(sorted, [1j, 2]))
print(error([3, 2].sort, 3), error([3, 2].sort, key=3), error([2, 1].sort, foo=1), [1].sort(), error([1].sort, key=len))
print(error(sorted, 5), error(sorted, [], key=1, reverse=0))


class Key:
    comparisons = 0

    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        Key.comparisons += 1
        return self.v < other.v

    def __repr__(self):
        return f"Key({self.v})"


keys = [Key(i) for i in range(1000)]
sorted(keys)
print(Key.comparisons)
Key.comparisons = 0
sorted(keys[::-1])
print(Key.comparisons)
print(sorted([Key(3), Key(1), Key(2)]))


class Bad:
    def __lt__(self, other):
        raise ValueError("no order")


items = [Bad() for _ in range(5)]
before = list(items)
print(error(items.sort), len(items), all(x in before for x in items))


def fail_at(n):
    count = 0

    def key(x):
        nonlocal count
        count += 1
        if count == n:
            raise KeyError(n)
        return -x

    return key


items = list(range(10))
print(error(items.sort, key=fail_at(5)), items)


class Partial:
    """Fails in the middle of a merge: all items must still be there."""

    left = 0

    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        Partial.left -= 1
        if Partial.left < 0:
            raise RuntimeError("tired")
        return self.v < other.v


for limit in range(0, 3000, 111):
    items = [Partial(x) for x in noise(300)]
    Partial.left = limit
    kept = sorted(x.v for x in items)
    error(items.sort)
    assert sorted(x.v for x in items) == kept
print("permutations")

lst = [3, 2, 1]


def mutate(x):
    lst.append(x)
    return x


print(error(lst.sort, key=mutate), lst)


def peek(x):
    seen.append(len(lst))
    return x


seen = []
lst.sort(key=peek)
print(seen, lst)


def push_pop(x):
    lst.append(1)
    lst.pop()
    return x


print(error(lst.sort, key=push_pop), lst)


def compare(x, y):
    return (x > y) - (x < y)


print(sorted([5, 2, 8, 1], key=functools.cmp_to_key(compare)))
print(sorted([5, 2, 8, 1], key=functools.cmp_to_key(lambda x, y: compare(y, x))))
x = [float("nan"), 1.0, 0.5]
x.sort()
print(len(x))
print(sorted([True, 2, False, 1.5]), sorted([b"b", b"a"]))
