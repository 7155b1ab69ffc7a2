"""sys.monitoring: which events are delivered, to whom, and what switches them off."""
import sys
import threading

m = sys.monitoring
E = m.events
TOOL, OTHER = 2, 3
NAMES = {getattr(E, n): n for n in dir(E) if n.isupper() and n not in ("NO_EVENTS", "BRANCH")}


def show(v):
    if v is m.MISSING:
        return "MISSING"
    return type(v).__name__ if isinstance(v, BaseException) else getattr(v, "__qualname__", repr(v))


def watch(events, f, *args, only=None):
    """The events that come while f runs, with lines relative to the watched function and without offsets."""
    seen = []

    def callback(event):
        def tell(code, *rest):
            if only is not None and code not in only:
                return
            base = code.co_firstlineno
            if event == E.LINE:
                seen.append(f"{code.co_name}:{rest[0] - base}")
            elif event & (E.BRANCH_LEFT | E.BRANCH_RIGHT):
                seen.append(NAMES[event])
            else:
                seen.append(" ".join([NAMES[event], code.co_name, *map(show, rest[1:])]))
        return tell

    m.use_tool_id(TOOL, "watch")
    try:
        for bit in NAMES:
            if events & bit:
                m.register_callback(TOOL, bit, callback(bit))
        m.set_events(TOOL, events & ~(E.C_RETURN | E.C_RAISE) | (E.CALL if events & (E.C_RETURN | E.C_RAISE) else 0))
        try:
            f(*args)
        except Exception as e:
            seen.append("raised " + type(e).__name__)
        m.set_events(TOOL, 0)
    finally:
        m.free_tool_id(TOOL)
    return seen


def report(title, seen):
    print("--", title)
    for line in seen:
        print("  ", line)


def add(a, b):
    return a + b


def numbers(n):
    for i in range(n):
        yield i
    return "done"


def use_numbers():
    total = 0
    for i in numbers(2):
        total = add(total, i)
    return total


report("frames", watch(E.PY_START | E.PY_RETURN | E.PY_YIELD | E.PY_RESUME | E.STOP_ITERATION, use_numbers,
                       only={use_numbers.__code__, add.__code__, numbers.__code__}))


def lines(n):
    total = 0
    while n:
        n -= 1
        if n % 2:
            continue
        total += n
    for i in (1, 2):
        total += i
    try:
        raise KeyError(total)
    except KeyError:
        total = 0
    with open("/dev/null") as f:
        total += 1
    return total


report("lines", watch(E.LINE, lines, 3, only={lines.__code__}))


def one_line(n):
    while n: n -= 1


report("a loop in one line", watch(E.LINE, one_line, 3, only={one_line.__code__}))


def calls():
    len([])
    add(1, b=2)
    max(*[1, 2])
    "a".upper()
    try:
        int("x")
    except ValueError:
        pass
    object()


report("calls", watch(E.CALL | E.C_RETURN | E.C_RAISE, calls, only={calls.__code__}))


def inner():
    raise ValueError


def outer():
    try:
        inner()
    except ValueError:
        raise
    finally:
        pass


report("exceptions", watch(E.RAISE | E.RERAISE | E.EXCEPTION_HANDLED | E.PY_UNWIND, outer, only={inner.__code__, outer.__code__}))


def throws():
    g = numbers(3)
    next(g)
    g.throw(IndexError)


report("throw", watch(E.PY_THROW | E.RAISE | E.PY_UNWIND, throws, only={throws.__code__, numbers.__code__}))


def branches(n):
    for i in range(n):
        if i == 1:
            i = 0
        else:
            i = 2


report("branches", watch(E.BRANCH_LEFT | E.BRANCH_RIGHT, branches, 2, only={branches.__code__}))

