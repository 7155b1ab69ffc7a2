# Many rounds of loops whose instructions call native code: the native stack must not grow with them.
import itertools
import operator

ROUNDS = 300_000


class Plain:
    def __init__(self):
        self.value = 1

    @property
    def half(self):
        return self.value / 2

    def __len__(self):
        return 3

    def __eq__(self, other):
        return True

    def __getitem__(self, index):
        return index

    def __contains__(self, item):
        return True


class Slots:
    __slots__ = ("value",)


def loop(function):
    for i in range(ROUNDS):
        function(i)


plain, slots, text, numbers, table = Plain(), Slots(), "text", [1, 2, 3], {"a": 1}
add = operator.add
counter = itertools.count()
append = [].append
partial = "{}".format
total = 0


def each(i):
    yield i


for i in range(ROUNDS):
    str(i), repr(i), type(i), len(text), len(plain), bool(i), int("7"), tuple(numbers), list(numbers), isinstance(i, int)
    plain.value += 1
    slots.value = plain.half
    plain == slots, plain[i], i in plain, numbers[1], table["a"], text[1:2], f"{i:>3} {text!r}"
    add(i, i), next(counter), append(i), partial(i), text.upper(), min(i, 1), max(numbers, key=abs), sum(numbers)
    a, *b = numbers
    c = [x for x in numbers if x]
    d = {**table}
    total += sum(each(i)) + numbers[0] * 2 - 7 // 2 + 2**3 % 5
    del a, b, c, d
loop(str)
loop(lambda i: plain == i)
print(total, len(list(map(str, range(ROUNDS)))), sum(1 for _ in zip(range(ROUNDS), range(ROUNDS))))
try:
    for i in range(ROUNDS):
        try:
            numbers[i + 5]
        except IndexError as e:
            pass
        finally:
            text = str(i)
finally:
    print(text)
