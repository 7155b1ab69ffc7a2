"""Random programs of hot loops: what a just-in-time compiler takes, and what breaks its assumptions.

Each piece is a function with a loop of some thousand rounds in which numbers, objects, lists, calls, generators and exceptions are mixed; now
and then something changes after many rounds: a type, a global, a method, the length of a list. It prints what came out. Some programs run
several times with other numbers, and all that belongs to the last run is garbage by then.
"""

import random

PRELUDE = '''
import sys
from array import array
from collections import deque
from functools import reduce
from re import sub

SCALE = 3
KINDS = (float, bool)
TABLE = [5, 7, 11, 13]


class Point:
    bias = 1

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return Point(self.x + by, self.y - self.bias)

    def norm(self):
        return abs(self.x) + abs(self.y)

    def advance(self, by):
        self.x = self.x + by
        self.y = self.x - self.bias

    def __add__(self, other):
        return Point(self.x + other.x, self.y)

    @property
    def first(self):
        return self.x


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def norm(self):
        return self.x - self.y


class Caller:
    def __init__(self, k):
        self.k = k
        self.calls = 0

    def __call__(self, x, by=1):
        self.calls += 1
        return x * by + self.k

    def __getitem__(self, i):
        return self.k - i

    def __eq__(self, other):
        return self.k == getattr(other, "k", other)

    def __lt__(self, other):
        return self.k < other.k

    def __iadd__(self, k):
        self.k = (self.k + k) % 1000
        return self

    def __iter__(self):
        for i in range(self.k % 4):
            yield i

    def __len__(self):
        return self.k % 3

    def few(self, n):
        total = 0
        for i in range(n):
            total += self[i] if i & 1 else self.k
        return total

    def deep(self, n):
        return 0 if n <= 0 else self.k + self.deep(n - 1)


class Louder(Caller):
    def __call__(self, x, by=2):
        return super().__call__(x, by=by) + 1

    def few(self, n):
        return Caller.few(self, n) * 2


class Node:
    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

    def __iter__(self):
        if self.left is not None:
            yield from self.left
        yield self.value
        if self.right is not None:
            yield from self.right

    def total(self):
        return self.value + (self.left.total() if self.left else 0) + (self.right.total() if self.right else 0)

    def visit(self, f):
        f(self.value)
        for child in (self.left, self.right):
            if child is not None:
                child.visit(f)


def tree(depth, value=1):
    return None if depth <= 0 else Node(value, tree(depth - 1, value * 2), tree(depth - 1 - (value & 1), value * 2 + 1))


TREE = tree(5)


class Step:
    def __await__(self):
        x = yield 1
        return x or 2


async def awaits(n):
    return (await Step() if n % 3 else 5) + (await awaits(n - 1) if n > 0 else 0)


def drive(coroutine):
    steps = 0
    try:
        while True:
            steps += coroutine.send(None)
    except StopIteration as e:
        return e.value + steps


G = Point(1, 2)


def inc(x):
    return x + 1


def scaled(x, by=2, *, off=0):
    return x * by + off + SCALE


class Stack(list):
    @classmethod
    def of(cls, a, b=2):
        return cls((a, b))


def gather(a, *rest, by=1, **more):
    return a * by + len(rest) + len(more)


def forward(*args, **kwargs):
    return gather(*args, **kwargs)


def checked(x):
    if x % 97 == 13:
        raise ValueError(x)
    return x


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def count(n, step=1):
    i = 0
    while i < n:
        yield i
        i += step


def pairs(n):
    for i in range(n):
        yield i, i * 2


def both(n):
    yield from count(n)
    yield from pairs(n // 2)


def adder(k):
    def add(x):
        return x + k
    return add


def mix(a, b=3):
    c = a * 5 + b if isinstance(a, int) else 7
    if c % 11 == 4:
        c -= SCALE
    elif c > 2**50:
        c &= 1023
    d = (c ^ b) + inc(c & 31) if c >= 0 else -c
    return (c + d) % 1009 if d % 2 else (c - d) % 1013


class Ranked:
    def __init__(self, x):
        self.x = x

    def __lt__(self, other):
        a, b = self.x * 2 + SCALE, other.x * 2 + SCALE
        if a == b or a % 50 == 49 and b % 7 == 1:
            return mix(int(a)) < mix(int(b))
        if a % 101 == 100:
            return NotImplemented
        return a < b if a > 0 else a + 1 < b + 1

    def __hash__(self):
        a = int(self.x) & 1023
        return a * 3 + (a >> 2) - (a ^ 5) + mix(a) + (a | 1) * 7 - (a % 3)

    def __eq__(self, other):
        return isinstance(other, Ranked) and (self.x - 1) * 2 + SCALE == (other.x - 1) * 2 + SCALE and mix(int(self.x)) == mix(int(other.x))


def walk(n, x=1):
    a, b = x, 2
    for i in range(n):
        a = (a * 3 + b) % 101 if a < 90 else a - 60
        b = b + a if b < 1000 else mix(b)
        if a == b:
            b += checked(a)
        yield a + b - i
    return a


async def steps(n):
    total = 0
    for i in range(n):
        total += (await Step()) * 3 + mix(i, total) - (total >> 3)
        if total % 5 == 2:
            total += await awaits(i % 3)
    return total


class Refusal(Exception):
    def __init__(self, x):
        super().__init__(x)
        self.x = x


def refuse(x):
    if x % 3 == 1:
        raise Refusal(x)
    if x % 41 == 7:
        raise KeyError(x) from Refusal(x)
    return x * 2


def relay(x):
    try:
        return refuse(x) + 1
    except KeyError as e:
        return len(passed(e)) + e.__cause__.x


def sink(n, x):
    return refuse(x) if n <= 0 else sink(n - 1, x) + n


def find(items, wanted):
    for k, item in enumerate(items):
        if item == wanted:
            return k
    raise LookupError(wanted)


def reword(x):
    try:
        return find((1, 2, 5), x)
    except LookupError as e:
        if x % 2:
            raise Refusal(x) from e
        if x % 3:
            raise
        raise ValueError(x)


def refusing(n):
    for k in range(n):
        try:
            yield refuse(k)
        except Refusal as e:
            yield -e.x
    raise Refusal(n)


def framed(x):
    frame = sys._getframe(x % 2)
    return x + len(frame.f_code.co_name)


class Guarded:
    def __init__(self):
        self.left = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, e, tb):
        self.left += 1 if kind is None else 2 + passed(e)[-1][1] % 5
        return kind is Refusal


def passed(e):
    tb, lines = e.__traceback__, []
    while tb is not None:
        lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return lines


def told(e):
    context = e.__context__
    return f"{type(e).__name__}{passed(e)}{type(context).__name__}{type(e.__cause__).__name__}"[-60:]


def short(v):
    text = repr(v)
    return text if len(text) < 60 else text[:25] + "..." + text[-25:] + str(len(text))
'''

