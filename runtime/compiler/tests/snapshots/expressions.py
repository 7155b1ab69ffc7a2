def boolean(a, b, c):
    x = a and b or not c
    y = a < b < c
    if not (a or b) and c is not None:
        return a if b else c
    if a < b < c:
        return 1
    return x, y, 1 and a, 0 or b


def constants():
    x = -1 + 2 * 3 ** 4
    y = (1, 2, ('a' + 'b', b'c' * 2))
    z = [1, 2, 3], {1, 2, 3}, {}, [], ()
    return 1 + 2j, ~5, not 3, 'abc'[1], 2 ** 100, 1 << 200, 10 ** 30


def displays(a, b):
    return [*a, b], (*a, *b), {*a, 1}, {'x': a, **b, 'y': 1}


def subscripts(a, i):
    a[i] += a[1:2, i:]
    a[i:] = a[:i]
    a[1:3] = a[::2]
    del a[i], a[i:], a.b
    return a[*i], a[-1]


def strings(a, b, c, d):
    return f'{a} {b:4} {c!r} {d!r:4}', f'{a=}', f'{{}}', f'{a:{b}.{c}}', t'{a + b!s:>{c}}x{d}'


def comprehensions(x):
    a = [y for y in x if y for z in y]
    b = {y: [lambda: y for y in z] for y, z in x}
    c = {y for z in x for y in [z + 1]}
    return (y async for y in x), [(w := y) for y in x]


def walrus(x):
    while (n := x.read()) != b'':
        print(n)


def percent(a, b):
    return '%s: %-5r%%' % (a, b), '%d' % (a,), '%s' % a, '%s' % (a, b)
