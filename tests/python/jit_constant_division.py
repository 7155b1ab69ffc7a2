# Division of ints by constants in hot loops: machine code multiplies instead.

NUMBERS = [0, 1, 2, 3, 6, 7, 9, 10, 99, 100, 101, 4095, 4096, 4097, 2**31 - 1, 2**31, 2**32 + 1, 10**12, 2**47 - 1, 2**47, 2**48 - 1]
NUMBERS += [-n for n in NUMBERS] + [-(2**48), 2**48, 2**60, -(2**60), True]
DIVISORS = [1, 2, 3, 5, 7, 8, 10, 60, 100, 641, 1000, 1024, 65537, 1_000_003, 2**31 - 1, 2**32, 2**40 + 1, 2**47 - 1, 2**47, 2**48 - 1, 2**50, -1, -3, -8]

# A function for each, so that the divisor is a constant of its code.
SOURCE = """
def quotients(numbers):
    found = []
    for _ in range(40):
        found = [(n // {d}, n % {d}) for n in numbers]
    return found
"""


def expected(numbers, d):
    return [divmod(n, d) for n in numbers]


wrong = 0
for d in DIVISORS:
    space = {}
    exec(SOURCE.format(d=d), space)
    for _ in range(20):
        found = space["quotients"](NUMBERS)
    wrong += found != expected(NUMBERS, d)
    for (q, r), n in zip(found, NUMBERS):
        wrong += q * d + r != n or (r != 0 and (r < 0) != (d < 0)) or abs(r) >= abs(d)
print("wrong:", wrong)


def digits(n):
    """A chain of divisions, as numbers are written."""
    text = ""
    while n:
        text = "0123456789"[n % 10] + text
        n //= 10
    return text


print([digits(n) for n in (7, 1234567890, 2**48 - 1, 2**47)], all(digits(n) == str(n) for n in range(1, 3000)))
