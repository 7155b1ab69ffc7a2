"""Instrumentation that threads switch for single functions and for all, while others run them: the functions compute what they should."""

import sys
import threading
from stress import main, pause

monitoring = sys.monitoring
events = monitoring.events
TOOL = 2
monitoring.use_tool_id(TOOL, "local")
lock = threading.Lock()


def loop(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i
        elif i % 3 == 1:
            total -= 1
    while n > 0:
        n -= 2
    return total


def calls(n):
    return max(abs(-n), len(str(n)), loop(3))


def pieces(n):
    try:
        yield n
        yield from range(n)
    finally:
        n = None


def failing(n):
    try:
        if n:
            raise ValueError(n)
    except ValueError as error:
        return error.args[0]
    else:
        return "none"


FUNCTIONS = (loop, calls, pieces, failing)
LOCAL = [events.PY_START, events.PY_RETURN, events.PY_YIELD, events.PY_RESUME, events.LINE, events.INSTRUCTION, events.CALL, events.JUMP,
         events.BRANCH_LEFT, events.BRANCH_RIGHT, events.STOP_ITERATION]
for event in LOCAL:
    monitoring.register_callback(TOOL, event, lambda *_: None)


def run(rng):
    for _ in range(10):
        n = rng.randrange(1, 40)
        assert loop(n) == sum(i if i % 3 == 0 else -1 if i % 3 == 1 else 0 for i in range(n))
        assert calls(n) == max(n, len(str(n)), -1)
        assert list(pieces(n)) == [n, *range(n)]
        assert failing(n) == n and failing(0) == "none"


def switch(rng):
    """Local events of one function."""
    function = rng.choice(FUNCTIONS)
    monitoring.set_local_events(TOOL, function.__code__, sum(rng.sample(LOCAL, rng.randrange(4))))
    pause(rng)


def disable(rng):
    """Callbacks that switch themselves off, place by place, and on again."""
    event = rng.choice(LOCAL)
    monitoring.register_callback(TOOL, event, lambda *_: monitoring.DISABLE)
    run(rng)
    monitoring.register_callback(TOOL, event, lambda *_: None)
    if rng.random() < 0.1:
        monitoring.restart_events()


def trace(rng):
    """A trace function of this thread alone sees its own frames, and lines that exist."""
    lines = []
    me = threading.get_ident()

    def tracer(frame, event, arg):
        assert threading.get_ident() == me
        if frame.f_code is loop.__code__:
            lines.append(frame.f_lineno)
        return tracer

    sys.settrace(tracer)
    loop(5)
    sys.settrace(None)
    first = loop.__code__.co_firstlineno
    assert all(first <= line <= first + 10 for line in lines), lines


def new_code(rng):
    """Code that is made, instrumented, run and dropped."""
    namespace = {}
    exec(f"def f(x):\n    for i in range(3):\n        x += i\n    return x + {rng.randrange(3)}", namespace)
    f = namespace["f"]
    monitoring.set_local_events(TOOL, f.__code__, sum(rng.sample(LOCAL, 3)))
    assert 3 <= f(0) <= 5


main(run, switch, disable, trace, new_code)
