"""OrderedDict: order and its changes, views, comparison, what happens while one iterates, subclasses, copies, threads."""

import copy
import pickle
import random
import threading
import weakref
from collections import OrderedDict

od = OrderedDict([("a", 1), ("b", 2)], c=3)
od["d"] = 4
od["a"] = 10
print(od, len(od), "b" in od, od["b"], od.get("x", 0))
od.move_to_end("a")
od.move_to_end("c", last=False)
od.move_to_end("c", False)
od.move_to_end("a")
print(list(od), list(reversed(od)), od.keys(), od.values(), od.items())
print(list(reversed(od.keys())), list(reversed(od.values())), list(reversed(od.items())))
print(od.popitem(), od.popitem(last=False), od)
print(od.pop("b"), od.pop("b", default=5), od.setdefault("e", 7), od.setdefault("d", 8), od)
del od["d"]
od["d"] = 9
print(od, OrderedDict(), OrderedDict.fromkeys("xyx", 1), OrderedDict.fromkeys(iterable="q"))

for source in """
OrderedDict(1, 2)
OrderedDict(5)
OrderedDict([(1,)])
OrderedDict([()])
OrderedDict([(1, 2, 3)])
OrderedDict().update(1, 2)
OrderedDict().popitem()
OrderedDict().popitem(False)
OrderedDict().pop('a')
OrderedDict().move_to_end('a')
OrderedDict(a=1).move_to_end('b', False)
OrderedDict()[3]
OrderedDict(a=1) | [('b', 2)]
OrderedDict(a=1) < OrderedDict(a=1)
hash(OrderedDict())
type(OrderedDict().keys())()
type(iter(OrderedDict()))()
""".strip().splitlines():
    try:
        print(source, "->", eval(source))
    except Exception as e:
        print(source, "!!", type(e).__name__, e)

# Comparison, and what other dicts take part in.
x, y = OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)
print(x == y, x != y, x == {"b": 2, "a": 1}, {"b": 2, "a": 1} == x, x == OrderedDict(a=1, b=2), x == 3)
print(x | {"c": 3, "a": 0}, {"c": 3, "a": 0} | x, type({} | x).__name__)
x |= [("z", 26)]
print(x, dict(x), {**x}, sorted(x.keys() & {"a", "z"}), x.items() >= {("z", 26)})
x.update({"a": 5}, q=6)
print(x, x.keys().mapping)
x.clear()
print(x, list(x))


# Order against a list of keys, with everything that changes it.
def check(n, steps, seed):
    choose = random.Random(seed)
    od, keys, values = OrderedDict(), [], {}
    for step in range(steps):
        key = choose.randrange(n)
        match choose.randrange(7):
            case 0 | 1:
                od[key] = values[key] = step
                if key not in keys:
                    keys.append(key)
            case 2:
                if values.pop(key, None) is not None:
                    del od[key]
                    keys.remove(key)
            case 3 if key in values:
                od.move_to_end(key)
                keys.remove(key)
                keys.append(key)
            case 4 if key in values:
                od.move_to_end(key, last=False)
                keys.remove(key)
                keys.insert(0, key)
            case 5 if keys and choose.random() < 0.5:
                assert od.popitem(last=False) == (keys[0], values.pop(keys.pop(0)))
            case 6 if keys and choose.random() < 0.5:
                assert od.popitem() == (keys[-1], values.pop(keys.pop()))
        assert list(od) == keys and len(od) == len(keys), (list(od), keys)
        assert list(reversed(od)) == keys[::-1]
        assert all(od[k] == values[k] for k in keys)
    return len(keys)


print(check(3, 500, 1), check(20, 2000, 2), check(200, 1500, 3))

# Many moves take no more time than few, one by one.
big = OrderedDict.fromkeys(range(50_000))
for i in range(100_000):
    big.move_to_end(i % 50_000, last=i % 2 == 0)
while len(big) > 3:
    big.popitem(last=False)
print(list(big))


# While one iterates.
def iterate(name, change, walk=iter):
    od = OrderedDict.fromkeys("abc")
    seen = []
    try:
        for key in walk(od):
            seen.append(key)
            change(od, key)
        print(name, seen, list(od))
    except RuntimeError as e:
        print(name, seen, e)


iterate("move", lambda od, k: od.move_to_end(k))
iterate("move to where it is", lambda od, k: od.move_to_end("c"))
iterate("add", lambda od, k: od.setdefault("z" + k))
iterate("delete", lambda od, k: od.pop(k))
iterate("set", lambda od, k: od.__setitem__(k, 1))
iterate("at the end", lambda od, k: k == "c" and od.update(q=1))
iterate("clear", lambda od, k: od.clear(), lambda od: od.items())
iterate("backwards", lambda od, k: od.popitem(), reversed)
iterate("add by dict", lambda od, k: dict.__setitem__(od, "z", 1))
walk = iter(OrderedDict.fromkeys("abc"))
print(next(walk), list(walk), next(walk, "end"))
od = OrderedDict.fromkeys("abc")
walk = iter(od.items())
print(next(walk), pickle.loads(pickle.dumps(walk)).__reduce__()[1], list(walk))


class Key:
    """A key whose hash is never the same."""

    def __hash__(self):
        return random.randrange(1_000_000)


lost = OrderedDict((Key(), i) for i in range(50))
print(len(lost))
for use in (lambda: list(lost.values()), lambda: list(lost.items()), lambda: repr(lost), lost.copy):
    try:
        use()
        print("found")
    except KeyError:
        print("KeyError")
od = OrderedDict(spam=1, ham=2)
dict.__delitem__(od, "spam")
try:
    print(repr(od))
except KeyError:
    print("KeyError")


# Subclasses, attributes, copies, weak references.
class Upper(OrderedDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.upper(), value)

    def __missing__(self, key):
        return "no " + key


up = Upper(a=1, b=2)
up.update([("c", 3)])
up.setdefault("D", 4)
up.note = "n"
print(up, up["x"], up.copy(), up | {"e": 5}, Upper.fromkeys("pq"), up.__dict__)
plain = OrderedDict(b=[1], a=2)
plain.note = ["n"]
for copied in (copy.copy(plain), copy.deepcopy(plain), pickle.loads(pickle.dumps(plain)), plain.copy()):
    print(copied, copied == plain, copied["b"] is plain["b"], getattr(copied, "note", None))
print(plain.__reduce__()[:4], OrderedDict().__reduce__()[:4])
plain["self"] = plain
print(plain)
print(weakref.ref(plain)() is plain, plain.__sizeof__() > {}.__sizeof__())

# Threads: each key that is moved is there all the time.
shared = OrderedDict((i, i) for i in range(64))
stop = threading.Event()
lost = []


def mover(last):
    choose = random.Random(last)
    while not stop.is_set():
        shared.move_to_end(choose.randrange(64), last=last)


def reader():
    for _ in range(300):
        for i in range(64):
            if shared.get(i) != i:
                lost.append(i)
    stop.set()


threads = [threading.Thread(target=mover, args=(last,)) for last in (True, False)] + [threading.Thread(target=reader)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(lost, sorted(shared) == list(range(64)), len(shared))
