"""Changing classes while instances exist: attributes, __class__, __bases__, weak subclasses."""


class A:
    x = 1

    def f(self):
        return "A.f"


class B(A):
    pass


def read(o):
    return o.x, o.f()


b = B()
for _ in range(50):
    read(b)
print(read(b))
A.x = 2
print(read(b))
A.f = lambda self: "new f"
print(read(b))
B.x = 3
print(read(b))
b.x = 4
print(read(b))
del b.x
del B.x
print(read(b))
A.x = property(lambda self: "property")
print(read(b))


class Descriptor:
    def __get__(self, o, c):
        return "got"


A.x = d = Descriptor()
print(read(b))
b.x = "own"
print(read(b))
# The descriptor's class becomes a data descriptor.
Descriptor.__set__ = lambda self, o, v: print("set", v)
print(read(b))
b.x = 9
del Descriptor.__set__
print(read(b))


class C:
    def f(self):
        return "C.f"

    x = "C.x"


o = A()
o.own = 1
o.__class__ = C
print(type(o).__name__, o.own, o.f(), o.x, isinstance(o, A))
for code in ("o.__class__ = int", "o.__class__ = 5", "(5).__class__ = C", "del o.__class__"):
    try:
        exec(code)
    except TypeError as error:
        print(error)


class S1:
    __slots__ = ("a", "b")


class S2:
    __slots__ = ("a", "b")


class S3:
    __slots__ = ("a", "c")


s = S1()
s.a, s.b = 1, 2
s.__class__ = S2
print(s.a, s.b, type(s).__name__)
try:
    s.__class__ = S3
except TypeError as error:
    print(error)


class Base1:
    def name(self):
        return "Base1"


class Base2:
    def name(self):
        return "Base2"

    def __len__(self):
        return 5


class Child(Base1):
    pass


class GrandChild(Child):
    pass


g = GrandChild()
print(g.name(), Base1.__subclasses__())
Child.__bases__ = (Base2,)
print(g.name(), len(g), GrandChild.__mro__, Base1.__subclasses__(), Base2.__subclasses__())
for code in ("Child.__bases__ = (GrandChild,)", "Child.__bases__ = ()", "Child.__bases__ = (int,)", "Child.__bases__ = 1", "int.__bases__ = ()"):
    try:
        exec(code)
    except TypeError as error:
        print(error)
print(g.name(), Child.__bases__)

import gc


def temporary():
    class Temporary(Base1):
        pass

    return len(Base1.__subclasses__())


print(temporary())
gc.collect()
print(len(Base1.__subclasses__()))

# Abstract classes.
A.__abstractmethods__ = {"f"}
try:
    A()
except TypeError:
    print("abstract")
A.__abstractmethods__ = ()
print(type(A()).__name__)


class Meta(type):
    def __setattr__(cls, name, value):
        print("meta set", name)
        super().__setattr__(name, value)

    def __getattr__(cls, name):
        return "meta " + name


class M(metaclass=Meta):
    pass


M.x = 1
print(M.x, M.y)
try:
    M().y
except AttributeError as error:
    print(error)
print(M.__dict__["x"])
