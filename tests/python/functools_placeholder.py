# functools.Placeholder: places in the arguments of a partial that calls fill.
from functools import Placeholder as _, partial
import copy
import pickle


def show(*args, **kwargs):
    return args, kwargs


def attempt(f):
    try:
        return f()
    except TypeError as e:
        return e


p = partial(show, _, 2, _, 4, k=5)
print(p(1, 3), p(1, 3, 6, k=7))
print(p.args[0] is _, p.args[1:2])
print(attempt(lambda: p(1)))
print(attempt(lambda: partial(show, 1, _)))
print(attempt(lambda: partial(show, a=_)))
print(partial(p, 1)(3), partial(p, 1).args)
print(partial(p, _, 3)(1), partial(p, 1, 3, 6).args)
print(partial(p, _, 3, 8).args)
print(repr(_), type(_).__name__, type(_)() is _, attempt(lambda: type(_)(1)))
print(pickle.loads(pickle.dumps(_)) is _, copy.deepcopy(_) is _)
print(pickle.loads(pickle.dumps(p)).args == p.args)


class C:
    bound = partial(show, _, "second")


print(C().bound()[0][1:], type(C.bound).__name__)
