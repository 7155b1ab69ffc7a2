"""Native methods of many objects, bound and called in hot loops: one that is gone must not be taken for another at its place."""

import gc


def fill(items, n):
    add = items.append
    for i in range(n):
        add(i)
    return items


def drain(items):
    take = items.pop
    total = 0
    while items:
        total += take()
    return total


def mixed(n):
    total = 0
    for i in range(n):
        items = fill([], i % 7)
        call = items.append if i % 3 else [i].append
        for k in range(3):
            call(k)
        total += len(items) * 10 + drain(items)
        if i % 500 == 0:
            gc.collect()
    return total


def kinds(n):
    """The same call meets methods of several types."""
    texts = []
    for i in range(n):
        if i % 4 == 0:
            f = "a-b".upper
        elif i % 4 == 1:
            f = [1, 2, i].copy
        elif i % 4 == 2:
            f = {"k": i}.copy
        else:
            f = " x ".strip
        texts.append(str(f()))
    return texts[:4], texts[-4:]


def joined(n):
    found = 0
    for i in range(n):
        starts = str(i).startswith
        for k in range(4):
            found += starts("1")
    return found


print(mixed(6000))
print(kinds(8000))
print(joined(5000))
