"""Thread-local attributes die with the thread, with the object, and in a cycle through the object."""
import gc
import threading
import weakref
import _thread


class Thing:
    pass


def collected(ref):
    gc.collect()
    return ref() is None


# A cycle: the attribute refers to the object that has it.
thing = Thing()
thing.local = threading.local()
thing.local.thing = thing
ref = weakref.ref(thing)
del thing
print("cycle:", collected(ref))

# The end of a thread.
local = threading.local()
refs = []


def work():
    local.thing = Thing()
    refs.append(weakref.ref(local.thing))


for _ in range(5):
    t = threading.Thread(target=work)
    t.start()
    t.join()
del t
gc.collect()
print("threads:", sum(r() is None for r in refs) >= 4, hasattr(local, "thing"))


# Each thread runs __init__ for itself, and many objects in one thread do not disturb each other.
class Numbered(threading.local):
    made = 0

    def __init__(self, first):
        type(self).made += 1
        self.number = first


many = [Numbered(i) for i in range(100)]
seen = []


def count():
    for n in many[::10]:
        n.number += 1
    seen.append([n.number for n in many[::10]])


t = threading.Thread(target=count)
t.start()
t.join()
print(seen, [n.number for n in many[:3]], Numbered.made)
del many
gc.collect()
print(Numbered(7).number, Numbered.made)

# The name that the system knows a thread by.
names = []


def tell():
    names.append(_thread._get_name())


for name in ("short", "a name that is too long", "nul\0byte", "é" * 10):
    t = threading.Thread(target=tell, name=name)
    t.start()
    t.join()
print(names)
