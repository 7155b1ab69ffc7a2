"""The modules tokenize and symtable."""
import io
import symtable
import tokenize

TEXTS = ["a = 1\n", "if a:\n  b # c\n\n  d\ne", "f'{a!r:>{b}}{{'\n", "(1,\n 2)\r\n", "x = '''a\nb''' + \\\n y\n", "\u20ac = 'é' ** -0x1F_F.e\n",
         "(", "'a", "if a:\n  b\n c\n", "a \\ b\n", "1_\n", "if a:\n\tb\n        c\n"]
for text in TEXTS:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            print(ascii((tokenize.tok_name[token.type], tokenize.tok_name[token.exact_type], *token[1:])))
    except (tokenize.TokenError, SyntaxError) as e:
        print(type(e).__name__, ascii(e.args))


def show(table, depth=0):
    print("  " * depth, table.get_type(), table.get_name(), table.get_lineno(), table.is_nested(), table.is_optimized())
    for s in sorted(table.get_symbols(), key=lambda s: s.get_name()):
        tests = ("referenced", "imported", "parameter", "global", "declared_global", "nonlocal", "local", "annotated", "free", "assigned")
        print("  " * depth, "-", s.get_name(), [test for test in tests if getattr(s, "is_" + test)()])
    for child in table.get_children():
        show(child, depth + 1)


show(symtable.symtable('''
import os
G = 1
class C:
    a = G
    def m(self, x=os):
        y: int = x
        def inner():
            nonlocal y
            global G
            G = y = self
            return __class__
        return inner
type T[U: int] = list[U]
''', "file", "exec"))
