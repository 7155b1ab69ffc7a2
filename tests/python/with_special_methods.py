"""`with` finds its methods on the class, however often it has run with the same one."""

import threading


def run(manager, times=40):
    for _ in range(times):
        with manager as value:
            pass
    return value


class Plain:
    def __enter__(self):
        return "entered"

    def __exit__(self, *exc):
        return False


plain = Plain()
print(run(plain))

# An attribute of the object itself does not count.
plain.__enter__ = lambda: "own"
print(run(plain))

# A change of the class does, at once.
Plain.__enter__ = lambda self: "changed"
print(run(plain, 1), run(Plain(), 1))


class Base:
    def __enter__(self):
        return "base"

    def __exit__(self, *exc):
        return False


class Derived(Base):
    pass


derived = Derived()
print(run(derived))
Base.__enter__ = lambda self: "base changed"
print(run(derived, 1))
Derived.__enter__ = lambda self: "derived"
print(run(derived, 1))
del Derived.__enter__, Base.__enter__
try:
    run(derived, 1)
except TypeError as e:
    print(e)


# What is no method, or one of another kind.
class Odd:
    __enter__ = staticmethod(lambda: "static")
    __exit__ = classmethod(lambda cls, *exc: print(cls.__name__, [e and e.__name__ for e in exc[:1]]))


print(run(Odd(), 2))


class Asked:
    @property
    def __enter__(self):
        return lambda: "property"

    def __exit__(self, *exc):
        return True


print(run(Asked()))


class Called:
    class Enter:
        def __call__(self, *args):
            return len(args)

    __enter__ = Enter()

    def __exit__(self, *exc):
        return True


print(run(Called()))

# One place, many classes.
managers = [Plain(), Asked(), Called(), threading.Lock(), threading.RLock()]
for _ in range(30):
    seen = [run(manager, 1) for manager in managers]
print(seen)


# An exception gets there, and is swallowed or not.
class Swallows:
    def __enter__(self):
        pass

    def __exit__(self, kind, value, traceback):
        return kind is KeyError


def raises(manager, error):
    with manager:
        raise error


for _ in range(40):
    raises(Swallows(), KeyError())
try:
    raises(Swallows(), ValueError("passes"))
except ValueError as e:
    print(e)

# Locks: free again, whatever has happened in between.
for lock in (threading.Lock(), threading.RLock()):
    for _ in range(40):
        try:
            raises(lock, ValueError())
        except ValueError:
            pass
    print(lock.acquire(False), lock.release())
    with lock:
        print(lock.locked())
    try:
        lock.__exit__(None, None, None)
    except RuntimeError as e:
        print(e)
    try:
        lock.release()
    except RuntimeError as e:
        print(e)


# Held by one thread, wanted by another, before and after there is more than one.
lock = threading.Lock()
counts = [0]


def count(times):
    for _ in range(times):
        with lock:
            counts[0] += 1


count(1000)
lock.acquire()
threads = [threading.Thread(target=count, args=(2000,)) for _ in range(4)]
for thread in threads:
    thread.start()
lock.release()
for thread in threads:
    thread.join()
count(1000)
print(counts, lock.locked())

rlock = threading.RLock()
with rlock:
    with rlock:
        rlock.acquire()
        rlock.release()
    free = []
    thread = threading.Thread(target=lambda: free.append(rlock.acquire(False)))
    thread.start()
    thread.join()
    print(free)
thread = threading.Thread(target=lambda: free.append(rlock.acquire(timeout=5)))
thread.start()
thread.join()
print(free)
try:
    rlock.release()
except RuntimeError as e:
    print(e)
