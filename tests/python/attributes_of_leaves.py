"""Attributes of instances whose native part refers to nothing survive collections."""

import gc
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Interface(Protocol):
    pass


class Implementation(Interface):
    pass


class Box(Generic[T]):
    def __init__(self):
        self.content = ["content"]


class Plain(Implementation):
    __slots__ = ("member",)


class Real(float):
    pass


class Whole(int):
    pass


class Imaginary(complex):
    pass


class Anything:
    pass


objects = [Implementation(), Box(), Plain(), Real(1.5), Whole(7), Whole(1 << 200), Imaginary(1, 2), Anything()]
gc.collect()
for number, thing in enumerate(objects):
    # The objects are old by now, what they get is young.
    thing.extra = {"number": [number]}
    vars(thing)
    if isinstance(thing, Plain):
        thing.member = ["member"]
for generation in (0, 0, 1, 2):
    gc.collect(generation)
    garbage = [{i: str(i)} for i in range(20000)]
    del garbage
for thing in objects:
    print(type(thing).__name__, sorted(vars(thing).items()), getattr(thing, "member", None))
