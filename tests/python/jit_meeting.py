"""Recursion through many places, deeper than a trace follows: traces end where others go on, and none of them goes round in circles."""

import copy


class Node:
    def __init__(self, value, children):
        self.value = value
        self.children = children

    def total(self):
        return self.value + sum_of(self.children)

    def depth(self):
        deepest = 0
        for child in self.children:
            deepest = max(deepest, child.depth())
        return deepest + 1


def sum_of(nodes):
    total = 0
    for node in nodes:
        total += node.total()
    return total


def tree(depth, width, value=1):
    if depth == 0:
        return Node(value, [])
    return Node(value, [tree(depth - 1, width - i % 2, value + i) for i in range(width)])


def chain(n):
    node = Node(0, [])
    for i in range(n):
        node = Node(i, [node])
    return node


def same(x):
    return x


def through(kind, x):
    """Calls one function from many places, which it returns to."""
    if kind == 0:
        return same(x) + 1
    if kind == 1:
        return [same(x)][0]
    if kind == 2:
        return same(same(x)) * 2
    if kind == 3:
        return -same(x)
    if kind == 4:
        return same(x) if x else same(1)
    if kind == 5:
        return max(same(x), same(3))
    if kind == 6:
        return {"a": same(x)}["a"]
    if kind == 7:
        return (same(x), 2)[0]
    if kind == 8:
        y = same(x)
        return y
    return through(kind - 9, same(x)) + through(kind % 7, x)


def returns(n):
    total = 0
    for i in range(n):
        total += through(i % 40, i % 11)
    return total


def down(n, by):
    return 0 if n <= 0 else 1 + down(n - by, by) if n % 3 else 1 + down(n - 1, by)


def depths(n):
    total = 0
    for i in range(n):
        total += down(i % 60, 1 + i % 4)
    return total


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def too_deep(n):
    """The recursion limit is found, in whatever runs then."""
    def without_end(x):
        return without_end(x + 1) + 1

    caught = 0
    for i in range(n):
        try:
            without_end(0)
        except RecursionError:
            caught += 1
    return caught


class Plain:
    def __init__(self, a):
        self.a = a
        self.b = [a, (a, "b"), {"c": a}]


def copies(n):
    data = {"list": [1, 2, 3], "t": (1, [2], 3), "s": "hello", "d": {"a": True, "b": [Plain(1)]}, "p": Plain("x")}
    for i in range(n):
        made = copy.deepcopy(data)
        data["list"] = [i, float(i), str(i), None, (i,)][: i % 6]
    return sorted(made), made["p"].b[2], made["d"]["b"][0].b


t = tree(5, 4)
print([t.total() for _ in range(20)][-1], [t.depth() for _ in range(20)][-1])
print([chain(100).total() for _ in range(100)][-1])
print(returns(20000))
print(depths(3000))
print([ackermann(2, n) for n in range(12)])
print(too_deep(30))
print(copies(600))
