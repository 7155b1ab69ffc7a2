"""math: values at the edges of the domains, and the integer functions."""
import math


def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ": " + str(e)


INF, NAN = math.inf, math.nan
VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.7, -3.7, 1e-310, 1e308, -1e308, INF, -INF, NAN, -5, 7, 0, True, 1e-5, 170.5, -170.5, 20.0]


def short(text):
    return text.split(":")[0] if "Error" in text else text


for name in sorted(set(dir(math)) - {"cbrt", "fma"}):
    f = getattr(math, name)
    if not name.startswith("_") and callable(f):
        print(name, *[short(call(f, v)) for v in VALUES])
for name in ["atan2", "copysign", "fmod", "pow", "remainder", "ldexp", "comb", "perm", "nextafter", "hypot", "dist", "gcd", "lcm"]:
    f = getattr(math, name)
    for x in VALUES:
        print(name, x, *[short(call(f, x, y)) for y in VALUES if name not in ("comb", "perm") or abs(x) < 1e9 and abs(y) < 1e9])
print(math.fsum([1e100, 1.0, -1e100, 1e-100] * 50), math.fsum([0.1] * 10))
for values in ([INF, -INF], [1e308] * 3, [NAN], ["x"]):
    print(call(math.fsum, values))
for pair in [([1, 2, 3], [4.5, 5, 6]), ([10**20] * 3, [1, 2, 3.5]), ([1], [1, 2]), ([], []), ([True, 2], [1.5, 2])]:
    print(call(math.sumprod, *pair))
print(math.comb(200, 77), math.perm(100, 30), math.comb(10**20, 5), math.perm(10**20, 4), math.factorial(200))
print(math.isqrt(10**301), math.lcm(2**70, 3**50, 12), math.gcd(2**70 * 3, 6**50))
for f, *args in [(math.factorial, -1), (math.comb, -1, 2), (math.comb, 2, -1), (math.perm, -1), (math.isqrt, -1), (math.dist, [1], [1, 2])]:
    print(call(f, *args))
print(math.prod([1, 2, 3.5], start=2), call(math.prod, []), math.prod(["a"], start=3), math.isclose(1, 1 + 1e-10))
print(call(lambda: math.isclose(1, 2, rel_tol=-1)), math.nextafter(1, 2, steps=5), call(lambda: math.nextafter(1, 2, steps=-1)))
print(math.log(10**1000), math.log2(2**2000), math.log10(10**1000), math.log(8, 2))
print(math.ldexp(1, -2000), call(math.ldexp, 1, 5000), call(math.ldexp, 1, 1.0), math.trunc(2.7), call(math.floor, "x"))
