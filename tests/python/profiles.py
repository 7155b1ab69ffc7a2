"""cProfile: what is counted, for whom, and in which form pstats gets it."""
import cProfile
import gc
import io
import pstats
import sys
import threading


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def squares(n):
    for i in range(n):
        yield i * i


def work():
    fib(6)
    return sum(squares(4)), sorted([3, 1, 2])


def counts(profile):
    """(calls, outermost calls, callers with their calls) by name, without what profiling itself adds."""
    profile.create_stats()
    shown = {}
    for (file, line, name), (outermost, calls, inline, total, callers) in profile.stats.items():
        assert 0 <= inline <= total, (name, inline, total)
        if name not in ("disable", "__exit__", "<built-in method sys.monitoring.free_tool_id>"):
            shown[name] = calls, outermost, {caller[2]: figures[0] for caller, figures in callers.items()}
    return dict(sorted(shown.items()))


# What the imports have left is not to be collected, with its callbacks, while something is profiled.
gc.collect()
profile = cProfile.Profile()
print(profile.runcall(work))
for name, figures in counts(profile).items():
    print(name, *figures)

# An exception ends calls, too, and profiling.
profile = cProfile.Profile()
try:
    profile.runctx("fib('x')", globals(), {})
except TypeError as error:
    print("TypeError", counts(profile)["fib"][:2], sys.monitoring.get_tool(sys.monitoring.PROFILER_ID))

# One at a time.
with cProfile.Profile() as one:
    try:
        cProfile.Profile().enable()
    except ValueError as error:
        print("ValueError:", error)

# Threads count each for itself.
with cProfile.Profile() as profile:
    threads = [threading.Thread(target=lambda: [abs(i) for i in range(5000)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
print(counts(profile)["<built-in method builtins.abs>"][:2])

# A clock of one's own that counts in units.
ticks = iter(range(1000000)).__next__
profile = cProfile.Profile(ticks, 0.5, builtins=False)
profile.runcall(fib, 2)
profile.create_stats()
[(calls, inline, total)] = [v[1:4] for k, v in profile.stats.items() if k[2] == "fib"]
print(calls, inline == total, total)

# The table.
out = io.StringIO()
pstats.Stats(profile, stream=out).strip_dirs().print_stats("fib")
print([line.split()[0] for line in out.getvalue().splitlines() if "profiles.py" in line])
