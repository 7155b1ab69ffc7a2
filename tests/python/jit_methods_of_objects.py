"""Calls of methods written in Python that operators, subscripts, calls of objects and classes come down to, in hot loops."""

import sys
import traceback


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        if not isinstance(other, Vector):
            return NotImplemented
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor):
        if isinstance(factor, (int, float)):
            return Vector(self.x * factor, self.y * factor)
        return NotImplemented

    def __rmul__(self, factor):
        return self * factor

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"


class Other:
    def __radd__(self, left):
        return "other took " + repr(left)


class Derived(Vector):
    def __radd__(self, left):
        return Derived(self.x + left.x, 100)


def operators(n):
    v = Vector(0, 0)
    step = Vector(1, 2)
    for i in range(n):
        v = v + step
        v = (v - step * 2) + step
        v = 2 * v * 0.5
    return v


def declined(n):
    texts = set()
    other = Other()
    v = Vector(1, 2)
    for i in range(n):
        texts.add(v + (other if i % 3 else other))
    return texts


def derived_first(n):
    total = 0
    a, b = Vector(1, 1), Derived(2, 2)
    for i in range(n):
        # The right operand's class derives from the left one's: it is asked first.
        total += (a + b).y
        total += (b + a).y
    return total


def refused(n):
    v = Vector(1, 2)
    errors = 0
    for i in range(n):
        try:
            v + i
        except TypeError as e:
            errors += 1
            message = str(e)
    return errors, message


def raising(n):
    class Fails:
        def __truediv__(self, other):
            return 1 / other

    f = Fails()
    caught = 0
    for i in range(n):
        try:
            f / (i % 2)
        except ZeroDivisionError as e:
            caught += 1
            lines = [entry.name for entry in traceback.extract_tb(e.__traceback__)]
    return caught, lines


def callers(n):
    class Looks:
        def __add__(self, other):
            return sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno - first

    first = sys._getframe().f_lineno
    x = Looks()
    seen = set()
    for i in range(n):
        seen.add(x + i)
    return seen


def in_generator(n):
    def sums():
        v = Vector(0, 0)
        for i in range(n):
            v = v + Vector(i, 1)
            yield v.x

    return sum(sums())


class Adder:
    def __init__(self, by):
        self.by = by

    def __call__(self, x, y=1):
        return x + self.by * y

    def __getitem__(self, i):
        return self.by * i


def calls(n):
    add = Adder(3)
    total = 0
    for i in range(n):
        total = add(total)
        total = add(total, 2)
        total += add[i] - add[i - 1]
        try:
            add()
        except TypeError as e:
            message = str(e)
    return total, message


def changed(n):
    """The class's method is another one from the middle on."""
    class Changes:
        def __call__(self):
            return 1

        def __add__(self, other):
            return 1

        @classmethod
        def name(cls):
            return 1

        value = 1

    c = Changes()
    total = 0
    for i in range(n):
        if i == n // 2:
            Changes.__call__ = lambda self: 10
            Changes.__add__ = lambda self, other: 100
            Changes.name = classmethod(lambda cls: 1000)
            Changes.value = 10000
        total += c() + (c + c) + Changes.name() + Changes.value
    return total


class Base:
    count = 0

    @classmethod
    def make(cls, n):
        cls.count += n
        return cls.__name__


class Sub(Base):
    pass


def class_methods(n):
    names = []
    for i in range(n):
        kind = Base if i % 2 else Sub
        names.append(kind.make(1))
        Base.make(2)
    return len(names), names[:2], Base.count, Sub.count


class Items(list):
    pass


def lists(n):
    items = Items()
    found = 0
    a, b = object(), Base()
    for i in range(n):
        items.append(a if i % 2 else b)
    for item in items:
        if item == a:
            found += 1
        if item != b:
            found += 1
        if item == None:
            found += 1
    for item in reversed(items):
        found += item == b
    return len(items), found


def equality_changed(n):
    class Plain:
        pass

    a, b = Plain(), Plain()
    equal = 0
    for i in range(n):
        if i == n // 2:
            Plain.__eq__ = lambda self, other: True
        equal += a == b
    return equal


def short_loops(n):
    """Loops of one or two rounds, which are seldom closed while they are recorded."""
    total = 0
    chain = {i: [i + 1] if i % 3 else [i + 1, i + 2] for i in range(100)}
    for k in range(n):
        at = k % 90
        for step in range(4):
            for target in chain[at]:
                if target % 2:
                    total += target
                last = target
            at = last % 100
    return total


def main(n):
    print(operators(n))
    print(declined(n))
    print(derived_first(n) == n * (100 + 3))
    print(refused(n))
    print(raising(n))
    print(callers(n))
    print(in_generator(n))
    print(calls(n))
    print(changed(n))
    print(class_methods(n))
    print(lists(n))
    print(equality_changed(n))
    print(short_loops(n))


main(6000)
