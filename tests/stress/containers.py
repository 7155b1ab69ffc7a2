"""Lists, dicts, sets, deques, bytearrays, iterators and views under contention: what is documented as atomic is."""

import array
import itertools
import threading
from collections import defaultdict, deque
from stress import main, pause

numbers = list(range(100))
table = {i: str(i) for i in range(100)}
names = {f"key{i}": i for i in range(50)}
members = set(range(100))
line = deque(range(100), maxlen=300)
raw = bytearray(range(100))
EXPECTED = (IndexError, KeyError, ValueError, RuntimeError, BufferError)


def lists(rng):
    """Any reader sees ints only, whatever is done to the list."""
    for _ in range(30):
        n = rng.randrange(200)
        try:
            match rng.randrange(14):
                case 0: numbers.append(n)
                case 1: numbers.pop()
                case 2: numbers.insert(n, n)
                case 3: numbers[n] = n
                case 4: del numbers[n]
                case 5: numbers.extend(range(5))
                case 6: numbers.remove(n)
                case 7: numbers[n : n + 3] = [n]
                case 8: numbers.sort()
                case 9: numbers.reverse()
                case 10: assert all(type(x) is int for x in numbers)
                case 11: assert isinstance(sum(numbers[:50]), int) and n in numbers or True
                case 12: numbers.copy().index(n)
                case 13:
                    if len(numbers) > 500:
                        numbers.clear()
        except EXPECTED:
            pass
    pause(rng)


def dicts(rng):
    """A key has its own value or none."""
    for _ in range(30):
        n = rng.randrange(200)
        try:
            match rng.randrange(13):
                case 0 | 1: table[n] = str(n)
                case 2: table.pop(n)
                case 3: del table[n]
                case 4: assert table.get(n) in (None, str(n))
                case 5: assert table.setdefault(n, str(n)) == str(n)
                case 6: assert all(str(k) == v for k, v in table.items())
                case 7: table.update({n: str(n), n + 1: str(n + 1)})
                case 8: assert all(str(k) == v for k, v in table.copy().items())
                case 9: table.popitem()
                case 10: list(table), list(table.values()), len(table)
                case 11: assert table[n] == str(n)
                case 12: assert (table | {n: str(n)})[n] == str(n)
        except EXPECTED:
            pass
    if rng.random() < 0.01:
        table.clear()


def string_keys(rng):
    """Keys that are strs, the way namespaces use them."""
    key = f"key{rng.randrange(100)}"
    for _ in range(20):
        match rng.randrange(4):
            case 0: names[key] = int(key[3:])
            case 1: names.pop(key, None)
            case 2: assert names.get(key) in (None, int(key[3:]))
            case 3: assert key not in names or isinstance(names.get(key, 0), int)


def sets(rng):
    for _ in range(30):
        n = rng.randrange(200)
        try:
            match rng.randrange(9):
                case 0 | 1: members.add(n)
                case 2: members.discard(n)
                case 3: members.remove(n)
                case 4: members.pop()
                case 5: members.update(range(n, n + 5))
                case 6: assert all(type(x) is int for x in members)
                case 7: assert len(members & {n}) <= 1
                case 8: members.difference_update(range(n, n + 3))
        except EXPECTED:
            pass


def deques(rng):
    for _ in range(30):
        n = rng.randrange(100)
        try:
            match rng.randrange(11):
                case 0: line.append(n)
                case 1: line.appendleft(n)
                case 2: line.pop()
                case 3: line.popleft()
                case 4: line.rotate(n)
                case 5: line.extend(range(5))
                case 6: line.remove(n)
                case 7: line.index(n)
                case 8: assert all(type(x) is int for x in line)
                case 9: line.insert(n, n)
                case 10: assert len(line.copy()) <= 300 and line.count(n) >= 0
        except EXPECTED:
            pass


def bytearrays(rng):
    """Resizing while views come and go."""
    for _ in range(20):
        n = rng.randrange(120)
        try:
            match rng.randrange(9):
                case 0: raw.append(n)
                case 1: raw.pop()
                case 2: raw[n] = n
                case 3: raw.extend(b"abc")
                case 4:
                    with memoryview(raw) as view:
                        bytes(view), len(view)
                        view[n] = 1
                case 5: raw[n : n + 5] = b"xy"
                case 6: raw.find(b"a"), raw.hex(), bytes(raw)
                case 7:
                    if len(raw) > 400:
                        del raw[100:]
                case 8: raw.resize(100)
        except EXPECTED:
            pass


iterators = {}


def shared_iterators(rng):
    """An iterator that several threads advance gives each item at most once and does not crash."""
    kind = rng.choice(("list", "range", "dict", "zip", "enumerate", "map", "chain", "count", "reversed", "tee"))
    it = iterators.get(kind)
    if it is None or rng.random() < 0.02:
        source = list(range(200))
        it = iterators[kind] = {
            "list": lambda: iter(source),
            "range": lambda: iter(range(200)),
            "dict": lambda: iter(dict.fromkeys(source)),
            "zip": lambda: zip(source, source),
            "enumerate": lambda: enumerate(source),
            "map": lambda: map(str, source),
            "chain": lambda: itertools.chain(source, source),
            "count": lambda: itertools.count(),
            "reversed": lambda: reversed(source),
            "tee": lambda: itertools.tee(source)[0],
        }[kind]()
    try:
        for _, _ in zip(range(20), it):
            pass
    except RuntimeError:
        pass


counted = itertools.count()
numbered = []


def counting(rng):
    """itertools.count gives no number twice."""
    got = [next(counted) for _ in range(100)]
    assert all(a < b for a, b in zip(got, got[1:]))
    numbered.append(got)
    if len(numbered) > 200:
        batch, numbered[:] = numbered[:100], numbered[100:]
        # Another thread may have cut the same batch: of one copy only this is certain.
        for some in batch:
            assert len(set(some)) == 100


total = 0
lock = threading.Lock()
done = 0


def locked_counter(rng):
    global total, done
    for _ in range(50):
        with lock:
            before = total
            total = before + 1
            done += 1
            assert total == done


default, packed = defaultdict(list), array.array("i", range(50))


def other_kinds(rng):
    n = rng.randrange(50)
    try:
        match rng.randrange(6):
            case 0: default[n].append(n)
            case 1: default.pop(n, None)
            case 2: packed.append(n)
            case 3: packed.pop()
            case 4: packed[n], sum(packed)
            case 5: assert all(type(v) is list for v in default.values())
    except EXPECTED:
        pass


main(lists, dicts, string_keys, sets, deques, bytearrays, shared_iterators, counting, locked_counter, other_kinds)
