"""from __future__ import annotations: the annotations of functions and classes are dicts of text."""

from __future__ import annotations

import inspect
import typing


def function(a: int, *args: list[int], key: "str" = None, **rest: x | y) -> not_there:
    pass


def generic[T](x: T) -> list[T]:
    return x


class Class:
    field: not_there = 1

    def method[U](self, u: U) -> U:
        return u


for f in function, generic, Class.method:
    print(f.__annotations__)
    assert f.__annotations__ is f.__annotations__
print(Class.__annotations__)
print(inspect.signature(generic, eval_str=True))
print(typing.get_type_hints(lambda: None))
function.__annotations__["a"] = 3
print(function.__annotations__["a"])
del function.__annotations__
print(function.__annotations__)
