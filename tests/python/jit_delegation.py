"""Generators and coroutines that delegate to each other, in loops that are compiled."""

import sys


class Tree:
    def __init__(self, left, value, right):
        self.left, self.value, self.right = left, value, right

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.value
        if self.right:
            yield from self.right


def tree(values):
    if not values:
        return None
    i = len(values) // 2
    return Tree(tree(values[:i]), values[i], tree(values[i + 1 :]))


def walk(n):
    t = tree(range(n))
    total = 0
    for value in t:
        total = total * 3 % 1000003 + value
    return total


def counted(n, step):
    done = 0
    for i in range(n):
        got = yield i * step
        if got:
            done += got
    return done


def relay(n, depth):
    if depth:
        result = yield from relay(n, depth - 1)
    else:
        result = yield from counted(n, 2)
    return result + depth


def returned(n):
    total = 0

    def outer():
        nonlocal total
        for depth in range(6):
            total += yield from relay(n, depth)

    return sum(1 for _ in outer()), list(outer())[-1], total


def sent(n):
    g = relay(n, 3)
    next(g)
    total = 0
    try:
        for i in range(n + 1):
            total += g.send(i % 3)
    except StopIteration as e:
        return total, e.value


def raising(n):
    """Exceptions go up a chain of generators, and are caught in the middle of it."""

    def inner(i):
        yield i
        if i % 50 == 49:
            raise KeyError(i)
        yield -i

    def middle(i):
        try:
            yield from inner(i)
        except KeyError as e:
            yield e.args[0] * 1000

    def outer():
        for i in range(n):
            yield from middle(i)

    total = 0
    for v in outer():
        total += v
    return total


def left_early(n):
    closed = []

    def inner():
        try:
            for i in range(10):
                yield i
        finally:
            closed.append(1)

    def outer():
        yield from inner()

    total = 0
    for i in range(n):
        g = outer()
        for v in g:
            total += v
            if v == i % 12:
                break
        g.close()
    return total, len(closed)


def frames(n):
    """A frame that is looked at while the chain runs."""
    seen = set()

    def inner(i):
        yield i
        if i == n - 5:
            f = sys._getframe()
            while f:
                seen.add((f.f_code.co_name, f.f_locals.get("i")))
                f = f.f_back
        yield i

    def outer(i):
        yield from inner(i)

    total = 0
    for i in range(n):
        for v in outer(i):
            total += v
    return total, sorted(seen, key=str)


async def fib(n):
    return n if n < 2 else await fib(n - 1) + await fib(n - 2)


class Later:
    def __await__(self):
        return (yield 1) or 5


async def waits(n):
    total = 0
    for i in range(n):
        total += await Later()
        total += await fib(i % 5)
    return total


def driven(n):
    coroutine = waits(n)
    steps = 0
    try:
        while True:
            coroutine.send(None)
            steps += 1
    except StopIteration as e:
        return steps, e.value


def forever(depth):
    if depth == 0:
        yield 0
    yield from forever(depth - 1)


def too_deep():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        return sum(1 for _ in forever(100000))
    except RecursionError:
        return "RecursionError"
    finally:
        sys.setrecursionlimit(limit)


print(walk(3000), walk(4), walk(5000))
print(returned(300))
print(sent(2500))
print(raising(2000))
print(left_early(1500))
print(frames(1500))
print(driven(1500))
print(too_deep())
