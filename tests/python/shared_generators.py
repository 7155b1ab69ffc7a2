"""One generator, many threads: each value is delivered once, a second thread that comes while it runs gets ValueError."""
import asyncio
import sys
import threading

THREADS = 4
sys.setswitchinterval(1e-5)


def run(target, *args):
    errors = []

    def guarded(*args):
        try:
            target(*args)
        except BaseException as e:
            errors.append(e)

    workers = [threading.Thread(target=guarded, args=args) for _ in range(THREADS)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return errors


def numbers(n):
    for i in range(n):
        yield i
    return "the end"


def delegating(n):
    result = yield from numbers(n)
    assert result == "the end"
    return result


def collect(make, take):
    g = make(20000)
    lists, ends, returned = [], [], []

    def worker():
        mine = []
        lists.append(mine)
        while True:
            try:
                mine.append(take(g))
            except ValueError as e:
                assert str(e) == "generator already executing", e
            except StopIteration as e:
                ends.append(1)
                if e.value is not None:
                    returned.append(e.value)
                return

    errors = run(worker)
    got = sorted(v for mine in lists for v in mine)
    print(make.__name__, take.__name__, got == list(range(20000)), len(ends), returned, errors)


def nexts(g):
    return next(g)


def sends(g):
    return g.send(None)


for make in numbers, delegating:
    for take in nexts, sends:
        collect(make, take)


# Loops over one generator: an item goes to one loop.
g = numbers(20000)
seen = []


def loop():
    while g.gi_frame is not None:
        try:
            for v in g:
                seen.append(v)
        except ValueError:
            pass


print("loops", run(loop), sorted(seen) == list(range(20000)))


# Looking at what a generator delegates to while others resume it.
g = delegating(5000)
stop = threading.Event()


def look():
    while not stop.is_set():
        inner = g.gi_yieldfrom
        assert inner is None or inner.gi_code is numbers.__code__, inner
        g.gi_running, g.gi_suspended, g.gi_frame


watcher = threading.Thread(target=look)
watcher.start()
count = []


def take_all():
    while True:
        try:
            next(g)
            count.append(1)
        except ValueError:
            pass
        except StopIteration:
            return


errors = run(take_all)
stop.set()
watcher.join()
print("yield from", len(count), errors)


# close() and throw() from several threads: the generator's finally block runs once.
def guarded(log):
    try:
        while True:
            yield
    finally:
        log.append("finally")


good = True
for round in range(200):
    log = []
    g = guarded(log)
    if round % 2:
        next(g)

    def end():
        try:
            next(g)
            g.close()
        except (ValueError, StopIteration):
            pass

    errors = run(end)
    g.close()
    good = good and not errors and log in (["finally"], [])
    good = good and (log == ["finally"] or g.gi_frame is None)
print("closed", good)


# Coroutines: a second await fails, the first goes on.
async def answer():
    await asyncio.sleep(0)
    return 42


outcomes = []
for _ in range(50):
    c = answer()

    def drive():
        while True:
            try:
                c.send(None)
            except StopIteration as e:
                outcomes.append(e.value)
                return
            except (RuntimeError, ValueError):
                if c.cr_frame is None:
                    return

    errors = run(drive)
    assert not errors, errors
print("coroutines", set(outcomes), len(outcomes))


# The same with tools that come and go.
m = sys.monitoring
m.use_tool_id(1, "toggled")
events = m.events
for event in events.LINE, events.PY_RESUME, events.PY_YIELD, events.STOP_ITERATION, events.INSTRUCTION:
    m.register_callback(1, event, lambda *args: m.DISABLE if args[1] % 2 else None)
stop.clear()


def toggle():
    while not stop.is_set():
        m.set_events(1, events.LINE | events.PY_RESUME | events.PY_YIELD)
        m.restart_events()
        m.set_local_events(1, numbers.__code__, events.INSTRUCTION)
        m.set_events(1, 0)
        m.set_local_events(1, numbers.__code__, 0)


toggler = threading.Thread(target=toggle)
toggler.start()
for make in numbers, delegating:
    for take in nexts, sends:
        collect(make, take)
stop.set()
toggler.join()
m.free_tool_id(1)


# The frame of a generator that is over has no caller and does not keep the generator.
def ending():
    yield sys._getframe()


g = ending()
frame = next(g)
print(frame.f_back, frame.f_generator is g)
next(g, None)
print(frame.f_back, frame.f_generator, g.gi_frame)
