"""Ints: arithmetic of every size, bit operations, conversions, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


# Values around the limits of the representations: 49 bits inline, 63 and 64 bits, several digits.
edges = []
for bits in (0, 1, 30, 47, 48, 49, 62, 63, 64, 127, 128, 190):
    for delta in (-1, 0, 1):
        edges.append((1 << bits) + delta)
edges += [-n for n in edges] + [0]

total = 0
for a in edges:
    for b in edges:
        s, d, p = a + b, a - b, a * b
        assert s - b == a and d + b == a and s == b + a and p == b * a
        assert (a < b) == (d < 0) and (a == b) == (d == 0) and (a <= b) == (not b < a)
        if b:
            q, r = divmod(a, b)
            assert q * b + r == a and (r == 0 or (r < 0) == (b < 0)) and abs(r) < abs(b), (a, b, q, r)
            assert q == a // b and r == a % b
            assert p // b == a and p % b == 0
        assert (a & b) + (a | b) == s and (a ^ b) == (a | b) - (a & b)
        assert ~a == -a - 1 and -(-a) == a and +a == a and abs(a) == (a if a >= 0 else -a)
        total = (total * 31 + s * 7 + d * 5 + p * 3) % (10**40 + 7)
for a in edges:
    for n in (0, 1, 15, 48, 63, 64, 65, 130):
        left, right = a << n, a >> n
        assert left == a * 2**n and right == a // 2**n and left >> n == a
        total = (total * 37 + left + right) % (10**40 + 7)
    assert int(str(a)) == a and int(hex(a), 16) == a and int(oct(a), 8) == a and int(bin(a), 2) == a
    assert int.from_bytes(a.to_bytes(30, "little", signed=True), "little", signed=True) == a
    assert int.from_bytes(a.to_bytes(25, signed=True), signed=True) == a
    assert a.bit_length() == len(bin(abs(a)).lstrip("0b")) and a.bit_count() == bin(a).count("1")
    assert hash(a) == hash(a + 0) and eval(repr(a)) == a
print(total)

big = 3**1000
print(big)
print(big // 7**300, big % 7**300)
print(-big // 7**300 + big // 7**300, -big % 7**300 + big % 7**300 == 7**300)
print(12345678901234567890 * 98765432109876543210, (10**50 + 1) * (10**50 - 1))
print(2**200 - 2**200, (2**200 + 5) - 2**200, type((2**64) // (2**60)), (2**64) // (2**60))
print(7 // 2, -7 // 2, 7 // -2, -7 // -2, 7 % 3, -7 % 3, 7 % -3, -7 % -3, divmod(-7, 2), divmod(7, -2))
print(0**0, 2**10, (-2) ** 3, 2**-1, 10**-2, (-3) ** -3, 1**10**100, (-1) ** (10**100 + 1), 0**5)
print(pow(3, 200, 13), pow(3, -1, 7), pow(-3, 5, 7), pow(2, 100, -7), pow(2**70, 3, 10**30), pow(5, 0, 1), pow(38, -1, 97))
print(pow(10**30 + 1, 10**20, 10**25 + 13), pow(7, -3, 10**20 + 39), pow(-5, 3, 2**64 + 13))
print(error(pow, 2, -1, 4), error(pow, 2, 3, 0), error(pow, 2, 3, 1.5), error(pow, 0, -1, 5))
print(error(lambda: 1 << -1), error(lambda: 1 >> -1), 5 >> 10**30, -5 >> 10**30, 0 << 10**30)
print(7 / 2, 10**400 / 10**399, -1 / 3, 2**53 / 3, (2**1000 + 1) / 2**999, 1 / 10**320, 10**20 / 3, 0 / 5, 1 / 2**1074)
print(error(lambda: 10**400 / 3), error(lambda: float(10**400)), float(2**53 + 1), float(2**54 + 3), float(-(2**1000)), float(10**308))
print([round(n, -1) for n in (5, 15, 25, 14, -15, -25)], round(12345, -2), round(12355, -1), round(5, 3), round(15, -2), round(10**30 + 5, -1))
print(round(-2**70, -5), round(3, None), error(round, 1, "x"))

print(True + True, True * 5, -True, ~5, True & False, True | 2, True ^ True, type(True & True), type(True & 1), True == 1, hash(True))
print([int(x) for x in ("  12 ", "-1_000", "+7", "0", "00", "٣٤")], int("0x_ff", 0), int("0b101", 0), int("0o17", 0), int("zz", 36), int("-0x10", 16))
for text, base in (("", 10), ("1__0", 10), ("_1", 10), ("0x", 16), ("12", 2), ("08", 0), ("1", 1), ("1", 37), ("é", 10), ("1 2", 10), ("0_", 0)):
    print(error(int, text, base))
print(error(int, "a" * 300), error(int, None), error(int, [], 10), error(int, b"12", 10), error(int, 5, 10), error(int), error(int, base=10))
print(int(3.99), int(-3.99), int(1e20), error(int, float("inf")), error(int, float("nan")), int(b" 42 "), int(bytearray(b"7")))
print((10).to_bytes(2, "big"), (-1).to_bytes(3, "little", signed=True), (0).to_bytes(), (255).to_bytes(), (0).to_bytes(0))
print(error((256).to_bytes), error((-1).to_bytes), error((128).to_bytes, 1, signed=True), (-128).to_bytes(1, signed=True))
print(error((1).to_bytes, -1), error((1).to_bytes, 1, "middle"), error((2**64).to_bytes, 8, "little"))
print(int.from_bytes(b"\xff\x00", "big"), int.from_bytes(b"\xff\x00", "big", signed=True), int.from_bytes([1, 2, 3]), int.from_bytes(b""))
print(int.from_bytes(b"\x80" + bytes(8), signed=True), int.from_bytes(b"\xff" * 9, signed=True), error(int.from_bytes, "abc"), error(int.from_bytes, [256]))
print((6).as_integer_ratio(), (5).is_integer(), (5).real, (5).imag, (5).numerator, (5).denominator, (5).conjugate())
print((5).__add__("x"), (5).__radd__(3), (5).__divmod__(3), (5).__eq__(5.0), (5).__lt__("x"), int.__pow__(2, 5), int.__pow__(2, 5, 7))
print(hash(2**61 - 1), hash(2**61), hash(-1), hash(-2), hash(-(2**61)), hash(2**100), hash(10**30), hash(-(2**127)))
print(5 == 5.0, 2**53 + 1 == float(2**53), 10**400 > 1e308, -(10**400) < float("-inf"), 2**1023 < 1e308, 3 < 3.5, 10**22 == 1e22)
print(error(lambda: 1 + "a"), error(lambda: 1 < "a"), error(lambda: -"a"), error(lambda: [] * 1.5), error(lambda: 1 @ 2))


class I(int):
    def __repr__(self):
        return f"I({int(self)})"


i = I(5)
i.attribute = "x"
print(i, repr(i), i + 1, type(i + 1), i.attribute, i == 5, hash(i) == hash(5), I("12"), I(2**100) == 2**100, -i, type(+i), [10, 20, 30, 40, 50, 60][i])
print(type(int(i)), int(I(0)), bool(I(0)), I(-(2**70)), format(I(255), "x"), "%d" % I(7), {5: "a"}[i], I(3) * "ab")


class Index:
    def __index__(self):
        return 12


class Int:
    def __int__(self):
        return 42


class Bad:
    def __index__(self):
        return "x"

    def __int__(self):
        return 1.5


print(int(Index()), int(Int()), hex(Index()), error(int, Bad()), error(hex, Bad()), error(hex, 1.5), [1, 2][Index() - 12] if False else "")
