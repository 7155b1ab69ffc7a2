"""Numbers and counts that are larger than anybody needs: they work, or end in the error that CPython has for them."""

from support import Case

#: Programs that print "end".
WORK = {
    "slots": "A = type('A', (), {'__slots__': [f'a{i}' for i in range(20000)]})\nx = A(); x.a7 = x\nimport gc; gc.collect()\nassert x.a7 is x",
    "slots of an exception": "A = type('A', (Exception,), {'__slots__': [f'a{i}' for i in range(9000)]})\nx = A(1); x.a7 = x\nassert x.a7 is x",
    "attributes": "class A: pass\nx = A()\nfor i in range(20000): setattr(x, f'a{i}', i)\nassert x.a19999 == 19999 and len(vars(x)) == 20000",
    "arguments": "def f(*a, **k): return len(a), len(k)\nassert f(*range(70000), **{f'k{i}': i for i in range(70000)}) == (70000, 70000)",
    "parameters": "exec('def f(' + ','.join(f'a{i}=0' for i in range(5000)) + '): return a4999')\nassert f(a4999=3) == 3",
    "locals": "exec('def f():\\n' + ''.join(f' a{i} = {i}\\n' for i in range(20000)) + ' return a19999')\nassert f() == 19999",
    "constants": "exec('x = [' + ','.join(f'{i}.5' for i in range(70000)) + ']')\nassert x[69999] == 69999.5",
    "branches": "exec('x = 70000\\nif 0: pass\\n' + ''.join(f'elif x == {i}: y = {i}\\n' for i in range(1500)) + 'else: y = 1')\nassert y == 1",
    "a long line": "exec('x = 1' + ' ' * 10**6 + ';' + 'y=x;' * 50000)\nassert y == 1",
    "a long name": "exec('a' * 10**6 + ' = 1')\nassert len(max(globals(), key=len)) == 10**6",
    "bases": "A = type('A', tuple(type(f'B{i}', (), {}) for i in range(2000)), {})\nassert len(A.__mro__) == 2002",
    "subclasses": "A = object\nfor i in range(500): A = type('A', (A,), {f'm{i}': lambda s: 1})\nassert A().m0() == 1",
    "groups": "import re\nassert re.match('(a)' * 5000, 'a' * 5000).lastindex == 5000",
    "powers": "assert pow(3, 10**5, 10**9 + 7) == pow(3, 10**5) % (10**9 + 7)",
    "closures": "exec('def f():\\n' + ''.join(f' a{i} = {i}\\n' for i in range(500)) + ' return lambda: (' + ','.join(f'a{i}' for i in range(500)) + ')')\nassert f()()[499] == 499",
}
#: Expressions, and the error they end in.
FAIL = {
    "str(10**5000)": "ValueError: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit",
    "int('1' * 5000)": "ValueError: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit",
    "1 << -1": "ValueError: negative shift count",
    "1 << 2**70": "OverflowError: too many digits in integer",
    "2.0 ** 10000": "OverflowError: (34, 'Numerical result out of range')",
    "float(10**400)": "OverflowError: int too large to convert to float",
    "10**400 / 1": "OverflowError: integer division result too large for a float",
    "range(2**70)[2**71]": "IndexError: range object index out of range",
    "'a'[2**70]": "IndexError: cannot fit 'int' into an index-sized integer",
    "chr(2**70)": "ValueError: chr() arg not in range(0x110000)",
    "chr(0x110000)": "ValueError: chr() arg not in range(0x110000)",
    "bytes([256])": "ValueError: bytes must be in range(0, 256)",
    "len(range(2**70))": "OverflowError: Python int too large to convert to C ssize_t",
    "'%*d' % (2**70, 1)": "OverflowError: Python int too large to convert to C ssize_t",
    "'{:99999999999999999999}'.format(1)": "ValueError: Too many decimal digits in format string",
    "divmod(10**100, 0)": "ZeroDivisionError: division by zero",
    "pow(2, -1, 4)": "ValueError: base is not invertible for the given modulus",
    "int('9' * 10, 40)": "ValueError: int() base must be >= 2 and <= 36, or 0",
    "hash(type('A', (), {'__hash__': lambda s: 'x'})())": "TypeError: __hash__ method should return an integer",
    "sys.setrecursionlimit(0)": "ValueError: recursion limit must be greater or equal than 1",
    "sys.setrecursionlimit(2**70)": "OverflowError: Python int too large to convert to C int",
}


class Huge(Case):
    def test_works(self):
        for name, program in WORK.items():
            with self.subTest(name):
                self.check(self.run_python("-c", program + "\nprint('end')"), out="end\n", err="")

    def test_fails(self):
        for expression, error in FAIL.items():
            with self.subTest(expression):
                outcome = self.run_python("-c", f"import sys\n{expression}")
                self.assertEqual((outcome.status, outcome.err.splitlines()[-1]), (1, error))
