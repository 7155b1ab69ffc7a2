"""Traces that go on in a loop: it takes the variables as they hand them over, and whoever looks at them sees what they are."""

import sys


def types_change(n):
    a, b, text = 0, 0.0, ""
    for i in range(n):
        if i % 3 == 0:
            a += i
        elif i % 5 == 0:
            b += a * 0.5
            a = -a
        elif i % 1000 == 1:
            text += "x"
    return a, round(b, 3), text


def fails_after_a_side_trace(n, at):
    a = b = c = 0
    try:
        for i in range(n):
            if i & 1:
                a = a + i
                b = -i
            else:
                c = c ^ i
            1 // (at - i)
    except ZeroDivisionError as e:
        frame = e.__traceback__.tb_frame
        return a, b, c, i, {k: v for k, v in frame.f_locals.items() if k in "abci"}


def looks_at_itself(n):
    a = b = 0
    seen = []
    for i in range(n):
        if i % 4 == 3:
            a, b = b + 1, a + i
        if i % 997 == 0:
            f = sys._getframe()
            seen.append((f.f_locals["a"], f.f_locals["b"], f.f_locals["i"]))
    return seen, a, b


def inner(x, n):
    total = 0
    while x > 0:
        if x % 3 == n % 3:
            total += x
            x -= 2
        elif x % 7 == 0:
            x -= 3
            n += 1
        else:
            x -= 1
    return total, n


def outer(n):
    total = 0
    for i in range(n):
        t, m = inner(i % 50, i)
        total += t + m
    return total


def deleted(n):
    found = []
    for i in range(n):
        if i % 3 == 0:
            x = i
        if i % 3 == 1:
            y = x + 1
            del x
        if i % 3 == 2:
            try:
                x
            except UnboundLocalError:
                found.append(y)
            x = 0
    return len(found), sum(found)


def generated(n):
    a = b = 0
    for i in range(n):
        if i % 3:
            a += i
        else:
            b = a - b
            yield a, b
        if i % 5 == 0:
            a = [a][0] - 1


print(types_change(20000))
for at in (50, 4001, 9998):
    print(fails_after_a_side_trace(10000, at))
seen, a, b = looks_at_itself(5000)
print(seen, a, b)
print(outer(4000))
print(deleted(6000))
print(sum(x - y for x, y in generated(9000)))
