"""Functions that are not written in Python, called a known number of times."""

import math
import time

for i in range(3):
    math.gcd(12, 18)
time.sleep(0.02)
