"""Exceptions: raised in a callee and caught, a finally, and try blocks that nothing leaves."""

EXPECTED = 1214999100000


class Odd(Exception):
    pass


def check(i):
    if i & 3 == 3:
        raise Odd(i)
    return i


def kernel():
    total = 0
    for i in range(1800000):
        try:
            total += check(i)
        except Odd as error:
            total += error.args[0] & 7
        finally:
            total -= 1
    return total
