# Exceptions in hot loops: raised and caught in the same function and in others, and what can be seen of them.
import sys


class E(Exception):
    pass


def lines(e):
    "Functions and lines that an exception has passed, the lines counted from the function's first."
    tb, passed = e.__traceback__, []
    while tb is not None:
        code = tb.tb_frame.f_code
        passed.append((code.co_name, tb.tb_lineno - code.co_firstlineno))
        tb = tb.tb_next
    return passed


def odd(i):
    if i & 1:
        raise E(i)
    return i


def caught_in_the_caller():
    total, seen = 0, set()
    for i in range(200):
        try:
            total += odd(i)
        except E as e:
            total -= e.args[0]
            seen.add(tuple(lines(e)))
    return total, seen


def middle(i):
    return odd(i) + 1


def caught_two_frames_up():
    total, seen = 0, set()
    for i in range(200):
        try:
            total += middle(i)
        except E as e:
            seen.add(tuple(lines(e)))
            total += e.args[0] % 7
    return total, seen


def catches(i):
    "Its frame has an object when it returns."
    try:
        odd(i)
    except E as e:
        return e.args[0]
    return 1


def caught_in_the_callee():
    total = 0
    for i in range(200):
        total += catches(i)
    return total, sys.exc_info()


def search(items, wanted):
    "Leaves a loop, and the function, by an exception."
    for i, item in enumerate(items):
        if item == wanted:
            return i
    raise LookupError(wanted)


def left_behind_a_loop():
    found, missed, seen = 0, 0, set()
    items = list(range(10))
    for i in range(300):
        try:
            found += search(items, i % 20)
        except LookupError as e:
            missed += 1
            seen.add(tuple(lines(e)))
    return found, missed, seen


def in_a_loop(items, limit):
    total = 0
    for item in items:
        if total > limit:
            raise E(total)
        total += item
    return total


def left_from_a_loop():
    caught = [0, 0]
    items = list(range(30))
    for i in range(200):
        try:
            caught[0] += in_a_loop(items, i)
        except E as e:
            caught[1] += e.args[0]
    return caught


def deep(n):
    if n == 0:
        raise E(n)
    return deep(n - 1) + 1


def through_many_frames():
    depths = set()
    for i in range(200):
        try:
            deep(i % 20)
        except E as e:
            depths.add(len(lines(e)))
    return sorted(depths)


def contexts():
    seen = set()
    for i in range(200):
        try:
            try:
                odd(1)
            except E as e:
                if i % 3 == 0:
                    raise ValueError(i) from e
                elif i % 3 == 1:
                    raise KeyError(i)
                else:
                    raise
        except Exception as e:
            context, cause = e.__context__, e.__cause__
            seen.add((type(e).__name__, type(context).__name__, type(cause).__name__, e.__suppress_context__, len(lines(e))))
    return sorted(seen), sys.exc_info()


class Manager:
    def __init__(self):
        self.log = []

    def __enter__(self):
        return self

    def __exit__(self, kind, e, tb):
        self.log.append(kind.__name__ if kind else None)
        return kind is E


def managers():
    m, passed = Manager(), 0
    for i in range(200):
        try:
            with m:
                odd(i)
                if i % 4 == 0:
                    raise ValueError(i)
        except ValueError:
            passed += 1
    return passed, m.log.count("E"), m.log.count("ValueError"), m.log.count(None)


def finally_():
    log, total = 0, 0
    for i in range(200):
        try:
            try:
                total += odd(i)
            finally:
                log += 1
        except E:
            total += 1
    return log, total


def native_ones():
    d, values, counts = {i: i for i in range(0, 200, 2)}, list(range(100)), [0] * 6
    it = iter(range(100))
    for i in range(200):
        try:
            counts[0] += d[i]
        except KeyError as e:
            counts[1] += e.args[0]
        try:
            counts[2] += values[i]
        except IndexError:
            counts[3] += 1
        try:
            counts[4] += next(it)
        except StopIteration:
            it = iter(range(3))
        try:
            values.nothing
        except AttributeError as e:
            counts[5] += len(e.name)
        try:
            int("x" * (i % 3) + "1")
        except ValueError:
            counts[5] += 1
        try:
            i / (i % 5)
        except ZeroDivisionError:
            counts[5] += 100
    return counts


