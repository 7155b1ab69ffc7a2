import sys as system, os.path as path
from . import a
from ..b import c as d, e
from f import *


def h(y):
    def foo(x):
        """funcdoc"""
        return list(x + z for z in y)
    return foo


def parameters(a, /, b, c=1, *d, e, f=2, **g):
    return a, b, c, d, e, f, g


def unbound(x):
    if x:
        y = 1
    del x
    print(y, x)
    return y


def calls(f, *args, **kwargs):
    f(1, 2, c=5)
    f.method(1, *args)
    f(*args)
    f(1, **kwargs)
    f(a=1, **kwargs, b=2)
    f(x for x in args)
    return any(x for x in args), tuple(y for y in args)


@decorator
@factory(1)
def decorated(): ...


square = lambda x, *, y=2: x ** y


def generator(n):
    x = yield n
    yield from generator(x)


async def coroutine(x):
    return await x


async def asynchronous_generator(x):
    yield [y async for y in x if await y]


def bug1333982(x=[]):
    assert 0, ((s for s in x) +
              1)
    pass


def swap(a, b, c):
    a, b = b, a
    a, b, c = c, a, b
    (a, *b), c = 1, 2
    x = y = z = 3
    x, y = 1, 2
    return x, y, z
