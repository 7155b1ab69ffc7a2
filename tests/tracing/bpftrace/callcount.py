"""Calls of known number: recursion, a generator, methods, a function left by exceptions."""


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def numbers(n):
    for i in range(n):
        yield i


class Point:
    def __init__(self, x):
        self.x = x

    def double(self):
        return self.x * 2


def failing():
    raise ValueError


fib(10)
list(numbers(4))
for i in range(25):
    Point(i).double()
for i in range(3):
    try:
        failing()
    except ValueError:
        pass
