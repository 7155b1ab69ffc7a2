"""Functions that call themselves have machine code of their own; what is collected on request is all that is not in use."""
import gc
import sys
import weakref


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Tree:
    def __init__(self, depth):
        self.value = depth
        self.left = Tree(depth - 1) if depth else None
        self.right = Tree(depth - 1) if depth else None

    def total(self):
        if self.left is None:
            return self.value
        return self.value + self.left.total() + self.right.total()


def is_even(n):
    return n == 0 or is_odd(n - 1)


def is_odd(n):
    return n != 0 and is_even(n - 1)


def counted(n, counts):
    def inner(k):
        counts[k] = counts.get(k, 0) + 1
        if k:
            inner(k - 1)
            inner(k - 1)

    inner(n)


def fails_at_the_bottom(n):
    if n == 0:
        raise KeyError("bottom")
    try:
        fails_at_the_bottom(n - 1)
    finally:
        fails_at_the_bottom.left += 1


def without_end(n):
    return without_end(n + 1)


class Node:
    pass


def cycle(length):
    first = node = Node()
    for _ in range(length):
        node.next = Node()
        node.next.previous = node
        node = node.next
    node.next = first
    return first


def survivors(rounds):
    alive = 0
    for _ in range(rounds):
        nodes = [cycle(20) for _ in range(5)]
        references = [weakref.ref(node) for node in nodes]
        del nodes
        gc.collect()
        for reference in references:
            alive += reference() is not None
    return alive


print(fib(20), Tree(10).total(), is_even(400), is_odd(400))
print([is_even(n % 50) for n in range(3000)].count(True))
counts = {}
counted(10, counts)
print(counts)
fails_at_the_bottom.left = 0
for _ in range(60):
    try:
        fails_at_the_bottom(50)
    except KeyError as error:
        reason = error
print(repr(reason), fails_at_the_bottom.left)
for _ in range(5):
    try:
        without_end(0)
    except RecursionError as error:
        print(type(error).__name__)
events = []
sys.setprofile(lambda frame, event, arg: events.append(event) if frame.f_code is fib.__code__ else None)
print(fib(10))
sys.setprofile(None)
print(events.count("call"), events.count("return"), fib(20))
# A word that was left somewhere may keep a round's cycles alive, but not all further ones.
print(survivors(1200) < 50)
