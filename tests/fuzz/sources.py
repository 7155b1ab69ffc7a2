"""Sources with something changed, and what a Python's compiler says of them."""

import json
import random
import subprocess

#: Pieces of text that are put somewhere.
TOKENS = """( ) [ ] { } : , ; . ... = == := -> + - * ** / // % @ & | ^ ~ < > != in not is and or if else elif for while def class return yield
lambda await async with as try except finally raise from import global nonlocal del pass break continue assert None True __debug__ 0 0x 1e 1_ 1.
0b2 07 'a "b ''' \\ # $ ? ! f' f"{ {x!r} {x: } rb'' u'' \\t \\n match case type x y *a **k é  ² \x00 \x0c""".split(" ")

#: Reads sources from standard input, one JSON text a line, and tells of each how compiling it ends.
JUDGE = """
import json, sys, warnings
warnings.simplefilter('ignore')
for line in sys.stdin:
    try:
        compile(json.loads(line), 'f', 'exec', dont_inherit=True)
        verdict = ['accepted', 0, '']
    except SyntaxError as e:
        verdict = [type(e).__name__, e.lineno, e.msg]
    except (ValueError, MemoryError, RecursionError, OverflowError) as e:
        verdict = [type(e).__name__, 0, str(e)]
    print(json.dumps(verdict), flush=True)
"""


def corpus(tests):
    """Texts to change: the programs of the tests."""
    return [path.read_text("utf-8") for path in sorted(tests.glob("python/*.py"))]


def variants(files, seed, count):
    """Changed pieces of files, the same for a seed."""
    rng = random.Random(seed)
    return [change(rng, piece(rng, files)) for _ in range(count)]


def piece(rng, files):
    """Some lines from one of the files, beginning where a statement does."""
    lines = rng.choice(files).splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line[:1].isalpha()]
    start = rng.choice(starts)
    return "".join(lines[start : start + rng.randrange(1, 25)])


def change(rng, text):
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at, length = rng.randrange(len(text) + 1), rng.randrange(1, 4)
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + length :]
        elif kind == 1:
            text = text[:at] + rng.choice(TOKENS) + text[at:]
        elif kind == 2:
            text = text[:at] + " " + rng.choice(TOKENS) + " " + text[at:]
        elif kind == 3:
            lines = text.splitlines(keepends=True) or [""]
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            text = "".join(lines)
        elif kind == 4:
            text = text[:at]
        else:
            other = rng.randrange(len(text) + 1)
            text = text[:at] + text[other : other + rng.randrange(12)] + text[at:]
    return text


def verdicts(command, texts):
    """What a Python says of each text; of one on which it crashes or hangs, that."""
    found = []
    while len(found) < len(texts):
        rest = "".join(json.dumps(text) + "\n" for text in texts[len(found) :])
        try:
            done = subprocess.run([*command, "-c", JUDGE], input=rest, capture_output=True, text=True, timeout=120)
            output, ending = done.stdout, f"status {done.returncode}"
        except subprocess.TimeoutExpired as e:
            output, ending = (e.stdout or b"").decode(), "took too long"
        found += [json.loads(line) for line in output.splitlines()]
        if len(found) < len(texts):
            found.append([ending, 0, ""])
    return found


def agree(expected, actual, oracle, ours):
    """Do two verdicts agree? In all of it if both are of the same version. Otherwise in kind and line, or in the text. What a CPython before
    3.12 accepts must be accepted; it reads f-strings in another way, so what it refuses tells nothing."""
    if oracle == ours:
        return expected == actual
    if oracle < (3, 12):
        return expected[0] != "accepted" or actual[0] == "accepted"
    return expected[:2] == actual[:2] or expected[2] == actual[2] != ""
