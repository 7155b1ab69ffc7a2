"""Weak references, finalizers and resurrection while other threads collect."""

import gc
import threading
import weakref
from stress import main, pause


class Thing:
    def __init__(self, value):
        self.value = value


class Finalized(Thing):
    ended = 0
    lock = threading.Lock()

    def __del__(self):
        with Finalized.lock:
            Finalized.ended += 1


class Phoenix(Thing):
    def __del__(self):
        ashes.append(self)


ashes = []
things = {i: Thing(i) for i in range(50)}
weak_values = weakref.WeakValueDictionary(things)
weak_keys = weakref.WeakKeyDictionary()
weak_members = weakref.WeakSet()


def references(rng):
    """A reference gives its object or None, never another."""
    i = rng.randrange(50)
    thing = things.get(i)
    if thing is not None:
        ref = weakref.ref(thing)
        assert ref() is thing and weakref.ref(thing) is ref and weakref.getweakrefcount(thing) >= 1
        proxy = weakref.proxy(thing)
        assert proxy.value == i
    things[i] = Thing(i)


def callbacks(rng):
    """The callback gets the dead reference, once."""
    heard = []
    thing = Thing(0)
    ref = weakref.ref(thing, heard.append)
    del thing
    if rng.random() < 0.05:
        for _ in range(3):
            gc.collect()
        assert ref() is None or heard == [], heard
    assert len(heard) <= 1 and (not heard or heard[0] is ref)


def mappings(rng):
    i = rng.randrange(50)
    match rng.randrange(6):
        case 0:
            if (thing := things.get(i)) is not None:
                weak_values[i] = thing
        case 1: assert (thing := weak_values.get(i)) is None or thing.value == i
        case 2: assert all(thing.value == key for key, thing in list(weak_values.items()))
        case 3:
            if (thing := things.get(i)) is not None:
                weak_keys[thing] = i
        case 4: assert all(thing.value == n for thing, n in list(weak_keys.items()))
        case 5:
            if (thing := things.get(i)) is not None:
                weak_members.add(thing)
                assert thing in weak_members
            len(weak_members), list(weak_members)


def finalizers(rng):
    for i in range(20):
        Finalized(i)
    cycle = Finalized(0)
    cycle.me = cycle
    if rng.random() < 0.02:
        gc.collect()


def resurrection(rng):
    thing = Phoenix(rng.randrange(9))
    ref = weakref.ref(thing)
    del thing
    if rng.random() < 0.05:
        gc.collect()
    seen = ref()
    assert seen is None or seen.value in range(9)
    while len(ashes) > 20:
        try:
            assert ashes.pop().value in range(9)
        except IndexError:
            break


def finalize(rng):
    """weakref.finalize calls its function once."""
    calls = []
    thing = Thing(1)
    f = weakref.finalize(thing, calls.append, 1)
    if rng.random() < 0.5:
        f()
        f()
        assert calls == [1] and not f.alive
    else:
        f.detach()
    pause(rng)


main(references, callbacks, mappings, finalizers, resurrection, finalize)
