# gc: what dies, what is told of it, and looking at objects.
import gc
import sys
import threading
import weakref


class Node:
    def __init__(self, name=None):
        self.name = name

    def __del__(self):
        if self.name == "at exit":
            print("finalized", self.name)
        else:
            finalized.append(self.name)


class Plain:
    pass


def elsewhere(f):
    """Calls f in a thread: when that has ended, nothing is left of what f had on its stack."""
    results = []
    thread = threading.Thread(target=lambda: results.append(f()))
    thread.start()
    thread.join()
    return results[0]


def make_cycle(cls, *args):
    node = cls(*args)
    node.itself = node
    return weakref.ref(node)


def cycle(cls, *args):
    return elsewhere(lambda: make_cycle(cls, *args))


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


# What a collection of its own accord finds is not counted, and this mode makes many.
counts_all = "gcstress" not in sys._xoptions

gc.collect()
r = cycle(Plain)
found = gc.collect()
print(r(), found >= 1 or not counts_all)
finalized = []
cycle(Node, "a")
gc.collect()
print(finalized)

print("-- resurrection")
saved = []


class Lazarus:
    def __del__(self):
        saved.append(self)


cycle(Lazarus)
gc.collect()
print(len(saved), gc.is_finalized(saved[0]), gc.is_finalized(r), gc.is_finalized(3))


def let_go():
    ref = weakref.ref(saved[0])
    saved.clear()
    return ref


ref = elsewhere(let_go)
gc.collect()
print(len(saved), ref())

print("-- weak references with callbacks")
log = []


def watched():
    node = Plain()
    node.itself = node
    return weakref.ref(node, lambda ref: log.append(ref()))


w = elsewhere(watched)
gc.collect()
print(log, w())

print("-- errors in finalizers are told of")


class Broken:
    def __del__(self):
        raise ValueError("in __del__")


sys.unraisablehook = lambda args: print("unraisable", type(args.exc_value).__name__, args.exc_value)
cycle(Broken)
gc.collect()
sys.unraisablehook = sys.__unraisablehook__

print("-- callbacks")
phases = []
gc.callbacks.append(lambda phase, info: phases.append((phase, info["generation"], sorted(info))))
gc.collect(0)
gc.collect()
gc.callbacks.clear()
print(phases[0], phases[-1], len(phases) % 2)

print("-- settings")
print(gc.isenabled(), gc.disable(), gc.isenabled(), gc.enable(), gc.isenabled())
old = gc.get_threshold()
gc.set_threshold(500, 20)
print(gc.get_threshold(), gc.set_threshold(*old), gc.get_threshold() == old)
print(len(gc.get_count()), [sorted(s) for s in gc.get_stats()] == [["collected", "collections", "uncollectable"]] * 3, gc.garbage)
gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
print(gc.get_debug(), gc.set_debug(0), gc.DEBUG_LEAK == gc.DEBUG_COLLECTABLE | gc.DEBUG_UNCOLLECTABLE | gc.DEBUG_SAVEALL)
for f in (lambda: gc.collect(5), lambda: gc.collect(-1), lambda: gc.collect("a"), lambda: gc.get_objects(7), lambda: gc.get_objects(-2),
          lambda: gc.set_threshold("a"), lambda: gc.set_threshold()):
    print(attempt(f).split(":")[0])

print("-- looking at objects")
target = ["target"]
holder = {"key": target}
container = Plain()
container.attribute = target
print(any(x is target for x in gc.get_objects()), sum(x is holder for x in gc.get_referrers(target)), any(x is container for x in gc.get_referrers(target)))
print(gc.get_referents(holder), gc.get_referents((1, 2), [3]), gc.get_referents(1, "a"), any(x is target for x in gc.get_referents(container)))
print([gc.is_tracked(x) for x in (1, 1.5, "a", b"b", None, object(), int, (), (1, "a"), (1, []))], [gc.is_tracked(x) for x in ([], {}, Plain(), Plain, set(), gc, print)])
gc.freeze()
print(gc.get_freeze_count() > 0, gc.unfreeze(), gc.get_freeze_count())

print("-- counted and saved")


def garbage_of(make):
    """How much of what `make` leaves behind is garbage."""
    gc.collect()
    make()
    return gc.collect()


def cycles():
    for _ in range(100):
        item = []
        item.append(item)


def no_cycles():
    for _ in range(100):
        [[], {"key": []}, (lambda: None,)]


# A few may be kept by what is left on the stack.
print(90 < garbage_of(cycles) <= 100 or not counts_all, garbage_of(no_cycles) < 10)
gc.set_debug(gc.DEBUG_SAVEALL)
saved = garbage_of(cycles)
print(90 < saved <= 110 or not counts_all, len(gc.garbage) >= saved and all(x[0] is x for x in gc.garbage))
gc.set_debug(0)
gc.garbage.clear()
print(gc.collect() > 90 or not counts_all)
# Young collections may happen by themselves, but not that many.
young, middle = gc.get_count()[1:]
print(young < 10, middle)
gc.collect(0)
after, middle = gc.get_count()[1:]
print(after > young, middle)
gc.collect(1)
young, middle = gc.get_count()[1:]
print(young < 10, middle)

print("-- when")
gc.collect()
before = gc.get_stats()[0]["collections"]
old = gc.get_threshold()
gc.set_threshold(100)
kept = [[] for _ in range(20000)]
print(gc.get_stats()[0]["collections"] > before)
gc.set_threshold(*old)

print("-- many threads that make garbage")
counts = []


class Counted:
    def __del__(self):
        counts.append(1)


def make_garbage():
    for _ in range(500):
        make_cycle(Counted)
        [Plain() for _ in range(20)]


threads = [threading.Thread(target=make_garbage) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
gc.collect()
gc.collect()
print(len(counts))

print("-- the end of the program")
left = Node("at exit")
