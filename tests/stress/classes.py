"""Classes that change while their instances are used: attributes, methods, bases, __class__, __slots__, module globals."""

import types
from stress import main, pause


class A:
    kind = "A"

    def __init__(self, value):
        self.value = value

    def name(self):
        return "A"

    @property
    def double(self):
        return self.value * 2


class B(A):
    kind = "B"

    def name(self):
        return "B"


class Other:
    kind = "Other"

    def name(self):
        return "Other"


class Slotted:
    __slots__ = ("a", "b")


KINDS = {"A", "B", "Other", "patched"}
objects = [A(i) for i in range(20)] + [B(i) for i in range(20)]
slotted = [Slotted() for _ in range(10)]


def use(rng):
    for _ in range(50):
        o = objects[rng.randrange(len(objects))]
        assert o.name() in KINDS and o.kind in KINDS
        assert isinstance(o.value, int)
        if isinstance(o, A):
            try:
                o.double
            except AttributeError:
                # Its class has changed meanwhile.
                pass


def change_class(rng):
    A.kind = rng.choice(("A", "patched"))
    A.name = rng.choice((lambda self: "A", lambda self: "patched"))
    setattr(B, f"extra{rng.randrange(20)}", 1)
    try:
        delattr(B, f"extra{rng.randrange(20)}")
    except AttributeError:
        pass


def change_objects(rng):
    o = objects[rng.randrange(len(objects))]
    o.value = rng.randrange(100)
    setattr(o, f"attr{rng.randrange(40)}", 1)
    try:
        delattr(o, f"attr{rng.randrange(40)}")
    except AttributeError:
        pass
    if rng.random() < 0.1:
        vars(o).copy()
        o.__dict__ = {"value": 7}
    o.__class__ = rng.choice((A, B))


def slots(rng):
    s = slotted[rng.randrange(len(slotted))]
    s.a = rng.randrange(10)
    try:
        assert 0 <= s.a < 10
        del s.a
    except AttributeError:
        pass


def bases(rng):
    """Bases change, and the order of lookup with them."""
    B.__bases__ = rng.choice(((A,), (A, Other)))
    assert B.__mro__[0] is B and B.__mro__[-1] is object


def new_classes(rng):
    """Classes come and go."""
    made = type("Made", (B,), {"name": lambda self: "Made", "x": rng.randrange(9)})
    o = made(3)
    assert o.name() == "Made" and o.double == 6 and isinstance(o, A) and issubclass(made, A)
    assert made in A.__subclasses__() or made in B.__subclasses__()


module = types.ModuleType("shared")
exec("""
value = 0
def read():
    return value, helper()
def helper():
    return 1
""", module.__dict__)


def globals_change(rng):
    """Module globals and builtins' shadows, which code has cached."""
    match rng.randrange(5):
        case 0: module.value = rng.randrange(100)
        case 1: module.helper = rng.choice((lambda: 1, lambda: 2))
        case 2: module.__dict__[f"new{rng.randrange(100)}"] = 1
        case 3: module.__dict__.pop(f"new{rng.randrange(100)}", None)
        case 4: pass
    for _ in range(30):
        value, helped = module.read()
        assert 0 <= value < 100 and helped in (1, 2)
    pause(rng)


main(use, change_class, change_objects, slots, bases, new_classes, globals_change)
