"""Builtins of generator expressions: sum, min, max, sorted, join."""
import sys
import traceback
from fractions import Fraction


def sums(n):
    print(sum(x for x in range(n)), sum(x * 0.1 for x in range(n)), sum(x for x in ()), sum(x > 3 for x in range(n)))
    print(sum(1 << 45 + x % 20 for x in range(n)), sum(-x for x in range(n)))
    print(sum(x if x % 7 else x / 3 for x in range(n)), sum(0.1 if x < n // 2 else True for x in range(n)))
    print(sum(1e100 if x % 2 else -1e100 if x else 1.0 for x in range(n)))
    print(sum(float("inf") for x in range(n)), sum(Fraction(1, 3) if x % 5 == 0 else x for x in range(n)))
    print(sum(complex(x, 1) for x in range(n)), sum(complex(1, 1) if x % 2 else x for x in range(n)))
    print(sum(x for x in [10**30] * n), sum(x for x in [2**63, 0.5, 0.25]))


class Odd:
    def __init__(self, v):
        self.v = v

    def __radd__(self, other):
        return Odd(other + self.v)

    def __add__(self, other):
        return Odd(self.v + (other.v if isinstance(other, Odd) else other))

    def __lt__(self, other):
        return self.v < other.v

    def __gt__(self, other):
        return self.v > other.v

    def __repr__(self):
        return f"Odd({self.v})"


def extremes(n):
    print(min(x * x - 30 * x for x in range(n)), max(x % 17 for x in range(n)), min(-x / 3 for x in range(n)))
    print(min(str(x) for x in range(n)), max(str(x) for x in range(n)), max((x % 5, x) for x in range(n)))
    print(min(Odd(x % 13) for x in range(n)), max(Odd(x) for x in range(n)), sum(Odd(x) for x in range(n)))
    first = [1, 1.0, True]
    print(repr(min(x for x in first)), repr(max(x for x in first)), repr(min(x for x in (float("nan"), 1.0))))


def sequences(n):
    print(sorted(x * 7 % 11 for x in range(n))[:20], sorted(str(x) for x in range(n))[:5])
    print("".join(str(x) for x in range(n))[:30], ", ".join(c for c in "abc"), "-".join(x for x in ()))


def errors():
    def show(f):
        try:
            print("no error:", f())
        except Exception as e:
            print(type(e).__name__, e, [entry.name for entry in traceback.extract_tb(e.__traceback__)])

    show(lambda: min(x for x in ()))
    show(lambda: max(x for x in []))
    show(lambda: sum(x for x in ["a"]))
    show(lambda: sum(x for x in [1, None]))
    show(lambda: min(x for x in [1, "a"]))
    show(lambda: sorted(x for x in [1, "a"]))
    show(lambda: "".join(x for x in ["a", 1]))
    show(lambda: sum(1 / x for x in (2, 1, 0)))
    show(lambda: max(1 / x for x in (2, 1, 0)))
    show(lambda: sum(x for x in 5))
    show(lambda: "".join(x for x in 5))


def rebound():
    def run(sum, min, max, sorted):
        return sum(x for x in range(3)), min(x for x in range(3)), max(x for x in range(3)), sorted(x for x in range(3))

    print(run(list, tuple, set, lambda g: [g.__name__, *g]))
    print(run(sum, max, min, sorted))


def frames():
    def depth():
        frame, names = sys._getframe(1), []
        while frame and frame.f_code.co_name != "<module>":
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    print(sum([len(depth()) for _ in range(1)]), min(depth() for _ in range(2)))
    print(sum(len(depth()) for _ in range(30)), max(len(depth()) for _ in range(30)))


async def with_await(n):
    async def value(x):
        return x

    return sum([await value(x) for x in range(n)])


def in_generator(n):
    for i in range(n):
        yield sum(x + i for x in range(i)), min(x - i for x in range(i + 1)), "".join(chr(97 + x) for x in range(i % 5))


def nested(n):
    print(sum(sum(x * y for x in range(y)) for y in range(n)), max(min(x ^ y for x in range(1, 9)) for y in range(n)))


for n in (1, 20, 300):
    sums(n)
    extremes(n)
    sequences(n)
    nested(n)
errors()
rebound()
frames()
print(list(in_generator(12)))
coroutine = with_await(10)
try:
    coroutine.send(None)
except StopIteration as e:
    print(e.value)


async def asynchronous(which):
    async def items():
        yield 1

    if which == 0:
        return all(x async for x in items())
    if which == 1:
        return sum(x async for x in items())
    return list(x async for x in items())


for which in range(3):
    try:
        asynchronous(which).send(None)
    except TypeError as e:
        print(e)

import dis
print([i.argrepr for i in dis.get_instructions(lambda s: (sum(x for x in s), min(x for x in s))) if i.opname == "LOAD_COMMON_CONSTANT"] in (
    [], ["sum", "min", "min"], ["<built-in function sum>", "<built-in function min>", "<built-in function min>"]))
