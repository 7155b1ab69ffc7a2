# Attributes that loops store and read again, or only read, while machine code has them in registers: whatever else looks at them or
# changes them has to see, and be seen.
import gc
import signal
import threading
import weakref

N = 3000


class Counter:
    def __init__(self, **values):
        self.__dict__.update(values)


class Plain:
    def __init__(self):
        self.x = 0
        self.y = 1
        self.step = 2
        self.limit = 1 << 40

    def advance(self):
        self.x = self.x + self.step
        return self.x

    def run(self, n):
        for i in range(n):
            self.x += self.step
            self.y = self.x - self.y


class Slots:
    __slots__ = ("x", "y")


# ---- numbers ----


def count(o, n):
    for i in range(n):
        o.x = o.x + 1


def kinds():
    o = Plain()
    count(o, N)
    print(o.x)
    o.x = 0.5
    count(o, N)
    print(o.x)
    o.x = True
    count(o, N)
    print(o.x)
    o.x = (1 << 47) - 100
    count(o, N)
    print(o.x, 1 << 47)
    o.x = 1 << 70
    count(o, N)
    print(o.x)
    o.x = "a"
    try:
        count(o, N)
    except TypeError as e:
        print(e, o.x)


def methods():
    o = Plain()
    o.run(N)
    print(o.x, o.y)
    total = 0
    for i in range(N):
        total += o.advance()
    print(total, o.x)
    s = Slots()
    s.x, s.y = 0, 1
    for i in range(N):
        s.x, s.y = s.y, (s.x + s.y) % 1000003
    print(s.x, s.y)


def mixed_at_both_ends(n):
    o = Plain()
    o.x = 1
    seen = []
    for i in range(n):
        if o.x == 2.5 and len(seen) < 3:
            seen.append(i)
        o.x = o.x + 0.5 if i % 7 else 1
    print(o.x, seen)


def flags(n):
    o = Plain()
    o.x = False
    k = 0
    while k < n:
        if o.x:
            o.y += 2
        o.x = k % 3 == 0
        k += 1
    print(o.x, o.y)


def chain(n):
    nodes = [Plain() for _ in range(10)]
    for i, node in enumerate(nodes):
        node.x, node.y = i, nodes[(i + 3) % 10]
    o = Plain()
    o.x = nodes[0]
    total = 0
    for i in range(n):
        total += o.x.x
        o.x = o.x.y
    print(total, o.x.x)


# ---- one object under two names ----


def two_names(a, b, n):
    for i in range(n):
        a.x = a.x + 1
        b.x = b.x + 2
        a.y = b.x
    return a.x, b.x, a.y


def read_and_write(a, b, n):
    total = 0
    for i in range(n):
        b.x = i
        total += a.x
    return total


def aliases():
    for _ in range(2):
        o, p = Plain(), Plain()
        print(two_names(o, p, N), read_and_write(o, p, N))
        o = Plain()
        print(two_names(o, o, N), read_and_write(o, o, N))
    objects = [Plain() for _ in range(5)]
    first = objects[0]
    for i in range(N):
        objects[i % 5].x += 1
        first.x = first.x + 10
    print([o.x for o in objects])


# ---- variables of closures ----


def closures():
    a = b = 0

    def add(n):
        nonlocal a, b
        for i in range(n):
            a += 1
            b = b + a

    add(N)
    print(a, b)
    a = 0.25
    add(N)
    print(a, b)

    def same_cell():
        def f(n):
            x = y = 0

            def g():
                nonlocal x, y
                for i in range(n):
                    x = x + 1
                    y = y + x
                return x, y

            return g

        g = f(N)
        print(g())
        n, x, y = g.__closure__
        x.cell_contents = 0
        h = type(g)(g.__code__, g.__globals__, closure=(n, x, x))
        print([v.bit_length() for v in h()])

    same_cell()


# ---- lists ----

things = [1, 2, 3]


def lengths(n):
    total = 0
    for i in range(n):
        total += len(things)
    return total


