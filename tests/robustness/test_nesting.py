"""Deep nesting and endless recursion: RecursionError, MemoryError or SyntaxError, as CPython has it, never a stack overflow."""

from support import Case

DEPTH = 100_000

#: Expressions nested DEPTH deep.
EXPRESSIONS = {
    "parentheses": ("(", "1", ")"),
    "lists": ("[", "", "]"),
    "dicts": ("{1:", "1", "}"),
    "calls": ("f(", "1", ")"),
    "subscripts": ("a[", "1", "]"),
    "minus": ("-", "1", ""),
    "not": ("not ", "1", ""),
    "await": ("await ", "x", ""),
    "lambda": ("lambda: ", "1", ""),
    "conditional": ("1 if 1 else ", "1", ""),
    "power": ("1**", "1", ""),
    "walrus": ("(a:=", "1", ")"),
    "sum": ("1+", "1", ""),
    "comparison": ("1<", "1", ""),
    "attributes": ("", "a", ".a"),
    "called": ("", "a", "()"),
    "f-strings": ("f'{", "1", "}'"),
    "format": ("f'{1:", "", "}'"),
    "comprehensions": ("[x for x in ", "y", "]"),
    "generators": ("(x for x in ", "y", ")"),
}
#: Statements nested as deep as there are levels.
BLOCKS = ["if 1:", "while 1:", "for x in y:", "with x:", "def f():", "class A:", "try:"]

#: How an object is made one deeper.
WRAPPERS = {
    "list": "[x]",
    "tuple": "(x,)",
    "dict": "{1: x}",
    "frozenset": "frozenset([x] if x else [1])",
    "deque": "collections.deque([x])",
    "ordered": "collections.OrderedDict(a=x)",
    "namespace": "types.SimpleNamespace(a=x)",
    "proxy": "types.MappingProxyType({1: x})",
    "slice": "slice(x)",
    "exception": "Exception(x)",
    "group": "ExceptionGroup('', [x if isinstance(x, Exception) else Exception()])",
    "alias": "list[x]",
    "partial": "functools.partial(x if callable(x) else int)",
    "method": "types.MethodType(x if callable(x) else int, 1)",
    "cached": "functools.lru_cache(x if callable(x) else int)",
    "node": "ast.UnaryOp(ast.USub(), x)",
    "map": "map(int, iter(x))",
    "filter": "filter(None, iter(x))",
    "zip": "zip(iter(x))",
    "enumerate": "enumerate(iter(x))",
    "chain": "itertools.chain(iter(x))",
    "slices": "itertools.islice(iter(x), 10)",
    "accumulate": "itertools.accumulate(iter(x))",
    "starmap": "itertools.starmap(int, iter(x))",
    "generator": "(y for y in iter(x))",
}
OPERATIONS = """
repr(x) str(x) hash(x) x==y x<y bool(x) list(x) next(x) x() isinstance(1,x) issubclass(int,x) copy.deepcopy(x) json.dumps(x)
pickle.dumps(x) pickle._dumps(x) marshal.dumps(x) pprint.pformat(x) ast.dump(x) ast.unparse(x) x.__parameters__ x[int] x.split(ValueError)
gc.collect() x|y x+y x.nothing format(x) int(x)
""".split()

NESTED = """
import ast, collections, copy, functools, gc, itertools, json, marshal, pickle, pprint, sys, types
def make(n):
    x = []
    for _ in range(n):
        x = {wrapper}
    return x
for operation in {operations}:
    # Of some types an operation takes time that grows with the square of the depth.
    x, y = make({depth}), make({depth})
    try:
        eval(operation)
    except (AttributeError, TypeError, ValueError, LookupError, RecursionError, NotImplementedError, StopIteration, pickle.PicklingError):
        pass
    del x, y
print("end")
"""

