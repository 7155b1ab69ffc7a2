"""Code that is made, runs hot and is thrown away, again and again at the same addresses: nothing of the old is left in the new."""
import gc
import weakref


class Base:
    pass


SOURCE = """
class Point{n}(Base):
    def __init__(self, x):
        self.{first} = x
        self.{second} = {n}

    def sum(self):
        return self.x + self.y * {factor}


def items(k):
    for i in range(k):
        yield i + {n}


def helper(i):
    return i * {factor} + {n}


def run():
    total = 0
    for i in range(60):
        p = Point{n}(i)
        total += p.sum() + helper(i)
        for j in items(3):
            total += j
        try:
            total += table[i % 7]
        except KeyError:
            total -= {factor}
    return total


table = {{k: k * {factor} for k in range(5)}}
result = run()
"""


def expected(n, factor):
    total = 0
    for i in range(60):
        total += i + n * factor + i * factor + n + 3 * n + 3
        total += i % 7 * factor if i % 7 < 5 else -factor
    return total


wrong = 0
for n in range(150):
    names = ("x", "y") if n % 2 else ("y", "x")
    if n % 2 == 0:
        # Here the first attribute is y, which is given i, and x is n.
        source = SOURCE.replace("self.x + self.y *", "self.y + self.x *")
    else:
        source = SOURCE
    factor = n % 5 + 1
    space = {"Base": Base}
    exec(compile(source.format(n=n, factor=factor, first=names[0], second=names[1]), f"made{n % 3}", "exec"), space)
    if space["result"] != expected(n, factor):
        wrong += 1
        print(n, space["result"], expected(n, factor))
    space.clear()
    del space
    if n % 3 == 0:
        gc.collect(n % 2 * 2)
print("wrong:", wrong)


# What machine code was made for does not live on because of that.
class Held:
    def value(self):
        return 1


def make():
    held = Held()

    def use():
        return held.value()

    def loop():
        total = 0
        for _ in range(200):
            total += use()
        return total

    return loop, weakref.ref(held), weakref.ref(use)


def hot():
    loop, *refs = make()
    assert loop() == 200 and loop() == 200
    return refs


refs = [r for _ in range(20) for r in hot()]
for _ in range(3):
    gc.collect()
print("alive:", sum(r() is not None for r in refs) <= 2)
