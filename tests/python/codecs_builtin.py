"""The encodings of the runtime itself, their error handlers, and registered ones."""

import codecs


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


text = "aé€𝄞\ud800\udc80z"
for encoding in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
    for errors in ("strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "namereplace", "surrogateescape", "surrogatepass"):
        print(encoding, errors, error(text.encode, encoding, errors))
        print(encoding, errors, error("\udcff\udc80".encode, encoding, errors), error("\ud800\udfff".encode, encoding, errors))
data = [b"abc", b"\xff", b"a\x80b", b"\xc3", b"\xc3\xa9", b"\xe2\x82", b"\xe2\x82\xacx", b"\xed\xa0\x80", b"\xf0\x9d\x84", b"\xf0\x9d\x84\x9e", b"\xf5\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"x\xf0\x28y", b"\xe2\x28\xa1"]
for errors in ("strict", "ignore", "replace", "backslashreplace", "surrogateescape", "surrogatepass"):
    print(errors, [ascii(error(b.decode, "utf-8", errors)) for b in data])
    print(errors, [ascii(error(b.decode, "ascii", errors)) for b in data[:4]])
for encoding, data in (("utf-16", [b"\xff\xfea\0", b"\xfe\xff\0a", b"a\0", b"a", b"\xff\xfe\0\xd8", b"\0\xd8a\0", b"\0\xdc", b"\x34\xd8\x1e\xdd"]), ("utf-16-be", [b"\0a", b"\xd8\x34\xdd\x1e", b"\xd8\x34", b"\xdc\0\0a"]), ("utf-32", [b"\xff\xfe\0\0a\0\0\0", b"\0\0\xfe\xff\0\0\0a", b"a\0\0", b"\0\xd8\0\0", b"\0\0\x11\0"]), ("utf-32-be", [b"\0\0\0a", b"\0\0\xd8\0"])):
    for errors in ("strict", "ignore", "replace", "surrogatepass", "backslashreplace"):
        print(encoding, errors, [ascii(error(b.decode, encoding, errors)) for b in data])
for name in ("unicode_escape", "raw_unicode_escape", "utf-7"):
    encoded = "aé€𝄞\n\\'+-~".encode(name)
    print(name, encoded, ascii(encoded.decode(name)))
for b in (rb"\x41\u20ac\U0001d11e\101\n\N{BULLET}", rb"\x4", rb"\u12", rb"\U00110000", rb"\N{NO SUCH}", rb"\N", b"\\"):
    print(b, [ascii(error(b.decode, "unicode_escape", e)) for e in ("strict", "replace", "ignore")])
for b in (b"+AOk-", b"+AOk", b"+-", b"a+2DTdHg-b", b"+AO", b"\xff", b"+A-"):
    print(b, [ascii(error(b.decode, "utf-7", e)) for e in ("strict", "replace")])


def handler(e):
    print(type(e).__name__, e.encoding, ascii(e.object), e.start, e.end, e.reason)
    return ("<%d>" % (e.end - e.start), e.end)


codecs.register_error("test.mark", handler)
print("aéb€".encode("ascii", "test.mark"), b"a\xffb".decode("utf-8", "test.mark"), "a\ud800".encode("utf-8", "test.mark"), b"\xffab".decode("ascii", "test.mark"))
codecs.register_error("test.bytes", lambda e: (b"\xfe", e.start + 1))
print("é€".encode("ascii", "test.bytes"), "\ud800".encode("utf-16-le", "test.bytes") if False else "", error("x\ud800".encode, "utf-32", "test.bytes"))
codecs.register_error("test.bad", lambda e: 5)
codecs.register_error("test.far", lambda e: ("", 100))
codecs.register_error("test.back", lambda e: ("?", -1))
print(error("é".encode, "ascii", "test.bad"), error(b"\xff".decode, "ascii", "test.bad"), error("é".encode, "ascii", "test.far"), error("éx".encode, "ascii", "test.back"), error("é".encode, "ascii", "no.such.handler"), error("a".encode, "ascii", "no.such.handler"))
for name in ("strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "namereplace", "surrogateescape", "surrogatepass"):
    h = codecs.lookup_error(name)
    print(name, error(h, UnicodeEncodeError("utf-8", "a\udc80b", 1, 2, "why")), error(h, UnicodeDecodeError("utf-8", b"a\xed\xb2\x80", 1, 4, "why")), error(h, UnicodeTranslateError("aéb", 1, 2, "why")), error(h, ValueError("x")))
print(codecs.lookup("UTF8").name, codecs.lookup("Latin-1").name, error(codecs.lookup, "no such"), codecs.encode("abc", "rot13"), codecs.decode(b"616263", "hex"), error("abc".encode, "rot13"), error(b"ab".decode, "hex"))
print("é".encode("cp1252"), "€".encode("cp1252"), b"\x80".decode("cp1252"), error("\u0100".encode, "cp1252"), error(b"\x81".decode, "cp1252"), "Ж".encode("koi8-r"), "é".encode("UTF-8"), "a".encode("U8"), "é".encode("cp437"))
print(str(b"abc", "ascii"), "x".encode(encoding="utf-8", errors="strict"), "".encode("utf-16"), b"".decode("utf-16"))

# What cannot be escaped begins behind what can.
for encoding in "utf-8", "ascii", "latin-1":
    try:
        "a\udc80\ud800\udfffb".encode(encoding, "surrogateescape")
    except UnicodeEncodeError as e:
        print(encoding, e.start, e.end)
