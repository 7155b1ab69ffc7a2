"""Threads that all have hot loops of the same functions, and one that changes what the others rely on."""

import threading


def add(a, b):
    return a + b


class Point:
    def __init__(self, x):
        self.x = x

    def move(self, by):
        self.x += by
        return self.x


def work(n, shared, lock):
    p = Point(0)
    total = 0
    own = []
    for i in range(n):
        total = add(total, p.move(1))
        own.append(i)
        shared[i % 8] = i
        if i % 1000 == 0:
            with lock:
                shared[8] += 1
    return total, sum(own)


def run(count, n):
    shared = [0] * 9
    lock = threading.Lock()
    results = []

    def body():
        results.append(work(n, shared, lock))

    threads = [threading.Thread(target=body) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return set(results), len(results), shared[8]


def changes():
    """The main thread gives the class another method while others call it."""

    class A:
        def value(self):
            return 1

    stop = threading.Event()
    started = threading.Barrier(3)
    seen = []

    def body():
        a = A()
        values = set()
        started.wait()
        while not stop.is_set():
            for _ in range(500):
                values.add(a.value())
        values.add(a.value())
        seen.append(values)

    threads = [threading.Thread(target=body) for _ in range(2)]
    for t in threads:
        t.start()
    started.wait()
    for i in range(200):
        A.value = (lambda k: lambda self: k)(i + 2)
    stop.set()
    for t in threads:
        t.join()
    return [max(values) for values in seen], all(v <= {*range(1, 202)} for v in seen)


def generations(n):
    """Many threads one after the other: copies of the code and traces come and go."""
    out = []
    for k in range(n):
        t = threading.Thread(target=lambda: out.append(sum(add(i, k) for i in range(100))))
        t.start()
        t.join()
    return sum(out)


print(run(4, 20000))
print(changes())
print(generations(30))