class Wrapper:
    def __init__(self, d):
        self.d = d

    def __getitem__(self, key):
        return self.d[key]

    def __getattr__(self, name):
        raise AttributeError(name)


def special_methods():
    w, counts = Wrapper({1: 2}), [0, 0, 0, 0]
    for i in range(200):
        try:
            counts[0] += w[i % 2]
        except KeyError:
            counts[1] += 1
        counts[2] += getattr(w, "x", 1)
        counts[3] += hasattr(w, "y")
    return counts


def generator(n):
    for i in range(n):
        try:
            yield i
        except E:
            yield -1
    raise E(n)


def generators():
    total = 0
    for i in range(100):
        try:
            g = generator(i % 5)
            for x in g:
                total += x
        except E as e:
            total += e.args[0] * 10
        g = generator(3)
        next(g)
        total += g.throw(E)
    return total


def counts(n):
    i = 0
    while i < n:
        yield i
        i += 1


def delegates(n):
    yield from counts(n)
    yield from counts(n // 2)


def doubled(x):
    return x * 2


def after_an_exception():
    "The frame has an object when what it calls comes back to it."
    total = 0
    try:
        odd(1)
    except E:
        pass
    for i in range(5):
        for x in counts(30 + i):
            total += x
        for x in delegates(20):
            total += doubled(x)
        total += sum(doubled(k) for k in counts(20))
    return total


def caught_by_class_and_tuple():
    counts = [0, 0, 0]
    for i in range(300):
        try:
            if i % 3 == 0:
                raise E
            elif i % 3 == 1:
                raise KeyError(i)
            else:
                raise IndexError
        except E:
            counts[0] += 1
        except (ValueError, KeyError):
            counts[1] += 1
        except LookupError:
            counts[2] += 1
    return counts


def not_caught(i):
    for k in range(i):
        try:
            odd(k * 2)
            if k == 20:
                odd(k + 1)
        except ValueError:
            pass


def uncaught():
    passed = set()
    for i in range(60):
        try:
            not_caught(i)
        except E as e:
            passed.add(tuple(lines(e)))
    return passed


def groups():
    counts = [0, 0]
    for i in range(60):
        try:
            raise ExceptionGroup("g", [E(i), ValueError(i)])
        except* E as g:
            counts[0] += len(g.exceptions)
        except* ValueError as g:
            counts[1] += g.exceptions[0].args[0]
    return counts


def caller_frame(depth):
    return sys._getframe(depth).f_code.co_name


def with_frame_objects():
    names = set()
    for i in range(100):
        names.add(caller_frame(i % 3))
    return sorted(names, key=str)


def own_locals(i):
    x = i
    f = sys._getframe()
    f.f_locals["x"] = x + 1
    return x


def changed_locals():
    total = 0
    for i in range(100):
        total += own_locals(i)
    return total


def passed_frame(i):
    f = sys._getframe()
    return f, i


def dead_frames():
    total, last = 0, None
    for i in range(100):
        f, x = passed_frame(i)
        total += f.f_locals["i"] + (f.f_back is None)
    return total


for function in (
    caught_in_the_caller,
    caught_two_frames_up,
    caught_in_the_callee,
    left_behind_a_loop,
    left_from_a_loop,
    through_many_frames,
    contexts,
    managers,
    finally_,
    native_ones,
    special_methods,
    generators,
    after_an_exception,
    caught_by_class_and_tuple,
    uncaught,
    groups,
    with_frame_objects,
    changed_locals,
    dead_frames,
):
    first = function()
    print(function.__name__, first)
    for _ in range(4):
        again = function()
        if again != first:
            print("another time", again)
