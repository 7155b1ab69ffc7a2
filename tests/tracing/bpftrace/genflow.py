"""A generator that is run to its end, one that is given up, and a coroutine."""


def full():
    yield 1
    yield 2


def given_up():
    yield 1
    yield 2


class Awaitable:
    def __await__(self):
        yield


async def coroutine():
    await Awaitable()


for _ in full():
    pass
other = given_up()
next(other)
try:
    running = coroutine()
    running.send(None)
    running.send(None)
except StopIteration:
    pass
