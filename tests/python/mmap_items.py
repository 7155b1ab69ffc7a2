"""Iteration over a mapping yields bytes of length 1, a subscript an int."""
import mmap
import operator

m = mmap.mmap(-1, 4)
m[:] = b"abca"
print(list(m), tuple(reversed(m)), m[0], m[1:3])
print(b"a" in m, 97 in m, b"ab" in m, operator.countOf(m, b"a"), operator.indexOf(m, b"b"), max(m))
first, *rest = m
print(first, rest, iter(m).__length_hint__(), hasattr(m, "__iter__"))


class Items(mmap.mmap):
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * 10


class Same(Items.__base__):
    pass


class Mixed(mmap.mmap, object):
    pass


print(list(Items(-1, 4)), list(Same(-1, 2)), list(Mixed(-1, 2)), Same(-1, 2)[0])
iterator = iter(m)
next(iterator)
m.close()
try:
    next(iterator)
except ValueError as error:
    print(error)
