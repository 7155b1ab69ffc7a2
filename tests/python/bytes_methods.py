"""bytes and bytearray: construction, methods, mutation, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


for B in (bytes, bytearray):
    b = B(b"abcabc")
    print(b, len(b), b[0], b[-1], b[1:4], b[::-1], b[::2], b * 2, 3 * b[:1], b + b"x", b + bytearray(b"y"), type(b + b"z").__name__, b"bc" in b, 97 in b, 200 in b, b == b"abcabc", b < b"b", b != bytearray(b"x"))
    print(b.find(b"c"), b.find(98), b.rfind(b"b"), b.find(b"", 3), b.find(b"", 7), b.index(b"ca"), b.count(b"b"), b.count(97), b.count(b""), error(b.index, b"z"), error(b.find, "x"), error(b.find, 256), error(b.count, 1.5))
    print(b.replace(b"bc", b"X"), b.replace(b"", b"-", 3), b.replace(b"z", b"y"), b.split(b"b"), b.split(b"b", 1), b.rsplit(b"b", 1), b.partition(b"b"), b.rpartition(b"b"), b.partition(b"z"), B(b" a  b ").split(), B(b" a  b ").rsplit(None, 1), B(b"a\nb\r\nc").splitlines(), B(b"a\nb").splitlines(True))
    print(b.startswith(b"ab"), b.startswith((b"x", b"a")), b.endswith(b"bc", 0, 3), b.removeprefix(b"ab"), b.removesuffix(b"bc"), error(b.startswith, "a"), error(b.endswith, ("a",)), b.strip(b"ac"), b.lstrip(b"ab"), B(b" x ").rstrip(), error(b.strip, "x"))
    print(b.center(9, b"*"), b.ljust(8), b.rjust(8, b"-"), b.zfill(8), B(b"-5").zfill(4), error(b.center, 9, "x"), error(b.center, 9, b"xx"), B(b"a\tb").expandtabs(4), b.upper(), b.title(), b.capitalize(), B(b"aB").swapcase(), B(b"A").lower())
    print(b.isalpha(), B(b"1").isdigit(), b.islower(), b.isupper(), B(b" ").isspace(), b.isalnum(), B(b"Ab Cd").istitle(), b.isascii(), B(b"\xff").isascii(), B(b"").isalpha(), B(b"").isascii())
    print(b.hex(), b.hex(":"), b.hex("-", 2), b.hex(b"_", -4), error(b.hex, "xx"), error(b.hex, "é"), B.fromhex("61 62"), error(B.fromhex, "6"), error(B.fromhex, "6g"), error(B.fromhex, "61 6"), B(b"").hex())
    print(b.translate(bytes(range(1, 256)) + b"\0"), b.translate(None, b"a"), error(b.translate, b"x"), B.maketrans(b"ab", b"xy")[97:99], error(B.maketrans, b"a", b"xy"), B(b",").join([b"a", bytearray(b"b"), memoryview(b"c")]), error(B(b"").join, ["a"]), error(B(b"").join, 5))
    print(b.decode(), B(b"\xc3\xa9").decode(), B(b"\xe9").decode("latin-1"), error(B(b"\xff").decode), B(b"\xffa").decode("utf-8", "replace"), B(b"\xff").decode("ascii", "surrogateescape"), B(b"\xff\xfea\0").decode("utf-16"), error(b.decode, "no-such"), error(b.decode, 1))
    print(B(), B(3), B([1, 2, 255]), B(range(3)), B("é", "utf-8"), B("é", "latin-1", "strict"), B(b"x"), B(memoryview(b"abc")[::2]), error(B, "x"), error(B, -1), error(B, [256]), error(B, ["a"]), error(B, 1.5), error(B, 1, "ascii"), error(B, None), error(B, object()), error(B, [-1]), error(B, encoding="ascii"), B(source=2))
    print(repr(B(b"a'b")), repr(B(b"a\"'")), repr(B(b"\\\n\r\t\0\x7f\xff")), str(B(b"x")), list(b), list(iter(b)), error(lambda: b[10]), error(lambda: b["a"]), error(lambda: b + "x"), error(lambda: "x" + b), error(lambda: b < 1), error(lambda: "a" in b), error(lambda: 300 in b), error(lambda: b * "x"), error(lambda: b * 10**19))
    print(hash(bytes(b)) == hash(b"abcabc"), iter(b).__length_hint__(), next(iter(b)), next(iter(B()), "end"), b.__contains__(97), error(lambda: hash(b)) == hash(b"abcabc") or error(lambda: hash(b)))

a = bytearray(b"hello")
a[0] = 72
a[1:3] = b"EYY"
print(a, a.pop(), a.pop(0), a)
a.append(33)
a.extend([63, 64])
a.extend(b"xy")
a.insert(0, 65)
a.insert(-1, 66)
a.insert(100, 67)
print(a, a.remove(89), a, a.reverse(), a, a.copy() is a, a.copy() == a)
del a[0]
del a[::2]
print(a, len(a))
a[1:1] = b"INSERTED"
a[::3] = bytes(len(a[::3]))
print(a)
a += b"tail"
a *= 2
print(a, a.clear(), a, bool(a))
a = bytearray(range(20))
del a[2:18:3]
print(list(a))
del a[::-2]
print(list(a))
a[5:2] = b"!!"
print(list(a))
a[:] = a
a += bytes(a)
print(list(a))
for f in (lambda: a.pop(100), lambda: bytearray().pop(), lambda: a.remove(200), lambda: a.append(256), lambda: a.append("x"), lambda: a.extend("x"), lambda: a.extend(5), lambda: a.insert("a", 1), lambda: a.__setitem__(0, 256), lambda: a.__setitem__(100, 1), lambda: a.__setitem__("a", 1), lambda: a.__setitem__(slice(0, 6, 2), b"x"), lambda: a.__setitem__(slice(0, 1), "x"), lambda: a.__setitem__(slice(0, 1), 5), lambda: a.__delitem__(100), lambda: hash(a), lambda: a.extend([1, 300])):
    print(error(f))
big = bytearray()
for i in range(1000):
    big.append(i & 255)
    if i % 3 == 0:
        del big[0]
print(len(big), sum(big), big[:5], bytes(big[-5:]))
view = memoryview(big)
print(error(big.append, 1), error(big.clear), error(big.extend, b"x"), error(lambda: big.pop()))
view.release()
big.append(1)
print(len(big))


class B2(bytes):
    pass


class A2(bytearray):
    pass


b = B2(b"abc")
b.x = 1
c = A2(b"abc")
c.x = 2
print(b, c, type(b[:]), type(c[:]), b.x, c.x, b == c, hash(b) == hash(b"abc"), type(b + b), type(c + c), B2([1, 2]), A2(2), {b"abc": 1}[b], type(b.upper()), type(B2.fromhex("61")))


class HasBytes:
    def __bytes__(self):
        return b"made"


class BadBytes:
    def __bytes__(self):
        return "x"


print(bytes(HasBytes()), error(bytes, BadBytes()), b"%b" % HasBytes())
