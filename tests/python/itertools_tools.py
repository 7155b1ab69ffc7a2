# itertools against plain Python, and its errors.
import itertools
from itertools import *


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print(list(islice(count(10), 3)), list(islice(count(2.5, -0.5), 3)), list(islice(count(2**62, 2**62), 3)), count(3), count(1, 2))
print(list(islice(cycle("ab"), 5)), list(cycle([])), list(repeat(7, 3)), repeat(1, 2), repeat("x"))
print(list(accumulate([1, 2, 3])), list(accumulate([1, 2, 3], max)), list(accumulate([], initial=5)), list(accumulate([1, 2], lambda a, b: a * b, initial=10)))
print(list(batched("abcdefg", 3)), list(chain("ab", [1])), list(chain.from_iterable(["ab", "c"])), list(compress("abcd", [1, 0, True, None])))
print(list(dropwhile(str.isdigit, "12a3")), list(takewhile(str.isdigit, "12a3")), list(filterfalse(None, [0, 1, ""])), list(filterfalse(lambda x: x % 2, range(6))))
print([(k, list(g)) for k, g in groupby("aabbca")], [(k, len(list(g))) for k, g in groupby(range(10), lambda x: x // 4)])
print(list(islice("abcdefg", 2)), list(islice("abcdefg", 2, 5)), list(islice("abcdefg", 1, None, 2)), list(islice(range(10), 3, 3)))
print(list(pairwise("abcd")), list(pairwise("a")), list(starmap(pow, [(2, 3), (3, 2)])), list(zip_longest("ab", [1], fillvalue="-")))
print(list(product("ab", [1, 2])), list(product([1, 2], repeat=2)), list(product()), list(product("a", [])))
print(list(permutations("abc", 2)), len(list(permutations(range(5)))), list(permutations([], 0)), list(permutations("a", 2)))
print(list(combinations("abcd", 2)), list(combinations("ab", 3)), list(combinations_with_replacement("ab", 2)), list(combinations_with_replacement([], 1)))

print("-- tee")
a, b = tee(iter(range(5)))
print(next(a), next(a), list(b), list(a))
x, y, z = tee("abc", 3)
print(list(x), list(y), list(z), tee([], 0), attempt(lambda: tee([], -1)))

print("-- strict")
print(attempt(lambda: list(batched("abcd", 3, strict=True))), list(batched("abcd", 2, strict=True)), attempt(lambda: batched("a", 0)))

print("-- state that is used up")
it = islice(count(), 5, 2)
print(list(it))
source = iter(range(10))
print(list(islice(source, 3)), next(source))
groups = groupby("aab")
key, group = next(groups)
next(groups)
print(key, list(group))
runs = takewhile(lambda x: x < 2, [1, 5, 1])
print(list(runs), list(runs))

print("-- errors")
for f in (lambda: islice([], -1), lambda: islice([], 1, 2, 0), lambda: islice([]), lambda: count("a"), lambda: repeat(), lambda: repeat(1, None),
          lambda: cycle(), lambda: chain(1).__next__(), lambda: product("a", repeat=-1), lambda: permutations("a", -1), lambda: combinations("a"),
          lambda: zip_longest("a", x=1), lambda: next(starmap(pow, [1])), lambda: compress("a"), lambda: accumulate(), lambda: takewhile(None, 1),
          lambda: permutations("a", "b"), lambda: filterfalse(1, 2), lambda: pairwise(3), lambda: groupby()):
    print(attempt(f))


class Own(islice):
    def __init__(self, *args, note=None):
        self.note = note


own = Own("abc", 2, note="kept")
print(list(own), own.note, attempt(lambda: islice("abc", 2, note=1)))
print(type(chain()).__name__, chain.__module__, attempt(lambda: chain.from_iterable(3)))
