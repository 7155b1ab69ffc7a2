"""Methods: bound calls, inheritance, super, a property, __len__ and __getitem__."""

EXPECTED = 22350000


class Shape:
    def __init__(self, side):
        self.side = side

    def area(self):
        return 0

    def scaled(self, factor):
        return self.area() * factor


class Square(Shape):
    def area(self):
        return self.side * self.side + super().area()

    @property
    def double(self):
        return self.side * 2

    def __len__(self):
        return self.side

    def __getitem__(self, index):
        return self.side + index


def kernel():
    shapes = [Square(1), Square(2), Square(3)]
    total = 0
    for i in range(300000):
        for shape in shapes:
            total += shape.scaled(i & 7) + shape.double + len(shape) + shape[i & 1]
    return total
