"""Special methods of classes written in Python, and how they follow changes of the class."""


class Number:
    def __init__(self, n):
        self.n = n

    def __repr__(self):
        return f"Number({self.n})"

    def __add__(self, other):
        if isinstance(other, Number):
            return Number(self.n + other.n)
        if isinstance(other, int):
            return Number(self.n + other)
        return NotImplemented

    def __radd__(self, other):
        return f"{other} + {self!r}"

    def __iadd__(self, other):
        self.n += other
        return self

    def __sub__(self, other):
        return f"{self!r} - {other}"

    def __pow__(self, other, modulus=None):
        return f"pow {self.n} {other} {modulus}"

    def __rpow__(self, other):
        return f"rpow {other} {self.n}"

    def __neg__(self):
        return Number(-self.n)

    def __int__(self):
        return self.n

    def __index__(self):
        return self.n

    def __float__(self):
        return self.n + 0.5

    def __bool__(self):
        return self.n != 0

    def __eq__(self, other):
        return isinstance(other, Number) and self.n == other.n

    def __lt__(self, other):
        return self.n < other.n

    def __hash__(self):
        return hash(self.n) + 1

    def __len__(self):
        return abs(self.n)

    def __getitem__(self, key):
        return (self.n, key)

    def __setitem__(self, key, value):
        print("set", key, value)

    def __delitem__(self, key):
        print("del", key)

    def __contains__(self, value):
        return value == self.n

    def __call__(self, *args, **keywords):
        return args, keywords

    def __iter__(self):
        return iter(range(self.n))

    def __matmul__(self, other):
        return "matmul"

    def __divmod__(self, other):
        return "divmod"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return True


a, b = Number(3), Number(4)
print(a + b, a + 1, 1 + a, "x" + a if False else "x".__add__("y"), a - 1, -a)
print(a**2, pow(a, 2, 5), 2**a, a @ b, divmod(a, b))
try:
    a + "x"
except TypeError as error:
    print(error)
try:
    "x" - a
except TypeError as error:
    print(error)
c = a
c += 5
print(a, c is a)
print(int(a), float(a), bool(Number(0)), [1, 2, 3, 4, 5, 6, 7, 8, 9][a], hash(a) == hash(8) + 1)
print(a == Number(8), a != Number(8), a < Number(9), a > Number(9), a == 8)
print(len(a), a["k"], a[1:2], 8 in a, 9 in a, a(1, x=2), list(b))
a["k"] = 1
del a["k"]
with a:
    raise ValueError


class Reflected(Number):
    def __radd__(self, other):
        return "subclass first"


print(Number(1) + Reflected(2), Reflected(1) + Number(2))

# The class changes: its instances follow.
Number.__add__ = lambda self, other: "replaced"
print(a + b, Reflected(1) + a)
del Number.__add__
try:
    b + b
except TypeError as error:
    print(error)
try:
    del Number.__missing__
except AttributeError as error:
    print(error)


class Plain:
    pass


class Sub(Plain):
    pass


sub = Sub()
try:
    sub()
except TypeError as error:
    print(error)
Plain.__call__ = lambda self: "called"
print(sub())
Plain.__len__ = lambda self: 7
print(len(sub), bool(sub))
Plain.__getattr__ = lambda self, name: name.upper()
print(sub.something)
del Plain.__getattr__
print(hasattr(sub, "something"))
sub.__call__ = lambda: "instance attributes do not count"
print(sub())


class Getters:
    def __getattribute__(self, name):
        if name == "magic":
            return "abracadabra"
        return super().__getattribute__(name)

    def __getattr__(self, name):
        return "fallback " + name

    def __setattr__(self, name, value):
        super().__setattr__(name, value * 2)

    def __delattr__(self, name):
        print("deleting", name)
        super().__delattr__(name)


g = Getters()
g.x = 21
print(g.magic, g.x, g.y)
del g.x
print(g.x)


class BadResults:
    def __len__(self):
        return -1

    def __bool__(self):
        return 2

    def __hash__(self):
        return "x"

    def __repr__(self):
        return 3

    def __init__(self):
        return None


bad = BadResults()
for f in (len, bool, hash, repr):
    try:
        f(bad)
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)


class BadInit:
    def __init__(self):
        return 1


try:
    BadInit()
except TypeError as error:
    print(error)


class Blocked:
    __hash__ = None
    __iter__ = None
    __contains__ = None


for expression in ("hash(x)", "iter(x)", "1 in x"):
    try:
        eval(expression, {"x": Blocked()})
    except TypeError as error:
        print(error)


class New:
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self


print(New(1, 2).args)
for code in ("object(1)", "Plain(1)", "object.__new__(1)", "object.__new__(int)", "int.__new__(str)", "list.__new__()"):
    try:
        eval(code)
    except TypeError as error:
        print(error)


class ListLike(list):
    def __add__(self, other):
        return "added"


print(ListLike([1]) + [2], [1] + ListLike([2]), ListLike([1]) * 2)


class Iterator:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n > 3:
            raise StopIteration
        return self.n


print(list(Iterator()), sum(Iterator()), [*Iterator()])


class Sequence:
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * 10


print(list(Sequence()), 10 in Sequence(), 11 in Sequence())


# A comparison whose descriptor says that it is not there, one that is None, and one that fails.
class Descriptor:
    def __init__(self, error):
        self.error = error

    def __get__(self, instance, owner):
        raise self.error


for error in AttributeError("not there"), KeyError("failure"):
    kind = type("Kind", (), {"__eq__": Descriptor(error), "__hash__": None})
    try:
        print(kind() == kind())
    except KeyError as e:
        print(repr(e))
try:
    type("Kind", (), {"__ne__": None})() != 1
except TypeError as e:
    print(e)
