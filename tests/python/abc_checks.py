# _abc: registration, caches, abstract methods.
import abc
import collections.abc
import gc


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @property
    @abc.abstractmethod
    def name(self): ...

    @classmethod
    @abc.abstractmethod
    def make(cls): ...


print(sorted(Shape.__abstractmethods__), attempt(Shape))


class Half(Shape):
    def area(self):
        return 1


print(sorted(Half.__abstractmethods__), attempt(Half))


class Square(Half):
    name = "square"

    @classmethod
    def make(cls):
        return cls()


print(Square.make().area(), Square.__abstractmethods__, isinstance(Square(), Shape), issubclass(Half, Shape))


class Tuple3(tuple):
    pass


before = abc.get_cache_token()
print(isinstance((), Shape), Shape.register(tuple) is tuple, isinstance((), Shape), isinstance(Tuple3(), Shape), abc.get_cache_token() != before)
print(issubclass(int, Shape), issubclass(int, Shape), isinstance(3, Shape))
Half.register(int)
print(issubclass(bool, Shape), issubclass(int, Square))
print(attempt(lambda: Shape.register(3)))
print(attempt(lambda: Half.register(Shape)))
print(attempt(lambda: issubclass(3, Shape)))


class Sized(metaclass=abc.ABCMeta):
    @classmethod
    def __subclasshook__(cls, other):
        if cls is Sized:
            return hasattr(other, "__len__")
        return NotImplemented


print(issubclass(list, Sized), issubclass(int, Sized), isinstance("", Sized))


class Bad(metaclass=abc.ABCMeta):
    @classmethod
    def __subclasshook__(cls, other):
        return 3


print(attempt(lambda: issubclass(int, Bad)))


class Pretends:
    __class__ = property(lambda self: Square)


print(isinstance(Pretends(), Shape), isinstance(Pretends(), Sized))


class Seq:
    pass


class Map:
    pass


def matched(x):
    match x:
        case [*_]:
            return "sequence"
        case {**_rest}:
            return "mapping"
    return "neither"


Seq.__len__ = lambda self: 0
Seq.__getitem__ = lambda self, i: 1 / 0
print(matched(Seq()))
collections.abc.Sequence.register(Seq)
print(matched(Seq()), isinstance(Seq(), collections.abc.Sequence), isinstance(Seq(), collections.abc.Iterable))


class Collected(collections.abc.MutableSequence):
    def __init__(self):
        self.items = []

    def __getitem__(self, i):
        return self.items[i]

    def __setitem__(self, i, v):
        self.items[i] = v

    def __delitem__(self, i):
        del self.items[i]

    def __len__(self):
        return len(self.items)

    def insert(self, i, v):
        self.items.insert(i, v)


c = Collected()
c.extend("abc")
c.reverse()
print(list(c), c.index("a"), c.pop(), "b" in c, matched(c))
Late = abc.ABCMeta("Late", (), {})
print(Late.__abstractmethods__, abc.update_abstractmethods(Half) is Half)


def make():
    class Gone(Square):
        pass

    return isinstance(Gone(), Shape)


print([make() for _ in range(3)])
gc.collect()
print(make(), issubclass(list, collections.abc.Sequence), isinstance({}.keys(), collections.abc.Set), isinstance(iter([]), collections.abc.Iterator))
