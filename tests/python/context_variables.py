"""Contexts, context variables, tokens."""

import contextvars


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


var = contextvars.ContextVar("var", default=10)
bare = contextvars.ContextVar("bare")
print(var.get(), var.get(5), bare.get("d"), type(error(bare.get)), var.name)
print(error(contextvars.ContextVar, 1), error(setattr, var, "name", "x"))
t = var.set(1)
print(var.get(), t.var is var, t.old_value is contextvars.Token.MISSING, t.MISSING is t.old_value, repr(t.MISSING))
t2 = var.set(2)
print(t2.old_value, " used" in repr(t2))
var.reset(t2)
print(var.get(), " used" in repr(t2))
print(error(var.reset, t2).split('>')[-1], error(bare.reset, t).split('>')[-1], error(var.reset, 5))
var.reset(t)
print(var.get())
print(error(contextvars.Token))

ctx = contextvars.copy_context()
print(len(ctx), var in ctx, ctx.get(var), ctx.get(var, "none"), error(ctx.__getitem__, "x")[:40])


def inside(x, *, y=0):
    bare.set(("inside", x, y))
    return bare.get(), ctx[bare], list(ctx), list(ctx.items()) == [(bare, ("inside", x, y))]


print(*ctx.run(inside, 1, y=2)[:2])
print(bare.get("outside"), ctx[bare], len(ctx), list(ctx.values()))
print(error(ctx.run, lambda: ctx.run(print))[:40])
copy = ctx.copy()
print(copy == ctx, copy is ctx, contextvars.Context() == contextvars.Context(), ctx != contextvars.Context())
copy.run(bare.set, 5)
print(copy == ctx, ctx[bare])


def raising():
    bare.set("raised")
    raise ValueError("from run")


print(error(ctx.run, raising), ctx[bare], bare.get("still outside"))
print(error(contextvars.Context, 1))
print(error(lambda: contextvars.Context()[var]).startswith("KeyError"))


# A token belongs to its context.
def make_token():
    return var.set("other")


other = contextvars.copy_context()
token = other.run(make_token)
print(error(var.reset, token).split('>')[-1])

# Many variables.
many = [contextvars.ContextVar(f"v{i}") for i in range(500)]
big = contextvars.Context()


def fill():
    for i, v in enumerate(many):
        v.set(i)
    tokens = [v.set(-i) for i, v in enumerate(many) if i % 3 == 0]
    for i in range(0, len(tokens), 2):
        many[3 * i].reset(tokens[i])
    return sum(v.get() for v in many)


print(big.run(fill), len(big), sum(big.values()), sorted(big.values())[:3], set(big) == set(many))


def unset():
    first = contextvars.ContextVar("first")
    token = first.set(1)
    before = len(contextvars.copy_context())
    first.reset(token)
    return before - len(contextvars.copy_context()), first.get("unset")


print(big.run(unset))


def gen():
    var.set("gen")
    yield var.get()


g = gen()
print(next(g), var.get())
print(contextvars.ContextVar[int], contextvars.Token[int])
