# _string: how formats and field names are taken apart; string.Formatter.
import string
from _string import formatter_field_name_split, formatter_parser


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


for text in ("", "plain", "a{b}c", "{}{1!r:>{width}}", "{{x}}", "{a.b[c]:d}", "é{ü!s}", "{a[}]}", "}}{{"):
    print(repr(text), list(formatter_parser(text)))
for text in ("{", "}", "{a", "{a!", "{a!r", "{a!rx}", "{a{b}}", "{a:{b}", "x}y"):
    print(repr(text), attempt(lambda: list(formatter_parser(text))))
for name in ("", "0", "a", "a.b", "0[1].c[d e]", "a[0]", "a[00x]", "12x"):
    first, rest = formatter_field_name_split(name)
    print(repr(name), repr(first), list(rest))
for name in ("a.", "a[", "a[]", "a[b]c"):
    print(repr(name), attempt(lambda: list(formatter_field_name_split(name)[1])))
print(attempt(lambda: formatter_parser(b"x")), attempt(lambda: formatter_field_name_split(1)))


class Upper(string.Formatter):
    def get_value(self, key, args, kwargs):
        return str(super().get_value(key, args, kwargs)).upper()

    def convert_field(self, value, conversion):
        return value[::-1] if conversion == "x" else super().convert_field(value, conversion)


print(Upper().format("{0} {name!x} {1:>5}|", "ab", "c", name="def"))
print(string.Formatter().format("{} {}", 1, 2), attempt(lambda: string.Formatter().format("{} {0}", 1)))
print(string.Template("$a ${b} $$").substitute(a=1, b=2))