#: A piece that has the program run several times.
AGAIN = "# again"
REPEATED = """import gc

SOURCE = r'''{source}'''

for k in range(4):
    changed = SOURCE.replace("SCALE = 3", f"SCALE = {k}").replace("return x + 1", f"return x + {k + 1}").replace("bias = 1", f"bias = {k}")
    if k % 2:
        changed = changed.replace("self.x = x\\n        self.y = y", "self.y = y\\n        self.x = x")
    exec(compile(changed, "again", "exec"), {"__name__": "again"})
    gc.collect()
"""

START = ["0", "1", "-3", "0.5", "2**46", "-2**47 + 5", "10**20", "1e15"]
INT = ["i", "i % 7", "j", "n - i", "len(items)", "total_i & 1023", "i // 3", "TABLE[i & 3]", "items[i % len(items)]", "inc(i)", "scaled(i)", "scaled(i, 3, off=1)",
       "p.norm()", "add(i)", "fib(i % 6)", "(i, j)[i & 1]", "int(f) % 50", "i << 2", "i >> 1", "i ^ j", "~i", "-i", "min(i, j)", "abs(j - i)", "SCALE",
       "call(i)", "call(j, by=2)", "call[i & 7]", "bound()", "few(i % 4)", "call.deep(i % 20)", "sum(call)", "len(call)", "ints[i & 3]", "ints[-1 - i % 4]", "ring[i % 3]", "b'abcd'[i & 3]", "int(nums[i % 5]) % 99",
       "i << i % 9", "total_i >> (i & 31)", "drive(awaits(i % 4))", "TREE.total()",
       "gather(i)", "gather(i, j, 3)", "gather(i, by=j % 5)", "gather(i, j, x=1)", "forward(i, j)", "forward(i, by=2)", "gather(*(i, j)[:1 + i % 2])", "len(stack)", "len(Stack.of(i))", "(big & 1023)", "len([])", "min(i, j, 5)", "max(i, TABLE[i & 3], j)", "(i & 7).bit_length()", "len(seen)", "len(d)"]
