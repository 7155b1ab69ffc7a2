"""Times a kernel: `run.py FILE TIMES` runs it so often and prints the seconds that each run took, one a line.

It needs little of a Python to work: no imports but sys and time.
"""

import sys
import time


def main():
    path, times = sys.argv[1], int(sys.argv[2])
    namespace = {"__name__": "kernel"}
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), namespace)
    kernel, expected = namespace["kernel"], namespace["EXPECTED"]
    for _ in range(times):
        start = time.perf_counter()
        result = kernel()
        seconds = time.perf_counter() - start
        if result != expected:
            sys.exit(f"wrong result: {result!r} instead of {expected!r}")
        print(seconds)


main()
