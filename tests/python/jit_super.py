"""Methods that are called by way of `super`, and properties, in machine code, also when classes change meanwhile."""


class Base:
    def __init__(self, n):
        self.n = n

    def value(self):
        return self.n

    @property
    def double(self):
        return self.n * 2

    @classmethod
    def name(cls):
        return cls.__name__


class Derived(Base):
    def __init__(self, n):
        super().__init__(n + 1)
        self.extra = n

    def value(self):
        return super().value() * 10

    @property
    def double(self):
        return super().double + 1

    @classmethod
    def name(cls):
        return super().name() + "!"


class Other:
    def value(self):
        return 7


class Third(Derived):
    def value(self):
        return super(Derived, self).value() + 1


def run(n):
    total = 0
    for i in range(n):
        d = Derived(i)
        total += d.value() + d.double + len(Derived.name())
        total += Third(i).value()
    return total


def changed(n):
    seen = []
    for i in range(n):
        d = Derived(1)
        if i == n - 100:
            Base.value = lambda self: -1
        if i == n - 50:
            Derived.double = property(lambda self: -2)
        seen.append((d.value(), d.double))
    return seen[0], seen[n - 100], seen[-1], len(set(seen))


def rebased(n):
    class A(Base):
        def value(self):
            return super().value()

    total = 0
    a = A(3)
    for i in range(n):
        if i == n - 10:
            A.__bases__ = (Derived,)
        if i == n - 5:
            a.__class__ = type("B", (Other,), {"value": A.value})
            try:
                a.value()
            except TypeError as e:
                return total, str(e)
        total += a.value()
    return total


def replaced(n):
    """Something else stands for super."""
    class Fake:
        def __init__(self, *args):
            pass

        def value(self):
            return 1000

    class C(Base):
        def value(self):
            return super(C, self).value()

    c, total = C(1), 0
    for i in range(n):
        if i == n - 20:
            globals()["super"] = Fake
        total += c.value()
    del globals()["super"]
    return total


def failing(n):
    class P:
        def __init__(self):
            self.count = 0

        @property
        def odd(self):
            self.count += 1
            if self.count % 50 == 0:
                raise ValueError(self.count)
            return self.count & 1

    p, total, errors = P(), 0, []
    for _ in range(n):
        try:
            total += p.odd
        except ValueError as e:
            errors.append(e.args[0])
    return total, errors


print(run(1000))
print(rebased(500))
print(changed(500))
print(replaced(500))
print(failing(500))
