"""What machine code finds out about strings, dicts, sets and classes, also where it turns out otherwise than expected."""


class Key:
    """A key whose comparison is seen."""

    def __init__(self, n, log):
        self.n = n
        self.log = log

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        self.log.append(self.n)
        return isinstance(other, Key) and other.n == self.n or other == self.n


def items(n):
    d = {i: i * i for i in range(50)}
    d["k"] = 7
    total = 0
    for i in range(n):
        total += d[i % 50] + d["k"]
        d[i % 50] = i
        d["new"] = i
        if i % 97 in d:
            total += 1
        if "gone" not in d:
            total += 2
    return total, len(d)


def missing(n):
    d = {i: 1 for i in range(0, n, 3)}
    found = lost = 0
    for i in range(n):
        try:
            found += d[i]
        except KeyError as e:
            lost += e.args[0] == i
    return found, lost


def with_own_keys(n):
    log = []
    d = {5: "int"}
    out = []
    for i in range(n):
        if i == n - 40:
            # From here on looking up 3 runs Python code.
            d[Key(3, log)] = "key"
        out.append(3 in d)
        d[i % 7] = i
    return sum(out), d[3], len(d), len(log) > 0


def members(n):
    small = {1, 2, 3, "a"}
    frozen = frozenset(range(0, 100, 7))
    total = 0
    for i in range(n):
        total += (i & 7 in small) + 2 * (i % 100 in frozen) + 4 * ("a" in small) + 8 * (i not in small)
        if i == n - 10:
            small = {k: None for k in small}
    return total


def strings(n):
    text = "abcdefghij"
    vowels = same = lengths = 0
    joined = ""
    for i in range(n):
        c = text[i % len(text)]
        if c == "a" or c == "e" or c == "i":
            vowels += 1
        if c != text[3]:
            same += 1
        joined = joined + c
        if len(joined) > 30:
            lengths += len(joined)
            joined = ""
        if not joined:
            text = text if i < n - 20 else "\u20ac\u00e4\U0001f600xyz"
    return vowels, same, lengths, joined


class Base:
    def __init__(self, x, y=2, *rest):
        self.x = x
        self.y = y


class Derived(Base):
    def __init__(self, x):
        self.extra = x
        Base.__init__(self, x)


class Pretender:
    __class__ = Derived


def instances(n):
    objects = [Base(1), Derived(2), 3, "s", Derived(4)]
    counts = [0, 0, 0]
    for i in range(n):
        o = objects[i % len(objects)]
        counts[0] += isinstance(o, Base)
        counts[1] += isinstance(o, (int, str))
        counts[2] += isinstance(o, Derived)
        if i == n - 25:
            objects.append(Pretender())
    return counts


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def scaled(self, by=2, *, then=None):
        return Vector(self.x * by, self.y * by)

    def pair(self):
        return self.x, self.y


class Once:
    """An instance that fails to be made now and then."""

    def __init__(self, i):
        if i % 100 == 99:
            raise ValueError(i)
        self.i = i


class Wrong:
    def __init__(self, i):
        self.i = i
        return i if i == 700 else None


def made(n):
    total = Vector(0, 0)
    sums = failures = 0
    for i in range(n):
        total = total + Vector(i, 0.5).scaled() + Vector(1, 1).scaled(3)
        x, y = total.pair()
        sums += x
        try:
            sums += Once(i).i
        except ValueError as e:
            failures += e.__traceback__.tb_next.tb_frame.f_locals["i"]
        try:
            Wrong(i)
        except TypeError as e:
            print(e, i)
    return total.pair(), sums, failures


def shape(a, b=10, c=20, /, d=30, e=40):
    return a, b, c, d, e


def called(n):
    total = 0
    bound = Vector(1, 2).scaled
    for i in range(n):
        a, b, c, d, e = shape(i)
        total += a + b - c + d - e
        a, b, c, d, e = shape(i, 1, e=2)
        total += a + b - c + d - e
        a, b, c, d, e = shape(i, e=i, d=3)
        total += a + b - c + d - e
        total += bound().x + bound(5).y
        if i == n - 30:
            shape.__defaults__ = (1, 2, 3, 4)
        if i == n - 15:
            bound = Vector(100, 200).scaled
    shape.__defaults__ = (10, 20, 30, 40)
    return total


def kept(n):
    """Tuples and lists that are looked at in other ways than by being taken apart."""
    out = []
    last = None
    for i in range(n):
        t = (i, i + 1, str(i))
        a, b, c = t
        row = [a, b, c, t]
        if i % 250 == 0:
            out.append(t)
            last = row
        if t is not row[3] or len(t) != 3:
            print("no")
    return out, last


def ranges(n):
    total = 0
    big = 1 << 46
    for i in range(n):
        for j in range(i % 4):
            total += j
        for j in range(i, i + 3):
            total -= j
        for j in range(10, i % 10, -3):
            total += j
        for j in range(-(i % 5), 5, 2):
            total += j
        for j in range(big, big + i % 3):
            total += j & 3
        if i == n - 20:
            big = 1 << 70
        try:
            total += len(range(0, 5, i % 700))
        except ValueError as e:
            total += len(str(e))
    return total, list(range(-big, big, big)) == [-big, 0]


def conversions(n):
    total = 0
    numbers = [1.5, -2.5, 7, True, "12", " 3 "]
    data = bytes(range(200))
    for i in range(n):
        total += int(numbers[i % 2]) + float(i) + int("42") + data[i % 200] - data[-1]
        total += int(numbers[i % 6])
        if i == n - 12:
            numbers[1] = 1e300
            data = bytearray(b"abc" * 100)
    try:
        int("no")
    except ValueError as e:
        return total, str(e)


def contained(n):
    nan = float("nan")
    log = []
    values = [1, "a", None, 2.5, nan]
    pair = (3, "b")
    found = [0] * 6
    for i in range(n):
        found[0] += i % 5 in values
        found[1] += nan in values
        found[2] += "b" in pair
        found[3] += i % 4 not in pair
        found[4] += 2 in values
        found[5] += None in values
        if i == n - 30:
            values.insert(0, Key(2, log))
    return found, len(log) > 0


for function in (ranges, conversions, contained, items, missing, with_own_keys, members, strings, instances, made, called, kept):
    print(function.__name__, function(2000), function(2000) == function(2000))
