"""What machine code asks of native types itself: large ints, lists' subclasses, what is kept by identity, empty displays."""


class Stack(list):
    """A list that is none to those who look at the class only."""

    def push(self, v):
        self.append(v)


class Name(int):
    """An int with a name."""


class Loud(list):
    asked = 0

    def __len__(self):
        Loud.asked += 1
        return 5

    def __iter__(self):
        Loud.asked += 1
        return iter((1, 2))


class Tool:
    default = 3

    @classmethod
    def of(cls, a, b=1):
        return cls.default * a + b

    @classmethod
    def exact(cls, a, b):
        return cls.default + a - b


class Other(Tool):
    default = 4


def large_ints(n):
    key, total = 2**64 - 1, 0
    for i in range(n):
        key ^= (i << 50) | 2**60
        total += key
        total -= key >> 3
        total &= 2**80 - 1
        key = key * 3 % (2**64 - 59)
        if i % 100 == 99:
            try:
                total //= i - 999 if key > 5 else 1
            except ZeroDivisionError as e:
                return total, key, str(e)
    return total, key


def changing(n):
    """An int that is inline at times."""
    x, seen = 2**47, 0
    for i in range(n):
        x = x * 5 if i % 3 else x // 7
        if i % 10 == 0:
            x = x % 1000003
        if i % 200 == 150:
            x = float(x)
        if i % 200 == 160:
            x = int(x)
        seen += x > 2**40
    return x, seen


def lists(n):
    total, stack = 0, Stack()
    for i in range(n):
        stack.push(i)
        total += len(stack)
        for v in stack:
            total += v
        if len(stack) > 4:
            stack = Stack()
        empty, more = [], []
        more.append(i)
        total += len(empty) + len(more)
        if i == n - 50:
            Stack.__len__ = lambda self: 1000
    del Stack.__len__
    return total


def loud(n):
    total, l = 0, Stack((7, 8, 9))
    for i in range(n):
        if i == n - 100:
            l = Loud((3, 4))
        total += len(l)
        for v in l:
            total += v
    return total, Loud.asked


def identities(n):
    a, b = object(), [1]
    names = {Name(3): "three", Name(4): "four"}
    keys, seen = list(names), 0
    for i in range(n):
        seen += (id(a) == id(a)) + (id(a) == id(b)) + callable(len) + callable(i)
        seen += len(names[keys[i & 1]]) + (keys[i & 1] in names) + (Name(i % 5) in names) + (i % 5 in names)
        seen += (type(a) in {int, object}) + (type(i) in {str: 1})
    return seen


def class_methods(n):
    total = 0
    for i in range(n):
        cls = Other if i % 7 == 3 else Tool
        total += Tool.of(i) + Other.of(i, 2) + cls.of(1, b=i) + Other.exact(i, 1) + cls.exact(1, 2)
        if i == n - 30:
            Tool.default = 10
    Tool.default = 3
    return total


print(large_ints(2000))
print(changing(1000))
print(lists(600))
print(loud(600))
print(identities(1000))
print(class_methods(1000))
