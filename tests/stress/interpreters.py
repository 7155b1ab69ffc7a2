"""Interpreters come and go while others collect: what dies is finalized in the interpreter it belongs to, or not at all."""

import _interpreters
import gc
import sys
from concurrent import interpreters
from stress import main, pause

modules = sys.modules


class Mine:
    def __del__(self):
        assert sys.modules is modules and _interpreters.get_current()[0] == 0


#: Run in other interpreters. They have a list of what was wrong.
LITTER = """if True:
    import _interpreters, gc, weakref
    me = _interpreters.get_current()[0]

    def check(what):
        if _interpreters.get_current()[0] != me:
            wrong.append(what)

    class Finalized:
        def __del__(self):
            check("finalizer")

    def generator():
        try:
            yield
        finally:
            check("generator")

    for i in range(50):
        thing, other, running = Finalized(), Finalized(), generator()
        thing.thing, other.other = thing, other
        refs.append(weakref.ref(other, lambda ref: check("callback")))
        next(running)
        del thing, other, running
    assert not wrong, wrong
"""


def another(rng):
    """An interpreter that others collect the garbage of, from its beginning to its end."""
    interpreter = interpreters.create()
    interpreter.exec("wrong, refs = [], []")
    for _ in range(rng.randrange(4)):
        interpreter.exec(LITTER)
        pause(rng)
    if rng.random() < 0.3:
        interpreter.exec("import gc; gc.collect()" if rng.random() < 0.5 else "import sys; sys.setrecursionlimit(200)")
    interpreter.close()


def mine(rng):
    """Garbage of the main interpreter, which the others may find."""
    for _ in range(20):
        thing = Mine()
        thing.thing = thing
    pause(rng)
    assert sys.getrecursionlimit() == 1000


def collect(rng):
    gc.collect(rng.choice((0, 2)))
    pause(rng)


main(another, mine, collect)
