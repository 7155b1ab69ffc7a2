"""The format mini-language for int, float, complex, str and bool; % formatting."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def show(values, specs):
    for v in values:
        print(repr(v), [error(format, v, s) for s in specs])


show((0, 42, -42, 1234567, -(10**20), True), ("", "d", "5", "<8", ">8", "^9", "=+8", "08", "+", " ", "-", "x", "#x", "#X", "b", "#b", "o", "#o", ",", "_", "_x", "_b", "012,", "#012x", "*^12,", "n", "c", "e", ".2f", "%", "g"))
show((65, 0x20AC, 0x1F600, -1, 2**40), ("c", "5c", "<5c", "^5c", "05c"))
show((0.0, -0.0, 1.5, -2.75, 1234567.891, 1e-7, 1e20, float("inf"), float("-nan")), ("", "f", ".0f", ".2f", "e", ".3e", "E", "g", ".3g", "G", "n", "%", ".1%", "+", " ", "010", "010.2f", "<12.2f|"[:-1], "^12.1f", "=+12.1f", ",", ",.2f", "_.1f", "015,.2f", "#.0f", "#g", "#.3g", ".12", ".3", "z.0f", "zg"))
show((3 + 4j, -1.5j, 1e20 - 0j, complex("inf"), 0j), ("", ".2f", "e", "g", ">20", "<20", "+", ".3", "#.3g", ",.1f", "^30.2f"))
show(("", "abc", "héé", "x" * 10), ("", "s", "5", ">5", "<5", "^6", ".2", "8.2", "*^9", "05", "é>6"))
for v, s in ((1, ".2d"), (1, "s"), (1, "q"), (1, "5.5x"), (1, "#c"), (1, "+c"), (1, ",x"), (1, ",_"), (1, "_,"), (1, ",c"), (1, "1x2"), (1, "."), (1.5, "d"), (1.5, "x"), (1.5, "."), (1.5, ",n"), ("a", "d"), ("a", "+"), ("a", " "), ("a", "#"), ("a", "="), ("a", ","), ("a", "z"), (1j, "d"), (1j, "010"), (1j, "=10"), (1j, "%"), (1, "é"), (1, "99999999999999999999"), ([], "x"), (None, ">5"), (object, "s")):
    print(s, error(format, v, s))
print(error(format, 1, 2), error((1).__format__, 2), "{:>{width}.{precision}f}".format(3.14159, width=10, precision=2), f"{3.14159:>{10}.{2}f}")

print("%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o|%i|%u" % (42, 42, 42, 42, 42, 42, 255, 255, 255, 8, 8, 7, 9))
print("%.3d|%8.3d|%-8.3d|%08.3d|%+.3d|%#.4x|%#010x|%d|%d" % (7, 7, 7, 7, 7, 255, 255, 2**70, -(2**70)))
print("%e|%.2e|%E|%f|%.0f|%#.0f|%g|%G|%.3g|%#g|%10.2f|%-10.2f|%010.2f|%+.1f" % (1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1e-5, 1e-5, 1234.5, 1.5, 1.5, 1.5, -1.5, 1.5))
print("%s|%r|%a|%5s|%-5s|%.2s|%5.1s|%c|%c|%5c|%-5c|%%" % ("é", "é", "é", "ab", "ab", "abc", "abc", "x", 0x1F600, "y", "z"))
print("%(a)s %(b)d %(a)r" % {"a": "x", "b": 3}, "%(k(x))s" % {"k(x)": 1}, "%*d|%-*d|%.*f" % (5, 42, 5, 42, 2, 3.14159), "%s" % (1,), "%s" % [1, 2], "%s %s" % ("a", "b"))
print("abc" % (), "abc" % [], "abc" % {}, "%s" % None, "%d" % 3.99, "%d" % True, "%x" % True, "%ld %hd" % (1, 2), "%s%%" % 5)
for fmt, args in (("%d", "x"), ("%d", ()), ("%d %d", (1,)), ("%d", (1, 2)), ("%x", 1.5), ("%c", "ab"), ("%c", 2**40), ("%c", 1.5), ("%z", 1), ("%", 1), ("%(a)s", 1), ("%(a", {}), ("%(a)s", {}), ("abc", 1), ("%*d", ("a", 1)), ("%.9999999999999999999f", 1.0), ("%i", None), ("%f", "x"), ("%5", 1), ("%(a)s %s", {"a": 1}), ("%é", 1)):
    print(repr(fmt), error(lambda: fmt % args))


class D(dict):
    def __missing__(self, key):
        return f"<{key}>"


class S:
    def __str__(self):
        return "str"

    def __repr__(self):
        return "repr"

    def __format__(self, spec):
        return f"format({spec})"


print("%(zz)s" % D(), "%s %r" % (S(), S()), f"{S()} {S()!s} {S()!r} {S():abc} {S()!r:>6}", format(S(), "x"))

print(b"%d %5.2f %s %b %c %c %a %r %x %%" % (1, 2.5, b"ab", bytearray(b"cd"), 65, b"z", "é", b"q", 255), b"%(a)d" % {b"a": 1}, bytearray(b"%s") % b"x")
for fmt, args in ((b"%s", "x"), (b"%d", "x"), (b"%c", 256), (b"%c", b"ab"), (b"%q", 1), (b"%f", "x"), (b"abc", 1), (b"%d", ()), (b"%c", "a")):
    print(fmt, error(lambda: fmt % args))

print("{} {} {}".format(1, "a", None), "{0} {1} {0}".format("a", "b"), "{a} {b}".format(a=1, b=2), "{{}} {{{}}}".format(5), "{0.real} {0.imag}".format(3 + 4j), "{0[1]} {0[k]}".format({1: "x", "k": "y"}), "{0[0]}{0[2]}".format("abc"))
print("{!r} {!s:>5} {!a}".format("é", "é", "é"), "{:{}}".format("x", ">4"), "{:{}{}}".format("x", "^", 5), "{a.__class__.__name__}".format(a=1), "{0[a.b]}".format({"a.b": 1}), "{x[y][z]}".format(x={"y": {"z": 9}}))
for fmt in ("{", "}", "{0", "{}}", "{0!}", "{0!x}", "{0!rr}", "{0.}", "{0[}", "{0[]}", "{0[a]b}", "{} {0}", "{0} {}", "{5}", "{k}", "{0:{1:{2}}}", "{0!r", "{:{}", "{99999999999999999999}", "{0:{}}", "{!}"):
    print(fmt, error(fmt.format, "a", "b", "c"))
print("{a} {b[0]}".format_map({"a": 1, "b": [2]}), "{q}".format_map(D()), error("{}".format_map, {}), error("{x}".format_map, {}))
