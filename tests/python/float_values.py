"""Floats: text, arithmetic, rounding, hexadecimal, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


inf, nan = float("inf"), float("nan")
values = [0.0, -0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 123456789012345678.0, 1e22, 1e23, 1e-4, 1e-5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1 / 3, 100.0, 1e100, inf, -inf, nan]
print(values)
for f in values:
    assert f != f or float(repr(f)) == f
    assert f != f or float.fromhex(f.hex()) == f
print([f.hex() for f in values])
print([float(t) for t in ("1", " 1.5\n", "1e3", ".5", "5.", "1_0.5", "-Inf", "+infinity", "1e400", "-0", "١٫٥" if False else "٣", "1e-400")])
for t in ("", "1_", "_1", "1__0", "1e", "e1", ".", "0x1", "1 2", "nanx", "--1", "1._5", "inf_"):
    print(error(float, t), end="; ")
print()
print(error(float, None), error(float, []), float(b"2.5"), float(bytearray(b"1")), error(float, b"x"), float(True), float(10**20), error(float, 1, 2))
print(7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2, 7.5 % -2, divmod(-7.5, 2), 1e300 * 1e10, -5.0 % inf, 5.0 // inf, -5.0 // inf, 0.0 // 1, -0.0 // 1, -0.0 % 3, 3.0 % -3)
print(2.0**0.5, 2.0**-1, (-8.0) ** (1 / 3), 0.0**0, inf**0, nan**0, 1**nan, (-2.0) ** 3, (-inf) ** 3, 1e200**1.5)
print(error(lambda: 1e200**2), error(lambda: 2.0 ** 10000), error(lambda: pow(2.0, 3, 4)), error(lambda: 1.0 + "x"))
print(round(2.5), round(3.5), round(-2.5), round(2.675, 2), round(1234.5678, -2), round(1e300, 5), round(0.5), round(1.5, 0), round(-0.4), round(25.0, -1), round(35.0, -1), round(149.99, -2), round(150.0, -2), round(50.0, -2), round(5e-324, 400), round(1e20, -400))
print(error(round, inf), error(round, nan), round(inf, 2), round(nan, 2), error(round, 1.7e308, -308), round(123.456, 1), round(0.125, 2), round(0.375, 2))
print((0.5).as_integer_ratio(), (0.1).as_integer_ratio(), (-2.5).as_integer_ratio(), (1e300).as_integer_ratio()[1], (5e-324).as_integer_ratio()[0], (0.0).as_integer_ratio())
print(error(inf.as_integer_ratio), error(nan.as_integer_ratio), (2.0).is_integer(), (2.5).is_integer(), inf.is_integer())
print([float.fromhex(t) for t in ("0x1.8p1", "-0x.1p4", "ff", "1p-1074", "0x1p-1075", "0x1.fffffffffffffp1023", "inf", "  -nan " if False else "0x0", "0x1.00000000000008p0", "0x1.000000000000080000001p0", "1.8")])
for t in ("", "0x", "1p", "p1", "0x1p1024", "1..2", "1 p2", "0x1.fffffffffffff8p1023"):
    print(error(float.fromhex, t), end="; ")
print()
print(hash(1.0), hash(0.5), hash(-0.5), hash(1e300), hash(inf), hash(-inf), hash(0.1), hash(2.0**70) == hash(2**70), hash(5e-324))
print(1.0 < 2, 2 < 1.5, nan == nan, nan < 1, nan != nan, inf > 10**400, 1.5 == 3 / 2, 2**53 == 2.0**53, 2**53 + 1 > 2.0**53, -inf < -(10**400), 1e16 == 10**16)
print(int(2.9), int(-2.9), (2.5).__trunc__(), (2.5).__floor__(), (-2.5).__ceil__(), int(1e30), bool(0.0), bool(-0.0), bool(nan), -(-0.0), abs(-1.5), +1.5)
print((1.5).real, (1.5).imag, (1.5).conjugate(), (2.0).__add__(1), (2.0).__radd__(1), (2.0).__add__("x"), (2.0).__eq__(2), (2.0).__divmod__(0.75), float.__getformat__("double"))


class F(float):
    pass


f = F(2.5)
f.name = "x"
print(f, repr(f), f + 1, type(f + 1), f.name, f == 2.5, hash(f) == hash(2.5), F("1e3"), F.fromhex("0x1p3"), type(F.fromhex("0x1p3")).__name__, float(f), type(float(f)), "%.1f" % f, round(f))


class HasFloat:
    def __float__(self):
        return 1.25


class HasIndex:
    def __index__(self):
        return 7


class BadFloat:
    def __float__(self):
        return 1


print(float(HasFloat()), float(HasIndex()), error(float, BadFloat()), "%.2f" % HasFloat())
