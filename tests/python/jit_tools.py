"""Tools that are registered in the middle of hot loops see their events, and no more once they are gone."""
import sys
import threading
import time

monitoring = sys.monitoring
events = monitoring.events
TOOL = 3
seen = []


def leaf(x):
    return x + 1


def starts(code, offset):
    if code is leaf.__code__:
        seen.append(code.co_name)


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


class Loop(threading.Thread):
    def __init__(self):
        super().__init__()
        self.stop = False
        self.rounds = 0

    def run(self):
        value = 0
        while not self.stop:
            value = leaf(value) & 0xFFFF
            self.rounds += 1


def from_another_thread(switch_on, switch_off):
    """Is a tool told of calls in a loop that has been hot for long, and of none afterwards?"""
    seen.clear()
    loop = Loop()
    loop.start()
    wait_for(lambda: loop.rounds > 20000)
    before = len(seen)
    switch_on()
    told = wait_for(lambda: len(seen) > 10)
    switch_off()
    # The round in which that was is over then.
    rounds = loop.rounds
    wait_for(lambda: loop.rounds > rounds + 2)
    after = len(seen)
    rounds = loop.rounds
    wait_for(lambda: loop.rounds > rounds + 20000)
    quiet = len(seen) == after
    loop.stop = True
    loop.join()
    return before, told, quiet


def everywhere(on):
    monitoring.set_events(TOOL, events.PY_START if on else 0)


def in_leaf(on):
    monitoring.set_local_events(TOOL, leaf.__code__, events.PY_START if on else 0)


def at(i, n, action, *args):
    if i == n:
        action(*args)


def from_the_loop(on, off, switch):
    total = 0
    for i in range(20000):
        at(i, on, switch, True)
        at(i, off, switch, False)
        total += leaf(i)
    return total


def lines_of_a_loop(n):
    total = 0
    for i in range(n):
        at(i, 9000, monitoring.set_local_events, TOOL, lines_of_a_loop.__code__, events.LINE)
        total += i
        at(i, 9100, monitoring.set_local_events, TOOL, lines_of_a_loop.__code__, 0)
    return total


def traced(frame, event, arg):
    if frame.f_code is leaf.__code__:
        seen.append(event)
    return traced


def profiled(frame, event, arg):
    if frame.f_code is leaf.__code__:
        seen.append(event)


def count():
    kinds = {}
    for kind in seen:
        kinds[kind] = kinds.get(kind, 0) + 1
    seen.clear()
    return sorted(kinds.items())


monitoring.use_tool_id(TOOL, "test")
monitoring.register_callback(TOOL, events.PY_START, starts)
for switch in everywhere, in_leaf:
    print(switch.__name__, from_another_thread(lambda: switch(True), lambda: switch(False)))
seen.clear()
for _ in range(3):
    for switch in everywhere, in_leaf:
        print(from_the_loop(15000, 16000, switch), count())

first = lines_of_a_loop.__code__.co_firstlineno
monitoring.register_callback(TOOL, events.LINE, lambda code, line: seen.append(line - first))
for _ in range(2):
    print(lines_of_a_loop(10000), count())
monitoring.free_tool_id(TOOL)

for _ in range(2):
    print(from_the_loop(15000, 15100, lambda on: sys.settrace(traced if on else None)), count())
    print(from_the_loop(15000, 15100, lambda on: sys.setprofile(profiled if on else None)), count())
