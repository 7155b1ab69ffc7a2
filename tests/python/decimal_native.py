"""decimal: numbers of all kinds, contexts, signals, conversions, hashes; in 28 digits and in other precisions."""

import copy
import decimal
import math
import pickle
from decimal import (
    ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, ROUND_05UP, Context, Decimal,
    DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow, getcontext, localcontext, setcontext,
)
from fractions import Fraction

D = Decimal


def attempt(f):
    try:
        return f()
    except (ArithmeticError, TypeError, ValueError, AttributeError, KeyError) as e:
        return f"{type(e).__name__}: {e}"


print(decimal.Decimal.__module__, getcontext())
print([D(v) for v in ("1.10", " 12_000 ", "-0", "1E+5", "inf", "-Infinity", "nan12", "sNaN", "\u0661\u0662.5", ".5e-3", "123456789" * 5)])
print([D(v) for v in (7, -(10**30), True, 0.1, -0.0, 1e300, (1, (1, 2, 3), -2), (0, (), "F"), [0, [5], "n"])])
for bad in ("", "1__", "x", "1e", "--1", "1 2", (1, 2), (2, (1,), 0), (0, (10,), 0), (0, (1,), "x"), None, 1j):
    print(repr(bad), attempt(lambda: D(bad)))

values = [D(v) for v in ("0", "-0", "1", "-1.5", "2.50", "1E+10", "3E-7", "99999999999999999999999999999", "Infinity", "NaN")]
for name, f in {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "divmod": divmod,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
}.items():
    print(name, [str(attempt(lambda: f(a, b))) for a in values for b in values[1:5]])
print(2 + D("1.5"), 3 * D("1.5"), 7 // D(2), D(7) % 4, 1 / D(3), D(2) ** 10, 2 ** D("0.5"), pow(D(3), 5, 7), attempt(lambda: D(1) + 1.0))
print(abs(D("-1.50")), -D("0"), +D("-0"), round(D("2.5")), round(D("3.5")), round(D("2.675"), 2), math.floor(D("-2.5")), math.ceil(D("2.1")))
print(int(D("-7.9")), math.trunc(D("7.9")), float(D("1.1")), complex(D("1.5")), bool(D("0.0")), bool(D("NaN")), D("1.25").as_integer_ratio())
print(attempt(lambda: int(D("NaN"))), attempt(lambda: int(D("Infinity"))), attempt(lambda: float(D("sNaN"))))
print(D("-1.20").as_tuple(), D("NaN7").as_tuple(), D("Infinity").as_tuple(), D("1E+3").adjusted())

print("-- quantize and rounding")
for rounding in (ROUND_UP, ROUND_DOWN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_05UP):
    print(rounding, [str(D(v).quantize(D("0.1"), rounding=rounding)) for v in ("1.25", "-1.25", "1.35", "1.01", "-1.99", "0.05")])
print(D("2.345").quantize(D("1"), ROUND_HALF_UP), D("2.5").to_integral_value(), D("2.5").to_integral_exact(ROUND_UP), attempt(lambda: D(10**28).quantize(D("0.1"))))
print(D("100").normalize(), D("1.200").normalize(), D("0.000").normalize(), D("123.456").to_eng_string(), D("123E+5").to_eng_string())

print("-- what the Python form does")
print(D(2).sqrt(), D(1).exp(), D(10).ln(), D(1000).log10(), D(1234).logb(), D("1.5").max(D(2)), D(1).next_plus(), D("1101").logical_xor(D("111")))
print(D("1.5").compare(D("NaN")), D("1.0").compare_total(D("1.00")), D(12345).shift(2), D(12345).rotate(-1), D(7).remainder_near(D(4)), D("-Infinity").number_class())
print(format(D("1234567.891"), ",.2f"), f"{D('0.5'):.0%}", f"{D('1E+5'):f}", f"{D('12'):>8}|", f"{D('1.5'):e}")

print("-- contexts and signals")
c = Context(prec=5, rounding=ROUND_DOWN, Emin=-9, Emax=9, traps=[DivisionByZero])
print(c, c.divide(1, 3), c.create_decimal("1.23456789"), c.flags[Inexact], c.traps[DivisionByZero], c.Etiny(), c.Etop())
print(c.multiply(D("9E+9"), 9), c.flags[Overflow], attempt(lambda: c.divide(1, 0)), c.divide(0, 0), sorted(s.__name__ for s, on in c.flags.items() if on))
c.clear_flags()
c.traps[Inexact] = True
print(attempt(lambda: c.divide(1, 3)), c.copy().traps == c.traps, len(c.flags), attempt(lambda: c.flags["x"]))
for name, v in (("prec", 0), ("rounding", "x"), ("Emin", 1), ("clamp", 2), ("capitals", -1)):
    print(name, attempt(lambda: setattr(c, name, v)))
with localcontext(prec=4) as local:
    print(D(1) / 7, local.prec, getcontext().prec)
    with localcontext() as inner:
        inner.traps[FloatOperation] = True
        print(attempt(lambda: D(0.5)), attempt(lambda: D(1) < 0.5), D(1) == 1.0)
print(getcontext().prec, attempt(lambda: D(1) / 0), attempt(lambda: D("sNaN") + 1), attempt(lambda: D(0) / 0), attempt(lambda: D("x")))
with localcontext(Context(traps=[])) as quiet:
    print(D("x"), D(1) / 0, D(0) / 0, D("sNaN") == 1, quiet.flags[InvalidOperation])
print(issubclass(DivisionByZero, ZeroDivisionError), issubclass(decimal.Overflow, Inexact), decimal.Underflow.__mro__[1:4])

print("-- identity, hash, copies")
print(hash(D("1.5")) == hash(1.5) == hash(Fraction(3, 2)), hash(D("1E+50")) == hash(10**50), hash(D("0.1")) == hash(Fraction(1, 10)), {D("2.0"): 1}[2])
print(D("0.5") == 0.5, D("0.1") == 0.1, D("0.5") == Fraction(1, 2), D(1) < Fraction(3, 2), D(2) == 2 + 0j, attempt(lambda: D(1) < "x"), attempt(lambda: hash(D("sNaN"))))
print(pickle.loads(pickle.dumps(D("-1.50"))), copy.copy(D(1)), copy.deepcopy([D("2.5")]), pickle.loads(pickle.dumps(Context(prec=7))).prec)


class Money(Decimal):
    """A subclass with an attribute."""

    def __new__(cls, value, currency):
        self = super().__new__(cls, value)
        self.currency = currency
        return self


money = Money("1.10", "EUR")
print(repr(money), money.currency, type(money + 1).__name__, isinstance(money, D), money == D("1.1"))
big = D("7" * 5000)
with localcontext(prec=20000):
    print(len(str(big * big)), (big * big) // big == big, (big * big - big) % big)
with localcontext(prec=60):
    x = y = D(0)
    total, n, na, d, da, term, last = D(3), D(1), D(0), D(0), D(24), D(3), D(0)
    while total != last:
        last = total
        n, na, d, da = n + na, na + 8, d + da, da + 32
        term = (term * n) / d
        total += term
    print("pi", +total)
