"""What the stress programs have in common: threads that do jobs until time is over, while others disturb them.

A program calls main(job, ...). A job is a function that gets a random.Random, does something to what is shared and asserts what must hold
whatever other threads do meanwhile. The disturbers switch instrumentation and statistics on and off, collect garbage and look at frames.

    PROGRAM.py [SECONDS] [SEED]
"""

import faulthandler
import gc
import os
import random
import sys
import threading
import time
import traceback

WORKERS = 4
#: A thread that has not ended so many seconds after it should have hangs.
PATIENCE = 60


def pause(rng):
    """Lets other threads go first, now and then."""
    if rng.random() < 0.02:
        time.sleep(rng.choice((0, 0, 0.0001)))


def disturb_monitoring(rng):
    """Tools come and go, each wanting something else of all code."""
    monitoring = sys.monitoring
    events = monitoring.events
    tool = rng.choice((3, 4))
    try:
        monitoring.use_tool_id(tool, "stress")
    except ValueError:
        return
    seen = 0

    def callback(*_):
        nonlocal seen
        seen += 1
        return monitoring.DISABLE if seen % 2 else None

    def mild(*_):
        pass

    can_be_disabled = [events.PY_START, events.PY_RESUME, events.PY_RETURN, events.PY_YIELD, events.CALL, events.LINE,
                       events.INSTRUCTION, events.JUMP, events.BRANCH_LEFT, events.BRANCH_RIGHT]
    others = [events.RAISE, events.RERAISE, events.EXCEPTION_HANDLED, events.PY_UNWIND, events.PY_THROW]
    wanted = rng.sample(can_be_disabled, 3) + rng.sample(others, 1)
    for event in wanted:
        monitoring.register_callback(tool, event, callback if event in can_be_disabled else mild)
    monitoring.set_events(tool, sum(wanted))
    time.sleep(rng.random() * 0.01)
    if rng.random() < 0.5:
        monitoring.restart_events()
        time.sleep(rng.random() * 0.005)
    monitoring.set_events(tool, 0)
    monitoring.free_tool_id(tool)


def disturb_tracing(rng):
    """Trace and profile functions for all threads."""
    def trace(frame, event, arg):
        frame.f_trace_opcodes = rng.random() < 0.1
        return trace if rng.random() < 0.5 else None

    switch = rng.choice((threading.settrace_all_threads, threading.setprofile_all_threads))
    switch(trace)
    time.sleep(rng.random() * 0.005)
    switch(None)


def disturb_statistics(rng):
    """Counting goes on and off."""
    on, off, clear = (getattr(sys, name, None) for name in ("_stats_on", "_stats_off", "_stats_clear"))
    if on is None:
        return
    on()
    time.sleep(rng.random() * 0.01)
    if rng.random() < 0.3:
        clear()
    off()


def disturb_collector(rng):
    gc.collect(rng.randrange(3))


def disturb_frames(rng):
    """Looks at the frames of all threads while they run."""
    for frame in sys._current_frames().values():
        while frame is not None:
            frame.f_lineno, frame.f_code.co_name, frame.f_lasti
            if rng.random() < 0.2:
                try:
                    dict(frame.f_locals)
                except KeyError:
                    # A variable has lost its value between the list of names and the look at it.
                    pass
            frame = frame.f_back


def disturb_threads(rng):
    """Threads come and go."""
    threads = [threading.Thread(target=sum, args=(range(100),)) for _ in range(rng.randrange(1, 4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


DISTURBERS = (disturb_monitoring, disturb_tracing, disturb_statistics, disturb_collector, disturb_frames, disturb_threads)


def main(*jobs, disturbers=DISTURBERS):
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    faulthandler.dump_traceback_later(seconds + PATIENCE, exit=True)
    sys.setswitchinterval(1e-5)
    end = time.monotonic() + seconds
    failures = []
    rounds = dict.fromkeys((f.__name__ for f in jobs), 0)

    def repeat(functions, seed, wait):
        rng = random.Random(seed)
        while time.monotonic() < end and not failures:
            f = rng.choice(functions)
            try:
                f(rng)
            except BaseException:
                failures.append(f"{f.__name__}: {traceback.format_exc()}")
            if f.__name__ in rounds:
                rounds[f.__name__] += 1
            if wait:
                time.sleep(rng.random() * wait)

    threads = [threading.Thread(target=repeat, args=(jobs, seed * 100 + i, 0)) for i in range(WORKERS)]
    if disturbers:
        threads.append(threading.Thread(target=repeat, args=(disturbers, seed * 100 + 99, 0.01)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    faulthandler.cancel_dump_traceback_later()
    for failure in failures:
        print(failure)
    print("rounds:", ", ".join(f"{name} {n}" for name, n in rounds.items()))
    sys.stdout.flush()
    os._exit(1) if failures else sys.exit(0)