NUMBER = [*INT, "f", "f * 0.5", "i / 7", "f + i", "p.x", "p.first", "q.y", "f // 3", "i * 1.5", "-f", "p.moved(i).x", "max(f, 0.5)", "min(f, 2.0, -f)"]
CONDITION = ["i % {k} == 0", "i & {k}", "f > {k}", "j < i", "i > {late}", "p.x is None", "not i % {k}", "i % {k} == 0 or j > 5", "isinstance(f, float)", "isinstance(p, Slotted)", "isinstance(p, (Point, str))", "not isinstance(p.x, (str, KINDS))", "{k} < i % 50 < 40",
             "items", "i in items[:3]", "total_i % 3 != 1", "call == i % 7", "call < other", "call", "call is other", "seen", "d", "'1' in s", "s in '12'"]

PLACE = ["p.x", "p.y", "q.x", "q.y", "r.x", "r.y", "c", "e", "t", "G.x", "items[0]", "items[-1]"]
SMALL = [*PLACE, "i", "1", "3", "0.5", "len(items)", "r.norm()", "SCALE", "-t", "p.bias", "(p.x > q.y)"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, options):
        return self.random.choice(options)

    def condition(self):
        return self.pick(CONDITION).format(k=self.random.randrange(2, 12), late=self.random.randrange(1000, 2400))

    def statement(self, depth):
        kinds = [self.integer, self.integer, self.number, self.number, self.objects, self.lists, self.calls, self.unpack, self.change, self.methods]
        if depth > 0:
            kinds += [self.branch, self.branch, self.inner, self.attempt, self.raising, self.generator, self.leave]
        return self.pick(kinds)(depth)

    def block(self, depth, most=4):
        lines = [line for _ in range(self.random.randrange(1, most)) for line in self.statement(depth)]
        return ["    " + line for line in lines]

    def integer(self, _):
        operator = self.pick(["+", "-", "*", "&", "|", "^", "//", "%"])
        right = self.pick(INT)
        if operator in ("//", "%"):
            right = f"({right} or 1)"
        return [f"total_i = (total_i {operator} ({right}))" + self.pick(["", " % 1000003", " & 0xFFFFFFFF"]), *(["total_i %= 2**70"] if operator == "*" else [])]

    def number(self, _):
        return [self.pick([f"f = f {self.pick('+-*')} {self.pick(NUMBER)}", f"f = {self.pick(NUMBER)}", f"j = {self.pick(INT)}", "f = f / 3 + 1", "nums[i % 5] = f", "nums[i & 3] += 0.5", "f = nums[-1]",
                           f"j, f = {self.pick(INT)}, {self.pick(NUMBER)}"]), "f = f % 1e9"]

    def objects(self, _):
        return [self.pick(["p.x = " + self.pick(NUMBER), "p.y += 1", "p = p.moved(1)", "q.y = p.norm()", "q.x = q.y", "p = Point(i, j)", "p = p + Point(1, 2)",
                           "total_i += q.norm() is p", "p.x = p.x if p.x is not None else 0", "q = Slotted(i, f)", "p, q2 = Point(j, i), p"])]

    def lists(self, _):
        return [self.pick(["items[i % len(items)] = " + self.pick(NUMBER), "items.append(" + self.pick(INT) + ")", "items[-1] += 1", "items[0], items[-1] = items[-1], items[0]",
                           "d[i % 5] = d.get(i % 5, 0) + 1", "s = s[-20:] + str(i % 10)", "items = items[-8:]", "ints[i % 4] = i & 127", "ints[i & 1] ^= 3", "ring.append(i)", "ring[i % 3] = j", "items[:3] = items[2::-1]", "items = items[::-1]",
                          "total_i += sum(items[::2][:2] == [1, i]) + len(ints)", "for a, b in enumerate(items[:3]): total_i += a", "for a, b in d.items(): total_i += b is f", "d['k'] = f", "items = [x for x in items if x != i][:9] or [1]",
                           "total_i += sum(x * 2 for x in (1, i, j))", "items.append(len(items)); del items[:-6]", "seen.add((i % 5, j % 3))", "seen.add(i % 9)", "seen.add(TREE.left)", "seen.discard(j % 9)", "stack.append(i)", "items = items[:]", "items[1:] = [i, j]", "put = items.append; put(i)", "put = stack.append", "put(j); del stack[3:]", "for a in stack: total_i += a", "stack = Stack.of(i, j)", "big = (big * 3 ^ i) % 2**90", "big -= i << 50",
                           "seen = {x for x in items}", "total_i += (i % 5, 1) in seen", "d = {(a, x): i for x in TABLE}", "total_i += len({(x, i & 1) for x in items})"])]

    def calls(self, _):
        return [self.pick(["j = inc(inc(j)) % 1000", "f = scaled(f, 0.5)", "add = adder(i)", "j = add(j) % 10**6", "total_i += sum(TABLE) + max(i, j)",
                           "f = (lambda a, b=2: a * b)(f) % 1e6", "total_i ^= hash(i)", "j = [inc, add][i & 1](j) % 10**5", "total_i += fib(i % 9)"])]

    def methods(self, _):
        return [self.pick(["call, other = other, call", "bound = p.norm", "bound = q.norm", "few = call.few", "few = other.few", "call += i % 3", "call = Louder(i % 9)",
                           "total_i += few(i % 3)", "j = call(j) % 10**6", "TREE.visit(call)", "total_i += sum(TREE) if i % 8 == 0 else 1", "s = (s + str(drive(awaits(i % 5))))[-30:]",
                           "total_i += max(call(x) for x in (1, i, j)) % 1000", "total_i += any(x > i for x in call)",
                           "items.sort(key=mix)", "j = reduce(mix, [i, j, *items[:3]])", "total_i += sum(map(mix, items))", "total_i += sum(walk(i % 7, j % 90))", "j = max(walk(3), default=i)",
                           "total_i += min(Ranked(i), Ranked(j)).x", "items = [x.x for x in sorted(map(Ranked, items))]", "j = len({Ranked(x) for x in items})", "total_i += drive(steps(i % 6))",
                           "total_i += len(list(filter(mix, items)))", "s = (s + ','.join(map(str, walk(i % 4))))[-30:]", "d = dict(zip(map(mix, items), walk(9)))", "s = sub('[0-9]', lambda m: str(mix(int(m[0])) % 10), s)", "j = max(*items[:2], 1, key=call) if items else 1; j = int(j)"])]

    def unpack(self, _):
        return [self.pick(["a, b = i, f", "a, *b = items[:3] or [0]", "(a, b), c = (i, j), f", "for a, b in ((1, i), (j, 2)): total_i += a * b"])]

    def change(self, _):
        """Something that was certain for long."""
        what = self.pick(["f = i", "j = float(i)", "j = 2**48 - 3", "globals()['SCALE'] = SCALE + 1", "items = [1.5, 2, 3]", "TABLE.append(1)", "Point.bias = Point.bias + 1",
                          "p.extra = 1", "p.x = 'text' and 7", "q = Point(1, 2)", "add = inc", "total_i = 2**47 - 2", "Point.norm = lambda self: 5", "items = []; items.append(3)",
                          "globals()['inc'] = lambda x: x + 2", "del p.x; p.x = 4",
                          "Caller.__call__ = lambda self, x, by=3: x + by", "Caller.__lt__ = lambda self, other: NotImplemented", "Caller.__getitem__ = lambda self, i: i * 2",
                          "call.few = lambda n: n; few = call.few", "TREE.left.value += 1", "Louder.__eq__ = lambda self, other: True", "bound = inc.__get__(3)", "ints = array('q', [i, 2**50, 3, 4])", "nums = array('f', nums)", "nums = [1.0, 2, 3, 4, 5]", "ints.append(1); ints.pop(0)",
                          "ints = bytearray(b'abcd')", "gather.__kwdefaults__['by'] = 3", "Stack.__len__ = lambda self: 2", "big = i", "gather.__kwdefaults__ = {'by': 2, 'x': 1}"])
        return [f"if i == {self.random.randrange(600, 2600)}: {what}"]

    def branch(self, depth):
        lines = [f"if {self.condition()}:", *self.block(depth - 1)]
        if self.random.random() < 0.5:
            lines += [f"elif {self.condition()}:", *self.block(depth - 1, 3)]
        if self.random.random() < 0.6:
            lines += ["else:", *self.block(depth - 1, 3)]
        return lines

    def inner(self, depth):
        name = self.pick(["a", "b", "j"])
        source = self.pick(["range(i % 5)", "range(4)", "items[:4]", "(1, 2.5, i)", "TABLE", "zip(TABLE, items)", "enumerate(items[:3])", "'abc'", "d", "list(d)", "reversed(TABLE)"])
        name = f"{name}" if source not in ("zip(TABLE, items)", "enumerate(items[:3])") else f"a, {name}0"
        if self.random.random() < 0.3:
            return ["j = 0", f"while j < i % {self.random.randrange(3, 9)}:", "    j += 1", *self.block(depth - 1, 3)]
        return [f"for {name} in {source}:", *self.block(depth - 1, 3)]

    def attempt(self, depth):
        body = self.pick(["total_i += checked(i)", "total_i += items[i % 11]", "f = 1 / (i % 40)", "total_i += d[i % 9]", "p.missing", "next(iter(()))", "int('x' if i % 50 == 3 else '4')"])
        lines = ["try:", f"    {body}", *self.block(depth - 1, 2), f"except {self.pick(['Exception', '(ValueError, LookupError, ArithmeticError, AttributeError, StopIteration)'])} as e:",
                 *self.pick([["    total_i += 1"], ["    s = type(e).__name__"], ["    pass"]])]
        return lines + (["finally:", "    total_i += 2"] if self.random.random() < 0.3 else [])

    def raising(self, depth):
        raised = self.pick(["refuse(i)", "relay(i)", "sink(i % 5, i)", "sink(3, j)", "reword(i % 7)", "find(TABLE, i % 9)", "sum(refusing(i % 4))", "sum(k for k in refusing(2))",
                            "relay(refuse(i % 5))", "framed(i)", "reword(refuse(i % 8))"])
        if self.random.random() < 0.3:
            return ["try:", "    with Guarded() as guard:", f"        total_i += {raised}", *("    " + line for line in self.block(depth - 1, 2)),
                    "    total_i += guard.left", "except Exception as e:", "    s = told(e)"]
        lines = ["try:", f"    total_i += {raised}", *self.block(depth - 1, 2)]
        if self.random.random() < 0.4:
            lines += ["except Refusal as e:", f"    total_i += {self.pick(['e.x', 'len(passed(e))', '(e.__context__ is None) + 1', 'sys.exc_info()[1].x % 5'])}"]
        if self.random.random() < 0.3:
            lines = ["try:", *("    " + line for line in [*lines, "finally:", "    j += 1"])]
        return [*lines, "except Exception as e:", *self.pick([["    s = told(e)"], ["    total_i -= 1"], ["    s = type(sys.exception()).__name__", *self.block(depth - 1, 2)]])]

    def generator(self, depth):
        source = self.pick(["count(i % 6)", "pairs(3)", "both(4)", "call", "TREE", "iter(call)", "(x + i for x in TABLE)", "count(9, 2)", "(y for y in count(5) if y & 1)"])
        return [f"for g in {source}:", *self.pick([["    total_i += g if isinstance(g, int) else g[1]"], ["    s = s[-9:] + str(g)", "    if i % 3 == 1: break"],
                                                  ["    if isinstance(g, tuple): continue", "    f += g"]]), *self.block(depth - 1, 2)]

    def leave(self, _):
        return [f"if {self.pick(['i == 2900', 'i % 700 == 699', 'i % 3 == 2'])}: {self.pick(['continue', 'continue', 'total_i += 7'])}"]

    def store(self):
        """Something small that has to be seen everywhere at once."""
        lines = [self.pick([f"{self.pick(PLACE)} = ({self.pick(SMALL)} {self.pick('+-*')} {self.pick(SMALL)}) % 1000003", f"{self.pick(PLACE)} += {self.pick(SMALL)}",
                            "p.x, q.x = q.x, p.x", f"r.y, t = t, {self.pick(PLACE)}", "t = (t + len(items)) % 1009", "p.x = t > 5"])]
        if self.random.random() < 0.2:
            lines = [self.pick(["p, q = q, p", "items.append(i & 63)", "q = Point(i & 7, p.x)", "items[i & 1] = t", "r.advance(i & 3)", "r = p.moved(1) if i & 1 else r", "t = sum(items[:2])"])]
        if self.random.random() < 0.25:
            lines = [f"if {self.pick(SMALL)} < {self.pick(SMALL)}:", *("    " + line for line in lines)]
        if self.random.random() < 0.15:
            change = self.pick(["p.x = 0.5", "p.y = 2**47 - 3", "c = 1.5", "r = p", "q = Slotted(1, 2)", "p.z = 1", "del q.y; q.y = 3", "items = [1.5, 2]", "G.x = i", "Point.bias = Point.bias + 1",
                                "e = 2**46", "p.y = 'text'", "p.__dict__['x'] = 4", "Point.norm = lambda self: self.y", "Slotted.norm = lambda self: self.x"])
            lines = [f"if i == {self.random.randrange(60, 900)}: {change}"]
        return lines

    def stores(self, number):
        """A piece with a loop that does little else but changing attributes and variables of closures, of objects that may be the same."""
        n = self.random.randrange(400, 1000)
        body = [line for _ in range(self.random.randrange(1, 6)) for line in self.store()]
        head = self.pick([f"for i in range({n}):", f"while i < {n}:"])
        body += ["i += 1"] if head.startswith("while") else []
        objects = [self.pick(["(P, Q, R)", "(P, P, Q)", "(P, Q, P)", "(Q, P, P)", "(P, P, P)", "(Point(3, 4), P, Point(0, 0.5))", "(S, P, Q)", "(P, S, S)"]) for _ in range(self.random.randrange(2, 5))]
        lines = [f"def piece{number}():", "    c, e, P, Q, R, S, items = 0, 1, Point(1, 2), Point(3, 4), Point(5, 6), Slotted(7, 8), [1, 2]", "    def run(p, q, r):", "        nonlocal c, e, items",
                 "        i = t = 0", "        " + head, *("            " + line for line in body), "        return t", f"    for p, q, r in ({', '.join(objects)}):", "        try:",
                 "            t = run(p, q, r)", "        except Exception as error:", "            t = type(error).__name__",
                 "        print([short(v) for v in (t, c, e, items[:5], len(items), *(o.x for o in (p, q, r, P, Q, R, S, G)), *(getattr(o, 'y', None) for o in (p, q, r, P, Q, R, S)))])",
                 "        c, e, items = c % 1009, e % 1009, items[:2]"]
        return "\n".join([*lines, "", "", f"print({number})", f"piece{number}()", ""])

    def piece(self, number):
        n = self.random.randrange(1800, 3200)
        head = self.pick([f"for i in range({n}):", f"for i in count({n}):", f"for i in list(range({n})):", "while i < n:", f"for i, _ in pairs({n}):"])
        body = ["    i += 1"] if head.startswith("while") else []
        body += self.block(3, 6)
        setup = [f"i, n, j, total_i = 0, {n}, 1, {self.pick(['0', '1', '2**47 - 100', '-5'])}", f"f = {self.pick(START)}", "items = [1, 2, 3]", "d, s, a, b, seen = {}, '', 0, 0, set()",
                 "p, q, add = Point(1, 2), Slotted(3, 4), adder(5)",
                 "call, other, stack, big = Caller(3), Louder(5), Stack.of(1), 2**80", "put = stack.append", "bound, few = p.norm, call.few",
                 "ints, nums, ring = array('i', [1, 2, 3, 4]), array('d', [1.5] * 5), deque([1, 2, 3], 3)"]
        lines = [f"def piece{number}():", *("    " + line for line in [*setup, head, *body]),
                 "    return [short(v) for v in (i, j, total_i, f, items, sorted(map(str, d.items())), s, p.x, p.y, q.x, q.y, call.k, call.calls, other.calls, len(seen), big, list(ints), list(nums), list(ring))]"]
        call = [f"for _ in range({self.pick([1, 1, 2])}):", "    try:", f"        print({number}, piece{number}())", "    except Exception as e:",
                f"        print({number}, type(e).__name__, short(str(e)))"]
        return "\n".join([*lines, "", "", *call, ""])


def pieces(seed):
    """The pieces of a program."""
    generator = Generator(seed)
    return [generator.piece(number) for number in range(5)] + [generator.stores(number) for number in range(5, 9)] + [AGAIN] * (seed % 3 == 0)


def program(parts):
    """The program that pieces make."""
    source = PRELUDE + "\n\n" + "\n\n".join(parts)
    return REPEATED.replace("{source}", source) if AGAIN in parts else source
