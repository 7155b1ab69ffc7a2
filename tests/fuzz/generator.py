"""Random programs that any Python runs alike: the same seed gives the same program.

A program is a list of pieces, each of which is a few lines that stand alone: they use the variables `v0`, `v1`, ... that earlier pieces
may have set, catch their own exceptions, and print what came out. So any piece can be left out, which is how a program that fails is made
small. Nothing that a program prints may depend on addresses, hashes of text, time or the order of a set.
"""

import random

INTS = ["0", "1", "-1", "2", "7", "-13", "255", "256", "2**31", "-2**31", "2**47", "2**48 - 1", "-2**48", "2**63", "-2**63 - 1", "10**25", "True", "False"]
FLOATS = ["0.0", "-0.0", "1.5", "-2.25", "1e300", "1e-320", "float('inf')", "float('nan')", "0.1", "3.0", "2.0**53", "1e16"]
STRINGS = ["''", "'a'", "'abc'", "'\\xe9t\\xe9'", "'\\u0394x'", "'\\U0001f600'", "'a,b,,c'", "' pad '", "'12'", "'-3.5'", "'\\n\\t'", "'aAbB'", "'%s'", "'{}'"]
BYTES = ["b''", "b'a'", "b'abc'", "b'\\x00\\xff'", "b'a,b'", "bytearray(b'xyz')"]
BINARY = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "**", "@"]
COMPARE = ["==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"]
STR_METHODS = ["upper()", "lower()", "title()", "strip()", "split()", "split(',')", "rsplit(',', 1)", "partition('b')", "replace('a', 'bb')", "find('b')",
               "count('')", "startswith('a')", "endswith(('c', ''))", "zfill(5)", "center(7, '*')", "isdigit()", "isidentifier()", "encode()", "swapcase()",
               "casefold()", "splitlines()", "expandtabs(3)", "join(['x', 'y'])", "ljust(4)", "index('z')", "removeprefix('a')", "translate({97: 'zz'})",
               "encode('latin-1', 'replace')", "isalpha()", "rfind('b', 0, -1)", "format(1, 2)"]
LIST_METHODS = ["append({})", "extend([{}, 1])", "insert(1, {})", "pop()", "pop(0)", "reverse()", "copy()", "index({})", "count({})", "remove({})", "clear()",
                "sort(key=repr)", "__len__()", "__contains__({})"]
DICT_METHODS = ["get({})", "pop({}, 0)", "setdefault({}, [])", "keys()", "items()", "values()", "copy()", "update({{1: {}}})", "popitem()", "clear()",
                "__contains__({})"]
FUNCTIONS = ["len", "abs", "repr", "str", "bool", "int", "float", "list", "tuple", "sum", "min", "max", "ascii", "hex", "bin", "oct", "round", "type", "callable",
             "reversed", "enumerate", "iter", "bytes", "complex", "any", "all", "chr", "ord", "format", "divmod", "pow", "isinstance", "hash_of", "sorted_of"]
FORMATS = ["", ">8", "<5", "^7", "+d", "x", "#o", "08.3f", ".2e", ",", "_", "%", "g", "r", "s", "=+9", "c", "b"]
SPECIAL = ["__add__", "__radd__", "__sub__", "__mul__", "__rmul__", "__getitem__", "__contains__", "__call__", "__eq__", "__lt__", "__and__", "__matmul__",
           "__floordiv__", "__iadd__", "__getattr__"]

