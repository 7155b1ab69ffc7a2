"""Reading and writing attributes of an instance."""

EXPECTED = 10499998


class Point:
    def __init__(self):
        self.x = 0
        self.y = 1


def kernel():
    point = Point()
    for i in range(7000000):
        point.x = point.x + point.y
        point.y = i & 3
    return point.x
