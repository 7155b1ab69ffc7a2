# functools: reduce, partial, cmp_to_key, lru_cache, as its tests in CPython would ask.
import functools
import pickle
import threading
from functools import cmp_to_key, lru_cache, partial, reduce


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print("-- reduce")
print(reduce(lambda a, b: a * 10 + b, [1, 2, 3]), reduce(max, (), 7), reduce(max, [1], 7))
print(attempt(lambda: reduce(max, [])))
print(attempt(lambda: reduce(max, 3)))
print(attempt(lambda: reduce(max)))

print("-- partial")


def show(*args, **kwargs):
    return args, kwargs


p = partial(show, 1, 2, a=3)
print(p(4, b=5), p(a=6), p.args, p.keywords, p.func is show)
print(partial(p, 9, c=1)(10))
print(partial(p, 9).func is show)
print(attempt(lambda: partial()))
print(attempt(lambda: partial(3)))
print(attempt(lambda: setattr(p, "args", ())))
p.note = "x"
print(p.__dict__, partial(p).func is p)
print(repr(partial(int, "11", base=2)))
twin = pickle.loads(pickle.dumps(partial(int, base=2)))
print(twin("101"), twin.keywords)


class Sub(partial):
    pass


print(Sub(show, 1)(2), isinstance(Sub(show), partial))
recursive = partial(show)
recursive.__setstate__((recursive, (), {}, {}))
print(repr(recursive)[:22])
print(attempt(lambda: recursive.__setstate__(1)))
print(attempt(lambda: recursive.__setstate__((1, (), {}, {}))))
p20 = partial(show, *range(20))
print(p20(*range(3))[0] == (*range(20), *range(3)))

print("-- cmp_to_key")
key = cmp_to_key(lambda a, b: len(a) - len(b))
print(sorted(["ccc", "a", "bb"], key=key), max(["ccc", "a"], key=key))
print(key("a") < key("bb"), key("a") == key("b"), key(obj="x").obj)
print(attempt(lambda: key("a") < 3))
print(attempt(lambda: hash(key("a"))))

print("-- lru_cache")
calls = []


@lru_cache(maxsize=2)
def f(*args, **kwargs):
    calls.append((args, kwargs))
    return len(calls)


print(f(1), f(2), f(1), f(3), f(2), f.cache_info())
print(f(1, a=1), f(1, a=1), f(a=1), f.cache_info())
f.cache_clear()
print(f.cache_info(), f.cache_parameters(), f.__wrapped__.__name__, f.__name__)


@lru_cache(maxsize=None, typed=True)
def typed(x):
    return type(x).__name__


print(typed(1), typed(1.0), typed(True), typed(1), typed.cache_info())


@lru_cache(0)
def uncached(x):
    return x


print(uncached(1), uncached(1), uncached.cache_info())
print(attempt(lambda: f([])))


@lru_cache
def fails(x):
    raise ValueError(x)


print(attempt(lambda: fails(1)), attempt(lambda: fails(1)), fails.cache_info())


class Owner:
    @lru_cache
    def method(self, x):
        return x

    def __hash__(self):
        return 5


print(Owner().method(3), Owner.method.cache_info().misses)


@lru_cache(maxsize=10)
def recursive_sum(n):
    return n and n + recursive_sum(n - 1)


print(recursive_sum(50), recursive_sum.cache_info())


@lru_cache(maxsize=50)
def shared(n):
    return n * n


def worker():
    for i in range(3000):
        assert shared(i % 70) == (i % 70) ** 2


threads = [threading.Thread(target=worker) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
info = shared.cache_info()
print(info.hits + info.misses, info.currsize, len({shared(i) for i in range(50)}))

print("-- around them")


@functools.total_ordering
class Version:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    def __lt__(self, other):
        return self.n < other.n


print(Version(1) <= Version(2), Version(3) >= Version(4), Version(2) > Version(1))


@functools.singledispatch
def kind(x):
    return "object"


@kind.register
def _(x: int):
    return "int"


@kind.register(list)
def _(x):
    return "list"


print(kind(3), kind(True), kind([]), kind(None))


class Lazy:
    @functools.cached_property
    def value(self):
        print("computed")
        return 42


lazy = Lazy()
print(lazy.value, lazy.value, lazy.__dict__)
