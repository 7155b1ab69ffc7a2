"""Every thread specializes its own copy of code that is watched: what it meets there is its own, whoever switches tools meanwhile."""
import sys
import threading


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


def use(o, n):
    total = 0
    for i in range(n):
        total += i
        a = o.x
        b = o.call()
    return a, b, total, len((a, b))


things = [(Value(1), 1, ("method", 1)), (Computed(), "property", "static"), (Slotted(), "slot", "in a slot")]
problems = []


def check(first, times):
    for turn in range(times):
        # Mostly what this thread is used to, sometimes what others are.
        o, a, b = things[first if turn % 7 else turn % 3]
        n = 1 + turn % 9
        result = use(o, n)
        if result != (a, b, n * (n - 1) // 2, 2):
            problems.append(result)


def in_threads(times, meanwhile=lambda: None):
    threads = [threading.Thread(target=check, args=(k, times)) for k in range(3)]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()


E = sys.monitoring.events
M = sys.monitoring
M.use_tool_id(2, "tool")
told = {}


def note(event):
    def callback(code, *_):
        if code is use.__code__:
            key = event, threading.get_ident()
            told[key] = told.get(key, 0) + 1

    return callback


for event in ("LINE", "PY_START", "INSTRUCTION"):
    M.register_callback(2, getattr(E, event), note(event))

# Specialized before, while and after it is watched.
in_threads(50)
M.set_events(2, E.LINE | E.PY_START)
in_threads(100)
M.set_events(2, 0)
print("problems", problems)
print("starts", sum(n for (event, _), n in told.items() if event == "PY_START"))
lines = sum(2 + 4 * (1 + turn % 9) + 1 for turn in range(100))
print("lines", sum(n for (event, _), n in told.items() if event == "LINE") - 3 * lines)
in_threads(50)
print("problems", problems)


def toggle():
    for turn in range(60):
        M.set_local_events(2, use.__code__, (E.LINE, E.PY_START, E.INSTRUCTION | E.LINE)[turn % 3])
        check(turn % 3, 3)
        M.set_local_events(2, use.__code__, 0)
        check(turn % 3, 12)
        if turn % 10 == 0:
            M.restart_events()


in_threads(600, toggle)
print("problems", problems)


# A trace function that threads run in copies of their own as well.
counts = threading.local()


def trace(frame, event, argument):
    # Callbacks that a collection runs are traced too.
    if frame.f_code is not use.__code__:
        return None
    counts.seen = getattr(counts, "seen", 0) + 1
    return trace


seen = []


def traced(k):
    sys.settrace(trace)
    use(things[k][0], 200)
    sys.settrace(None)
    seen.append(counts.seen)


threads = [threading.Thread(target=traced, args=(0,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(set(seen)), seen[0])
