"""Module."""
from __future__ import annotations

x: int | None = 1


class C:
    y: list[ "C" ]


def f(a: int, b: 'str') -> x [ 1 ]: ...
