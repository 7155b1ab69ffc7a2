def multiline():
    for res in range(1,
                     10):
        pass


def forever():
    x = 0
    while 1:
        x += 1


def search(items, wanted):
    for index, item in enumerate(items):
        if item == wanted:
            break
    else:
        return -1
    return index


def countdown(n):
    while n > 0 and not n % 7 == 0:
        n -= 1
        if n == 5:
            continue
        print(n)


def constants(x):
    for i in [1, 2, 3] * 3:
        x(i)
    for i in [1, 2, 3]:
        x(i)
    return x in [1, 2, 3] or x in {4, 5, 6} or x not in [x, 1]


async def asynchronous(items):
    async for item in items:
        print(item)
    else:
        return 1