def lists():
    print(lengths(N))
    things.append(4)
    print(lengths(N))
    grown, other = [], things
    total = 0
    for i in range(N):
        grown.append(i)
        total += len(grown) + len(things)
    print(total)
    total = 0
    for i in range(N):
        if len(other) < 50:
            other.append(i)
        total += len(things) + things[-1]
    print(total)
    o = Plain()
    o.x = [0, 0]
    for i in range(N):
        o.x[0] += 1
        o.x[1] = o.x[0] + o.step
    print(o.x)


# ---- what happens in the middle of a round ----


def divide(o, n):
    for i in range(n):
        o.x = o.x + 1
        o.y = 1000 // (n - 10 - i)
        o.step = o.x


def exceptions():
    o = Plain()
    try:
        divide(o, N)
    except ZeroDivisionError as e:
        print(e, o.x, o.y, o.step)


def deleted(o, n, at):
    try:
        for i in range(n):
            o.x = o.x + 1
            if i == at:
                del o.x
    except AttributeError as e:
        print(e, i)


def a_property_meanwhile():
    class C:
        def __init__(self):
            self.x = 0

    def loop(o, n, at):
        total = 0
        for i in range(n):
            if i == at:
                C.x = property(lambda self: 7, lambda self, v: log.append(v))
            total += o.x
            o.x = o.x + 1
        return total

    log = []
    o = C()
    print(loop(o, N, -1), o.x)
    print(loop(o, N, N - 5), o.x, o.__dict__["x"], log)


def a_dict_meanwhile():
    def loop(o, n, at):
        for i in range(n):
            o.x = o.x + 1
            if i == at:
                o.__dict__["x"] = 0
        return o.x

    o = Plain()
    print(loop(o, N, -1))
    print(loop(o, N, N - 5), o.__dict__["x"])


def collected():
    o = Plain()
    o.x = None
    seen = weakref.WeakSet()
    for i in range(N):
        p = Plain()
        p.y = o.x if i % 10 else None
        p.x = i
        if i % 100 == 0:
            seen.add(p)
        o.x = p
    del p
    gc.collect()
    print(o.x.x, len(seen) < 5)
    o.x = None
    gc.collect()
    print(len(seen) < 5)


# ---- others ----


def wait(o):
    k = 0
    while not o.y:
        o.x = o.x + 1
        k += 1
        if k == o.limit:
            o.y = True
    return k == o.x


def others():
    o = Plain()
    for limit in (N, N):
        o.x, o.y, o.limit = 0, False, limit
        print(wait(o))

    # A handler of a signal.
    def handler(number, frame):
        o.y = True

    signal.signal(signal.SIGALRM, handler)
    o.x, o.y, o.limit = 0, False, 1 << 60
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    print(wait(o))

    # A thread that a handler starts.
    def later():
        o.y = True

    timer = threading.Timer(0.05, later)

    def starting(number, frame):
        timer.start()

    signal.signal(signal.SIGALRM, starting)
    o.x, o.y, o.limit = 0, False, 1 << 60
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    print(wait(o))
    timer.join()
    o.x, o.y, o.limit = 0, False, N
    print(wait(o))

    # A thread that was there before, for many loops.
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    for k in range(200):
        o.x, o.y, o.limit = 0, False, 50
        if not wait(o):
            print("wrong")
    o.x, o.y, o.limit = 0, False, 1 << 60
    timer = threading.Timer(0.05, later)
    timer.start()
    print(wait(o))
    timer.join()
    stop.set()
    thread.join()

    # A thread that is started in the loop.
    started = 0
    o.x, o.y = 0, False
    while not o.y:
        o.x += 1
        if o.x == N:
            timer = threading.Timer(0.02, later)
            timer.start()
            started = 1
    timer.join()
    print(started, o.y, o.x >= N)


kinds()
methods()
mixed_at_both_ends(N)
flags(N)
chain(N)
aliases()
closures()
lists()
exceptions()
o = Plain()
deleted(o, N, -1)
deleted(o, N, N - 7)
a_property_meanwhile()
a_dict_meanwhile()
collected()
others()
