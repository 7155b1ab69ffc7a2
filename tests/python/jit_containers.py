"""Hot loops over lists, tuples, dicts and attributes that change their layout on the way."""


def lists(n):
    xs = []
    for i in range(n):
        xs.append(i * i)
    total = 0
    for x in xs:
        total += x
    for i in range(n):
        xs[i] = xs[i] + xs[-1]
    return total, sum(xs)


def index_errors(n):
    xs = [1, 2, 3] * (n // 4)
    errors = 0
    for i in range(n):
        try:
            xs[i] += 1
        except IndexError:
            errors += 1
    return errors, sum(xs)


def shrinks(n):
    xs = list(range(n))
    seen = 0
    for x in xs:
        seen += x
        if x % 2:
            xs.pop()
    return seen, len(xs)


def grows(n):
    xs = [0]
    for x in xs:
        if len(xs) < n:
            xs.append(x + 1)
    return len(xs), xs[-1]


def tuples(n):
    pairs = [(i, str(i)) for i in range(n)]
    total = 0
    length = 0
    for number, text in pairs:
        total += number
        length += len(text)
    t = (1, 2, 3, 4)
    for i in range(n):
        total += t[i & 3] + t[-1]
        a, b, c, d = t
        total += d - a
    for _ in range(n):
        for x in t:
            total += x
    return total, length


def other_lengths(n):
    out = 0
    for i in range(n):
        pair = (1, 2) if i < n - 5 else (1, 2, 3)
        try:
            a, b = pair
            out += b
        except ValueError as e:
            out += 100
    return out


def dicts(n):
    d = {}
    for i in range(n):
        d[i % 17] = d.get(i % 17, 0) + i
    total = 0
    for k, v in d.items():
        total += k * v
    for i in range(n):
        if i in d:
            total += d[i]
    try:
        for i in range(n):
            total += d[i % 18]
    except KeyError as e:
        total += e.args[0]
    return total


class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 0


def linked(n):
    head = None
    for i in range(n):
        head = Node(i, head)
    total = 0
    for _ in range(20):
        node = head
        while node:
            total += node.value
            node = node.next
        node = head
        while node is not None:
            total -= 1
            node = node.next
    return total


def layouts(n):
    objects = [Node(i) for i in range(n)]
    for i, o in enumerate(objects):
        if i % 3 == 0:
            o.extra = i
        if i % 5 == 0:
            o.__dict__["late"] = i
    total = 0
    for o in objects:
        total += o.value
        o.value = o.value + 1
        if hasattr(o, "late"):
            total += o.late
    del objects[0].value
    missing = 0
    for _ in range(n):
        for o in objects[:2]:
            try:
                total += o.value
            except AttributeError:
                missing += 1
    return total, missing


def slots(n):
    s = Slotted()
    total = 0
    for i in range(n):
        s.a += i
        s.b = i
        total += s.b
        if i == n - 1:
            del s.b
    try:
        s.b
    except AttributeError as e:
        return s.a, total, str(e)


def sieve(n):
    flags = [True] * n
    count = 0
    for i in range(2, n):
        if flags[i]:
            count += 1
            for j in range(i * i, n, i):
                flags[j] = False
    return count


def matrix(n):
    a = [[i + j for j in range(n)] for i in range(n)]
    b = [[i * j for j in range(n)] for i in range(n)]
    c = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            s = 0
            for k in range(n):
                s += a[i][k] * b[k][j]
            c[i][j] = s
    return sum(map(sum, c))


def generators(n):
    def numbers(k):
        i = 0
        while i < k:
            yield i
            i += 1

    total = 0
    for x in numbers(n):
        total += x
    return total + sum(y * 2 for y in numbers(n)) + max(z for z in range(n))


def strings(n):
    s = ""
    letters = 0
    for i in range(n):
        s += "ab"[i & 1]
        if s[i] == "a":
            letters += 1
    return letters, len(s)


class Cell:
    pass


def old_and_young(n):
    """Stores of young objects into an old one, with collections in between."""
    import gc

    keeper = Cell()
    keeper.list = [None] * 10
    keeper.value = None
    gc.collect()
    for i in range(n):
        keeper.list[i % 10] = [i]
        keeper.value = (i, [i])
        if i % 50 == 0:
            gc.collect(0)
    return [x[0] for x in keeper.list], keeper.value


def garbage(n):
    kept = []
    for i in range(n):
        node = Node(i, Node(i + 1))
        node.next.next = node
        if i % 1000 == 0:
            kept.append(node)
    return [k.next.next.value for k in kept]


print(lists(400))
print(index_errors(200))
print(shrinks(400))
print(grows(300))
print(tuples(200))
print(other_lengths(200))
print(dicts(300))
print(linked(100))
print(layouts(100))
print(slots(200))
print(sieve(3000))
print(matrix(25))
print(generators(300))
print(strings(200))
print(old_and_young(1000))
print(garbage(20000))
