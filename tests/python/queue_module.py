# _queue.SimpleQueue, and queue on top of threads.
import gc
import queue
import threading
import time
import weakref


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


q = queue.SimpleQueue()
print(q.empty(), q.qsize(), attempt(q.get_nowait), attempt(lambda: q.get(timeout=0.01)), attempt(lambda: q.get(False)))
for i in range(1000):
    q.put(i)
print([q.get() for _ in range(1000)] == list(range(1000)), q.empty())
q.put_nowait("a")
q.put("b", block=False, timeout=3)
print(q.qsize(), q.get(block=True, timeout=5), q.get(False, -1))
print(attempt(lambda: q.get(timeout=-1)), attempt(lambda: queue.SimpleQueue(1)))
print(queue.SimpleQueue[int], queue.Empty.__module__)

done = queue.SimpleQueue()
work = queue.SimpleQueue()


def worker():
    total = 0
    while (item := work.get()) is not None:
        total += item
    done.put(total)


threads = [threading.Thread(target=worker) for _ in range(4)]
for t in threads:
    t.start()
for i in range(5000):
    work.put(i)
for _ in threads:
    work.put(None)
for t in threads:
    t.join()
print(sum(done.get() for _ in threads) == sum(range(5000)))

start = time.monotonic()
threading.Timer(0.05, q.put, ["late"]).start()
print(q.get(timeout=10), time.monotonic() - start < 5)


class Item:
    def __del__(self):
        q.put("from a finalizer")


def lose():
    item = Item()
    item.itself = item


lose()
gc.collect()
print(q.get(timeout=5))
ref = weakref.ref(q)
print(ref() is q)

bounded = queue.Queue(2)
bounded.put(1)
bounded.put(2)
print(attempt(lambda: bounded.put(3, timeout=0.01)), bounded.get(), bounded.full())
last = queue.LifoQueue()
last.put(1)
last.put(2)
first = queue.PriorityQueue()
first.put(2)
first.put(1)
print(last.get(), first.get())
