# Machine code for seconds: machine_code.py.
import signal
import sys
import time


class Point:
    def __init__(self):
        self.x = 0.0

    def move(self, by):
        self.x = self.x * 0.5 + by  # hot
        return self.x


def work(point, rounds):
    total = 0.0
    for i in range(rounds):
        total += point.move(i & 7)  # hot
    return total


point = Point()
if sys.argv[1] == "alarm":
    # Whoever debugs this gets the signals.
    work(point, 100_000)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.1)
    end = time.monotonic() + 30
else:
    end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    work(point, 10_000_000)
