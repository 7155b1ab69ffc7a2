"""Sets and dicts that machine code fills, with keys that are tuples or objects, and where a key's own comparison has to be asked."""


class Node:
    """Is only equal to itself."""


class Key:
    """A key whose comparison is seen."""

    asked = 0

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        Key.asked += 1
        return self.n == (other.n if isinstance(other, Key) else other)


def comprehensions(n):
    squares = {i * i % 97 for i in range(n)}
    pairs = {(i % 7, "ab"[i % 2]) for i in range(n)}
    table = {(i % 5, i % 3): i for i in range(n)}
    from_generator = set(i % 11 for i in range(n))
    return len(squares), sorted(pairs)[:3], sorted(table.items())[:3], len(from_generator)


def methods(n):
    seen, removed = set(), 0
    nodes = [Node() for _ in range(10)]
    for i in range(n):
        seen.add(i % 100)
        seen.add((i % 4, i % 6))
        seen.add(nodes[i % 10])
        if i % 3 == 0:
            seen.discard(i % 50)
            seen.discard("never there")
            removed += 1
    return len(seen), removed, all(node in seen for node in nodes), (3, 5) in seen, (3, 4) in seen


def own_comparison(n):
    Key.asked = 0
    s = {Key(3), Key(500)}
    d = {Key(4): "own"}
    for i in range(n):
        s.add(i)
        d[i] = i
        if i == n - 10:
            s.discard(500)
    return len(s), len(d), d[4], Key.asked, 3 in s, 500 in s


def lookups(n):
    by_place = {(x, y): x * y for x in range(10) for y in range(10)}
    nodes = [Node() for _ in range(8)]
    names = {node: i for i, node in enumerate(nodes)}
    total = missing = 0
    for i in range(n):
        total += by_place[i % 10, i // 10 % 10] + names[nodes[i % 8]] + by_place.get((i % 20, 1), 0)
        if (i % 12, 3) not in by_place:
            missing += 1
    return total, missing


def unhashable(n):
    s, errors = set(), []
    for i in range(n):
        try:
            s.add(i if i % 100 else [i])
        except TypeError as e:
            errors.append(str(e))
        try:
            s.add((i, []) if i % 150 == 149 else (i, 1))
        except TypeError as e:
            errors.append(str(e))
    return len(s), len(errors), errors[0].splitlines()[0], errors[-1].splitlines()[0]


def nested(n):
    s = set()
    for i in range(n):
        s.add(((i % 3, i % 2), i % 5))
    return len(s), ((2, 1), 4) in s, ((2, 2), 4) in s


def equality(n):
    a, b = Node(), Node()
    same = other = numbers = 0
    for i in range(n):
        same += (a, i % 2) == (a, i & 1)
        other += (a, 1) == (b, 1)
        numbers += (i % 3, 1.0) == (0, True)
        numbers += (i, 1) != (i, 1, 2)
    return same, other, numbers


print(comprehensions(1000))
print(methods(1000))
print(own_comparison(1000))
print(lookups(2000))
print(unhashable(1000))
print(nested(1000))
print(equality(1000))
