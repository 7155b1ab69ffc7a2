"""Objects that refer to each other through native code, deeply nested: at most RecursionError, never an overflow of the native stack."""
import types

DEPTH = 100_000


def chain(wrap, first):
    x = first
    for _ in range(DEPTH):
        x = wrap(x)
    return x


WRAPPERS = {
    "slice": (slice, 1),
    "proxy": (types.MappingProxyType, {"a": 1}),
    "method": (lambda x: types.MethodType(x, 1), len),
}
OPERATIONS = {
    "hash": hash,
    "equal": lambda x: x == object(),
    "repr": repr,
    "doc": lambda x: x.__doc__ and None,
    "name": lambda x: x.__name__ and None,
    "len": len,
    "item": lambda x: x["a"],
    "in": lambda x: "a" in x,
    "iter": iter,
}
for name, (wrap, first) in WRAPPERS.items():
    x = chain(wrap, first)
    for operation, f in OPERATIONS.items():
        # Whether the stack is deep enough depends on the build.
        try:
            f(x)
        except (RecursionError, TypeError, AttributeError):
            pass
    print(name, "is whole")
