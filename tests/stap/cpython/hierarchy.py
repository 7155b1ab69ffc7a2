"""Nested calls."""


def outer():
    for i in range(2):
        middle(i)
    return "done"


def middle(i):
    if i:
        return inner()
    inner()


def inner():
    return 1


outer()
