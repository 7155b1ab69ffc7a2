"""Natives that loops call directly: locks, deques, entries of dicts, lists, strings, numbers."""
import math
import threading
import time
from collections import deque

N = 300


def locks():
    lock, rlock = threading.Lock(), threading.RLock()
    total = 0
    for i in range(N):
        with lock:
            total += i
        with rlock:
            with rlock:
                total += 1
        lock.acquire()
        total += lock.locked()
        lock.release()
    print(total, lock.locked())
    caught = 0
    for i in range(N):
        try:
            with lock:
                if i % 3 == 0:
                    raise ValueError(i)
        except ValueError:
            caught += 1
    print(caught, lock.locked())
    failed = 0
    for i in range(N):
        if i % 50:
            lock.acquire()
        try:
            lock.release()
        except RuntimeError as e:
            failed += 1
    print(failed, lock.locked(), lock.acquire(False), lock.acquire(False), lock.acquire(timeout=0.001), lock.release())


def contended():
    lock, count = threading.Lock(), 0

    def work():
        nonlocal count
        for _ in range(2000):
            with lock:
                count += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(count)


def deques():
    d, out = deque(maxlen=7), 0
    for i in range(N):
        d.append(i)
        d.appendleft((i,))
        if i % 3 == 0:
            out += d.pop() if isinstance(d[-1], int) else 1
            d.rotate(1)
            d.popleft()
    print(out, d)
    empty = 0
    for i in range(N):
        try:
            d.popleft()
        except IndexError as e:
            empty += 1
    print(empty)


class Key:
    def __init__(self, v):
        self.v = v

    def __hash__(self):
        return self.v % 3

    def __eq__(self, other):
        return isinstance(other, Key) and self.v == other.v


def dicts():
    groups, popped, missing = {}, 0, 0
    for i in range(N):
        groups.setdefault(i % 7, []).append(i)
        groups.setdefault((i % 5, (i % 2, "a")), []).append(i)
        groups.setdefault("none")
        popped += groups.pop("absent", i)
        groups[i, -1] = i
        popped += groups.pop((i, -1))
        try:
            groups.pop(i + 1000)
        except KeyError as e:
            missing += e.args[0]
    print(len(groups), popped, missing, groups[3][:3], groups[4, (0, "a")][:3], groups["none"])
    keyed = {}
    for i in range(N):
        keyed.setdefault(Key(i % 10), []).append(i)
        if i % 4 == 0:
            keyed.pop(Key((i + 1) % 10), None)
    print(sorted((k.v, len(v)) for k, v in keyed.items()))
    unhashable = 0
    for key in [1, 2, [], 3] * 50:
        try:
            groups.setdefault(key, 0)
        except TypeError:
            unhashable += 1
    print(unhashable)


def sequences():
    out, text, data = [], 0, b""
    for i in range(N):
        out.extend([i, i + 1])
        out.extend((i,))
        text += len(",".join(["a", str(i)])) + len("-".join(("x", "y", "z")))
        text += "abc".startswith(("x", "ab")) + "abc".endswith(("bc", "q"), 1) + "a,b,c".rsplit(",", 1)[0].index("b")
        data = b" ab,c " .strip().split(b",")[0].replace(b"a", b"xx").upper()
        text += b"abc".find(b"c") + b"abc".startswith((b"q", b"a")) + b"abc".count(98)
    print(len(out), sum(out), text, data)
    wrong = 0
    for i in range(N):
        try:
            ",".join(["a", i] if i % 10 == 0 else ["a", "b"])
            b"abc".find("a" if i % 7 == 0 else b"a")
        except TypeError:
            wrong += 1
    print(wrong)


def folds():
    numbers, floats, words = [3, 1, 2], [0.1] * 10, ["b", "a"]
    out = []
    for i in range(N):
        numbers[0] = i % 5
        out.append((sum(numbers), min(numbers), max(numbers), sum(floats), max(floats), max(words), sum((1, 2.5, True))))
    print(len(out), sorted(set(out)))
    kinds, failed = [[1, 2], [1.5, 2], ["a", "b"], [], [10**20, 1], [True, 0]], 0
    for i in range(N):
        kind = kinds[i % 6]
        try:
            out.append(max(kind))
            out.append(sum(kind))
        except (TypeError, ValueError) as e:
            failed += 1
    print(failed, out[-9:])


def numbers():
    total = 0.0
    for i in range(1, N):
        total += math.hypot(i, 1.0) + math.gcd(i, 12) + math.log(i) + math.log1p(i) + math.fma(1.0, i, 2.0) + math.ldexp(0.5, 3)
        total += round(i / 7, 2) + pow(i, 2, 7) + hash(i) + len(hex(i)) + len(repr(i / 2)) + len(bin(i)) + len(format(i, "05d"))
    print(round(total, 6))
    wrong = 0
    for i in range(-5, N):
        try:
            math.log(i)
            math.gcd(i, 2.0 if i % 9 == 0 else 2)
        except (ValueError, TypeError):
            wrong += 1
    print(wrong)
    before = time.perf_counter()
    for i in range(N):
        now = time.perf_counter()
        assert now >= before and time.monotonic() > 0 and time.time() > 0
        before = now


locks()
contended()
deques()
dicts()
sequences()
folds()
numbers()
