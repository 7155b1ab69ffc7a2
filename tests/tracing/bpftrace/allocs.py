"""A hundred objects of a class, and three of another that is larger."""


class LimpidSmall:
    __slots__ = ("a",)


class LimpidLarge:
    __slots__ = tuple("abcdefghijklmnop")


things = [LimpidSmall() for i in range(100)]
things += [LimpidLarge() for i in range(3)]
