# _operator: operators as functions, and the getters.
import operator
import pickle


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print([f(7, 3) for f in (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.pow, operator.and_, operator.or_,
                         operator.xor, operator.lshift, operator.rshift, operator.lt, operator.ge, operator.ne)])
print(operator.truediv(1, 4), operator.neg(3), operator.pos(-3), operator.abs(-3), operator.inv(5), operator.index(True))
items = [1, 2]
print(operator.iadd(items, [3]) is items, operator.iconcat(items, (4,)), operator.imul(items, 2), operator.iadd(1, 2))
operator.setitem(items, 0, "x")
operator.delitem(items, slice(1, 7))
print(items, operator.getitem(items, -1), operator.contains(items, "x"))
print(operator.concat([1], [2]), operator.concat("a", "b"), operator.countOf([1, 2, 1, 1.0], 1), operator.indexOf("hello", "l"))
print(operator.length_hint(iter([1, 2, 3])), operator.length_hint(3, 7), operator.truth([]), operator.not_(0), operator.is_(None, None))
print(operator.call(divmod, 7, 2), operator.call(dict, a=1))
for f in (lambda: operator.concat(1, 2), lambda: operator.indexOf([1], 5), lambda: operator.countOf(1, 1), lambda: operator.add(1),
          lambda: operator.length_hint(1, "a"), lambda: operator.index(1.5), lambda: operator.add(1, "a"), lambda: operator.lt(1, "a")):
    print(attempt(f))

print("-- getters")


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def move(self, dx, *, dy=0):
        return Point(self.x + dx, self.y + dy)

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


p = Point(1, Point(2, 3))
print(operator.attrgetter("x")(p), operator.attrgetter("x", "y.x", "y.y")(p), operator.itemgetter(1)([5, 6]), operator.itemgetter(2, 0)("abc"))
print(operator.itemgetter(slice(1, 3))("abcd"), operator.methodcaller("move", 5)(p.y), operator.methodcaller("move", 1, dy=2)(p.y))
for getter in (operator.attrgetter("a.b", "c"), operator.itemgetter("k", 1), operator.methodcaller("m", 1, k=[2])):
    print(getter, pickle.loads(pickle.dumps(getter)))
    print(getter.__reduce__()[1])
for f in (lambda: operator.attrgetter(), lambda: operator.attrgetter(1), lambda: operator.attrgetter("x.z")(p), lambda: operator.itemgetter(),
          lambda: operator.itemgetter(9)([]), lambda: operator.itemgetter(1)(), lambda: operator.methodcaller(), lambda: operator.methodcaller(1),
          lambda: operator.methodcaller("nope")(p), lambda: operator.attrgetter("x")(p, 1), lambda: operator.attrgetter("x")(o=p)):
    print(attempt(f))
nested = operator.methodcaller("f", 1)
print(sorted([3, 1, 2], key=operator.neg), list(map(operator.itemgetter(0), ["ab", "cd"])))
from _operator import _compare_digest
print(_compare_digest("ab", "ab"), _compare_digest(b"ab", bytearray(b"ac")), _compare_digest(b"a", b"ab"))
print(attempt(lambda: _compare_digest("a", b"a")), attempt(lambda: _compare_digest("\xe9", "a")))
