"""Three calls of a function that takes 20 ms."""

import time


def slow():
    time.sleep(0.02)


def fast():
    pass


for i in range(3):
    slow()
    fast()
