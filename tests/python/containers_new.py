"""What containers do since 3.12 and later: messages, notes, `map(strict=True)`, hashable slices."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        notes = getattr(e, "__notes__", "")
        return f"{type(e).__name__}: {e}{notes or ''}"


print(error(lambda: {[]: 1}))
print(error(lambda: {}[[]]))
print(error({}.get, {}))
print(error(lambda: [] in {1: 2}))
print(error({1: 2}.pop, []))
print(error(lambda: {[]}))
print(error(lambda: [] in {1}))
print(error({1}.add, []))
print(error({1}.remove, []))
print(error(set, [[]]))


def cause():
    try:
        {}[[]]
    except TypeError as e:
        return repr(e.__context__)


print(cause())


class Unhashable:
    __hash__ = None


print(error(lambda: {Unhashable()}))
print(error(dict, [1]))
print(error(dict, [[1]]))
print(error({}.update, [(1, 2), object()]))
print(error([1].index, 2))
print(error(range(3).index, 7))
print(list(map(lambda a, b: a + b, [1, 2], [3, 4], strict=True)))
print(error(list, map(max, [1, 2], [3], strict=True)))
print(error(list, map(max, [1], [3, 4], strict=True)))
print(error(list, map(max, [1], [2], [3, 4], strict=True)))
print(error(list, map(str, [1, 2], strict=True)), error(map, str, [], foo=1))
print(error(zip, "a", foo=1))
print(hash(slice(1, 2)) == hash(slice(1, 2)), {slice(1, 2): "s"}[slice(1, 2, None)], error(hash, slice([])))
print(error(lambda: 1 in 3))
it = iter(range(3))
print(it.__reduce__()[1:], map(str, "a", strict=True).__reduce__()[2])
