"""Attributes of code objects, and source that is no source."""

import subprocess
import sys
import tempfile
import warnings
import os


def function(a, b):
    c = a

    return (
        b
    )


code = function.__code__
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    table = code.co_lnotab
print(caught[0].category.__name__, caught[0].message)
line, lines = code.co_firstlineno, []
for step in table[1::2]:
    line += step - 256 if step > 127 else step
    lines.append(line - code.co_firstlineno)
print(lines)
print(hash(code) == hash(code.replace()), hash(code) == hash(code.replace(co_firstlineno=1)))
print(hash(code) == hash(code.replace(co_argcount=1)), hash(code) == hash(code.replace(co_code=code.co_code[:-2] + b"\0\0")))
try:
    code.replace(co_nlocals=code.co_nlocals + 1)
except ValueError as e:
    print(e)
print(list(compile("\n" * 256 + "spam", "<test>", "exec").co_lines())[0][2])

limit = sys.get_int_max_str_digits()
sys.set_int_max_str_digits(1000)
for digits in "3" * 1000, "3" * 1001, "0x" + "3" * 5000, "1_0" * 501:
    try:
        compile(f"a = 1\nb = {digits}", "<test>", "exec")
        print("compiled")
    except SyntaxError as e:
        print(e.lineno, e.msg)
sys.set_int_max_str_digits(limit)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "bad.py")
    for source in b"#\x00\n#\xfd\n", b"#\xfd\n#\x00\n":
        with open(path, "wb") as f:
            f.write(source)
        outcome = subprocess.run([sys.executable, path], capture_output=True, text=True)
        print(outcome.returncode, outcome.stderr.strip().splitlines()[-1].split(path)[0][:60])


def run(*arguments, **variables):
    environment = dict(os.environ, **variables)
    outcome = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)
    return (outcome.stdout + outcome.stderr).strip()


shows = "def f(): 1/0\nprint(set(p[2:] for p in f.__code__.co_positions()) == {(None, None)})"
print(run("-X", "no_debug_ranges", "-c", shows), run("-c", shows), run("-c", shows, PYTHONNODEBUGRANGES="1"))
print(run("-X", "no_debug_ranges", "-c", "1/0"))
opens = "import io; f = open(__import__('os').devnull); io.text_encoding(None, 1); io.TextIOWrapper(io.BytesIO())"
print(run("-X", "warn_default_encoding", "-c", opens))
print(run("-c", "import sys; print(sys.flags.warn_default_encoding)", PYTHONWARNDEFAULTENCODING="1"))
