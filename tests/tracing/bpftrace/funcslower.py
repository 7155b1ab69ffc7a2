"""Two calls that take longer than 15 ms, among many that do not."""

import time


def work(seconds):
    if seconds:
        time.sleep(seconds)
    return seconds


def both():
    work(0.02)
    work(0)


both()
for i in range(100):
    work(0)