#: Functions that come to themselves through native code.
RECURSIVE = {
    "sort key": "def f(x): return sorted([1], key=f)\nf(1)",
    "min key": "def f(x): return min([1, 2], key=f)\nf(1)",
    "map": "def f(x): return list(map(f, [1]))\nf(1)",
    "filter": "def f(x): return list(filter(f, [1]))\nf(1)",
    "reduce": "import functools\ndef f(x, y): return functools.reduce(f, [1, 2])\nf(1, 2)",
    "eq": "class A:\n def __eq__(s, o): return [s] == [o]\nA() == A()",
    "hash": "class A:\n def __hash__(s): return hash((s,))\nhash(A())",
    "getattr": "class A:\n def __getattr__(s, n): return getattr(s, n)\nA().x",
    "getattribute": "class A:\n def __getattribute__(s, n): return getattr(s, n)\nA().x",
    "setattr": "class A:\n def __setattr__(s, n, v): setattr(s, n, v)\nA().x = 1",
    "iter": "class A:\n def __iter__(s): return iter(list(s))\nlist(A())",
    "next": "class A:\n def __iter__(s): return s\n def __next__(s): return next(s)\nlist(A())",
    "len": "class A:\n def __len__(s): return len(s)\nlen(A())",
    "bool": "class A:\n def __bool__(s): return not s\nbool(A())",
    "contains": "class A:\n def __contains__(s, x): return x in s\n1 in A()",
    "missing": "class A(dict):\n def __missing__(s, x): return s[x]\nA()[1]",
    "call": "class A: pass\nA.__call__ = A()\nA()()",
    "add": "class A:\n def __radd__(s, o): return sum([s])\nsum([A()])",
    "index": "class A:\n def __index__(s): return [1][s]\n[1][A()]",
    "repr": "class A:\n def __repr__(s): return repr([s])\nrepr(A())",
    "str": "class A:\n def __str__(s): return '%s' % s\nstr(A())",
    "format": "class A:\n def __format__(s, f): return '{}'.format(s)\nf'{A()}'",
    "instancecheck": "class M(type):\n def __instancecheck__(c, x): return isinstance(x, c)\nclass A(metaclass=M): pass\nisinstance(1, A)",
    "subclasshook": "import abc\nclass A(abc.ABC):\n @classmethod\n def __subclasshook__(c, x): return issubclass(x, A)\nissubclass(int, A)",
    "new": "class A:\n def __new__(c): return A()\nA()",
    "descriptor": "class D:\n def __get__(s, o, c): return o.x\nclass A: x = D()\nA().x",
    "generator": "def g(): yield from g()\nlist(g())",
    "coroutine": "async def f(): await f()\nf().send(None)",
    "exec": "s = 'exec(s)'\nexec(s)",
    "default": "import json\ndef f(x): return json.dumps(x, default=f)\nf(1j)",
    "substitution": "import re\ndef f(x): return re.sub('a', f, 'a')\nf(1)",
    "cache": "import functools\n@functools.cache\ndef f(x): return f(x + 1)\nf(0)",
    "context": "import contextvars\ndef f(): contextvars.copy_context().run(f)\nf()",
    "audit": "import sys\ndef h(*a): sys.audit('x')\nsys.addaudithook(h)\nsys.audit('y')",
    "thread": "import threading\nthreading.stack_size(32768)\ndef f(x): return sorted([1], key=f)\n"
    "class T(threading.Thread):\n def run(s):\n  try: f(1)\n  except RecursionError as e: s.error = e\nt = T(); t.start(); t.join(); raise t.error",
}


class Sources(Case):
    def test_expressions(self):
        for name, (before, middle, after) in EXPRESSIONS.items():
            source = before * DEPTH + middle + after * DEPTH
            for use in f"compile({{}}, 'f', 'eval')", "__import__('ast').parse({})":
                with self.subTest(name, use=use):
                    self.write("nested.txt", source)
                    read = use.format("open('nested.txt').read()")
                    program = f"try: {read}\nexcept (RecursionError, MemoryError, SyntaxError): pass\nprint('end')"
                    self.check(self.run_python("-c", program), out="end\n", err="")

    def test_blocks(self):
        for block in BLOCKS:
            for depth in 15, 90, 2000:
                source = "".join(" " * level + block + "\n" for level in range(depth)) + " " * depth + "pass\n"
                if block == "try:":
                    source += "".join(" " * level + "finally: pass\n" for level in reversed(range(depth)))
                self.write("nested.py", source)
                with self.subTest(block, depth=depth):
                    program = "try: compile(open('nested.py').read(), 'f', 'exec')\nexcept (RecursionError, SyntaxError): pass\nprint('end')"
                    self.check(self.run_python("-c", program), out="end\n", err="")

    def test_message(self):
        outcome = self.run_python("-c", "compile('-' * 100000 + '1', 'f', 'eval')")
        self.assertEqual(outcome.err.splitlines()[-1], "MemoryError: Parser stack overflowed - Python source too complex to parse")
        outcome = self.run_python("-c", "compile('(' * 1000, 'f', 'eval')")
        self.assertEqual(outcome.err.splitlines()[-1], "SyntaxError: too many nested parentheses")


class Objects(Case):
    def test_nested(self):
        for name, wrapper in WRAPPERS.items():
            depth = 20_000 if name in ("method", "cached", "chain") else DEPTH
            with self.subTest(name):
                program = NESTED.format(wrapper=wrapper, operations=OPERATIONS, depth=depth)
                self.check(self.run_python("-c", program, timeout=120), out="end\n", err="")


class Recursion(Case):
    def test_limit(self):
        for name, program in RECURSIVE.items():
            with self.subTest(name):
                outcome = self.run_python("-c", "import sys\n" + program)
                self.assertEqual((outcome.status, outcome.err.splitlines()[-1][:15]), (1, "RecursionError:"), outcome)

    def test_native_stack(self):
        for name, program in RECURSIVE.items():
            with self.subTest(name):
                program = f"import sys\nsys.setrecursionlimit(100_000)\ntry:\n exec({program!r})\nexcept RecursionError: print('end')"
                self.check(self.run_python("-c", program), out="end\n", err="")

    def test_only_frames_count(self):
        # A frame that native code calls is one level of the limit, as any other.
        program = "def f(n): return sorted([n], key=lambda n: n and f(n - 1) and 0)\nf(450)\nprint('end')"
        self.check(self.run_python("-c", program), out="end\n", err="")

    def test_small_stack(self):
        for size in 128, 256, 1024, "unlimited":
            with self.subTest(size):
                program = "def f(x): return sorted([1], key=f)\ntry: f(1)\nexcept RecursionError: print('end')"
                self.check(self.run_with_limit(f"-s {size}", "-c", program), out="end\n", err="")
