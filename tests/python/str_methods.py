"""str: all methods, every width of characters, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


widths = ["abcabc", "äbcäbc", "€bc€bc", "𝄞bc𝄞bc"]
for s in widths:
    c = s[0]
    print(s, len(s), s[1], s[-1], s[1:4], s[::-1], s[::2], s[4:1:-1], s[10:], s[-2:], s * 2, s + "x", "x" + s, c in s, "bc" in s, "zz" in s, "𝄞€" in s)
    print(s.find(c), s.find(c, 1), s.rfind(c), s.find("bc"), s.rfind("bc"), s.find("", 3), s.find("", 7), s.rfind(""), s.index("c"), s.count("b"), s.count(""), s.count("bc", 2), s.count("", 3), error(s.index, "zz"), error(s.rindex, "zz"))
    print(s.replace("bc", "X"), s.replace("bc", "€€"), s.replace(c, ""), s.replace("", "-"), s.replace("b", "bb", 1), s.replace("zz", "y"), s.replace("b", "𝄞"), s.replace("b", "B", count=1))
    print(s.split("b"), s.split("b", 1), s.rsplit("b", 1), s.split("zz"), s.partition("bc"), s.rpartition("bc"), s.partition("zz"), s.rpartition("zz"), s.split(c))
    print(s.startswith(c), s.startswith(("x", c)), s.endswith("bc"), s.startswith("bc", 1), s.endswith("b", 0, 5), s.startswith(""), s.startswith("", 9), s.removeprefix(c), s.removesuffix("bc"), s.removeprefix("zz"))
    print(s.center(9, "*"), s.center(10, "€"), s.ljust(8) + "|", s.rjust(8), s.zfill(8), s.strip(c + "c"), s.lstrip(c), s.rstrip("cb"), s.center(3))
    print(s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), s.casefold(), ",".join(s), c.join(["x", "y", s]))
    print(s < "b", s == s[:], s != "abc", hash(s) == hash(s[:3] + s[3:]), sorted(s), list(reversed(s)), max(s), s.translate({ord("b"): "BB", ord("c"): None, ord(c): 65}), repr(s), ascii(s))
    print(s.encode(), s.encode("utf-16-le"), s.encode("utf-32-be")[:8], s.encode("ascii", "replace"), s.encode("latin-1", "xmlcharrefreplace"), s.encode("ascii", "backslashreplace"), s.encode("ascii", "namereplace"), s.encode("ascii", "ignore"))

print("a b  c\td\n".split(), " a b c ".split(None, 1), " a b c ".rsplit(None, 1), "".split(), "".split(","), "   ".split(), "a\u2003b\x1cc".split(), " a b ".split(" "))
print("a\nb\r\nc\rd\x0be\x85f\u2028g".splitlines(), "a\nb\n".splitlines(True), "".splitlines(), "\n".splitlines(), "x\r\n\r\ny".splitlines(keepends=True))
print("  x ".strip(), "xxaxx".strip("x"), "\u3000a\xa0".strip(), "abc".strip(""), "éaé".strip("é"), "aba".lstrip("ab"), "  x".rstrip())
print("a\tbc\td".expandtabs(), "a\tb".expandtabs(4), "a\tb".expandtabs(0), "ab\n\tc".expandtabs(4), "\t€".expandtabs(3))
print("+5".zfill(4), "-5".zfill(4), "5".zfill(4), "--5".zfill(6), "".zfill(2), "x".center(4), "x".center(5), "ab".center(5, "-"), "abc".center(6, "-"))
print("ß".upper(), "ﬁ".upper(), "ŉ".title(), "ǆ".title(), "Ǆ".lower(), "ΑΣ".lower(), "ΑΣΑ".lower(), "Σ".lower(), "ΑΣ.".lower(), "İ".lower(), "ı".upper(), "ẞ".casefold(), "ß".casefold(), "ΐ".upper(), "they're bill's".title(), "ÿ".upper(), "µ".upper())
tests = ["", "a", "A", "1", "²", "½", "四", "Ⅷ", " ", "\t", "a1", "aB", "Ab", "_a", "a b", "é", "ǅ", "\u00ad", "٣", "€", "\x7f", "\ue000", "\U0001F600", "ab\n", "if", "1a", "ª", "ǅa", "Aǅ"]
for name in ("isalpha", "isdigit", "isdecimal", "isnumeric", "isalnum", "isspace", "islower", "isupper", "istitle", "isascii", "isidentifier", "isprintable"):
    print(name, "".join("01"[getattr(s, name)()] for s in tests))
print([repr(s) for s in ("'", '"', "'\"", "\\", "\n\r\t\0\x1f\x7f\x80\xad\u2028\ud800\U0010ffff", "é€𝄞", "\u200b", "")])
print([ascii(s) for s in ("é", "€'", "𝄞", "\x80", "\n")])
print("abc".translate(str.maketrans("ab", "xy", "c")), "abc".translate({97: "€"}), "aé".translate({233: None}), str.maketrans({"a": 1, 98: None}), error(str.maketrans, "ab", "c"), error(str.maketrans, 1), error(str.maketrans, {"ab": 1}), error("a".translate, {97: 0x110000}), error("a".translate, {97: 1.5}), "abc".translate([65] * 99 + [None]))
print(error("a".join, [1]), error("a".join, 5), ",".join([]), ",".join(["a"]), "".join("abc"), ",".join(x for x in "xyz"), error("".join, ["a", b"b"]))
for f in (lambda: "a" + 1, lambda: 1 + "a", lambda: "a" * "b", lambda: "abc"[5], lambda: "abc"["x"], lambda: 1 in "a", lambda: "a" < 1, lambda: "abc"[::0], lambda: "a".split(""), lambda: "a".split(1), lambda: "a".partition(""), lambda: "a".partition(1), lambda: "a".center(5, "xx"), lambda: "a".center(5, 1), lambda: "a".startswith(1), lambda: "a".startswith(("a"[:0] + "b", 1)), lambda: "a".find(1), lambda: "a".replace(1, "b"), lambda: "a".strip(1), lambda: "a".encode("nonsense-encoding"), lambda: "é".encode("ascii"), lambda: "\ud800".encode(), lambda: "a".encode(1), lambda: "abc".find("a", "x"), lambda: str(b"a", "ascii", "strict", 1), lambda: str(1, "ascii"), lambda: str("a", "ascii"), lambda: "a" * 10**19):
    print(error(f))
print(str(), str(5), str(b"abc"), str(b"\xc3\xa9", "utf-8"), str(b"\xff", errors="replace"), str(object=3), str(bytearray(b"x"), encoding="ascii"))
print("abc".__contains__("b"), "abc".__add__("d"), "abc".__mul__(2), "abc".__rmul__(2), "abc".__getitem__(1), "a".__eq__(1), "a".__lt__("b"), "%s".__mod__(5), "abc".__len__(), "x".__format__(">3"))
print(list(iter("aé€𝄞")), type(iter("abc")).__name__, type(iter("é")).__name__, iter("abc").__length_hint__(), next(iter("x")), next(iter(""), "end"))


class S(str):
    pass


s = S("hello")
s.extra = 1
print(s, repr(s), type(s), s.extra, s == "hello", hash(s) == hash("hello"), {"hello": 1}[s], type(s + ""), type(s[:]), type(s.strip()), type(s.upper()), type(str(s)), s.replace("l", "L"), S(5), S(b"x", "ascii"), type("".join([s])), s % (), f"{s:>7}")
