"""sys.monitoring: the branches of async for, and callbacks that send the frame to another line."""
import sys

m = sys.monitoring
E = m.events
TOOL = 2
m.use_tool_id(TOOL, "branches")


async def numbers(n):
    for i in range(n):
        yield i


async def loop():
    async for x in numbers(2):
        pass
    else:
        y = [x async for x in numbers(1)]
    return 3


def drive(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value


code = loop.__code__
lines = {offset: line and line - code.co_firstlineno for start, end, line in code.co_lines() for offset in range(start, end, 2)}
ways = {(source, way[side]) for way in code.co_branches() for side in (1, 2) for source in way[:1]}


def tell(side):
    return lambda _, source, target: print(side, lines[source], lines[target], (source, target) in ways)


m.register_callback(TOOL, E.BRANCH_LEFT, tell("left"))
m.register_callback(TOOL, E.BRANCH_RIGHT, tell("right"))
m.set_local_events(TOOL, code, E.BRANCH_LEFT | E.BRANCH_RIGHT)
print(drive(loop()))

# DISABLE of one way leaves the other.
m.register_callback(TOOL, E.BRANCH_LEFT, lambda *_: (print("left, once"), m.DISABLE)[1])
print(drive(loop()))
m.set_local_events(TOOL, code, 0)


def function(text):
    if text.startswith("t"):
        return 1
    else:
        return 0


def jump(code, *_):
    frame = sys._getframe(1)
    try:
        frame.f_lineno = code.co_firstlineno + 4
    except ValueError as error:
        print("ValueError:", error)


for event in ("BRANCH_LEFT", "LINE", "JUMP", "PY_START", "CALL", "PY_RETURN"):
    bit = getattr(E, event)
    m.register_callback(TOOL, bit, jump)
    m.set_local_events(TOOL, function.__code__, bit)
    print(event, function("true"))
