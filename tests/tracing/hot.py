"""Functions that are called from loops which are hot enough to be compiled, in known numbers."""


def leaf(x):
    return x + 1


def middle(x):
    return leaf(x) + leaf(x)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def fails(x):
    if x % 100 == 99:
        raise ValueError(x)
    return x


def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1


def with_default(a, b=1, *, c=2):
    return a + b + c


class Point:
    def __init__(self, x):
        self.x = x

    def moved(self, by):
        return Point(self.x + by)

    @property
    def double(self):
        return self.x * 2


class Amount:
    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return Amount(self.x + other) if other else NotImplemented

    def __call__(self, x):
        return x

    def __getitem__(self, i):
        return i

    @classmethod
    def of(cls, x):
        return cls(x)


class Box:
    def __init__(self):
        self.kept = {}

    def __setitem__(self, i, x):
        self.kept[i & 7] = x

    def __len__(self):
        return len(self.kept)

    def __contains__(self, x):
        return x in self.kept

    def __lt__(self, other):
        return len(self.kept) < other

    def __iadd__(self, x):
        return self


def special_methods(n):
    box = Box()
    for i in range(n):
        box[i] = i
        box += len(box)
        if i in box or box < i:
            continue


def weight(x):
    """Long enough to have machine code of its own, which native code enters."""
    a = x * 3 + 1
    b = a % 101 + x
    c = a * b - x if a > b else a + b
    if c % 7 == 3:
        c -= a
    d = c * 2 + b - a
    return (a + b + c + d) % 1009


def weights(n):
    a = 1
    for i in range(n):
        a = (a * 31 + i) % 10007
        b = a * 2 + i - 3
        c = b - a if b > a else a - b
        d = (c + b) * 3 - a
        yield (a + b + c + d) % 1009


def through_native(n):
    ordered = sorted(range(n), key=weight)
    return ordered[0] + sum(map(weight, ordered)) + sum(weights(n))


class Nothing:
    def __bool__(self):
        return False

    def __radd__(self, other):
        return other


def operators(n):
    nothing = Nothing()
    for i in range(n):
        amount = Amount.of(i) + 1
        amount(amount[i])
        amount + nothing


def straight(n):
    total = 0
    for i in range(n):
        total += leaf(i)
    return total


def nested(n):
    total = 0
    for i in range(n):
        for j in range(10):
            total += middle(j)
    return total


def fibs(n):
    return [fib(20) for _ in range(n)]


def exceptions(n):
    caught = 0
    for i in range(n):
        try:
            fails(i)
        except ValueError:
            caught += 1
    return caught


def objects(n):
    p = Point(0)
    total = 0
    for i in range(n):
        p = p.moved(1)
        total += p.double + with_default(i) + with_default(i, c=3)
    return total


def generators(n):
    total = 0
    for x in numbers(n):
        total += x
    return total


straight(100000)
nested(2000)
fibs(3)
exceptions(10000)
objects(5000)
generators(5000)
operators(4000)
special_methods(4000)
through_native(4000)
