"""Counting that threads switch on and off while others work, start and end: numbers only grow, reports can be read."""

import os
import sys
import tempfile
import threading
from stress import DISTURBERS, disturb_statistics, main, pause

folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)


def work(rng):
    total = 0
    for i in range(rng.randrange(1, 300)):
        total += len([i]) + abs(-i)
    assert total >= 0


def switch(rng):
    (sys._stats_on if rng.random() < 0.6 else sys._stats_off)()
    pause(rng)


def clear(rng):
    if rng.random() < 0.1:
        sys._stats_clear()


def dump(rng):
    if rng.random() < 0.02:
        sys._stats_dump()


def come_and_go(rng):
    """Threads that end add what they have counted."""
    threads = [threading.Thread(target=work, args=(rng,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main(work, switch, clear, dump, come_and_go, disturbers=[d for d in DISTURBERS if d is not disturb_statistics])
