"""unicodedata: some characters of every kind, in both versions of the database."""
import unicodedata


def call(f, *a):
    try:
        return ascii(f(*a))
    except Exception as e:
        return type(e).__name__ + ": " + str(e)


CHARS = "aA1 \n_(\xb2\xbd\xc5\u0301\u0323\u0663\u0966\u09f4\u1100\uac01\u2126\u2167\u2460\u3000\u4e00\uf900\uff21\ufb01\U0001d400\U0002f868"
CHARS += "\u0378\u20ac\u2028\ue000\ud800\U00010ffff"[:-1] + "\u0221\u07c1\u1e9e"
for database in (unicodedata, unicodedata.ucd_3_2_0):
    for c in CHARS:
        print(ascii(c), *[call(getattr(database, f), c) for f in ("category", "bidirectional", "combining", "mirrored", "decomposition")])
        print("   ", *[call(getattr(database, f), c, None) for f in ("decimal", "digit", "numeric", "name")])
        print("   ", *[call(database.normalize, form, c) for form in ("NFC", "NFD", "NFKC", "NFKD")])
        print("   ", *[call(database.is_normalized, form, c) for form in ("NFC", "NFD", "NFKC", "NFKD")])
print(call(unicodedata.normalize, "NFC", "e\u0323\u0301x\u1100\u1161\u11a8\ud800e\u0301"), call(unicodedata.normalize, "NFD", "\u1e69\u1e69"))
print(call(unicodedata.normalize, "X", "\xe9"), call(unicodedata.lookup, "FOO"), unicodedata.lookup("LATIN SMALL LETTER A"))
print(call(unicodedata.lookup, "LATIN SMALL LETTER R WITH TILDE"), call(unicodedata.lookup, "NULL"), call(unicodedata.ucd_3_2_0.lookup, "NULL"))
print(call(unicodedata.name, "\n"), call(unicodedata.decimal, "x"), call(unicodedata.digit, "x"), call(unicodedata.numeric, "x"))
