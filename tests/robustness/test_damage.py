"""Files that were cut off or damaged: compiled modules, marshal data, pickles, archives, source text."""

import random

from support import Case

MODULE = """
import sys
A = (1, 2.5, "x", b"y", None, ..., 10**40, 1j, frozenset({1, 2}), -5)
def f(a, b=2, *c, d, **e):
    try:
        return [x for x in a if x in {1, 2, 3}]
    except (OSError, ValueError) as err:
        raise
    finally:
        print(f"{a!r:>{b}}")
class K(dict):
    def m(self):
        yield from self
    async def n(self):
        async for i in self: yield i
    match A:
        case (1, *rest) if rest: pass
        case {"a": q, **r}: pass
def outer():
    v = 1
    def inner():
        nonlocal v
        v += 1
        return v
    return inner
print(outer()())
"""

#: Reads many variants of some bytes, each of which may be refused but must not crash.
READER = """
import io, json, marshal, pickle, random, re, struct, sys, warnings, zipfile, zlib
warnings.simplefilter("ignore")
data = open(sys.argv[1], "rb").read()
read = eval(sys.argv[2])
rng = random.Random(5)
variants = [data[:n] for n in range(0, len(data), max(1, len(data) // 400))]
for _ in range(3000):
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        damaged[rng.randrange(len(damaged))] = rng.choice([0, 255, rng.randrange(256), damaged[0] ^ 1])
    variants.append(bytes(damaged))
accepted = 0
for variant in variants:
    try:
        read(variant)
        accepted += 1
    except (ValueError, TypeError, EOFError, AttributeError, ImportError, IndexError, KeyError, OverflowError, MemoryError, SyntaxError,
            LookupError, NotImplementedError, RuntimeError, OSError, struct.error, zlib.error, pickle.UnpicklingError,
            zipfile.BadZipFile, re.error):
        pass
assert accepted < len(variants)
print("end")
"""
MARSHALLED = "[1, 'a', b'c', 2.5, {'x': (1, 2)}, {3}, frozenset([4]), 10**50, None, True, 1j]"
PICKLED = "[1, 'a', b'c', 2.5, {'x': (1, 2)}, {3}, frozenset([4]), 10**50, None, True, complex(1, 2), len, slice(1), OSError(1, 'x'), range(3)]"


class Damage(Case):
    def read(self, data, reader):
        self.write("data", data)
        self.check(self.run_python("-c", READER, "data", reader, timeout=200), out="end\n", err="")

    def make(self, expression):
        """The bytes that an expression gives."""
        self.check(self.run_python("-c", f"import marshal, pickle, json, zlib\nopen('made', 'wb').write({expression})"), err="")
        return (self.folder / "made").read_bytes()

    def compiled(self):
        self.write("module.py", MODULE)
        self.check(self.run_python("-c", "import py_compile; py_compile.compile('module.py', 'module.pyc', doraise=True)"), err="")
        return (self.folder / "module.pyc").read_bytes()

    def test_compiled_module(self):
        data = self.compiled()
        for length in [*range(20), *range(20, len(data), len(data) // 10)]:
            self.write("short.pyc", data[:length])
            outcome = self.run_python("short.pyc")
            self.assertEqual(outcome.status, 1, outcome)
            self.assertIn(outcome.err.splitlines()[-1].split(":")[0], ("EOFError", "ImportError", "ValueError"), outcome)
        rng = random.Random(1)
        for _ in range(30):
            at = rng.randrange(16, len(data))
            self.write("damaged.pyc", data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
            outcome = self.run_python("damaged.pyc")
            self.assertEqual(outcome.status, 1, outcome)
            self.assertRegex(outcome.err, "(ValueError|EOFError|TypeError|ImportError): ")

    def test_damaged_cache_of_an_import(self):
        data = self.compiled()
        tag = self.evaluate("sys.implementation.cache_tag")
        self.run_python("-c", "import module", env={"PYTHONPATH": "."})
        self.write(f"__pycache__/module.{tag}.pyc", data[:40])
        outcome = self.run_python("-c", "import module")
        self.assertEqual((outcome.status, outcome.err.splitlines()[-1].split(":")[0]), (1, "EOFError"), outcome)

    def test_marshal(self):
        self.read(self.compiled()[16:], "marshal.loads")
        self.read(self.make(f"marshal.dumps({MARSHALLED})"), "marshal.loads")

    def test_pickle(self):
        for protocol in range(6):
            self.read(self.make(f"pickle.dumps({PICKLED}, {protocol})"), "pickle.loads")

    def test_text_formats(self):
        self.read(b'{"a": [1, 2.5e3, "x\\u1234", null, true, {}], "b": "\xc3\xa4"}', "json.loads")
        self.read(MODULE.encode(), "lambda b: compile(b, 'f', 'exec')")
        self.read("x = 'h\xe4\u1234\U0001f600'\n".encode() * 5, "lambda b: compile(b, 'f', 'exec')")
        self.read(b"(a|b)*?[^a-z]{2,3}(?P<x>\\d+)(?(x)a|b)(?<=a)\\b(?i:x)", "lambda b: __import__('re').compile(b)")

    def test_compressed(self):
        self.read(self.make("zlib.compress(bytes(range(256)) * 20)"), "zlib.decompress")
        self.check(self.run_python("-c", "import zipfile\nwith zipfile.ZipFile('a.zip', 'w', 8) as z: z.writestr('m.py', 'x=1\\n'*50)"), err="")
        self.read((self.folder / "a.zip").read_bytes(), "lambda b: zipfile.ZipFile(io.BytesIO(b)).read('m.py')")
