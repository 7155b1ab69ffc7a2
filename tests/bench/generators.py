"""Generators: a loop over one, one inside another, and a generator expression."""

EXPECTED = 4499998500000


def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1


def odd(values):
    for value in values:
        if value & 1:
            yield value


def chained(n):
    yield from odd(numbers(n))


def kernel():
    total = 0
    for value in chained(3000000):
        total += value
    return total + sum(value * 2 for value in numbers(1500000))
