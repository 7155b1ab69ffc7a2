"""A stream in front of one in Python is finalized in its own interpreter, or not at all when that has ended."""

import gc
import threading
from concurrent import interpreters

SCRIPT = """
import gc, io, sys, threading

class Raw(io.RawIOBase):
    def writable(self):
        return True
    def write(self, b):
        seen.append(len(b))
        return len(b)

seen = []
for n in range(10):
    w = io.BufferedWriter(Raw())
    w.write(b"hello")
    t = io.TextIOWrapper(io.BufferedWriter(Raw()))
    t.write("hello")
    cycle = [w, t]
    cycle.append(cycle)
sys.keep = t
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Raw()))
print("lost")
threading.Thread(target=threading.Event().wait, args=(0.01,)).start()
"""


def one():
    interpreter = interpreters.create()
    interpreter.exec(SCRIPT)
    interpreter.close()


for turn in range(8):
    one()
    if turn % 4 == 3:
        gc.collect()
threads = [threading.Thread(target=one) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
x = None
for i in range(300000):
    x = [x] if i % 100 else None
gc.collect()
gc.collect()

# Here they are flushed.
interpreter = interpreters.create()
interpreter.exec(
    """
import gc, io
class Raw(io.RawIOBase):
    def writable(self):
        return True
    def write(self, b):
        seen.append(bytes(b))
        return len(b)
seen = []
def make(n):
    w = io.BufferedWriter(Raw())
    w.write(b"hello")
    return make(n - 1) if n else None
make(20)
"""
)
gc.collect()
interpreter.exec("gc.collect(); print(len(seen) > 15, set(seen), flush=True)")
interpreter.close()
print("done")
