"""Pairs of iterators in hot loops, and iterators over dicts, sets, strings and bytes: their ends, and what they raise there."""

import gc


def numbered(items, n):
    total = 0
    for _ in range(n):
        for i, x in enumerate(items):
            total += i * x
    return total


def started(n):
    out = []
    for k, x in enumerate(range(n), 2**47 - n + 3):
        if k > 2**47 - 3:
            out.append((k, x))
    return out


def of_generator(n):
    def g():
        for i in range(n):
            yield i * i

    total = 0
    for i, x in enumerate(g()):
        total += x - i
    return total


print(numbered([3, 4, 5, 6], 300), numbered((1, 2.5), 300), numbered(b"ab", 300), started(900), of_generator(900))


def entries(d, n):
    total, names = 0, ""
    for _ in range(n):
        for k, v in d.items():
            total += v
            names = k + names[:3]
        for k in d:
            total += len(k)
        for v in d.values():
            total -= v // 2
    return total, names


print(entries({"a": 1, "bc": 20, "def": 300}, 300))


def in_a_call(d):
    text = []
    for k, v in d.items():
        text.append(k + str(v))
    return text


def calls(n):
    """The parts of a pair lie where no frame is yet, while memory is needed."""
    d = {"k" + str(i): "v" + str(i) for i in range(6)}
    total = 0
    for i in range(n):
        text = in_a_call(d)
        for j, s in enumerate(text):
            if s != "k" + str(j) + "v" + str(j):
                raise AssertionError(s)
            total += len(s) + j
        if i % 150 == 0:
            gc.collect()
    return total


print(calls(900))


def changes(n):
    """Dicts and sets that change while they are iterated over."""
    out = []
    d = {i: i for i in range(n)}
    try:
        for k, v in d.items():
            if k == n - 5:
                d[-1] = 0
    except RuntimeError as e:
        out.append((k, str(e)))
    d = {i: i for i in range(n)}
    try:
        for k, v in d.items():
            if k == n - 1:
                del d[0]
                d[n] = 1
            if k > n + 5:
                break
    except RuntimeError as e:
        out.append((k, str(e)))
    d = {i: i for i in range(n)}
    try:
        for k in d:
            if k == n - 1:
                del d[3]
                d[n] = 1
    except RuntimeError as e:
        out.append((k, str(e)))
    s = set(range(n))
    count = 0
    try:
        for k in s:
            count += 1
            if count == n - 5:
                s.add(-1)
    except RuntimeError as e:
        out.append((count, str(e)))
    return out


print(changes(900))


def letters(n):
    total = 0
    it = iter("abc" * n)
    for c in it:
        total += ord(c)
    rest = list(it)
    seen = set()
    for c in "äöü€" * n:
        seen.add(c)
    for b in b"xyz" * n:
        total += b
    for i in iter(range(n)):
        total += i
    return total, rest, sorted(seen)


print(letters(400))


def twice(n):
    """An iterator that is used after its end."""
    items = [1] * n
    e = enumerate(items)
    total = 0
    for i, x in e:
        total += x
    items.append(1)
    for i, x in e:
        total += 100
    d = dict.fromkeys(range(n), 1)
    it = iter(d.items())
    for k, v in it:
        total += v
    for k, v in it:
        total += 10000
    return total


print(twice(900))


def other_kinds(n):
    """What yields pairs is another iterator from some round on."""
    total = 0
    d = {1: 2, 3: 4}
    for i in range(n):
        pairs = enumerate([5, 6]) if i < n - 60 else (d.items(), zip((1, 2), (3, 4)), [(1, 2)], enumerate("7"))[i % 4]
        for a, b in pairs:
            total += a + int(b)
    return total


print(other_kinds(900))


def globals_change(n):
    global COUNT, fresh
    COUNT = 0
    for i in range(n):
        COUNT += 1
        if COUNT == n - 3:
            fresh = i
    return COUNT, fresh


print(globals_change(900), COUNT, fresh)
