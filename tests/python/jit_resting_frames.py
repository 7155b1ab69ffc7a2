"""Frames that native code calls so often that their machine code is compared with the interpreter's way, whichever of them wins."""
from functools import cmp_to_key, reduce


class Key:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        a, b, steps = self.n, other.n, 0
        while steps < 3:
            a, b, steps = a * 3 % 1009, b * 3 % 1009, steps + 1
        if a == b == -1:
            raise ValueError
        return self.n < other.n

    def __eq__(self, other):
        return type(other) is Key and other.n == self.n and (self.n + 1) * 2 - 2 == other.n * 2

    def __hash__(self):
        n = self.n
        return (n ^ n >> 3 ^ n << 2) + (n & 7) * (n | 1) - (n % 5) + (n // 7)


def compare(a, b):
    # Different things in turn: ints, strings, tuples.
    if isinstance(a, int) and isinstance(b, int):
        d = a % 100 - b % 100
        return d if d else a - b
    if isinstance(a, str) and isinstance(b, str):
        return (len(a) > len(b)) - (len(a) < len(b)) or (a > b) - (a < b)
    return compare(str(a), str(b))


def nested(depth):
    # Native code calls it, and it native code that calls it again.
    if depth == 0:
        return 1
    total = 0
    for x in map(nested, (depth - 1, depth - 1)):
        total += x * 2 % 10007 + depth
    return total


def fails(n):
    a = n * 7 + 3
    b = [a, a + 1, a + 2]
    c = b[0] + b[1] * b[2] % 11
    if n % 10 == 9:
        raise KeyError(c)
    return c + sum(b) + len(b) * (a & 3) - (a >> 2) + (c ^ a)


def pairs(n):
    a = b = 1
    for i in range(n):
        a, b = b, (a + b + i) % 100003
        if (a ^ b) & 1:
            yield a * 2 - b
        else:
            yield b * 2 - a


def attempt(n):
    try:
        return list(map(fails, range(n, n + 12)))
    except KeyError as e:
        return e.args


keys = [Key(i * 7919 % 4001) for i in range(4000)]
print([k.n for k in sorted(keys)] == sorted(k.n for k in keys))
print(len({Key(i % 777) for i in range(20000)}))
mixed = [i * 31 % 997 for i in range(800)] + [str(i * 17 % 311) for i in range(800)]
ordered = sorted(mixed, key=cmp_to_key(compare))
print(ordered[:5], ordered[-5:], sum(map(int, ordered)))
print([nested(d) for d in range(13)])
print([attempt(n) for n in (0, 5, 10)], sum(len(attempt(n)) for n in range(3000)))
print(sum(pairs(60000)), reduce(lambda a, b: (a * 31 + b) % 1000003 if b & 1 else (a * 17 - b) % 1000003, range(60000)))
