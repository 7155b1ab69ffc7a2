"""Each interpreter has told the collector what it wants for itself, and sees its own objects only."""

import gc
from concurrent import interpreters


def show(*what):
    print(*what, flush=True)


class OfMain:
    pass


here = OfMain()
here.itself = here

show("main", gc.isenabled(), gc.get_threshold(), gc.get_freeze_count())
first, second = interpreters.create(), interpreters.create()
prelude = """
import gc
def show(*what):
    print(*what, flush=True)
def sees(name):
    return any(type(o).__name__ == name for o in gc.get_objects())
"""
first.exec(prelude)
second.exec(prelude)

first.exec("""
show("first", gc.isenabled(), gc.get_freeze_count())
gc.disable()
gc.set_threshold(1234, 5, 6)
gc.freeze()
show("first", gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0)
""")
show("main", gc.isenabled(), gc.get_threshold() == (1234, 5, 6), gc.get_freeze_count())
second.exec('show("second", gc.isenabled(), gc.get_threshold() == (1234, 5, 6), gc.get_freeze_count())')
second.exec("gc.unfreeze()")
first.exec('show("first still", gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0)')

# One's own objects, and nobody else's.
first.exec("""
class OfFirst:
    pass
def keep():
    local = OfFirst()
    return sees("OfFirst"), sees("OfMain"), sees("function")
show("first", *keep())
kept = [OfFirst()]
""")
show("main", *(any(type(o).__name__ == name for o in gc.get_objects()) for name in ("OfMain", "OfFirst", "function")))
second.exec('show("second", sees("OfMain"), sees("OfFirst"), sees("function"))')

# A collection counts for the interpreter that has asked for it, and others hear of none.
def young():
    return gc.get_stats()[0]["collections"]


before = young()
first.exec("""
def numbers():
    return [generation["collections"] for generation in gc.get_stats()]
before = numbers()
for _ in range(200):
    gc.collect(0)
gc.collect()
after = numbers()
show("first", after[0] - before[0] >= 200, after[2] > before[2], all(n < 50 for n in gc.get_count()[1:]))
for _ in range(60):
    gc.collect(0)
show("first", gc.get_count()[1] >= 60)
""")
show("main", young() - before < 200)
fresh = interpreters.create()
fresh.exec('import gc; print("new", gc.get_stats()[0]["collections"] < 200, flush=True)')
fresh.close()

# Off in the main interpreter is off there.
gc.disable()
second.exec('show("second", gc.isenabled())')
third = interpreters.create()
third.exec('import gc; print("third", gc.isenabled(), gc.get_freeze_count(), flush=True)')

# Garbage of all is found, whoever collects and whatever is switched off.
second.exec("""
import weakref
class Node:
    pass
node = Node()
node.itself = node
gone = weakref.ref(node)
del node
gc.collect()
show("second", gone() is None)
gc.disable()
x = None
for i in range(300000):
    x = [x, i] if i % 100 else None
show("second", i)
""")
for interpreter in (first, second, third):
    interpreter.close()
show("main", gc.isenabled(), gc.get_freeze_count())
gc.enable()
show("main", gc.isenabled())
