"""The value an iterator ends with: `yield from` and StopIteration have it, whoever only collects items never sees it."""


def generator():
    yield 1
    return 5


def of_tuple():
    yield 1
    return 1, 2


class Iterator:
    """Ends with a value at once."""

    def __init__(self, *value):
        self.value = value

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(*self.value)


for make in generator, of_tuple:
    print(make.__name__, list(make()), sum(make()), tuple(map(str, make())), [*make(), *make()], set(make()), dict(zip(make(), make())))
    print([x for x in make()], ",".join(map(str, make())), max(make()), 1 in make(), 2 in make(), next(iter(make())))
    a, = make()
    for a in make():
        pass
    print(a, next(make(), "default"))
    g = make()
    next(g)
    print(next(g, "default"), next(g, "again"))
    for end in next, lambda g: g.__next__(), lambda g: g.send(None), type(g).__next__:
        g = make()
        next(g)
        try:
            end(g)
        except StopIteration as e:
            print("ends with", e.value, e.args)
        try:
            end(g)
        except StopIteration as e:
            print("then with", e.value, e.args)

print(list(Iterator(42)), list(Iterator((1, 2))), [*Iterator()], next(Iterator(42), "default"))
try:
    next(Iterator(42))
except StopIteration as e:
    print("ends with", e.value)


def delegating(to):
    result = yield from to
    print("result", result)


for to in generator(), of_tuple(), Iterator(42), Iterator((1, 2)), Iterator(), iter([1]), Iterator(StopIteration(3)):
    print(list(delegating(to)))


class Wrapped:
    def __iter__(self):
        return generator()


print(list(Wrapped()), list(delegating(Wrapped())))

# A length hint is taken at its word.
try:
    list(range(2**62))
except MemoryError:
    print("MemoryError")
