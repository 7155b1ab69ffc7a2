"""Two threads, one after the other, that call a function three and five times."""

import threading


def step():
    pass


def worker(n):
    for i in range(n):
        step()


for n in 3, 5:
    thread = threading.Thread(target=worker, args=(n,))
    thread.start()
    thread.join()
