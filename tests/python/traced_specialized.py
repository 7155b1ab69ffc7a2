"""What is watched runs specialized all the same: what a place meets changes while tools come and go."""
import sys
import types


class Value:
    def __init__(self, x):
        self.x = x

    def call(self):
        return "method", self.x


class Computed:
    @property
    def x(self):
        return "property"

    call = staticmethod(lambda: "static")


class Slotted:
    __slots__ = ("x", "call")

    def __init__(self):
        self.x, self.call = "slot", lambda: "in a slot"


class Shared:
    x = "class"

    @classmethod
    def call(cls):
        return cls.__name__


module = types.ModuleType("module")
module.x, module.call = "module", lambda: "of a module"
things = [Value(1), Computed(), Slotted(), Shared(), module, Value("another")]


def use(o):
    a = o.x
    b = o.call()
    c = limit
    d = len((a, b))
    return a, b, c, d


expected = [(1, ("method", 1)), ("property", "static"), ("slot", "in a slot"), ("class", "Shared"), ("module", "of a module"), ("another", ("method", "another"))]
limit, told, rounds = 0, 0, 0


def trace(frame, event, argument):
    global told
    told += step
    return trace


E = sys.monitoring.events
sys.monitoring.use_tool_id(2, "tool")
sys.monitoring.register_callback(2, E.LINE, lambda code, line: trace(None, "line", None) and None)
ways = {
    "settrace": (lambda: sys.settrace(trace), lambda: sys.settrace(None)),
    "line": (lambda: sys.monitoring.set_events(2, E.LINE), lambda: sys.monitoring.set_events(2, 0)),
    "start": (lambda: sys.monitoring.set_local_events(2, use.__code__, E.LINE | E.INSTRUCTION), lambda: sys.monitoring.set_local_events(2, use.__code__, 0)),
    "nothing": (lambda: None, lambda: None),
}


def check(thing, wanted, times):
    global rounds
    for i in range(times):
        rounds += 1
        if use(thing) != (*wanted, limit, 2):
            print("wrong", thing, use(thing), wanted)


step = 1
for turn in range(40):
    for name, (on, off) in ways.items():
        for i in range(len(things)):
            k = (i * (turn + 1) + turn) % len(things)
            limit = turn * k
            if turn % 3:
                check(things[k], expected[k], 12)
            on()
            check(things[k], expected[k], 1 + turn % 5)
            k = (k + 1) % len(things)
            check(things[k], expected[k], 3)
            off()
            check(things[k], expected[k], turn % 2 * 10)
print(rounds)

# The names that a trace function uses, too.
told, step = 0, 1
sys.settrace(trace)
use(things[0])
sys.settrace(None)
print(told)
step = 100
sys.settrace(trace)
use(things[0])
step = 1000
use(things[0])
sys.settrace(None)
print(told)
len = lambda x: "mine"
sys.settrace(trace)
print(use(things[0])[3])
sys.settrace(None)
del len
print(use(things[0])[3])
