"""Who calls whom: nested calls, a generator, an exception that two functions let pass."""


def outer():
    inner()
    for _ in countdown():
        inner()


def inner():
    pass


def countdown():
    yield 2
    yield 1


def passing():
    raising()


def raising():
    raise KeyError


outer()
try:
    passing()
except KeyError:
    pass
