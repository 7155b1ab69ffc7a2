"""Calls of known number and duration, for `pystats trace`.

Each function's durations are told by sleeping, each number by a loop. expectations are in pystats_trace.py.
"""

import threading
import time


def recursive(n):
    if n == 0:
        time.sleep(0.03)
    else:
        recursive(n - 1)


def leaf():
    time.sleep(0.02)


def caller():
    leaf()
    leaf()
    time.sleep(0.03)


def numbers(n):
    for i in range(n):
        time.sleep(0.005)
        yield i


async def step(n):
    return n


async def coroutine():
    for i in range(7):
        await step(i)


def passing():
    raising()


def raising():
    raise LookupError


def hot():
    pass


def worker(n):
    for i in range(n):
        hot()


def run(awaitable):
    try:
        awaitable.send(None)
    except StopIteration:
        pass


for i in range(3):
    caller()
recursive(9)
list(numbers(4))
run(coroutine())
for i in range(5):
    try:
        passing()
    except LookupError:
        pass
threads = [threading.Thread(target=worker, args=(2000,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
