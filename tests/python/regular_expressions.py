"""Regular expressions: backtracking, groups, all widths of text, searching, substitution."""
import copy
import pickle
import re

SUBJECTS = ["abcABx\n ", "abcaabca", "aé1αb\u212a b", "a\U0001d4b3bcab", ""]
PATTERNS = [
    r"a", r"(a)(b)?", r"(?:a|b)*c", r"(a|ab)(c|bcd)?", r"a.*?b", r"[^a]+", r"\w+", r"\b\w", r"(?i)ABC", r"(?m)^.", r"$",
    r"(?P<first>a)(?P=first)?", r"(a)?(?(1)b|c)", r"(?=a)\w", r"(?<=a)b", r"(?<!a)b", r"(?>a|ab)c", r"a*+b", r"(?:a|b)++c",
    r"(?:(a)|b)*", r"(a*)*", r"(a*?)*?b", r"(?s).+", r"[a-cé-ω]+", r"(?i)k", r"(a{1,2}){2}", r"a|", r"\Aa", r"b\Z", r"((a)|(b))+",
]
for pattern in PATTERNS:
    p = re.compile(pattern)
    for s in SUBJECTS:
        matches = [m and (m.regs, m.lastindex) for m in (p.match(s), p.fullmatch(s), p.search(s), p.search(s, 1, 5))]
        print(ascii((pattern, s, matches, p.findall(s), p.split(s), p.sub(r"<\g<0>>", s), p.subn("-", s, count=2))))

m = re.match(rb"(?P<x>a+)(b)?", b"aac")
print(m, m["x"], m.groups(b"-"), m.groupdict(), m.span(2), m.lastgroup, m.expand(rb"[\1\g<x>]"))
print(re.compile("a(?P<n>b)", re.I | re.M), re.compile(b"x"), re.compile("a") == re.compile("a"), re.compile("a") == re.compile(b"a"))
p = re.compile("(?P<n>b)")
print(pickle.loads(pickle.dumps(p)) == p, copy.deepcopy(p) is p, p.groupindex, p.groups)
for f in (lambda: p.match(b"b"), lambda: re.compile(b"b").match("b"), lambda: p.match(1), lambda: m.group(7), lambda: m["y"],
          lambda: re.sub("b", r"\2", "b"), lambda: re.compile("("), lambda: re.compile("(?<=a*)b")):
    try:
        print(f())
    except Exception as e:
        print(type(e).__name__, e)
# Depth and length are limited by memory only.
print(re.match("(?:a|b)*c", "ab" * 100000 + "c").end(), re.match("(a)*?b", "a" * 100000 + "b").end())
print(re.sub("x", lambda m: m.group() * 2, "axbx"), re.sub(r"(?=b)", "-", "abab"), list(re.finditer("a|", "ba")))
