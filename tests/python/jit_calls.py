"""Hot loops that call functions: inlined frames, exceptions out of them, tracebacks, frames that are looked at."""

import sys
import traceback


def add(a, b):
    return a + b


def twice(f, x):
    return f(x, x)


def calls(n):
    total = 0
    for i in range(n):
        total = add(total, twice(add, i))
    return total


def inner(x, limit):
    if x == limit:
        raise ValueError(x)
    return x


def middle(x, limit):
    y = inner(x, limit)
    return y + 1


def raises(n, limit):
    total = 0
    for i in range(n):
        total += middle(i, limit)
    return total


def catches(n):
    caught = 0
    for i in range(n):
        try:
            middle(i % 5, 3)
        except ValueError as e:
            caught += e.args[0]
        finally:
            caught += 1
    return caught


def depth():
    frame = sys._getframe()
    count = 0
    while frame:
        frame = frame.f_back
        count += 1
    return count


def looks(n):
    seen = set()
    for i in range(n):
        seen.add(depth())
    return len(seen)


def caller_line():
    return sys._getframe(1).f_lineno - sys._getframe(1).f_code.co_firstlineno


def lines(n):
    seen = {}
    for i in range(n):
        a = caller_line()
        if i % 3 == 0:
            b = caller_line()
        else:
            b = 0
        seen[a, b] = seen.get((a, b), 0) + 1
    return seen


def poke(name, value):
    sys._getframe(1).f_locals[name] = value


def changed_from_outside(n):
    x = 0
    for i in range(n):
        x += 1
        if i == n - 10:
            poke("x", 1000)
    return x


def overflow_inside(n):
    def grow(x):
        return x * 2

    x = 1
    for i in range(n):
        x = grow(x)
    return x


def defaults(a, b=2, *rest, c=3, **more):
    return a + b + c + len(rest) + len(more)


def binding(n):
    total = 0
    for i in range(n):
        total += defaults(i) + defaults(i, 1, 2, 3) + defaults(i, c=1) + defaults(i, x=1, y=2)
    return total


class Counter:
    def __init__(self, start):
        self.value = start
        self.steps = 0

    def step(self, by):
        self.value += by
        self.steps = self.steps + 1
        return self

    @property
    def double(self):
        return self.value * 2

    @classmethod
    def make(cls, x):
        return cls(x)

    @staticmethod
    def plus(a, b):
        return a + b

    def __add__(self, other):
        return Counter(self.value + other.value)

    def __getitem__(self, i):
        return self.value + i

    def __call__(self, x):
        return x - 1

    def __bool__(self):
        return self.value % 2 == 0


class Bad:
    def __init__(self, x):
        if x > 150:
            raise KeyError(x)
        return 5 if x == 140 else None


def methods(n):
    c = Counter(0)
    total = 0
    for i in range(n):
        c.step(i).step(1)
        total += c.double + Counter.plus(i, 1) + (c + c)[i] + c(i)
        if c:
            total += 1
        total += Counter.make(i).value
    return total, c.value, c.steps


def bad_inits(n):
    out = []
    for i in range(n):
        try:
            Bad(i)
        except (KeyError, TypeError) as e:
            if len(out) < 3:
                out.append(repr(e))
    return out


def closures(n):
    total = 0

    def bump(k):
        nonlocal total
        total += k

    for i in range(n):
        bump(i)
    return total


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def recursion(n):
    total = 0
    for i in range(n):
        total += fib(i % 9)
    return total


def endless(n):
    return endless(n + 1)


def too_deep(n):
    caught = 0
    for i in range(n):
        try:
            endless(0)
        except RecursionError:
            caught += 1
    return caught


def replaced(n):
    global add
    total = 0
    original = add
    for i in range(n):
        total = add(total, i)
        if i == n // 2:
            add = lambda a, b: a - b
    add = original
    return total


def redefined(n):
    class A:
        x = 1

        def f(self):
            return 1

    a = A()
    total = 0
    for i in range(n):
        total += a.f() + a.x
        if i == n - 30:
            A.f = lambda self: 10
        if i == n - 20:
            A.x = 100
        if i == n - 10:
            a.x = 1000
    return total


print(calls(300))
try:
    raises(300, 250)
except ValueError as e:
    print([(f.name, f.lineno) for f in traceback.extract_tb(e.__traceback__)], e)
print(catches(300))
print(looks(200))
print(lines(200))
print(changed_from_outside(200))
print(overflow_inside(200))
print(binding(200))
print(methods(200))
print(bad_inits(200))
print(closures(200))
print(recursion(200))
print(too_deep(30))
print(replaced(200))
print(redefined(200))
