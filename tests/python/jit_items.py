"""Items of arrays, bytes and deques in hot loops, slices with a step, shifts by what is not known, sums that come to be big ints."""

from array import array
from collections import deque


def sums(container, n):
    total = 0
    for i in range(n):
        total += container[i % 8]
        total += container[-1 - i % 3]
    return total


for code in "bBhHiIlLqQfd":
    a = array(code, [1, 2, 3, 4, 5, 6, 7, 100])
    print(code, sums(a, 900))
print(sums(bytes(range(8)), 900), sums(bytearray(range(8)), 900), sums(deque(range(8)), 900))
print(sums(array("Q", [2**64 - 1, 2**63, 2**47, 2**47 - 1, 0, 1, 2, 3]), 900))
print(sums(array("d", [float("inf"), 1e308, -0.0, 1, 2, 3, 4, 5]), 900))


def fill(container, n, value):
    refused = []
    for i in range(n):
        try:
            container[i % 9] = value if i < n - 20 else i * i
        except (IndexError, OverflowError, ValueError) as e:
            if len(refused) < 12:
                refused.append((i, type(e).__name__, str(e)))
    return list(container), refused[:4], refused[-1:]


print(fill(array("d", [0.0] * 9), 900, 1.5))
print(fill(array("f", [0.0] * 9), 900, 0.1))
print(fill(array("B", [0] * 9), 900, 7))
print(fill(array("h", [0] * 8), 900, -7))
print(fill(bytearray(9), 900, 200))
print(fill(deque([0] * 9, 9), 900, 3))


def shrinks(a, n):
    """Items that are gone in the middle of the loop."""
    total = 0
    for i in range(n):
        if i == n - 100:
            del a[5:]
        try:
            total += a[i % 8]
        except IndexError as e:
            total -= 1
            last = str(e)
    return total, last


print(shrinks(array("d", range(8)), 900), shrinks(bytearray(8), 900), shrinks(array("i", range(8)), 900))


class Odd(array):
    def __getitem__(self, i):
        return super().__getitem__(i) + 1000

    def __setitem__(self, i, v):
        super().__setitem__(i, v + 1)


def many(containers, n):
    total = 0
    for i in range(n):
        c = containers[0 if i < n - 50 else i % len(containers)]
        c[i % 8] = i % 50
        total += c[i % 8]
    return total


print(many([array("i", range(8)), Odd("i", range(8)), [0] * 8, {i: i for i in range(8)}, bytearray(8)], 900))


def keys(a, n):
    """Subscripts that are no small ints."""
    out = []
    for i in range(n):
        k = i % 4
        if i >= n - 4:
            k = (True, 2**70, "x", slice(1, 3))[i - n + 4]
        try:
            v = a[k]
        except (IndexError, TypeError) as e:
            v = str(e)
        if i >= n - 5:
            out.append(v)
    return out


print(keys(array("i", range(8)), 900), keys(b"abcdefgh", 900), keys(deque(range(8)), 900))


def steps(items, n):
    """Slices with a step, in lists and elsewhere."""
    total = 0
    for i in range(n):
        back = items[i % 7 :: -1]
        every = items[1 : -1 : 2 if i < n - 40 else 3]
        total += len(back) * 3 + len(every)
        kept = slice(i % 3, None)
        total += len(items[kept]) + len(items[::-1])
        if back[0] != items[i % 7]:
            total += 10**6
    return total, list(back), list(every)


print(steps(list(range(12)), 900), steps(tuple(range(12)), 900), steps("abcdefghijkl", 900))


def wrong_steps(items, n):
    out = []
    for i in range(n):
        step = 2 if i < n - 4 else (0, None, 1.5, 2**70)[i - n + 4]
        try:
            v = items[1:9:step]
        except (ValueError, TypeError) as e:
            v = str(e)
        if i >= n - 5:
            out.append(v)
    return out


print(wrong_steps(list(range(12)), 900))


def shifts(n):
    left = right = errors = 0
    for i in range(n):
        left ^= (i + 1) << (i % 40 if i < n - 60 else i % 90)
        right += (i << 20) >> i % 64
        right -= -i >> i % 50
        if i > n - 5:
            try:
                left ^= i << (i - n)
            except ValueError as e:
                errors += len(str(e))
    return left, right, errors


print(shifts(900))


def hashes(n):
    """Products that seldom are inline ints, so that no trace of their own gets past them."""
    h = 14695981039346656037
    small = 1
    for i in range(n):
        h = ((h ^ i & 255) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
        small = (small * 69069 + 1) & 0xFFFFFFFFFFFF
        small = (small << 3 | small >> 45) & 0xFFFFFFFFFFFF
    return h, small


print(hashes(3000))


def grows(n):
    """Arrays that move while others look at them, are copied, and are filled in place."""
    a = array("i", [1, 2, 3])
    other = a
    total = 0
    for i in range(n):
        a.append(i)
        total += other[i % 3] + a[-1] + len(a)
        a[i] = a[i + 1] + 1
        if i % 400 == 399:
            del a[3:]
            a.extend([0] * (i + 1))
            a = a[:]
            other = a if i % 800 == 799 else a[:4] * 2
            a.extend([0] * 3)
    return total, len(a), a[:6].tolist()


print(grows(1600))


def exported(n):
    """What is seen through a view, and what cannot be resized meanwhile."""
    a = array("h", range(10))
    view = memoryview(a)
    total = refused = 0
    for i in range(n):
        a[i % 10] = i % 1000 - 500
        total += view[i % 10] - a[(i + 1) % 10]
        view[i % 7] = i % 3
        if i % 100 == 99:
            try:
                a.append(1)
            except BufferError:
                refused += 1
    return total, refused


print(exported(900))


def formats(n):
    """One loop for arrays of several formats."""
    arrays = [array(code, [3] * 8) for code in "dfbBhHiIlLqQ"]
    total = 0
    for i in range(n):
        a = arrays[0] if i < n // 2 else arrays[i % 12]
        a[i % 8] = i % 100
        total += a[i % 8] + a[-(i % 8) - 1]
    return total, [a.tolist() for a in arrays]


print(formats(1500))


def limits(code, values, n):
    a = array(code, [0] * 4)
    out = []
    for i in range(n):
        v = values[i % len(values)] if i > n - 40 else 1
        try:
            a[i & 3] = v
            if i > n - 8:
                out.append(a[i & 3])
        except (OverflowError, TypeError) as e:
            if i > n - 8:
                out.append(type(e).__name__)
    return code, out


for code in "bBhHiI":
    print(limits(code, [127, -128, 128, -129, 255, 256, 32767, 32768, -32769, 65535, 65536, 2**31 - 1, 2**31, -(2**31) - 1, 2**32 - 1, 2**32], 900))
print(limits("d", [float("nan"), -0.0, 10**400, 7, True, "x"], 900), limits("f", [1e300, 0.1, -float("inf"), 2**60, None], 900))
a = array("d", [0.0])
for i in range(900):
    a[0] = float("inf") - (float("inf") if i > 700 else i)
print(a, a.tobytes()[:6])


def threads(n):
    """Locks are taken as soon as there is another thread."""
    import threading

    a = array("d", [1.0] * 8)
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    total = 0.0
    for i in range(n):
        if i == n // 2:
            other.start()
        a[i % 8] = a[(i + 1) % 8] + 0.5
        total += a[i % 8]
        if i == n - 100:
            stop.set()
            other.join()
    return total


print(threads(3000))
