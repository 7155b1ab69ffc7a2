"""Attributes of instances: order, deletion, __dict__, many of them, __slots__ beside them."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


p = Point(1, 2)
print(p.x, p.y, p.__dict__)
p.z = 3
print(vars(p), p.__dict__ is vars(p))
p.__dict__["w"] = 4
print(p.w, sorted(p.__dict__))
del p.x
print(hasattr(p, "x"), list(p.__dict__))
p.x = 5
print(list(p.__dict__))

# An attribute that is deleted and set again comes last.
q = Point(1, 2)
del q.x
q.x = 10
print(list(q.__dict__), q.x, q.y)
q = Point(1, 2)
del q.y
q.y = 20
print(list(q.__dict__), q.y)

# More attributes than anybody expected.
many = Point(0, 0)
for i in range(100):
    setattr(many, f"a{i}", i)
print(sum(getattr(many, f"a{i}") for i in range(100)), len(many.__dict__))
for i in range(0, 100, 2):
    delattr(many, f"a{i}")
print(len(many.__dict__), hasattr(many, "a0"), many.a1)

# Each its own name: shapes do not grow without end.
objects = []
for i in range(300):
    o = Point(i, i)
    setattr(o, f"only{i}", i)
    objects.append(o)
print(sum(getattr(o, f"only{i}") for i, o in enumerate(objects)))


class Empty:
    pass


e = Empty()
for message in ("e.x", "del e.x"):
    try:
        exec(message)
    except AttributeError as error:
        print(error, error.name, error.obj is e)
e.__dict__ = {"x": 1}
print(e.x)
e.y = 2
print(e.__dict__)
try:
    e.__dict__ = 3
except TypeError as error:
    print(error)
del e.__dict__
print(e.__dict__)

# A shared dict.
a, b = Empty(), Empty()
b.__dict__ = a.__dict__
a.shared = 1
print(b.shared)


class Slotted:
    __slots__ = ("a", "b")


s = Slotted()
s.a = 1
print(s.a)
try:
    s.b
except AttributeError as error:
    print(error)
try:
    s.c = 1
except AttributeError as error:
    print("no c")
del s.a
print(hasattr(s, "a"))
try:
    del s.a
except AttributeError as error:
    print("gone:", error)
print(Slotted.a, hasattr(s, "__dict__"))


class Both(Slotted):
    def __init__(self):
        self.a = 1
        self.c = 3


both = Both()
both.b = 2
both.d = 4
print(both.a, both.b, both.c, both.d, both.__dict__)


class WithDict(Slotted):
    __slots__ = ("__dict__", "__private")

    def __init__(self):
        self.__private = 7
        self.free = 8

    def get(self):
        return self.__private


w = WithDict()
print(w.get(), w._WithDict__private, w.__dict__)


class Str(str):
    pass


class Int(int):
    pass


class Tuple(tuple):
    pass


class Bytes(bytes):
    pass


class Float(float):
    pass


class List(list):
    pass


class Dict(dict):
    pass


for value in (Str("text"), Int(12), Int(10**40), Tuple((1, 2)), Tuple(), Bytes(b"abc"), Float(1.5), List([1]), Dict(a=1)):
    value.attribute = [1, 2, 3]
    value.other = "x"
    print(type(value).__name__, value, value.attribute, value.__dict__)


class Name(str):
    __slots__ = ("tag", "more")


n = Name("n" * 100)
n.tag = [1]
n.more = [2]
print(n.tag, n.more, len(n), n == "n" * 100)


class Named(Name):
    pass


n = Named("short")
n.tag, n.more, n.free = 1, 2, 3
print(n.tag, n.more, n.free, n, n.__dict__)


class Error(Exception):
    pass


error = Error("message")
error.extra = 1
print(error.extra, error, error.__dict__)


def function():
    pass


function.attribute = 1
print(function.attribute, function.__dict__)
try:
    (5).x = 1
except AttributeError as error:
    print("int:", type(error).__name__)
try:
    object().x = 1
except AttributeError as error:
    print("object:", type(error).__name__)
