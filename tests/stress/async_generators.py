"""Async generators and coroutines: shared ones that threads step by hand, and event loops in several threads."""

import asyncio
import gc
import warnings
from stress import main, pause

warnings.simplefilter("ignore")


async def numbers(n):
    try:
        for i in range(n):
            yield i
    finally:
        pass


class Later:
    def __await__(self):
        yield
        return 1


async def slow(n):
    for i in range(n):
        await Later()
        yield i


shared = []


def step(rng):
    """asend, athrow and aclose of one async generator by several threads: each ends in a value or a documented error."""
    while len(shared) < 4:
        shared.append(rng.choice((numbers, slow))(rng.randrange(1, 30)))
    try:
        g = shared[rng.randrange(len(shared))]
    except IndexError:
        return
    what = rng.randrange(8)
    awaitable = g.asend(None) if what < 6 else g.athrow(KeyError("thrown")) if what == 6 else g.aclose()
    try:
        for _ in range(50):
            awaitable.send(None)
            g.ag_running, g.ag_frame, g.ag_await
            pause(rng)
            if rng.random() < 0.1:
                awaitable.close()
                return
    except StopIteration as end:
        assert end.value is None or isinstance(end.value, int)
    except (StopAsyncIteration, KeyError, GeneratorExit):
        try:
            shared.remove(g)
        except ValueError:
            pass
    except (RuntimeError, ValueError) as error:
        assert any(text in str(error) for text in ("already", "ignored GeneratorExit", "non-None")), error


def drive(rng):
    """A coroutine that several threads send to."""
    async def total(n):
        return sum([await Later() for _ in range(n)])

    n = rng.randrange(1, 20)
    c = total(n)
    steps = 0
    try:
        while True:
            c.send(None)
            steps += 1
            c.cr_await, c.cr_frame, c.cr_running
    except StopIteration as end:
        assert end.value == steps == n


def loops(rng):
    """An event loop in this thread: tasks, queues, cancellation, async generators left half way."""
    async def producer(queue, n):
        async for i in numbers(n):
            await queue.put(i)
        await queue.put(None)

    async def consumer(queue):
        seen = []
        while (item := await queue.get()) is not None:
            seen.append(item)
        return seen

    async def whole():
        queue = asyncio.Queue(3)
        n = rng.randrange(1, 40)
        _, seen = await asyncio.gather(producer(queue, n), consumer(queue))
        assert seen == list(range(n)), seen
        async for i in numbers(10):
            if i == 3:
                break
        task = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    asyncio.run(whole())


def drop(rng):
    """Awaitables that nobody awaits."""
    g = numbers(3)
    g.asend(None), g.athrow(ValueError), g.aclose()
    if rng.random() < 0.05:
        gc.collect()


main(step, drive, loops, drop)
