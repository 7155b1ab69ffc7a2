"""Loops over numbers that are hot: overflow to big ints, floats, mixed types, division, exits in the middle."""


def overflow(n):
    x = 1
    for _ in range(n):
        x = x * 3 + 1
    return x


def grows(n):
    total = 0
    step = 1 << 44
    for i in range(n):
        total += step
    return total


def shifts(n):
    out = []
    for i in range(n):
        x = 1 << (i % 70)
        out.append(x >> 3)
    return sum(out), out[-1]


def fixed_shifts(n):
    x = 1
    seen = 0
    for i in range(n):
        x = (x << 1) ^ (i & 5)
        seen |= x >> 40
    return x, seen


def divisions(n):
    s = 0
    for i in range(-n, n):
        s += i // 7 + i % 7 - i // -3 + i % -3 + i // 8 + i % 8
    return s


def by_variable(values, divisors):
    out = []
    for a in values:
        for b in divisors:
            try:
                out.append((a // b, a % b, a / b))
            except ZeroDivisionError as e:
                out.append(str(e))
    return len(out), out[:3], sum(x[0] for x in out if x[0] != "d" and type(x) is tuple)


def floats(n):
    x = 0.25
    low = high = 0
    for _ in range(n):
        x = 3.7 * x * (1.0 - x)
        if x < 0.5:
            low += 1
        else:
            high += 1
    return x, low, high


def mixed(n):
    x = 0
    for i in range(n):
        x = x + i * 0.5
    y = 0.0
    for i in range(n):
        y += i
        y = y / 2
    return x, y


def nan_and_infinity(n):
    x = 1e300
    outcomes = []
    for i in range(n):
        x = x * 10.0
        y = x - x
        if i % 20 == 0:
            outcomes.append((x, y == y, y < 1.0, y != y, y >= 1.0))
    return outcomes


def changes_type(n):
    x = 0
    for i in range(n):
        if i == n // 2:
            x = x + 0.5
        x = x + 1
    return x


def changes_to_str(n):
    x = 0
    for i in range(n):
        if i == n - 3:
            x = str(x)
        try:
            x = x + 1
        except TypeError as e:
            x = str(e)
    return x


def while_loop(n):
    i = total = 0
    while i < n:
        total = (total + i * 7) % 1500007
        i += 1
    return total


def nested(n):
    total = 0
    for i in range(n):
        for j in range(i):
            if (i ^ j) & 1:
                continue
            total += i * j
        else:
            total -= 1
    return total


def collatz(n):
    longest = 0
    for start in range(1, n):
        x, steps = start, 0
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            steps += 1
        if steps > longest:
            longest = steps
    return longest


def unbound(n):
    for i in range(n):
        if i == n - 1:
            del y
        elif i < n - 1:
            y = i
    try:
        return y
    except UnboundLocalError as e:
        return str(e)


def chained(n):
    hits = 0
    for i in range(n):
        if 10 < i <= n - 10 and not i == 50 or i is None:
            hits += 1
    return hits


print(overflow(200) % 1000000007)
print(grows(100))
print(shifts(500))
print(fixed_shifts(300))
print(divisions(500))
print(by_variable(range(-60, 60), [-3, -1, 0, 1, 2, 5, 1 << 47]))
print(by_variable([-(1 << 48), (1 << 48) - 1, 1 << 48, 0.5] * 20, [-1, 1, 3]))
print(floats(2000))
print(mixed(300))
print(nan_and_infinity(100))
print(changes_type(100), changes_type(1000))
print(changes_to_str(200))
print(while_loop(10000))
print(nested(120))
print(collatz(700))
print(unbound(200))
print(chained(300))


def powers(n):
    """Exponents that are constants, bases of either sign, results that are too large."""
    total, errors = 0.0, 0
    for i in range(n):
        x = i - 50.5
        try:
            total += x**2 + abs(x) ** -1.5 + (i + 0.5) ** 0.5
            total += x**3 - (x**400 if i > n - 4 else 0)
        except OverflowError:
            errors += 1
        z = (-x) ** 0.5 if i < 50 else 0
    return total, errors, z, [type((i - 2999.5) ** 0.5) for i in range(n - 2, n + 2)]


print(powers(3000))
