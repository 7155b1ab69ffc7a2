"""Functions that call themselves in loops that are compiled: each call goes on where all others do."""
import sys


class Node:
    def __init__(self, value, *children):
        self.value = value
        self.children = children
        self.first, self.second = (children + (None, None))[:2]

    def total(self):
        result = self.value
        if self.first is not None:
            result += self.first.total()
        if self.second is not None:
            result += self.second.total()
        return result

    def walk(self, seen, depth=0, *, most=99):
        if depth > most:
            raise LookupError(depth)
        seen.append((depth, self.value))
        for child in self.children:
            child.walk(seen, depth + 1, most=most)

    def __len__(self):
        return 1 + sum(len(child) for child in self.children)

    def __add__(self, other):
        return Node(self.value + other.value, *(a + b for a, b in zip(self.children, other.children)))

    def __iter__(self):
        for child in self.children:
            yield from child
        yield self.value


def tree(depth, value=1):
    if depth == 0:
        return Node(value)
    return Node(value, tree(depth - 1, value * 2), tree(depth - 1, value * 2 + 1))


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def counter():
    calls = 0

    def count(n):
        nonlocal calls
        calls += 1
        return n if n < 2 else count(n - 1) + count(n - 2)

    return count, lambda: calls


def guarded(n, *stops):
    try:
        if n in stops:
            raise ValueError(n)
        return n if n == 0 else guarded(n - 1, *stops) + 1
    except ValueError as e:
        if n % 3:
            raise
        return guarded(e.args[0] - 1, *stops)
    finally:
        steps.append(n)


def depth_at(n):
    if n == 0:
        frame, depth = sys._getframe(), 0
        while frame.f_code is depth_at.__code__:
            frame, depth = frame.f_back, depth + 1
        return depth, frame.f_locals["i"]
    return depth_at(n - 1)


def endless(n):
    return endless(n + 1) + 1


def changing(n):
    return "old" if n == 0 else changing(n - 1)


def changed(n):
    return "new" if n == 0 else old(n - 1)


def run():
    root = tree(5)
    totals, found = set(), set()
    for i in range(200):
        totals.add(root.total())
        seen = []
        try:
            root.walk(seen, most=4 if i % 50 == 7 else 99)
        except LookupError as e:
            found.add((repr(e), len(seen)))
        else:
            found.add((len(seen), sum(d * v for d, v in seen)))
    print(totals, sorted(found, key=repr))
    print({len(root) for i in range(50)}, {(root + root).total() for i in range(50)}, {sum(root) for i in range(50)})
    print([even(i) for i in range(100, 120)], {ackermann(2, i % 4) for i in range(100)})
    count, calls = counter()
    print({count(i % 9) for i in range(200)}, calls())
    results = set()
    for i in range(300):
        steps.clear()
        try:
            results.add((guarded(i % 12, 5, 8), tuple(steps)))
        except ValueError as e:
            results.add((repr(e), tuple(steps)))
    print(sorted(results, key=repr))
    print({depth_at(i % 7)[0] for i in range(200)}, all(depth_at(3)[1] == i for i in range(200)))
    failures = 0
    for i in range(3):
        try:
            endless(i)
        except RecursionError:
            failures += 1
    print(failures)
    answers = []
    global changing
    for i in range(300):
        if i == 200:
            changing = changed
        answers.append(changing(6))
    print(answers.count("old"), answers.count("new"))


steps = []
old = changing
run()
