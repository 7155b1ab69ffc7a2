"""Arguments that machine code binds itself: keyword-only ones, `*args`, `**kwargs`, and calls that unpack tuples."""


def keyword_only(a, *, by=2, off=0):
    return a * by + off


def gathers(a, *rest, last=1):
    return a + sum(rest) * last + len(rest)


def takes_all(*args, **kwargs):
    return len(args), sorted(kwargs.items())


def named_too(a, /, b=2, *args, c=3, **kwargs):
    return a + b + c + len(args) + sum(kwargs.values()) + kwargs.get("a", 0)


def forwards(*args, **kwargs):
    return gathers(*args, **kwargs)


def passes_on(*args):
    return keyword_only(*args)


def spread(t):
    return gathers(*t)


class Counter:
    def __init__(self):
        self.n = 0

    def count(self, *args, by=1, **kwargs):
        self.n += by * (1 + len(args)) + len(kwargs)
        return self

    def apply(self, f, *args):
        self.n += f(*args)


def generates(*args, step=1):
    for arg in args:
        yield arg * step


def simple(n):
    total = 0
    for i in range(n):
        total += keyword_only(i) + keyword_only(i, by=3) + keyword_only(i, off=1, by=i & 1)
        total += gathers(i) + gathers(i, 1) + gathers(i, 1, i, last=2)
        total += named_too(i) + named_too(i, 1, 2, 3, c=4) + named_too(i, c=1, a=5, z=6)
        total += len(takes_all(i, 2, x=1, y=i)[1]) + takes_all()[0]
    return total, takes_all(1, b=2, a=i)


def unpacking(n):
    total = 0
    for i in range(n):
        total += forwards(i, 1, 2) + forwards(i) + passes_on(i)
        total += spread((i, 1)) + spread((1, 2, 3) if i % 50 == 7 else (i, 5))
        total += gathers(*[i, 2]) + gathers(*range(3)) + gathers(i, *(1, 2))
        if i % 100 == 50:
            total += forwards(i, 2, last=7)
    return total


def methods(n):
    c = Counter()
    for i in range(n):
        c.count().count(1, 2).count(by=3).count(i, x=1, by=2)
        c.apply(gathers, i, 1)
        c.apply(keyword_only, i)
        c.apply(max, i, 3)
        c.n += sum(generates(1, i, step=2))
    return c.n


def changed_defaults(n):
    seen = []

    def f(a, *, k=1, m=2):
        return a + k * 10 + m * 100

    for i in range(n):
        if i == n - 80:
            f.__kwdefaults__["k"] = 5
        if i == n - 60:
            f.__kwdefaults__ = {"m": 7, "k": 3}
        if i == n - 40:
            f.__kwdefaults__["extra"] = 1
        if i == n - 20:
            del f.__kwdefaults__["m"]
        try:
            seen.append(f(0))
        except TypeError as e:
            seen.append(str(e).replace("changed_defaults.<locals>.", ""))
    return [v for i, v in enumerate(seen) if not i or v != seen[i - 1]]


def remade(n):
    total = 0
    for i in range(n):
        def f(a, *rest, k=i):
            return a + k + len(rest)
        total += f(1) + f(1, 2, k=3) + f(*(1, 2))
    return total


def wrong(n):
    errors = {}
    for i in range(n):
        try:
            if i % 90 == 89:
                keyword_only(i, 2)
            elif i % 90 == 60:
                keyword_only(i, z=2)
            elif i % 90 == 30:
                forwards()
            elif i % 90 == 10:
                named_too(b=1)
            else:
                keyword_only(i, by=1)
        except TypeError as e:
            errors[str(e)] = errors.get(str(e), 0) + 1
    return sorted(errors.items())


def kept(n):
    """Tuples and dicts that outlive the call."""
    seen = []
    for i in range(n):
        seen.append((lambda *args, **kwargs: (args, kwargs))(i, i + 1, k=i))
        args, kwargs = seen[-1]
        kwargs["more"] = len(args)
    return seen[0], seen[-1], len({id(kwargs) for _, kwargs in seen}) == n


print(simple(1000))
print(unpacking(1000))
print(methods(1000))
print(changed_defaults(500))
print(remade(500))
print(wrong(900))
print(kept(500))
