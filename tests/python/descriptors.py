"""Descriptors of native types and of Python code."""

import re


def show(*objects):
    print(*(re.sub("0x[0-9a-f]+", "0x", repr(o)) for o in objects))


show(str.upper, "x".upper, int.__add__, (5).__add__, type.__dict__["__name__"], dict.fromkeys)
print(type(str.upper), type("".upper), type(int.__add__), type((1).__add__), type(type.__dict__["__mro__"]), type(type.__dict__["__name__"]))
print(str.upper("abc"), str.__dict__["upper"].__get__("abc")(), int.__add__(1, 2), (5).__add__(6), int.__radd__(1, 2))
print(str.upper.__objclass__, str.upper.__name__, str.upper.__qualname__, "".upper.__self__ == "", int.__add__.__objclass__)
for code in (
    "str.upper()",
    "str.upper(1)",
    "str.__dict__['upper'].__get__(1)",
    "int.__add__()",
    "int.__add__('a', 1)",
    "(1).__add__()",
    "(1).__add__(1, 2)",
    "(1).__add__(x=1)",
    "[].append.__call__()",
    "dict.__dict__['fromkeys'](1)",
    "object.__setattr__(int, 'x', 1)",
    "int.x",
    "setattr(int, 'x', 1)",
    "delattr(int, '__add__')",
    "(1).real.__set__",
    "len.__get__",
):
    try:
        print(eval(code))
    except (TypeError, AttributeError) as error:
        print(type(error).__name__, error)
print(dict.fromkeys([1, 2]), {}.fromkeys("ab", 0), str.maketrans("a", "b"))
print(type(dict.__dict__["fromkeys"]), type(str.__dict__["maketrans"]), type(int.__dict__["__new__"]))
print(int.__new__(int, "5"), object.__new__(type("X", (), {})).__class__.__name__)
print([].__len__(), [3, 1].__getitem__(0), (1).__eq__(1), (1).__eq__("1"), (1).__lt__(2), "a".__contains__("a"))
print([1].__iter__().__next__())
try:
    iter([]).__next__()
except StopIteration:
    print("StopIteration")


class Celsius:
    def __init__(self, t):
        self._t = t

    @property
    def t(self):
        "temperature"
        return self._t

    @t.setter
    def t(self, value):
        self._t = value

    @t.deleter
    def t(self):
        del self._t

    @property
    def fixed(self):
        return 1

    only_set = property(None, lambda self, v: None)


c = Celsius(20)
print(c.t, Celsius.t.__doc__, Celsius.t.fget.__name__)
c.t = 25
print(c.t)
del c.t
for code in ("c.t", "c.fixed", "c.only_set"):
    try:
        print(eval(code))
    except AttributeError as error:
        print(error)
for code in ("c.fixed = 2", "del c.fixed", "c.__dict__['t'] = 'hidden'"):
    try:
        exec(code)
    except AttributeError as error:
        print(error)
c.t = 30
print(c.t, c.__dict__)


class Data:
    def __get__(self, instance, owner):
        return ("data", instance is None, owner.__name__)

    def __set__(self, instance, value):
        print("set", value)

    def __delete__(self, instance):
        print("delete")


class NonData:
    def __get__(self, instance, owner):
        return ("nondata", instance is None, owner.__name__)


class Uses:
    data = Data()
    nondata = NonData()


u = Uses()
print(u.data, u.nondata, Uses.data, Uses.nondata)
u.data = 1
del u.data
u.__dict__["data"] = "x"
u.__dict__["nondata"] = "y"
print(u.data, u.nondata)


class Methods:
    def method(self):
        return self

    @classmethod
    def cls(cls):
        return cls

    @staticmethod
    def static(x):
        return x


m = Methods()
print(m.method() is m, m.cls() is Methods, Methods.cls() is Methods, m.static(1), Methods.static(2))
print(m.method == m.method, m.method is m.method, hash(m.method) == hash(m.method), m.method.__func__ is Methods.method)
print(m.method.__self__ is m, m.method.__name__, m.method.__qualname__)
print(Methods.__dict__["cls"].__func__.__name__, Methods.__dict__["static"].__wrapped__.__name__, Methods.__dict__["static"](5))
Methods.method.tag = 1
print(m.method.tag)
try:
    m.method.tag = 2
except AttributeError as error:
    print(error)
from types import MethodType

bound = MethodType(lambda self, y: (self, y), 5)
print(bound(6))
try:
    MethodType(1, 2)
except TypeError as error:
    print(error)
proxy = Methods.__dict__
print(type(proxy).__name__, "method" in proxy, len(proxy) > 3)
try:
    proxy["x"] = 1
except TypeError as error:
    print(error)
