"""A thread waits for a lock that another one holds for 60 ms."""

import threading
import time

lock = threading.Lock()
held = threading.Event()


def holder():
    with lock:
        held.set()
        time.sleep(0.06)


def waiter():
    with lock:
        pass


threads = [threading.Thread(target=holder), threading.Thread(target=waiter)]
threads[0].start()
held.wait()
threads[1].start()
for thread in threads:
    thread.join()
