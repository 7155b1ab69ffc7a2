"""A function that sleeps three times, 20 ms each."""

import time


def nap():
    time.sleep(0.02)


for i in range(3):
    nap()
