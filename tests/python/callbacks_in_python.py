"""Callbacks of tools that are Python functions: what they see, where they lead, what they raise, what becomes of what they return."""

import sys
import threading
import traceback

monitoring = sys.monitoring
events = monitoring.events
TOOL = 3


def add(x):
    y = x + 1
    return y


def lines(code, line):
    return line - code.co_firstlineno


def with_callback(event, f, run):
    monitoring.register_callback(TOOL, event, f)
    monitoring.set_local_events(TOOL, add.__code__, event)
    try:
        return run()
    finally:
        monitoring.set_local_events(TOOL, add.__code__, 0)
        monitoring.register_callback(TOOL, event, None)


monitoring.use_tool_id(TOOL, "test")
seen = []


def start(code, offset):
    caller = sys._getframe(1)
    local = sorted(caller.f_locals)
    seen.append((code.co_name, caller.f_code is code, caller.f_lineno - code.co_firstlineno, local, caller.f_back.f_code.co_name))


def returned(code, offset, value):
    caller = sys._getframe(1)
    seen.append((value, caller.f_locals["y"], caller.f_lineno - code.co_firstlineno))


def line(code, number, *, default=1):
    seen.append(lines(code, number))


for event, f in (
    (events.PY_START, start),
    (events.PY_RETURN, returned),
    (events.LINE, lambda code, number: seen.append(lines(code, number))),
    (events.LINE, line),
):
    print([with_callback(event, f, lambda: add(i)) for i in range(2)], seen)
    seen.clear()


# In every way a function takes its arguments, and as something that is none.
def no_arguments():
    seen.append("never")


class Callable:
    def __call__(self, *args):
        seen.append(len(args))

    def method(self, code, offset):
        seen.append("method")


def generator(code, offset):
    seen.append("never")
    yield


def given_rest(*args):
    seen.append(len(args))


def given_default(code, offset, default=7):
    seen.append(default)


for f in (no_arguments, Callable(), Callable().method, generator, given_rest, given_default):
    try:
        print(with_callback(events.PY_START, f, lambda: add(1)), seen)
    except TypeError as e:
        print("TypeError", e)
    seen.clear()


# What they raise is raised where they were told of something.
def fails(code, *args):
    raise ValueError(code.co_name)


for event in (events.PY_START, events.LINE, events.PY_RETURN):
    try:
        with_callback(event, fails, lambda: add(1))
    except ValueError as e:
        print(e, [(entry.name, entry.lineno - add.__code__.co_firstlineno) for entry in traceback.extract_tb(e.__traceback__)][-2][0:2])
    print(with_callback(events.PY_START, start, lambda: add(5)), len(seen))
    seen.clear()


# DISABLE, and again.
def once(code, offset):
    seen.append("once")
    return monitoring.DISABLE


def three_times():
    for i in range(3):
        add(i)
    monitoring.restart_events()
    return add(9)


print(with_callback(events.PY_START, once, three_times), seen)
seen.clear()


# They end the watching in which they are, or begin another.
def ends(code, offset):
    monitoring.set_local_events(TOOL, add.__code__, 0)
    seen.append("ends")


print(with_callback(events.PY_START, ends, three_times), seen)
seen.clear()


# What a callback calls is not watched.
def calls(code, offset):
    seen.append(add(10))


print(with_callback(events.PY_START, calls, lambda: add(1)), seen)
seen.clear()


# At the end of the stack.
def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        add(1)
        return n


depth = deep(0)
monitoring.register_callback(TOOL, events.PY_START, lambda code, offset: None)
monitoring.set_local_events(TOOL, deep.__code__, events.PY_START)
print(depth > 100, deep(0) > 100)
monitoring.set_local_events(TOOL, deep.__code__, 0)


# Generators and coroutines.
def numbers():
    yield 1
    yield 2


monitoring.register_callback(TOOL, events.PY_RESUME, lambda code, offset: seen.append(offset > 0))
monitoring.set_local_events(TOOL, numbers.__code__, events.PY_RESUME)
print(list(numbers()), seen)
monitoring.set_local_events(TOOL, numbers.__code__, 0)
seen.clear()

# Threads that are told at the same time.
counts = {}


def count(code, offset):
    me = threading.get_ident()
    counts[me] = counts.get(me, 0) + 1


def work():
    for i in range(2000):
        assert add(i) == i + 1


def in_threads():
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return sum(counts.values())


print(with_callback(events.PY_START, count, in_threads))
monitoring.free_tool_id(TOOL)


# Trace functions: told of a frame, told no more, sent elsewhere, failing.
def trace(frame, event, arg):
    if frame.f_code is add.__code__:
        seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno, arg))
    return trace


def traced(f, run):
    before = sys.gettrace()
    sys.settrace(f)
    try:
        return run()
    except KeyError as e:
        return repr(e)
    finally:
        seen.append(sys.gettrace() is f)
        sys.settrace(before)


print(traced(trace, lambda: add(1)), seen)
seen.clear()


def jumps(frame, event, arg):
    if frame.f_code is skipping.__code__ and event == "line" and frame.f_lineno == frame.f_code.co_firstlineno + 2:
        frame.f_lineno += 1
    return jumps


def skipping():
    x = 1
    x = 2
    return x


print(traced(jumps, skipping), skipping())
seen.clear()


def other(frame, event, arg):
    seen.append("other " + event)


def changes(frame, event, arg):
    if frame.f_code is add.__code__:
        seen.append(event)
        return other
    return None


print(traced(changes, lambda: add(1)), seen)
seen.clear()


def fails_in(what):
    def f(frame, event, arg):
        if frame.f_code is add.__code__ and event == what:
            raise KeyError(what)
        return f

    return f


for what in ("call", "line", "return"):
    print(traced(fails_in(what), lambda: add(1)), seen)
    seen.clear()


def stops(frame, event, arg):
    if frame.f_code is add.__code__:
        sys.settrace(None)
        seen.append(event)
    return stops


print(traced(stops, lambda: add(1)), seen)
seen.clear()


# A function that was a callback is traced as any other when it is called by itself.
def both(frame, event, arg):
    if arg == "by itself":
        return "both"
    if frame.f_code is both.__code__:
        seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
    return both


def run():
    add(1)
    return both(sys._getframe(), None, "by itself")


print(traced(both, run), seen)
seen.clear()


def profile(frame, event, arg):
    if frame.f_code is add.__code__:
        seen.append((event, arg))


sys.setprofile(profile)
add(1)
sys.setprofile(None)
print(seen)
