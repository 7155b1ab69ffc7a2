"""Memory that runs out: MemoryError wherever it happens, and a program that frees some goes on."""

from support import Case

PROGRAMS = {
    "records": "import json\nd = []\nfor i in range(10**7): d.append({'a': i, 'b': [str(i)] * 3})\n",
    "text": "s = 'x'\nwhile True: s += s\n",
    "bytes": "b = bytearray(1)\nwhile True: b += bytes(b)\n",
    "int": "i = 3\nwhile True: i *= i\n",
    "tuples": "x = ()\nwhile True: x = (x, x * 2, tuple(range(1000)), x)\n",
    "trees": "class N:\n def __init__(s, l): s.l = l; s.m = [l]\nn = None\nwhile True: n = N(n)\n",
    "table": "d = {}\ni = 0\nwhile True:\n i += 1; d[i, str(i)] = {i}\n",
    "pickle": "import pickle\nd = [str(i) for i in range(20000)]\nwhile True: d.append(pickle.loads(pickle.dumps(d)))\n",
    "classes": "k = []\nwhile True: k.append(type('K', (), {str(i): i for i in range(50)}))\n",
    "generators": "def g(): yield [0] * 1000\nk = []\nwhile True:\n x = g(); next(x); k.append(x)\n",
    "code": "k = []\nwhile True: k.append(compile('def f(a):\\n return [a, 1]\\n' * 50, 'f', 'exec'))\n",
    "join": "k = 'abc' * 100000\nwhile True: k = ','.join([k, k.upper(), k[::-1], repr(k)])\n",
    "errors": "k = []\nwhile True:\n try: [][1]\n except IndexError as e: k.append(e)\n",
}
RECOVERS = """
kept = []
for _ in range(20):
    try:
        while True: kept.append([None] * 1000)
    except MemoryError:
        kept.clear()
print(len([i for i in range(1000)]), "end")
"""
THREADS = """
import threading
outcomes = []
def work(k):
    d = {}
    try:
        while True: d[len(d), k] = str(k) * 5
    except MemoryError:
        d.clear()
        outcomes.append(str(k))
# Memory may be short once more after that.
threading.excepthook = lambda args: outcomes.append(args.thread.name)
threads = [threading.Thread(target=work, args=(k,), name=str(k)) for k in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(len(set(outcomes)), "end")
"""


class Memory(Case):
    def test_limit(self):
        for name, program in PROGRAMS.items():
            for limit in "5M", "17M", "60M":
                with self.subTest(name, limit=limit):
                    outcome = self.run_python("-X", f"heaplimit={limit}", "-c", program)
                    last = outcome.err.strip().splitlines()[-1]
                    self.assertEqual((outcome.status, last[:11]), (1, "MemoryError"), outcome)

    def test_small(self):
        # Not even enough to start with, or just so.
        for limit in range(100, 6000, 317):
            outcome = self.run_python("-X", f"heaplimit={limit}k", "-c", "print('end')")
            self.assertIn(outcome.status, (0, 1), outcome)
            self.assertTrue(outcome.out == "end\n" or "MemoryError" in outcome.err, outcome)

    def test_recovers(self):
        for limit in "8M", "30M":
            self.check(self.run_python("-X", f"heaplimit={limit}", "-c", RECOVERS), out="1000 end\n", err="")

    def test_threads(self):
        for limit in "12M", "40M":
            self.check(self.run_python("-X", f"heaplimit={limit}", "-c", THREADS, timeout=120), out="4 end\n", err="")

    def test_threads_that_cannot_start(self):
        program = (
            "import threading\nn = 0\nstop = threading.Event()\ntry:\n while n < 5000:\n  threading.Thread(target=stop.wait).start(); n += 1\n"
            "except RuntimeError as e: print(e)\nfinally: stop.set()"
        )
        self.check(self.run_with_limit("-v 4000000", "-c", program), out="can't start new thread\n", err="")

    def test_impossible_sizes(self):
        for expression in "[0] * 10**15", "'x' * 2**60", "bytearray(2**62)", "1 << 10**13", "(1,) * 2**61", "[0] * 2**63", "list(range(2**62))":
            outcome = self.run_python("-c", expression)
            self.assertIn(outcome.err.splitlines()[-1].split(":")[0], ("MemoryError", "OverflowError"), outcome)