PRELUDE = '''
import sys
sys.setrecursionlimit(300)
def hash_of(x): return hash(x) == hash(x)
def sorted_of(x): return sorted(x, key=repr)
def show(name, value, depth=0):
    """Prints a value without what differs from run to run."""
    print(name, text(value))
def text(x, depth=0):
    if depth > 4: return '...'
    t = type(x)
    if t in (int, bool, str, bytes, bytearray, complex, type(None), range, slice): return repr(x)[:300]
    if t is float: return repr(x)
    if t in (list, tuple): return t.__name__ + '[' + ', '.join(text(i, depth + 1) for i in x[:20]) + ']'
    if t is dict: return '{' + ', '.join(text(k, depth + 1) + ': ' + text(v, depth + 1) for k, v in list(x.items())[:20]) + '}'
    if t in (set, frozenset): return t.__name__ + '(' + ', '.join(sorted(text(i, depth + 1) for i in x)) + ')'
    if isinstance(x, BaseException): return t.__name__
    return '<' + t.__name__ + '>'
def failed(name, e):
    context = type(e.__context__).__name__
    print(name, 'raised', type(e).__name__, context, len(getattr(e, '__notes__', ())))
v0, v1, v2, v3, v4, v5 = 1, 'abc', [1, 2, 3], {'a': 1, 2: [3]}, (1, 'x'), 2.5
'''


