"""Calls of a global function with one argument."""

EXPECTED = 2178309


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def kernel():
    return fib(32)
