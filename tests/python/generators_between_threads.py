"""Generators and coroutines that one thread makes and others resume, many of the same code at a time, each with objects of other classes."""
import gc
import sys
import threading


class A:
    def __init__(self):
        self.x = 1

    def f(self):
        return 1


class B:
    def __init__(self):
        self.a = self.b = self.c = 5
        self.x = 10

    def f(self):
        return 10


class C:
    f = staticmethod(lambda: 100)

    def __init__(self):
        self.p = self.x = 100


SOURCE = """
def generator(objects):
    n = 0
    while True:
        o = objects[n % len(objects)]
        n += 1
        yield o.x + o.f() + o.x + o.f() + o.x + o.f() + o.x + o.f()

class Pause:
    def __await__(self):
        yield from (None,)

async def coroutine(objects):
    total = 0
    for _ in range(40):
        for o in objects:
            await Pause()
            total += o.x + o.f()
    return total
"""


def take(generator, wanted):
    for _ in range(120):
        if next(generator) not in wanted:
            wrong.append(wanted)


def run(coroutine, wanted):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        if stop.value != wanted:
            wrong.append((stop.value, wanted))


def worker(number):
    while True:
        barrier.wait()
        if not jobs[number]:
            return
        for function, *arguments in jobs[number]:
            function(*arguments)
        barrier.wait()


wrong = []
jobs = [[] for _ in range(3)]
barrier = threading.Barrier(3)
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=worker, args=(n,)) for n in (0, 1)]
for t in threads:
    t.start()
for _ in range(150):
    namespace = {}
    exec(SOURCE, namespace)
    generator, coroutine = namespace["generator"], namespace["coroutine"]
    jobs[0] = [(take, generator([A()]), {8}), (run, coroutine([A()]), 80)]
    jobs[1] = [(take, generator([B(), C()]), {80, 800}), (run, coroutine([B(), A()]), 880)]
    jobs[2] = [(take, generator([C()]), {800}), (run, coroutine([C(), C()]), 16000)]
    barrier.wait()
    for function, *arguments in jobs[2]:
        function(*arguments)
    barrier.wait()
jobs[0] = jobs[1] = []
barrier.wait()
for t in threads:
    t.join()
print("wrong:", wrong)


# What was suspended by threads that are over, of which there were many, goes on: line, exception and value.
def steps(n):
    total = 0
    try:
        while True:
            total += yield total
    except KeyError as error:
        yield error.__traceback__.tb_lineno - error.__traceback__.tb_frame.f_code.co_firstlineno
    yield n, total


def start(n, go):
    g = steps(n)
    next(g)
    for i in range(20):
        g.send(i)
    made.append(g)
    go.wait()


made = []
go = threading.Event()
threads = [threading.Thread(target=start, args=(n, go)) for n in range(60)]
for t in threads:
    t.start()
go.set()
for t in threads:
    t.join()
gc.collect()
print(len(made), {g.gi_frame.f_lineno - steps.__code__.co_firstlineno for g in made})
print({g.send(10) for g in made}, {g.throw(KeyError()) for g in made}, sorted(next(g) for g in made)[::20])
