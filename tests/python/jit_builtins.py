"""What machine code asks of builtin types by functions: lengths, truths, the least and the greatest, slices, bound methods, parts of strings."""


class Bag:
    def __init__(self):
        self.items = []

    def put(self, v):
        self.items.append(v)
        return len(self.items)


def sizes(n):
    s, d, t, b = set(), {}, (1, 2), b"abc"
    total = 0
    for i in range(n):
        if s:
            total += len(s)
        if not d:
            total += 1
        if i % 3 == 0:
            s.add(i % 20)
            d[i % 7] = i
        if i % 50 == 49:
            s, d = set(), {}
        total += len(d) + len(t) + len(b) + bool(b) + bool(t)
        if i == n - 20:
            b, t = [], b""
    return total


def least_and_greatest(n):
    total, f = 0, 0.5
    for i in range(n):
        total += min(i, 100) + max(i, 3, n - i)
        f = max(min(f * 1.01, 7.0), -1.0)
        if i == n - 60:
            total += min(2**70, i)
        if i == n - 30:
            f = float("nan")
        if i == n - 10:
            f = 3
    return total, f, max(float("nan"), 1.0) == max(float("nan"), 1.0), min(0.0, -0.0)


def replaced(n):
    seen = []
    for i in range(n):
        if i == n - 20:
            globals()["min"] = lambda a, b: -1
        seen.append(min(i, 5))
    del globals()["min"]
    return seen[3], seen[7], seen[-1]


def slices(n):
    total, l = 0, [1, 2, 3, 4]
    for i in range(n):
        copy = l[:]
        copy[0] = i
        total += copy[0] + l[0] + len(l[1:3]) + len("text"[1:]) + sum((1, 2, i)[-2:])
        copy[:] = [i]
        copy[1:] = [2, i]
        total += copy[-1] + len(copy)
        if i == n - 30:
            l = (5, 6, 7)
            try:
                l[:] = [1]
            except TypeError as e:
                total += len(str(e))
            l = [9] * 3
    return total


def methods(n):
    bag, items, total = Bag(), [], 0
    for i in range(n):
        put, append, join = bag.put, items.append, "-".join
        total += put(i)
        append(i)
        total += len(join(["a", str(i)])) + i.bit_length() + (-i).bit_length() + (7).bit_count()
        if i == n - 40:
            bag.put = lambda v: 1000
        if i == n - 20:
            Bag.put = lambda self, v: 2000
            del bag.put
    return total, len(items), len(bag.items)


def parts(n):
    found, text = 0, "abcdefgh"
    for i in range(n):
        found += text[i % 8] in "aeiou"
        found += "cd" in text
        found += text not in "x"
        found += "" in text
        if i == n - 30:
            text = "\u0101\U00010000cdefg" + "h"
        if i == n - 15:
            try:
                found += 3 in text
            except TypeError as e:
                found += len(str(e)) > 10
    return found


print(sizes(1000))
print(least_and_greatest(1000))
print(replaced(500))
print(slices(1000))
print(methods(1000))
print(parts(1000))
