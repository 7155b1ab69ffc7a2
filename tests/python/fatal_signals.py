"""What faulthandler writes of a program that a signal ends: the stacks of all threads, wherever they are."""

import re
import signal
import subprocess
import sys

PROGRAM = """
import faulthandler, os, signal, threading, time
faulthandler.enable(c_stack=False)
waits, runs = threading.Event(), threading.Event()

def sleeper():
    runs.wait()
    time.sleep(100)

def waiter():
    waits.wait()

def inner(x):
    for i in range(1000):
        x = (x + i) % 1007
    return x

def spinner():
    x = inner(0)
    runs.set()
    while True:
        x = inner(x)

def generator():
    yield from (waits.wait() for _ in range(1))

def consumer():
    for _ in generator():
        pass

for f in (sleeper, waiter, spinner, consumer):
    threading.Thread(target=f, daemon=True).start()
runs.wait()
time.sleep(0.3)

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

crash()
"""

ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
print(ended.returncode == -signal.SIGSEGV, ended.stdout)
first, *others = re.split(r"\nThread 0x[0-9a-f]+(?: \[.*\])? \(most recent call first\):\n", ended.stderr)
print(first.split("Stack")[0].strip())
print(re.findall(r"line \d+ in .*", first))
for other in sorted(re.findall(r" in (\S+)", other)[::-1][3:] for other in others):
    print(other[0], "generator" in other, other[-1] if other[0] != "spinner" else other[-1] in ("spinner", "inner"))

# A thread that does not stand still is not waited for long, and who handles the signal itself goes on.
GOES_ON = """
import faulthandler, os, signal, sys, threading
signal.signal(signal.SIGABRT, lambda *_: print("handled", flush=True))
faulthandler.enable(file=open(os.devnull, "w"), c_stack=False)
ready, count = threading.Event(), 0

def spinner():
    global count
    while True:
        count += 1
        ready.set()

threading.Thread(target=spinner, daemon=True).start()
ready.wait()
os.kill(os.getpid(), signal.SIGABRT)
before = count
while count == before:
    pass
print("goes on", flush=True)
"""
ended = subprocess.run([sys.executable, "-c", GOES_ON], capture_output=True, text=True, timeout=60)
print(ended.returncode, ended.stdout.split("\n"), ended.stderr)
