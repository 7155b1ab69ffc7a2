# Functions, generators and coroutines that native code calls or resumes: their machine code starts where the frame does, and what it returns
# or yields goes back to the native code.
import asyncio
import functools
import sys


class Ordered:
    """Sorted by a comparison that is long enough to be compiled."""

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        a = self.n * 2 + 1
        b = other.n * 2 + 1
        if a < 0 or b < 0 or a == 7 and b == 9:
            return a > b
        c = a * 2 + b - 3
        if c == 99 and a == 11 or c == -1:
            return NotImplemented
        if c == 1_000_000:
            raise ValueError(c)
        return a < b


def numbers(count, step=7919, modulus=10007):
    return [i * step % modulus for i in range(count)]


for _ in range(3):
    items = [Ordered(n) for n in numbers(3000)]
    items.sort()
    print([item.n for item in items[:3]], [item.n for item in items[-3:]])

# Other types than those that were seen, and exceptions.
items = [Ordered(n + 0.5) for n in numbers(2000)]
print(min(items).n, max(items, key=lambda item: item.n * 2 if item.n > 3 else item.n * 2 + 0).n)
try:
    sorted([Ordered(n) for n in numbers(300)] + [Ordered("x")])
except TypeError as error:
    print("TypeError", str(error)[:30])
try:
    sorted([Ordered(n) for n in numbers(300)] + [Ordered(166_668), Ordered(166_666)])
except ValueError as error:
    print("ValueError", error)


# A closure and its cells.
def make_key(weights):
    total = 0

    def key(n):
        nonlocal total
        total += 1
        a = n * weights[0] + weights[1]
        b = a * 3 - n if a > 50 else a + n
        c = a * b if b % 2 else a + b
        return (a + b + c) % 1013

    return key, lambda: total


key, count = make_key([3, 4])
for _ in range(5):
    ordered = sorted(numbers(500), key=key)
print(ordered[:5], count())
print(functools.reduce(lambda a, b: (a * 31 + b * 7 + (a ^ b) + (a | b) - (a & b) + a % 7 + b % 5) % 1_000_003, range(5000)))


# A generator that a native function resumes: each item is a way from one `yield` to the next.
def walk(n):
    a, b, c = 1, 2, 3
    for i in range(n):
        a = (a * 31 + b) % 1009
        b = (b * 17 + c) % 1013
        c = (c + a - b + i) % 1019
        if a > b:
            a, b = b, a
        elif c > 500:
            c -= a % 3
        yield a + b + c
    return a


print(sum(walk(3000)), max(walk(3000)), len(set(walk(3000))), list(walk(5)))


def delegate(n):
    last = yield from walk(n)
    yield last


print(sum(delegate(2000)), list(delegate(3)))


# Frames whose variables are looked at from outside.
def watched(n):
    a = n + 1
    b = a * 2
    c = b - n
    if n % 100 == 50:
        frame = sys._getframe()
        frame.f_locals["a"] = -1
        return frame.f_locals["a"] + frame.f_locals["b"], a
    d = a + b + c
    e = d * 2 - a
    return (a + b + c + d + e) % 1000, a


print(sum(x + y for x, y in map(watched, range(3000))))


# Coroutines: tasks resume them.
async def leaf(n, log):
    a = n * 3 + 1
    b = a % 7
    if b == 3:
        await asyncio.sleep(0)
    c = a * b + n
    if c == 77:
        raise LookupError(c)
    log.append(c)
    return a + b + c


async def node(depth, log):
    if depth == 0:
        return await leaf(len(log), log)
    results = await asyncio.gather(*[node(depth - 1, log) for _ in range(4)], return_exceptions=True)
    return sum(result for result in results if isinstance(result, int))


for _ in range(3):
    log = []
    print(asyncio.run(node(4, log)), len(log))


async def ticks(n):
    a = b = 1
    for i in range(n):
        a, b = b, (a + b) % 1_000_007
        if i % 3 == 0:
            await asyncio.sleep(0)
        yield a


async def consume():
    return sum([x async for x in ticks(1500)])


print(asyncio.run(consume()))


# Recursion through native code.
def nested(n):
    if n == 0:
        return [0]
    a = n * 2
    b = a - n
    c = a + b if a > b else a - b
    inner = list(map(nested, [n - 1]))
    return [a + b + c, *inner[0][:2]]


print([sum(nested(n % 20)) for n in range(400)][-5:])
