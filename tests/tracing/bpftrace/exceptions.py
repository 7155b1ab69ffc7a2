"""An exception that unwinds three frames, raised twice, and one that is caught where it is raised."""


def outer():
    inner()


def inner():
    raise LookupError


def caught():
    try:
        raise OSError
    except OSError:
        pass


for i in range(2):
    try:
        outer()
    except LookupError:
        pass
caught()
