"""Loops over ranges of several starts and steps, and numbers that a constant takes out of the inline ints."""


def total(numbers):
    result = 0
    for i in numbers:
        result = result * 3 % 1_000_003 + i
    return result


RANGES = [range(300), range(5, 305), range(300, 0, -1), range(0, 900, 3), range(-300, 300, 2), range(300), range(10**15, 10**15 + 300), range(2**62, 2**62 + 50)]
for numbers in RANGES * 3:
    print(numbers, total(numbers))


def nested(n):
    result = 0
    for i in range(n):
        for j in range(i, n, 1 + i % 3):
            result += j
        for j in reversed(range(i)):
            result ^= j
    return result


print(nested(60), nested(61))
EDGE = 2**48


def up(x, n):
    for _ in range(n):
        x += 1
    return x


def up_by_less(x, n):
    for _ in range(n):
        x -= -7
    return x


def down(x, n):
    for _ in range(n):
        x -= 1
    return x


def down_by_more(x, n):
    for _ in range(n):
        x += -7
    return x


for step in up, up_by_less, down, down_by_more:
    for edge in EDGE, -EDGE, EDGE // 2, -EDGE // 2, 2**63, 0:
        print(step.__name__, [step(edge + d, 300) - edge for d in (-600, -299, -1, 0, 1, 299)])
