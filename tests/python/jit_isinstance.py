"""isinstance in loops that are compiled, of values and classes that stay and that change."""
import abc


class A:
    pass


class B(A):
    pass


class C:
    pass


class Told:
    @property
    def __class__(self):
        return B


class Asked(metaclass=abc.ABCMeta):
    pass


class Meta(type):
    def __instancecheck__(cls, other):
        return other == 3


class Checked(metaclass=Meta):
    pass


NUMBERS = (int, float)


def count(values, classes, rounds=300):
    """How many of the values were instances, asked for again and again."""
    found = 0
    for i in range(rounds):
        if isinstance(values[i % len(values)], classes):
            found += 1
    return found


def kinds(values):
    found = dict.fromkeys(["number", "text", "A", "list or tuple", "other"], 0)
    for _ in range(60):
        for v in values:
            if isinstance(v, NUMBERS):
                found["number"] += 1
            elif isinstance(v, str):
                found["text"] += 1
            elif isinstance(v, A):
                found["A"] += 1
            elif isinstance(v, (list, tuple)):
                found["list or tuple"] += 1
            else:
                found["other"] += 1
    return found


VALUES = [1, 2.5, True, None, "x", b"x", (1,), [1], A(), B(), C(), 10**30, A, int, ..., Told()]
print(kinds(VALUES))
for v in VALUES:
    print([count([v], c) for c in (int, float, bool, str, tuple, list, A, B, C, object, type, NUMBERS, (A, C), (A, (C, int)), Told)])
print(count([A(), C()], A), count([1, "x", 2.0], (int, str)), count([3, 4], Checked), count([3, 4], (A, Checked)))


def change(values, classes, at, what):
    """As count, while something happens in round `at`."""
    found = []
    for i in range(400):
        if i == at:
            what()
        found.append(isinstance(values[i % len(values)], classes))
    return found.count(True), found.index(True) if True in found else None


class D:
    pass


class E:
    pass


class F(D):
    pass


print(change([C()], Asked, 250, lambda: Asked.register(C)))
print(change([F()], E, 250, lambda: setattr(F, "__bases__", (E,))))
print(change([F()], D, 250, lambda: setattr(F, "__bases__", (D,))))
d = D()
print(change([d], E, 250, lambda: setattr(d, "__class__", E)))


def tells(self, name):
    return B if name == "__class__" else object.__getattribute__(self, name)


print(change([D()], B, 250, lambda: setattr(D, "__getattribute__", tells)))
print(change([D()], C, 250, lambda: delattr(D, "__getattribute__")))
print(change([1], (str,), 250, lambda: None))


def rebound():
    global NUMBERS
    found = 0
    for i in range(400):
        if i == 250:
            NUMBERS = (str, list)
        found += isinstance("x", NUMBERS)
    NUMBERS = int, float
    return found


def local_classes():
    """Classes that die, whose places others may get."""
    found = 0
    for i in range(200):
        class Local(A if i % 3 else C):
            pass

        v = Local()
        for j in range(5):
            found += isinstance(v, Local) + isinstance(v, A) + isinstance(v, (C, Local))
    return found


print(rebound(), local_classes())
try:
    count([1], (str, 1))
except TypeError as e:
    print(e)
