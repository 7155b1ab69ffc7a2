"""Calls of classes with keywords, defaults and unpacked arguments, and calls and returns that lead to many places, in loops that get machine
code."""

import abc


class Meta(type):
    def __len__(cls):
        return 3


class Node(metaclass=Meta):
    def __init__(self, **args):
        self.args = args


class Point:
    def __init__(self, x, y=2, *rest, z=3):
        self.x, self.y, self.rest, self.z = x, y, rest, z

    def sum(self):
        return self.x + self.y + self.z + sum(self.rest)

    def scaled(self, by, *, plus=0):
        return self.sum() * by + plus


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        pass


class Concrete(Abstract):
    def __init__(self, n=1):
        self.n = n

    def method(self):
        return self.n


class Wrong:
    def __init__(self, result):
        return result


def classes(rounds):
    total = 0
    for i in range(rounds):
        total += Point(i).sum() + Point(i, 1).sum() + Point(i, y=5).sum() + Point(x=i, z=1).sum() + Point(i, 1, 2, 3, z=4).sum()
        total += len(Node(a=i, b=2).args) + Node(n=i).args["n"] + len(Node)
        total += Concrete().method() + Concrete(n=i).method()
    return total


def unpacked(rounds):
    total = 0
    for i in range(rounds):
        keywords = {"y": i} if i % 2 else {"z": i, "y": 1}
        total += Point(1, **keywords).sum() + Point(*(1, 2, 3), **keywords if i % 2 == 0 and keywords.pop("y") else {}).sum()
        total += Point(1).scaled(*(2,), **{"plus": i}) + Point(1).scaled(*(i,))
        total += len(Node(**keywords).args)
        total += function(*(1, 2), **{"c": i}) + (lambda *a, **k: len(a) + len(k))(*range(i % 4), **keywords)
    return total


def function(a, b=1, *, c=0):
    return a + b + c


def errors(rounds):
    seen = set()
    for i in range(rounds):
        for call in (
            lambda: Point(),
            lambda: Point(1, w=3),
            lambda: Point(**{"x": 1, "w": 3}),
            lambda: Point(*(1,), **{"x": 1}),
            lambda: Point(**{1: 2}),
            lambda: Abstract(),
            lambda: Abstract(x=1),
            lambda: Wrong(1),
            lambda: Wrong(result=2),
            lambda: Wrong(**{"result": "x"}),
            lambda: function(*(1,), **{"a": 2}),
            lambda: Point(1).scaled(**{"over": 2}),
        ):
            try:
                call()
            except TypeError as e:
                seen.add(str(e))
    return sorted(seen)


def changed_metaclass(rounds):
    class Changing(type):
        pass

    class Made(metaclass=Changing):
        def __init__(self, n=1, **more):
            self.n = n

    total = 0
    for i in range(rounds):
        if i == rounds // 2:
            Changing.__call__ = lambda cls, *args, **keywords: 1000
        made = Made(n=2)
        total += made if isinstance(made, int) else made.n
        made = Made(**{"n": 3, "m": 4})
        total += made if isinstance(made, int) else made.n
    return total


def many_places(rounds):
    """One place that calls many functions, and one function that is called from many places."""

    def shared(x, depth=0):
        return shared(x, depth + 1) + 1 if depth < x % 5 else x

    functions = [lambda x, i=i: shared(x + i) for i in range(3)]
    functions += [lambda x: shared(x) + 1, lambda x: 2 + shared(x), lambda x: shared(x) * 3, lambda x: -shared(x), lambda x: [shared(x)][0]]
    functions += [lambda x: shared(x) - 4, lambda x: shared(x, 2), lambda x: shared(shared(x)), lambda x: shared(x) if x else 0]
    functions += [lambda x: int(str(shared(x))), lambda x: sum(shared(y) for y in (x, x)), lambda x: max(shared(x), 3)]
    total = 0
    for i in range(rounds):
        total += functions[i * 7 % len(functions)](i % 9)
    return total


def many_shapes(rounds):
    class Base:
        def value(self):
            return self.a

    def make(i):
        made = type(f"C{i}", (Base,), {} if i % 3 else {"value": lambda self: self.a + i})()
        for name in "bcdefgh"[: i % 7]:
            setattr(made, name, i)
        made.a = i
        return made

    objects, total = [make(i) for i in range(20)], 0
    for i in range(rounds):
        made = objects[i * 3 % 20]
        total += made.value() + made.a
        made.a += 1
    return total


def many_generators(rounds):
    def numbers(n):
        for i in range(n):
            yield i

    def twice(n):
        for x in numbers(n):
            yield x
            yield from numbers(2)

    sources, total = [numbers, twice, lambda n: (x * 2 for x in twice(n)), lambda n: map(abs, numbers(n)), range], 0
    sources += [lambda n: iter(list(numbers(n))), lambda n: enumerate(twice(n)), lambda n: zip(numbers(n), twice(n))]
    for i in range(rounds):
        for x in sources[i % len(sources)](i % 5):
            total += x if isinstance(x, int) else x[0] * x[1]
    return total


for test in (classes, unpacked, errors, changed_metaclass, many_places, many_shapes, many_generators):
    print(test.__name__, test(200 if test is errors else 6000))
