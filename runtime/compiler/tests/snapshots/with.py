def plain(c):
    with c:
        x = 1
    y = 2


async def asynchronous(c):
    async with c:
        x = 1
    y = 2


def bound(a, b):
    with a as x, b() as (y, z):
        return x
