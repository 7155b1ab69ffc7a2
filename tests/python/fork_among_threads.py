"""A process forks while its threads import, wait for each other, for queues and for locks: the child can do all of that."""
import os
import queue
import sys
import threading
import warnings

warnings.simplefilter("ignore")
stop = False
jobs = queue.SimpleQueue()


def importing():
    while not stop:
        for name in "this_is_no_module", "colorsys", "sched":
            sys.modules.pop(name, None)
            try:
                __import__(name)
            except ImportError:
                pass


def joining():
    while not stop:
        t = threading.Thread(target=lambda: None)
        t.start()
        t.join(0.001)


def waiting():
    while not stop:
        try:
            jobs.get(timeout=0.0001)
        except queue.Empty:
            pass


def warning():
    while not stop:
        with warnings.catch_warnings():
            warnings.warn("again")


def child():
    import bisect
    __import__("fractions")
    mine = queue.SimpleQueue()
    t = threading.Thread(target=lambda: mine.put(jobs.qsize()))
    t.start()
    warnings.warn("from the child")
    return mine.get() == 0 and t.join() is None and bisect is not None


threads = [threading.Thread(target=f) for f in (importing, joining, waiting, warning)]
for t in threads:
    t.start()
ends = set()
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if child() else 1)
    ends.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop = True
for t in threads:
    t.join()
print(ends)
