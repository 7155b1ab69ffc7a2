"""The awaitables of async generators: what is told when they are made, used, and dropped."""
import gc
import warnings


async def numbers():
    yield 1
    yield 2


def step(awaitable):
    try:
        print("awaits", awaitable.send(None))
    except BaseException as error:
        print(type(error).__name__, error)


# Wrong arguments are told when they are used.
g = numbers()
wrong = g.athrow(None)
print("made")
step(wrong)
step(wrong)
step(numbers().athrow(ValueError("thrown")))
step(numbers().athrow(ValueError))
step(numbers().athrow(ValueError("a"), ))

# Who is dropped without having been awaited is told of.
for make in (lambda g: g.asend(None), lambda g: g.athrow(ValueError), lambda g: g.aclose()):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        g = numbers()
        awaitable = make(g)
        del awaitable
        for _ in range(3):
            gc.collect()
        print([f"{w.category.__name__}: {w.message}" for w in caught])

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    g = numbers()
    for make in (lambda g: g.asend(None), lambda g: g.aclose()):
        awaitable = make(g)
        step(awaitable)
        del awaitable
    awaitable = g.asend(None)
    awaitable.close()
    del awaitable
    gc.collect()
    print(caught)
