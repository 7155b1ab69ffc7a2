"""Generic aliases and unions: subclasses, attributes, copies, and arguments that cannot be hashed or compared."""

import collections.abc
import copy
import pickle
import types
import typing


class Alias(types.GenericAlias):
    def __repr__(self):
        return f"Alias of {self.__origin__.__name__}"


print(Alias(list, int), type(Alias(list, int)), Alias(list, int) == list[int])
print(collections.abc.Callable[[int, str], float], collections.abc.Callable[[], bool])
print(typing.Callable[[int], typing.TypeVar("T")], collections.abc.Callable[[int, typing.TypeVar("T")], str][bytes])
print([name for name in dir(list[int]) if name in ("append", "__args__", "__origin__", "__dir__")])
star = next(iter(tuple[int, str]))
for alias in list[int], star, dict[str, list[int]]:
    assert copy.copy(alias) == alias and copy.deepcopy(alias) == alias
    assert all(pickle.loads(pickle.dumps(alias, protocol)) == alias for protocol in range(6))
print(star, staticmethod[int], classmethod[int])


class Unhashable(type):
    hashable = False

    def __hash__(cls):
        if not Unhashable.hashable:
            raise TypeError("not hashable")
        return 1


class A(metaclass=Unhashable):
    pass


class B(metaclass=Unhashable):
    pass


union = A | B
print(union == B | A, union == A | int, (A | B | A).__args__ == (A, B))
for _ in range(2):
    try:
        hash(union)
    except TypeError as e:
        print(e)
    Unhashable.hashable = True


class Incomparable(type):
    def __eq__(cls, other):
        raise ZeroDivisionError


x, y = Incomparable("x", (), {}), Incomparable("y", (), {})
print((int | x).__args__[0])
for wrong in (lambda: x | y, lambda: (int | x) == (int | y)):
    try:
        wrong()
    except ZeroDivisionError as e:
        print(repr(e))
T = typing.TypeVar("T")
print((T | "later").__args__, typing.Union[int, "later"].__args__, (T | int)["later"].__args__)
print(typing.Union[int, str] | "later", "later" | typing.Union[int, str])
print(isinstance(1, int | list[int]))
try:
    isinstance(1, list[int] | int)
except TypeError as e:
    print(e)


class Base:
    def __new__(cls, *arguments):
        self = object.__new__(cls)
        self.arguments = arguments
        return self


class Generic(typing.Generic[T], Base):
    pass


class Plain(typing.Generic[T]):
    pass


print(Generic[int](1, 2).arguments)
try:
    Plain(1)
except TypeError as e:
    print(e)


class Namespace(types.SimpleNamespace):
    pass


namespace = Namespace(a=1)
print(copy.replace(namespace, a=2).a)
Namespace.__new__ = lambda cls: 12345
try:
    copy.replace(namespace)
except TypeError as e:
    print(e)
