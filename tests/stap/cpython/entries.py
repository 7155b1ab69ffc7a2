"""Each way of calling a function."""


def decorated(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def leaf(x, y=2, *, z=3):
    return x


@decorated
def wrapped(x):
    return leaf(x)


def numbers():
    yield 1
    yield leaf(2)


def failing():
    raise LookupError


class Point:
    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return Point(self.x + other.x)

    @property
    def double(self):
        return self.x * 2


def start():
    leaf(1)
    leaf(*(1, 2), z=4)
    leaf(x=1, **{"y": 5})
    wrapped(1)
    for number in numbers():
        pass
    (Point(1) + Point(2)).double
    sorted([1], key=lambda x: -x)
    try:
        failing()
    except LookupError:
        pass


leaf(0)
start()
leaf(0)
