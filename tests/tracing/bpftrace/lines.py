"""Lines that run a known number of times."""


def count(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += 1
    return total


count(10)
count(2)
