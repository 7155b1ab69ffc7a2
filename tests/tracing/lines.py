"""Its lines, in the order in which they run, are in lines.txt."""


def count(n):
    total = 0
    for i in range(n):
        if i % 2:
            total += 1
    return total


class Pair:
    def __init__(self, a):
        self.a = a


def gen():
    yield 1
    yield 2


count(3)
Pair(1)
for x in gen():
    pass
try:
    Pair()
except TypeError:
    pass
from concurrent import interpreters
other = interpreters.create()
other.prepare_main(program=__file__)
other.exec("exec(compile('def elsewhere():\\n    return 1\\nelsewhere()', program, 'exec'))")
other.close()
