"""`pystats trace` on a program with known counts and durations, in all its formats, and what it says when it cannot."""

import gzip
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "known.py"

# name: calls, resumptions, unwinds, and the times in ms from entry to return and without what was called; None is not looked at
EXPECTED = {
    "caller": (3, 0, 0, 210, 90),
    "leaf": (6, 0, 0, 120, 120),
    "recursive": (10, 0, 0, 30, 30),
    "numbers": (1, 4, 0, 20, 20),
    "step": (7, 0, 0, None, None),
    "coroutine": (1, 0, 0, None, None),
    "passing": (5, 0, 5, None, None),
    "raising": (5, 0, 5, None, None),
    "hot": (8000, 0, 0, None, None),
    "worker": (4, 0, 0, None, None),
}
# A sleep may take longer on a busy machine, never shorter.
SHORTER, LONGER = 0.99, 1.1


def pystats(binary, *arguments):
    command = [Path(binary).with_name("pystats"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def trace(binary, *arguments):
    """The output of a trace of the program, which must succeed."""
    done = pystats(binary, "trace", *arguments, "--", binary, PROGRAM)
    if done.returncode:
        raise RuntimeError(f"pystats trace {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def counts(binary):
    """Counts, durations, threads, seen by the kernel and from inside. What else the machine does can make a sleep too long, but not three
    times in a row."""
    for options in [], ["--monitor"]:
        for _ in range(3):
            wrong = list(measured(binary, *options))
            if not wrong:
                break
        yield from wrong


def measured(binary, *options):
    result = json.loads(trace(binary, "--format", "json", *options))
    functions = {f["function"]: f for f in result["functions"] if f["file"] == str(PROGRAM)}
    for name, (calls, resumptions, unwinds, inclusive, exclusive) in EXPECTED.items():
        found = functions[name]
        numbers = found["calls"], found["resumptions"], found["unwinds"]
        if numbers != (calls, resumptions, unwinds):
            yield f"{name}: {numbers} calls, resumptions and unwinds instead of {calls, resumptions, unwinds}"
        for kind, ms in ("inclusive", inclusive), ("exclusive", exclusive):
            if ms is not None and not ms * SHORTER <= found[kind] / 1e6 <= ms * LONGER + 2:
                yield f"{name}: {found[kind] / 1e6:.1f} ms {kind} instead of {ms}"
    median = functions["leaf"]["p50"] / 1e6
    if not 20 * 0.87 <= median <= 20 * 1.25:
        yield f"leaf: half of the calls take up to {median:.1f} ms instead of 20"
    missed = {kind: n for kind, n in result["missed"].items() if n}
    if missed:
        yield f"missed: {missed}"
    if not result["slowest"][0]["ns"] > 200e6:
        yield f"the slowest call is {result['slowest'][0]}"
    raised = sum(event["event"].startswith("[LookupError in line ") for event in result["events"])
    if raised != 5:
        yield f"{raised} exceptions instead of 5"


def formats(binary):
    """Every format has what it is made for."""
    folded = trace(binary, "--format", "folded")
    stack = ";".join(f"{name} ({PROGRAM})" for name in ["<module>", "caller", "leaf"])
    ns = re.search(rf"^{re.escape(stack)} (\d+)$", folded, re.MULTILINE)
    if not ns or not 120e6 * SHORTER <= int(ns[1]) <= 122e6 * LONGER:
        yield f"folded: {ns and ns[0]}"
    if f"recursive ({PROGRAM}) (" not in trace(binary, "--format", "flamegraph"):
        yield "flamegraph: no recursive"
    events = json.loads(trace(binary, "--format", "chrome", "--min-duration", "15"))["traceEvents"]
    names = [event["name"] for event in events if event["cat"] == "function" and event["args"]["file"] == str(PROGRAM)]
    # On a busy machine others may be interrupted for as long.
    names = sorted(name for name in names if name in ("<module>", "caller", "leaf", "recursive"))
    if names != ["<module>"] + ["caller"] * 3 + ["leaf"] * 6 + ["recursive"] * 10:
        yield f"chrome: calls of 15 ms and more are {names}"
    flow = trace(binary, "--format", "flow", "--function", "caller", "--file", "known.py")
    if flow.count("  caller  ") != 3 or "  leaf  " in flow:
        yield f"flow: {flow}"
    profiles = json.loads(trace(binary, "--format", "speedscope"))["profiles"]
    if len(profiles) != 5:
        yield f"speedscope: {len(profiles)} threads instead of 5"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "profile.pb.gz")
        trace(binary, "--format", "pprof", "--output", str(path))
        if b"recursive" not in gzip.decompress(path.read_bytes()):
            yield "pprof: no recursive"


def limits(binary):
    """What there is no room for is counted and told."""
    result = json.loads(trace(binary, "--format", "json", "--threads", "1", "--depth", "5", "--paths", "40"))
    missed = result["missed"]
    for kind in "threads", "depth", "nodes":
        if not missed[kind]:
            yield f"no {kind} missed: {missed}"
    for options in [], ["--monitor"]:
        events = json.loads(trace(binary, "--format", "chrome", "--sample", "10", *options))["traceEvents"]
        taken = sum(event["name"] == "hot" for event in events)
        # Of 8000; by chance, of which this is ten times the standard deviation.
        if not 530 <= taken <= 1070:
            yield f"--sample 10 {options}: {taken} of 8000 calls"
    done = pystats(binary, "trace", "--format", "chrome", "--events", "10", "--", binary, PROGRAM)
    if not re.search(r"^\d+ events lost", done.stderr, re.MULTILINE) or len(json.loads(done.stdout)["traceEvents"]) != 10:
        yield f"events beyond the limit: {done.stderr}"


# A loop that machine code is made of in its first round, and that ends nine times; then a wait for a lock.
RUNTIME = """
import _thread, time

def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result

numbers = list(range(3000))
for i in range(9):
    total(numbers)

def hold():
    time.sleep(0.1)
    lock.release()

lock = _thread.allocate_lock()
lock.acquire()
_thread.start_new_thread(hold, ())
lock.acquire()
"""


def runtime(binary):
    """What the just-in-time compiler does, and waits for locks."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "runtime.py")
        program.write_text(RUNTIME)
        command = [Path(binary).with_name("pystats"), "trace", "--format", "json", "--", binary, "-X", "jit-wait", program]
        environment = dict(os.environ, PYTHON_JIT="1")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    events = json.loads(done.stdout)["events"]
    left = sum(event["event"].startswith("[machine code left, in line 6: ") for event in events)
    if left != 9:
        yield f"machine code was left {left} times instead of 9"
    if not any(re.match(r"\[compilation of \d+ micro-operations, [1-9]", event["event"]) and event["ns"] for event in events):
        yield "no compilation"
    waits = [event["ns"] for event in events if event["event"] == "[waits for a lock]"]
    if not waits or not 0.09e9 <= max(waits) <= 2e9:
        yield f"waits for locks: {waits}"


# Loops that are compiled in their first rounds, whose functions take a known time: the program itself tells how long.
HOT = """
import sys, time

def wait():
    start = time.perf_counter()
    end = start + 0.0005
    while (now := time.perf_counter()) < end:
        pass
    return now - start

def outer(n):
    took = []
    for i in range(n):
        took.append(wait())
    return took

took = sorted(outer(1000))
print(took[500], sum(took), file=sys.stderr)
"""


def hot(binary):
    """Calls that machine code makes: the same counts as those of bpftrace, and durations within a tenth of what the program measures."""
    environment = dict(os.environ, PYTHON_JIT="1")
    command = [Path(binary).with_name("pystats"), "trace", "--format", "json", "--", binary, "-X", "jit-wait"]
    program = HERE / "hot.py"
    done = subprocess.run([*command, program], capture_output=True, text=True, timeout=120, check=False, env=environment)
    result = json.loads(done.stdout)
    found = {f["function"]: f["calls"] + f["resumptions"] for f in result["functions"] if f["file"] == str(program)}
    expected = {name: int(entries) for name, entries, _ in (line.rsplit(" ", 2) for line in (HERE / "hot.txt").read_text().splitlines())}
    if found != expected:
        yield f"hot: calls {found} instead of {expected}"
    if not any(event["event"].startswith("[compilation of ") for event in result["events"]):
        yield "hot: nothing was compiled"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "hot.py")
        program.write_text(HOT)
        done = subprocess.run([*command, program], capture_output=True, text=True, timeout=120, check=False, env=environment)
        functions = {f["function"]: f for f in json.loads(done.stdout)["functions"] if f["file"] == str(program)}
        wait, outer, (median, total) = functions["wait"], functions["outer"], map(float, done.stderr.split())
        # On a busy machine others run between the probe and what the function measures, but not in half of the calls.
        if wait["calls"] != 1000 or not median * 0.9 <= wait["p50"] / 1e9 <= median * 1.1:
            yield f"hot: {wait}, half of the calls take {median} s"
        if not total * 0.99 <= wait["inclusive"] / 1e9 <= outer["inclusive"] / 1e9:
            yield f"hot: {wait} and {outer}, measured {total} s"


MANY = """
def many():
    pass

for i in range(100_000):
    many()
"""


def losses(binary):
    """What the buffer has no room for is counted: what arrives and what is lost are all calls together."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "many.py")
        program.write_text(MANY)
        command = ["--", binary, program]
        functions = json.loads(pystats(binary, "trace", "--format", "json", *command).stdout)["functions"]
        calls = sum(f["calls"] + f["resumptions"] for f in functions)
        # The other way to lose some is a limit; both are told together.
        for limit in ["--buffer", "1"], ["--buffer", "1", "--events", "20000"]:
            result = json.loads(pystats(binary, "trace", "--format", "chrome", *limit, *command).stdout)
            arrived = sum(event["cat"] == "function" for event in result["traceEvents"])
            others = len(result["traceEvents"]) - arrived
            lost = result["otherData"]["missed events"]
            # Lost events may be some of the few that are not calls.
            if not calls - others <= arrived + lost <= calls + 200:
                yield f"{limit}: {arrived} calls have arrived, {lost} events are lost, of {calls} calls"


FLOOD = """
import sys, threading, time

def tick():
    pass

def flood():
    count = 0
    while time.monotonic() < end:
        for i in range(1000):
            tick()
        count += 1000
    counts.append(count)

counts = []
end = time.monotonic() + 10
threads = [threading.Thread(target=flood) for i in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(counts), file=sys.stderr)
"""


def flood(binary):
    """Ten seconds of calls as fast as they can be traced: each is in what has arrived or in what is lost."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "flood.py")
        program.write_text(FLOOD)
        done = pystats(binary, "trace", "--format", "chrome", "--events", "1000", "--", binary, program)
        calls = int(re.search(r"^\d+$", done.stderr, re.MULTILINE)[0])
        result = json.loads(done.stdout)
        told = len(result["traceEvents"]) + result["otherData"]["missed events"]
        # Besides, what is called at the start of the program.
        if not calls <= told <= calls + 20_000:
            yield f"flood: of {calls} calls and those at the start {told} have arrived or are lost"


CHILDREN = """
import os, sys

def counted():
    pass

def child():
    for i in range(1000):
        counted()
    os._exit(5)

for i in range(10):
    counted()
pid = os.fork()
if not pid:
    child()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
for i in range(10):
    counted()
os.execv(sys.executable, [sys.executable, "-c", "def counted(): pass\\nfor i in range(7): counted()\\nprint('other', flush=True)\\nraise SystemExit(6)"])
"""


def children(binary):
    """A process that forks and becomes another program while it is traced: both do what they would, the calls are those of the process."""
    with tempfile.TemporaryDirectory() as folder:
        program, output = Path(folder, "children.py"), Path(folder, "output")
        program.write_text(CHILDREN)
        done = pystats(binary, "trace", "--format", "json", "--output", output, "--", binary, program)
        if (done.stdout, done.returncode) != ("5\nother\n", 6):
            yield f"children: status {done.returncode}, {done.stdout}{done.stderr}"
        calls = [(f["file"], f["calls"]) for f in json.loads(output.read_text())["functions"] if f["function"] == "counted"]
        if sorted(calls) != sorted([(str(program), 20), ("<string>", 7)]):
            yield f"children: calls of counted: {calls}"


LOOP = """
import sys, time
def tick(): time.sleep(0.001)
print("ready", flush=True)
for line in sys.stdin:
    end = time.monotonic() + float(line)
    while time.monotonic() < end: tick()
    print("done", flush=True)
"""


def attached(binary):
    """A process that runs already goes on as if nothing were, also if its tracer is killed."""
    program = subprocess.Popen([binary, "-c", LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        program.stdout.readline()
        program.stdin.write("20\n")
        program.stdin.flush()
        done = pystats(binary, "trace", "-p", str(program.pid), "--duration", "1", "--format", "json")
        result = json.loads(done.stdout)
        ticks = [f for f in result["functions"] if f["function"] == "tick"]
        if not ticks or not 100 < ticks[0]["calls"] <= result["seconds"] * 1000 or not 1e6 <= ticks[0]["p50"] < 3e6:
            yield f"attached: {ticks}"
        command = [Path(binary).with_name("pystats"), "trace", "-p", str(program.pid)]
        tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        tracer.kill()
        tracer.wait()
        time.sleep(0.2)
        if program.poll() is not None:
            yield f"the program ended with its tracer: {program.returncode}"
        # The tracer ends when the process does.
        tracer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(1)
        program.kill()
        if "tick" not in tracer.communicate(timeout=30)[0]:
            yield "the trace of a process that was killed has no tick"
    finally:
        program.kill()
        program.wait()


TWO = """
import threading, time
def one(): time.sleep(0.001)
def two(): time.sleep(0.001)
def again(function):
    while True: function()
threads = [threading.Thread(target=again, args=(function,), daemon=True) for function in (one, two)]
for thread in threads: thread.start()
print(threads[1].native_id, flush=True)
input()
"""


def of_thread(binary):
    """Only one thread is of interest."""
    program = subprocess.Popen([binary, "-c", TWO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        tid = program.stdout.readline().strip()
        done = pystats(binary, "trace", "-p", str(program.pid), "--thread", tid, "--duration", "0.5", "--format", "json")
        calls = {f["function"]: f["calls"] for f in json.loads(done.stdout)["functions"]}
        if not calls.get("two") or "one" in calls:
            yield f"--thread: calls {calls}"
    finally:
        program.kill()
        program.wait()


def complaints(binary):
    """One clear line and a status that is not zero."""
    cases = [
        (["-p", "999999999"], "pystats: there is no process 999999999\n"),
        (["--", "/no/such/program"], r"pystats: /no/such/program: No such file or directory \(os error 2\)\n"),
        (["--", "true"], r"pystats: \S+/(true|coreutils) has no Python probes: name limpid's binary with --binary if a script runs it\n"),
    ]
    for arguments, expected in cases:
        done = pystats(binary, "trace", *arguments)
        if done.returncode != 1 or not re.fullmatch(expected, done.stderr):
            yield f"{arguments}: status {done.returncode}, {done.stderr}"
    status = pystats(binary, "trace", "-o", os.devnull, "--", binary, "-c", "raise SystemExit(7)").returncode
    if status != 7:
        yield f"the status of a command that ends with 7 is {status}"
    ended = pystats(binary, "trace", "-o", os.devnull, "--", binary, "-c", f"import os; os.kill(os.getpid(), {signal.SIGKILL})")
    if ended.returncode != 128 + signal.SIGKILL:
        yield f"the status of a command that was killed is {ended.returncode}"
    unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    tracer = [*unprivileged, Path(binary).with_name("pystats"), "trace"]
    program = subprocess.Popen([*unprivileged, binary, "-c", "input()"], stdin=subprocess.PIPE)
    time.sleep(0.5)
    done = subprocess.run([*tracer, "-p", str(program.pid)], capture_output=True, text=True, timeout=60, check=False)
    program.communicate(b"\n", timeout=20)
    if done.returncode != 1 or "run this as root" not in done.stderr or done.stderr.count("\n") != 1:
        yield f"a process without privileges: {done.stderr}"
    done = subprocess.run([*tracer, "--", binary, PROGRAM], capture_output=True, text=True, timeout=60, check=False, cwd="/")
    if done.returncode or "from inside the program" not in done.stderr or "  recursive  " not in done.stdout:
        yield f"a command without privileges: {done.returncode}, {done.stderr}"
    done = pystats(binary, "trace", "--monitor", "--", binary, "-S", PROGRAM)
    if done.returncode != 1 or "tells nothing of its calls" not in done.stderr:
        yield f"a command that does not import what it should: {done.returncode}, {done.stderr}"


def check(binary):
    """All complaints."""
    try:
        return [complaint for part in (counts, formats, hot, runtime, limits, losses, flood, children, attached, of_thread, complaints) for complaint in part(binary)]
    except (RuntimeError, KeyError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return [repr(error)]