# Each place of a branch is one that the code object lists.
places = set()
m.use_tool_id(TOOL, "branches")
m.register_callback(TOOL, E.BRANCH_LEFT, lambda code, start, to: places.add((start, "left", to)))
m.register_callback(TOOL, E.BRANCH_RIGHT, lambda code, start, to: places.add((start, "right", to)))
m.set_local_events(TOOL, branches.__code__, E.BRANCH_LEFT | E.BRANCH_RIGHT)
branches(3)
listed = {(b[0], "left", b[1]) for b in branches.__code__.co_branches()} | {
    (b[0], "right", b[2]) for b in branches.__code__.co_branches()}
print("branches are listed:", places == listed)
m.free_tool_id(TOOL)

# DISABLE is for one place and one tool; restart_events takes it back.
counts = {}


def counter(tool, result):
    def count(code, line):
        if code is lines.__code__:
            counts[tool] = counts.get(tool, 0) + 1
        return result
    return count


for tool, result in (TOOL, m.DISABLE), (OTHER, None):
    m.use_tool_id(tool, f"tool {tool}")
    m.register_callback(tool, E.LINE, counter(tool, result))
    m.set_events(tool, E.LINE)
lines(3)
lines(3)
print("disabled", counts)
m.restart_events()
counts.clear()
lines(3)
print("restarted", counts)
m.set_events(OTHER, 0)
counts.clear()
lines(3)
print("all disabled", counts)
m.free_tool_id(TOOL)
m.free_tool_id(OTHER)

# Local events, and what freeing a tool does to them.
m.use_tool_id(TOOL, "local")
m.register_callback(TOOL, E.PY_START, lambda code, offset: print("start", code.co_name))
m.set_local_events(TOOL, add.__code__, E.PY_START)
print(m.get_local_events(TOOL, add.__code__), m.get_events(TOOL))
add(1, 2)
one_line(1)
m.free_tool_id(TOOL)
m.use_tool_id(TOOL, "local again")
m.register_callback(TOOL, E.PY_START, lambda code, offset: print("never"))
print(m.get_local_events(TOOL, add.__code__))
add(1, 2)

# A callback that fails: its exception comes out of the instrumented function.
def failing(*args):
    raise LookupError("from the callback")


m.register_callback(TOOL, E.PY_START, failing)
m.set_local_events(TOOL, add.__code__, E.PY_START)
try:
    add(1, 2)
except LookupError as e:
    print(type(e).__name__, e)
m.set_local_events(TOOL, add.__code__, 0)

# What cannot be disabled, and other mistakes.
m.register_callback(TOOL, E.RAISE, lambda *args: m.DISABLE)
m.set_events(TOOL, E.RAISE)
try:
    inner()
except ValueError as e:
    print(type(e).__name__, e)
m.set_events(TOOL, 0)
for mistake in (
    lambda: m.use_tool_id(TOOL, "again"),
    lambda: m.use_tool_id(7, "x"),
    lambda: m.use_tool_id(4, 4),
    lambda: m.set_events(4, E.LINE),
    lambda: m.set_events(TOOL, 1 << 25),
    lambda: m.set_events(TOOL, E.C_RETURN),
    lambda: m.set_local_events(TOOL, add.__code__, E.RAISE),
    lambda: m.set_local_events(TOOL, add, E.LINE),
    lambda: m.register_callback(TOOL, E.LINE | E.CALL, print),
    lambda: m.register_callback(TOOL, 1 << 25, print),
):
    try:
        mistake()
    except Exception as e:
        print(type(e).__name__, e)
m.free_tool_id(TOOL)

# Events reach code that other threads run, each in its own copy, and code whose instructions are specialized.
started = []
m.use_tool_id(TOOL, "threads")
m.register_callback(TOOL, E.PY_START, lambda code, offset: started.append(code) if code is add.__code__ else None)
ready, go = threading.Barrier(3), threading.Event()


def worker():
    for i in range(1000):
        add(i, 1)
    ready.wait()
    go.wait()
    for i in range(1000):
        add(i, 1)


workers = [threading.Thread(target=worker) for _ in range(2)]
for w in workers:
    w.start()
ready.wait()
m.set_events(TOOL, E.PY_START)
go.set()
for w in workers:
    w.join()
m.set_events(TOOL, 0)
add(1, 1)
m.free_tool_id(TOOL)
print("in threads", len(started))
