"""What the tracers watch: recursion, generators, coroutines, exceptions, threads, all in known numbers."""

import threading


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def numbers(n):
    for i in range(n):
        yield i


def delegating(n):
    yield from numbers(n)


async def answer():
    return 42


async def ask():
    return await answer()


def fails(depth):
    if depth == 0:
        raise ValueError("deep")
    fails(depth - 1)


def survives():
    try:
        fails(3)
    except ValueError:
        return True


class Counter:
    def __init__(self):
        self.n = 0

    def __add__(self, other):
        self.n += other
        return self

    @property
    def value(self):
        return self.n


def in_thread(rounds):
    for _ in range(rounds):
        leaf()


def leaf():
    pass


def never_started():
    yield


def abandoned():
    try:
        yield 1
    finally:
        leaf()


def traced():
    fib(10)
    sum(numbers(5))
    list(delegating(3))
    never_started()
    g = abandoned()
    next(g)
    g.close()
    thrown = numbers(3)
    next(thrown)
    try:
        thrown.throw(KeyError("thrown"))
    except KeyError:
        pass
    for _ in range(4):
        try:
            ask().send(None)
        except StopIteration:
            pass
    for _ in range(6):
        survives()
    counter = Counter()
    for i in range(50):
        counter = counter + i
        counter.value
    sorted(range(20), key=lambda x: -x)
    threads = [threading.Thread(target=in_thread, args=(1000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 1225


traced()
