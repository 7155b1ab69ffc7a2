"""Hot loops in functions that return, and in generators that yield, to loops: traces go on in the caller."""

import sys


def search(items, wanted):
    """Left in the middle of its loop, at different rounds."""
    for i, item in enumerate(items):
        if item == wanted:
            return i
    return -1


def count_up(n):
    total = 0
    while total < n:
        total += 1
    return total


class Built:
    """With a loop in __init__, and attributes that are added one by one."""

    def __init__(self, n):
        self.parts = []
        for i in range(n):
            self.parts.append(i * 0.5)
        self.size = n
        if n & 1:
            self.odd = True


def returns(n):
    total = 0
    items = list(range(9))
    for i in range(n):
        total += search(items, i % 11)
        total -= count_up(i % 5)
        # The same function from another place.
        if i % 3 == 0:
            total += search(items, 4)
        built = Built(i % 4)
        total += len(built.parts) + built.size + hasattr(built, "odd")
    return total


def evens(n):
    for i in range(n):
        if i % 2 == 0:
            yield i


def chained(n):
    yield from evens(n)
    received = yield -1
    while received is not None:
        received = yield received * 2


def generators(n):
    total = 0
    for i in range(n):
        for v in evens(i % 9):
            total += v
        for v in chained(i % 6):
            total ^= v
        # The consumer is native.
        total += sum(evens(7)) + max(v for v in chained(5))
    return total


def sent(n):
    g = chained(3)
    got = [next(g) for _ in range(3)]
    for i in range(n):
        got[i % 3] = g.send(i)
    g.close()
    return got


def thrown(n):
    caught = 0
    for i in range(n):
        g = evens(10)
        for v in g:
            if v == i % 10:
                try:
                    g.throw(KeyError(v))
                except KeyError as e:
                    caught += e.args[0]
    return caught


def deep(n):
    return count_up(3) + deep(n - 1) if n else count_up(4)


def recursion(n):
    total = 0
    for i in range(n):
        total += deep(i % 40)
    return total


def looks(n):
    """A callee looks at the variables of its caller, and changes one."""

    def callee(i):
        for k in range(i % 4):
            pass
        if i in (n - 40, n - 20):
            sys._getframe(1).f_locals["total"] = -i
        return i

    total = 0
    for i in range(n):
        total += callee(i)
    return total


def too_deep():
    """The recursion limit holds for frames of traces."""

    def down(n):
        for _ in range(2):
            n += 1
        return down(n)

    try:
        down(0)
    except RecursionError as e:
        return str(e)


def negative(n):
    total, f = 0, 0.0
    for i in range(n):
        total += -i ^ ~i
        f = -f
        f = -(f + i)
    return total, f, -(-2**47) - 1, [-x for x in (0.0, 0, True, 2**47)]


def mixed(n):
    """What an instruction meets changes while the trace is made."""
    values = [1, 2.5, 3, 2**60, "x", (1,), None, [], [0]]
    seen = [0] * len(values)
    for i in range(n):
        v = values[i * i % 3] if i % 100 else values[i // 100 % len(values)]
        if v:
            seen[values.index(v)] += 1
        if isinstance(v, (int, float)) and v < i * 0.5:
            seen[0] += 1
    return seen


for function, n in (
    (returns, 3000),
    (generators, 2500),
    (sent, 3000),
    (thrown, 3000),
    (recursion, 3000),
    (looks, 3000),
    (negative, 3000),
    (mixed, 4000),
):
    print(function.__name__, function(n))
print(too_deep())
print(too_deep())
