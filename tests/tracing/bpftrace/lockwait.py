"""A thread waits for a lock that another one holds for 60 ms."""

import threading
import time

lock = threading.Lock()
held, waiting = threading.Event(), threading.Event()


def holder():
    with lock:
        held.set()
        waiting.wait()
        time.sleep(0.06)


def waiter():
    held.wait()
    waiting.set()
    with lock:
        pass


threads = [threading.Thread(target=holder), threading.Thread(target=waiter)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