class Generator:
    """Makes the pieces of one program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = [f"v{i}" for i in range(6)]
        self.functions = []
        self.count = 0

    def pick(self, options):
        return self.random.choice(options)

    def expression(self, depth=3):
        """An expression of any type; most of them have a value."""
        if depth <= 0:
            return self.atom()
        kind = self.pick(list(self.EXPRESSIONS))
        return self.EXPRESSIONS[kind](self, depth - 1)

    def atom(self):
        return self.pick([self.pick(INTS), self.pick(INTS), self.pick(FLOATS), self.pick(STRINGS), self.pick(BYTES), "None", "...", self.pick(self.names),
                          self.pick(self.names), self.pick(self.names)])

    def several(self, depth, most=4):
        return [self.expression(depth) for _ in range(self.random.randrange(most))]

    def binary(self, depth):
        operator = self.pick(BINARY)
        right = self.expression(depth)
        if operator in ("**", "<<"):
            # Not for ever.
            right = self.pick(["0", "1", "2", "5", "-1", "0.5", "33"])
        if operator == "*":
            right = self.pick(["0", "1", "3", "-1", "2.5", "1j"])
        return f"({self.expression(depth)} {operator} {right})"

    def container(self, depth):
        items = self.several(depth)
        starred = [("*" if self.random.random() < 0.1 else "") + item for item in items]
        kind = self.random.randrange(4)
        if kind == 0:
            return "[" + ", ".join(starred) + "]"
        if kind == 1:
            return "(" + "".join(item + ", " for item in starred) + ")"
        if kind == 2:
            return "{" + ", ".join(f"{self.atom()}: {item}" for item in items) + "}"
        # The order of a set with a NaN in it depends on addresses.
        return "{" + ", ".join(f"{self.atom()}" for _ in range(3)).replace("float('nan')", "0.25") + "}"

    def comprehension(self, depth):
        name = f"c{self.random.randrange(3)}"
        self.names.append(name)
        element, condition = self.expression(depth), self.expression(depth - 1)
        self.names.pop()
        source = self.pick(["range(5)", self.pick(self.names), f"({self.expression(depth)})"])
        clause = f"for {name} in {source}" + (f" if {condition}" if self.random.random() < 0.5 else "")
        if self.random.random() < 0.2:
            clause += f" for {name}x in ({name}, 1)"
        return self.pick(["[{0} {1}]", "list({0} {1})", "{{{0!s}: 1 {1}}}", "tuple({0} {1})", "sum(1 for _ in [{0} {1}])"]).format(element, clause)

    def call(self, depth):
        if self.functions and self.random.random() < 0.4:
            arguments = self.several(depth, 4)
            if self.random.random() < 0.3:
                arguments.append(self.pick(["*[1, 2]", "**{'b': 3}", "k=1", "b=2", "**{'x': 1}", "*v4"]))
            # Positional arguments do not follow keywords: the starred ones are at the end.
            return f"{self.pick(self.functions)}({', '.join(arguments)})"
        function = self.pick(FUNCTIONS)
        arguments = [self.expression(depth)] + ([self.expression(depth)] if self.random.random() < 0.2 else [])
        return f"{function}({', '.join(arguments)})"

    def method(self, depth):
        kind = self.random.randrange(3)
        if kind == 0:
            return f"{self.pick(STRINGS)}.{self.pick(STR_METHODS)}"
        if kind == 1:
            return f"list({self.expression(depth)}).{self.pick(LIST_METHODS)}".replace("{}", self.atom())
        return "dict({'a': 1, 2: 3})." + self.pick(DICT_METHODS).replace("{}", self.atom()).replace("{{", "{").replace("}}", "}")

    def subscript(self, depth):
        bounds = ["", "0", "1", "-1", "2", "-3", "100", "None"]
        index = self.expression(depth) if self.random.random() < 0.5 else f"{self.pick(bounds)}:{self.pick(bounds)}"
        if ":" in index and self.random.random() < 0.4 and "lambda" not in index and "{" not in index and "[" not in index:
            index += ":" + self.pick(["", "2", "-1", "-2"])
        return f"({self.expression(depth)})[{index}]"

    def formatted(self, depth):
        conversion = self.pick(["", "!r", "!s", "!a"])
        # Text of an arbitrary object has addresses in it.
        value = self.pick([self.pick(INTS), self.pick(FLOATS), self.pick(STRINGS)])
        return f'f"<{{({value}){conversion}:{self.pick(FORMATS)}}}>"'

    def percent(self, depth):
        directive = self.pick(["%d", "%5s", "%-4r", "%x", "%.2f", "%c", "%%", "%i%s", "%(a)s", "%+05d", "%g"])
        value = self.pick([self.pick(INTS), self.pick(FLOATS), self.pick(STRINGS), "(1, 2)", "{'a': 1}"])
        return f"('{directive}' % {value})"

    EXPRESSIONS = {
        "atom": lambda self, depth: self.atom(),
        "binary": binary,
        "compare": lambda self, depth: f"({self.expression(depth)} {self.pick(COMPARE[:6] + COMPARE[8:])} {self.expression(depth)})",
        "chained": lambda self, depth: f"({self.atom()} {self.pick(COMPARE[:6])} {self.expression(depth)} {self.pick(COMPARE[:6])} {self.atom()})",
        "unary": lambda self, depth: f"({self.pick(['-', '+', '~', 'not '])}{self.expression(depth)})",
        "logical": lambda self, depth: f"({self.expression(depth)} {self.pick(['and', 'or'])} {self.expression(depth)})",
        "conditional": lambda self, depth: f"({self.expression(depth)} if {self.expression(depth)} else {self.expression(depth)})",
        "container": container,
        "comprehension": comprehension,
        "call": call,
        "method": method,
        "subscript": subscript,
        "formatted": formatted,
        "percent": percent,
        "lambda": lambda self, depth: f"(lambda a, *b, k=2: {self.expression(depth)})({self.atom()})",
        "walrus": lambda self, depth: f"[(w := {self.expression(depth)}), w][1]",
    }

    # Statements, as lists of lines.

    def block(self, depth, inside=()):
        """A few statements, indented."""
        lines = []
        for _ in range(self.random.randrange(1, 4)):
            lines += self.statement(depth)
        return ["    " + line for line in [*lines, *inside]]

    def statement(self, depth):
        if depth <= 0:
            return [self.simple()]
        return self.pick([Generator.simple_lines, Generator.simple_lines, Generator.conditional, Generator.loop, Generator.attempt, Generator.matching,
                          Generator.managed])(self, depth - 1)

    def simple(self):
        target = self.pick(self.names[:6])
        return self.pick([
            f"{target} = {self.expression()}",
            f"{target} {self.pick(['+', '-', '//', '|', '&'])}= {self.expression(2)}",
            f"show('x', {self.expression()})",
            f"{target}, *{self.pick(self.names[:6])} = {self.expression(2)}",
            f"v2[{self.pick(['0', '-1', ':1', '1:', '::2', '5'])}] = {self.expression(2)}",
            f"v3[{self.atom()}] = {self.expression(2)}",
            f"del v2[{self.pick(['0', ':1', '-1', '9'])}]",
            f"assert {self.expression(2)}, {self.atom()}",
            f"raise {self.pick(['ValueError', 'KeyError(1)', 'TypeError() from OSError()', 'StopIteration', 'ZeroDivisionError from None'])}",
            "pass",
        ])

    def simple_lines(self, depth):
        return [self.simple()]

    def conditional(self, depth):
        lines = [f"if {self.expression(2)}:", *self.block(depth)]
        if self.random.random() < 0.4:
            lines += [f"elif {self.expression(2)}:", *self.block(depth)]
        if self.random.random() < 0.5:
            lines += ["else:", *self.block(depth)]
        return lines

    def loop(self, depth):
        leave = [f"if {self.expression(1)}: {self.pick(['break', 'continue', 'pass'])}"]
        name = self.pick(self.names[:6])
        if self.random.random() < 0.3:
            self.count += 1
            counter = f"n{self.count}"
            lines = [f"{counter} = 0", f"while {counter} < 4:", f"    {counter} += 1", *self.block(depth, leave)]
        else:
            source = self.pick(["range(4)", "'abc'", "v2[:5]", "enumerate('ab')", "zip((1, 2), 'xy')", "reversed([1, 2, 3])", "{1: 2, 3: 4}.items()"])
            lines = [f"for {name} in {source}:", *self.block(depth, leave)]
        if self.random.random() < 0.3:
            lines += ["else:", *self.block(depth)]
        return lines

    def attempt(self, depth):
        lines = ["try:", *self.block(depth)]
        star = "*" if self.random.random() < 0.15 else ""
        if self.random.random() < 0.8:
            error = self.pick(["ValueError", "(TypeError, KeyError)", "Exception", "ArithmeticError", "LookupError"])
            again = [] if star or self.random.random() < 0.8 else ["raise"]
            lines += [f"except{star} {error} as e:", "    show('caught', [type(x) is not None for x in (e, e.__context__)])", *self.block(depth, again)]
            if self.random.random() < 0.3:
                lines += ["else:", *self.block(depth)]
        else:
            lines += ["finally:", *self.block(depth)]
            return lines
        if self.random.random() < 0.3:
            lines += ["finally:", *self.block(depth)]
        return lines

    def matching(self, depth):
        patterns = ["0", "-1 | 1", "'abc'", "[a]", "[a, *b]", "(a, b)", "{'a': a}", "{2: a, **b}", "int(a)", "str() as a", "None", "float() | bool()", "[1, [a, _], *_]",
                    "list([a, 2])", "True", "(1 | 2) as a"]
        lines = [f"match {self.expression(2)}:"]
        for pattern in self.random.sample(patterns, 3):
            guard = f" if {self.expression(1)}" if self.random.random() < 0.3 else ""
            lines += [f"    case {pattern}{guard}:", *("    " + line for line in self.block(depth))]
        return lines + ["    case _:", "        show('no match', 1)"]

    def managed(self, depth):
        return [f"with Manager({self.pick(['True', 'False', 'False'])}) as m:", *self.block(depth)]

    # Pieces.

    def piece(self):
        """One piece of the program as text."""
        kind = self.random.random()
        self.count += 1
        number = self.count
        if kind < 0.12:
            return self.function(number)
        if kind < 0.2:
            return self.class_(number)
        if kind < 0.28:
            return self.generator_function(number)
        lines = self.statement(2)
        return "\n".join(["try:", *("    " + line for line in lines), *(f"    show({name!r}, {name})" for name in self.names[:6]),
                          "except Exception as e:", f"    failed('p{number}', e)"])

    def function(self, number):
        name = f"f{number}"
        self.names += ["a", "b", "k"]
        body = self.block(2)
        result = self.expression()
        inner = [f"    def inner(x={self.atom()}):", "        nonlocal a", f"        a = {self.atom()}", f"        return {self.expression(2)}"]
        call = "inner()" if self.random.random() < 0.4 else "None"
        del self.names[-3:]
        self.functions.append(name)
        parameters = self.pick(["a=1, b=2, k=3", "a, /, b=2, *, k=3", "a, *b, k=0", "a=0, *args, b=1, k=2, **rest", "a, b=[], k=()"])
        lines = [f"def {name}({parameters}):", "    if len(sys._getframe().f_code.co_name) < 0: return", *global_names(), *inner, *body, f"    return [{call}, {result}]"]
        if self.random.random() < 0.3:
            lines.insert(0, "@decorated")
        return "\n".join(lines)

    def generator_function(self, number):
        name = f"g{number}"
        delegate = self.pick(["yield from range(2)", f"yield from {self.atom()}", "x = yield 1", "yield", "return 5"])
        lines = [f"def {name}(a=1, *rest, **named):", *global_names(), f"    yield {self.expression(2)}", "    try:", f"        x = yield {self.expression(2)}",
                 "        show('sent', x)", f"        {delegate}", "    except ValueError as e:", "        yield 'thrown'", "    finally:", "        show('closing', 1)",
                 "try:", f"    g = {name}(3)", "    show('first', next(g))", f"    show('second', {self.pick(['next(g)', 'g.send(2)', 'g.throw(ValueError)', 'g.close()'])})",
                 f"    show('rest', {self.pick(['list(g)', 'g.close()', 'g.throw(KeyError(1))', '[*g]', 'next(g, 0)'])})", "except Exception as e:", f"    failed('g{number}', e)",
                 # Without reference counts it is closed at some time.
                 "finally:", "    g.close()"]
        return "\n".join(lines)

    def class_(self, number):
        name = f"C{number}"
        base = self.pick(["", "(int)", "(list)", "(dict)", "(str)", "(Exception)", "(object)", "(tuple)", "(Base)"])
        lines = [f"class {name}{base}:", f"    attribute = {self.atom()}"]
        if self.random.random() < 0.2:
            lines.append("    __slots__ = ()" if base else "    __slots__ = ('x', 'y')")
        for method in self.random.sample(SPECIAL, 4):
            self.names += ["self", "other"]
            lines += [f"    def {method}(self, other=None):", f"        return {self.expression(1)}"]
            del self.names[-2:]
            if method == "__getattr__":
                lines[-1] = "        return 7"
        lines += ["    @property", "    def p(self): return self.attribute", "    @classmethod", "    def make(cls): return cls()", "    @staticmethod", "    def s(a=1): return a"]
        lines += ["try:", f"    o = {name}()"]
        for use in self.random.sample(["o + 1", "1 + o", "o * 2", "o[0]", "1 in o", "o(3)", "o == 1", "o < 2", "o.p", "o.make()", "o.s(2)", "o.zzz", "isinstance(o, int)",
                                       "len(o)", "bool(o)", "[*o]", "o @ o", "o // 1", "super(type(o), o).__init__()", "setattr(o, 'x', 1)", "type(o).__mro__[1].__name__"], 8):
            lines += ["    try:", f"        show({use!r}, {use})", "    except Exception as e:", f"        failed({use!r}, e)"]
        return "\n".join([*lines, "except Exception as e:", f"    failed('C{number}', e)"])


def global_names():
    return ["    global v0, v1, v2, v3, v4, v5"]


TOOLS = '''
class Base:
    def __init__(self, *args): self.args = args
    def __len__(self): return 2
    def __iter__(self): return iter((1, 2))
class Manager:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self): return 5
    def __exit__(self, kind, value, traceback):
        show('exit', kind is not None and kind.__name__)
        return self.swallow
def decorated(f): return lambda *a, **k: f(*a, **k)
'''


def pieces(seed, count=25):
    """The pieces of a program."""
    generator = Generator(seed)
    return [generator.piece() for _ in range(count)]


def program(parts):
    """Pieces as a program. Those that do not compile alone are left out by an oracle, not here."""
    return PRELUDE + TOOLS + "\n" + "\n".join(parts) + "\nprint('end')\n"
