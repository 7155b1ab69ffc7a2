"""Special methods written in Python that operators and other instructions come down to, in loops that get machine code."""


class Number:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n if isinstance(other, Number) else NotImplemented

    def __lt__(self, other):
        return self.n < other.n

    def __gt__(self, other):
        return NotImplemented

    def __hash__(self):
        return self.n

    def __iadd__(self, other):
        if other is None:
            return NotImplemented
        self.n += other
        return self

    def __radd__(self, other):
        return NotImplemented if other is None else other + self.n

    def __bool__(self):
        return self.n % 2 == 0

    def __contains__(self, x):
        return x == self.n

    def __len__(self):
        return self.n


class Derived(Number):
    def __eq__(self, other):
        return "derived"


class Container:
    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return Container(self.n + (other if isinstance(other, int) else other.n))

    def __len__(self):
        return self.n

    def __contains__(self, x):
        return [] if x % 2 else [x]

    def __setitem__(self, key, value):
        self.n += key * value

    def __delitem__(self, key):
        if key == 4:
            raise KeyError(key)
        self.n -= key


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


class Failing(Countdown):
    def __next__(self):
        if self.n == 1:
            raise ValueError("one")
        return super().__next__()


def operators(rounds):
    a, c, total = Number(0), Container(0), 0
    for i in range(rounds):
        b = Number(i % 7)
        total += a == b
        total += 2 * (a < b)
        total += 3 * (a != b)
        a += 1
        if a.n > 7:
            a.n = 0
        total += 5 + b
        total += 0.5 + b
        c += 3
    return total, c.n


def truths(rounds):
    c, total = Container(0), 0
    for i in range(rounds):
        b = Number(i % 7)
        if b:
            total += 1
        if not b:
            total += 2
        if i in b:
            total += 3
        if i not in b:
            total += 5
        if i in c:
            total += 7
        total += len(b)
        c.n = i % 3
        if c:
            total += 11
    return total


def items(rounds):
    c, errors = Container(1), 0
    for i in range(rounds):
        c[i] = 2
        try:
            del c[i % 5]
        except KeyError:
            errors += 1
    return c.n, errors


def loops(rounds):
    total = 0
    for i in range(rounds):
        for x in Countdown(i % 5):
            total += x
        else:
            total += 1
        try:
            for x in Failing(3):
                total += x
        except ValueError as e:
            total += len(str(e))
    return total


def declined(rounds):
    n, seen = Number(3), []
    for i in range(rounds):
        other = [3, None, Derived(3), Number(3)][i % 4 if i > rounds - 5 else 3]
        if i > rounds - 5:
            seen.append((n == other, n != other))
            for operation in (lambda: n > other, lambda: other + n, lambda: n.__len__() + other):
                try:
                    seen.append(operation())
                except TypeError as e:
                    seen.append(str(e))
    try:
        n += None
    except TypeError as e:
        seen.append(str(e))
    return seen


def wrong(rounds):
    class Wrong:
        def __init__(self, n):
            self.n = n

        def __bool__(self):
            return self.n

        def __len__(self):
            return self.n

    class Sized:
        def __len__(self):
            return self.n

    seen, good, sized = [], Wrong(True), Sized()
    for i in range(rounds):
        if i == rounds - 1:
            good.n = 5
        try:
            if good:
                pass
        except TypeError as e:
            seen.append(str(e))
        sized.n = 1 if i < rounds - 3 else ["x", -1, 2**80][i - rounds + 3]
        for use in (len, bool):
            try:
                n = len(sized)
            except (TypeError, ValueError, OverflowError) as e:
                seen.append(f"{type(e).__name__} {e}")
            try:
                if sized:
                    pass
            except (TypeError, ValueError, OverflowError) as e:
                seen.append(f"{type(e).__name__} {e}")
    return seen


def changed(rounds):
    """The method is another one all at once, or there is none any more."""

    class Changing:
        def __eq__(self, other):
            return True

        def __len__(self):
            return 1

    total, a = 0, Changing()
    for i in range(rounds):
        if i == rounds // 2:
            Changing.__eq__ = lambda self, other: False
        if i == rounds // 2 + 100:
            del Changing.__eq__
            Changing.__len__ = lambda self: 10
        total += a == 3
        total += 2 * (a == a)
        total += len(a)
    return total


def of_generator(rounds):
    def generate():
        n = Number(2)
        for i in range(rounds):
            yield (n == n) + len(n) + (i in n)

    return sum(generate())


class Manager:
    def __init__(self):
        self.entered = self.left = 0

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, kind, value, traceback):
        self.left += 1
        return kind is ValueError


def managers(rounds):
    import threading

    m, lock, total = Manager(), threading.RLock(), 0
    for i in range(rounds):
        with m as entered, lock:
            total += entered is m
            if i % 50 == 0:
                raise ValueError
        try:
            with m:
                if i % 70 == 0:
                    raise KeyError(i)
        except KeyError:
            total += 3
    return total, m.entered, m.left


for function in (operators, truths, items, loops, declined, wrong, changed, of_generator, managers):
    print(function.__name__, function(5000))
