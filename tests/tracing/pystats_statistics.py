"""What instructions are counted, by threads that come and go and while it is switched on and off, and where machine code is left."""

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

# The instruction of `~` is nowhere else in what runs.
WORK = """
import _thread, sys

def work(n):
    for i in range(n):
        x = ~i
        if x & 1:
            x = [x, str(x)]

def in_threads(threads, n):
    handles = [_thread.start_joinable_thread(lambda: work(n)) for i in range(threads)]
    for handle in handles:
        handle.join()
"""

THREADS = WORK + "in_threads({threads}, {n})\n"

# 60 threads start and end while the main thread dumps.
DUMPS = (
    WORK
    + """
handles = []
for i in range(60):
    handles.append(_thread.start_joinable_thread(lambda: work(1000)))
    if i % 10 == 5:
        sys._stats_dump()
    if i % 3 == 0:
        handles.pop(0).join()
for handle in handles:
    handle.join()
"""
)

SWITCHED = (
    WORK
    + """
def each_time():
    for i in range(3):
        pass

work(10)
sys._stats_clear()
each_time()
work(100)
sys._stats_off()
each_time()
work(1000)
sys._stats_on()
each_time()
work(20)
"""
)

# Goes on until it is killed, and in the interpreter all the time.
ENDLESS = WORK + "print('ready', flush=True)\nwhile True: work(1000)\n"

EXITS = """
import sys

def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result

numbers = list(range(3000))
for i in range(9):
    total(numbers)
print("ready", flush=True)
sys.stdin.read()
"""


def pystats(binary, *arguments):
    command = [Path(binary).with_name("pystats"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def counted(binary, code, *options, jit=0):
    """The sum of all dumps that a program leaves."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, PYTHONSTATSDIR=folder, PYTHON_JIT=str(jit))
        subprocess.run([binary, "-X", "pystats", *options, "-c", code], check=True, timeout=120, env=environment)
        return summed(Path(folder).glob("*.txt"))


def summed(files):
    counts = {}
    for file in files:
        for line in file.read_text().splitlines():
            key, value = line.rsplit(":", 1)
            counts[key.strip()] = counts.get(key.strip(), 0) + int(value)
    return counts


def executed(counts):
    return {key: count for key, count in counts.items() if key.endswith("execution_count")}


def threads(binary):
    """Eight threads count what one thread counts that does the same work."""

    def added(n, threads):
        # Without copies of the bytecode nothing is specialized: which form runs depends on how often the thread has been there.
        few, many = (executed(counted(binary, THREADS.format(threads=threads, n=k), "-X", "tlbc=0")) for k in (0, n))
        return {key: count - few.get(key, 0) for key, count in many.items()}

    one, eight = added(16000, 1), added(2000, 8)
    if one != eight:
        yield f"one thread {one}, eight threads {eight}"
    if one.get("opcode[UNARY_INVERT].execution_count") != 16000:
        yield f"one thread: {one}"


def dumps(binary):
    found = counted(binary, DUMPS).get("opcode[UNARY_INVERT].execution_count")
    if found != 60000:
        yield f"dumps while threads start and end: {found} instead of 60000"


def switched(binary):
    found = counted(binary, SWITCHED).get("opcode[UNARY_INVERT].execution_count")
    if found != 120:
        yield f"off and on: {found} instead of 120"


# Threads that have counted already wait while all is cleared; others start and end all the time.
CLEARED = (
    WORK
    + """
def wait(k):
    work(k)
    arrived.release()
    go.acquire()
    go.release()
    work(50)

def come_and_go():
    while not over:
        _thread.start_joinable_thread(lambda: None).join()

go, arrived, over = _thread.allocate_lock(), _thread.allocate_lock(), False
go.acquire(), arrived.acquire()
noise = [_thread.start_joinable_thread(come_and_go) for i in range(2)]
for clearing in range(20):
    handles = []
    for i in range(4):
        handles.append(_thread.start_joinable_thread(lambda: wait(1000)))
        arrived.acquire()
    work(1000)
    sys._stats_clear()
    go.release()
    for handle in handles:
        handle.join()
    go.acquire()
    sys._stats_dump()
over = True
for handle in noise:
    handle.join()
"""
)

# The child counts what it does itself.
FORKED = (
    WORK
    + """
import os
work(100)
if not os.fork():
    work(10)
    raise SystemExit
os.wait()
work(1)
"""
)

# A loop that becomes machine code, with an instruction that is nowhere else.
COMPILED = """
def work(n):
    x = 0
    for i in range(n):
        x ^= i
    return x

work({n})
"""


def cleared(binary):
    """What was counted before is gone, all that comes after is there, once."""
    found = counted(binary, CLEARED).get("opcode[UNARY_INVERT].execution_count")
    if found != 20 * 4 * 50:
        yield f"cleared while threads start and end: {found} instead of {20 * 4 * 50}"


def forked(binary):
    found = counted(binary, FORKED).get("opcode[UNARY_INVERT].execution_count")
    if found != 111:
        yield f"a process and its child: {found} instead of 111"


def compiled(binary):
    """What the interpreter counts and what machine code counts are all rounds together."""

    def rounds(n):
        counts = counted(binary, COMPILED.format(n=n), "-X", "jit-wait", jit=1)
        operators = sum(count for key, count in executed(counts).items() if key.startswith("opcode[BINARY_OP"))
        return operators, counts.get("uops[_xor].execution_count", 0), counts

    (few, _, _), (many, in_machine_code, counts) = rounds(0), rounds(100_000)
    if many - few + in_machine_code != 100_000 or in_machine_code < 90_000:
        yield f"of 100000 rounds {many - few} were interpreted, {in_machine_code} ran in machine code"
    uops = sum(count for key, count in counts.items() if re.fullmatch(r"uops\[\w+\]\.execution_count", key))
    if uops != counts["Optimization uops executed"]:
        yield f"{counts['Optimization uops executed']} uops executed, by uop {uops}"
    pairs = sum(count for key, count in counts.items() if key.startswith("uop["))
    # The first uop of what is entered follows none, and what is linked to is entered so.
    if not uops - counts["Optimization traces executed"] - 100 <= pairs < uops:
        yield f"{pairs} pairs of {uops} uops"
    runs = sum(count for key, count in counts.items() if key.startswith("Trace run length["))
    if runs != counts["Optimization traces executed"]:
        yield f"{runs} lengths of {counts['Optimization traces executed']} runs"
    longest = max(int(re.search(r"\d+", key)[0]) for key, count in counts.items() if key.startswith("Trace run length[") and count)
    if not uops / 2 < longest < uops * 2 + 2:
        yield f"a run has up to {longest} of {uops} uops"


def consistent(binary):
    """What follows from the pairs."""
    counts = counted(binary, THREADS.format(threads=2, n=5000))
    pairs = {}
    for key, count in counts.items():
        if pair := re.fullmatch(r"opcode\[(\w+)\]\.pair_count\[(\w+)\]", key):
            pairs[pair[2]] = pairs.get(pair[2], 0) + count
    for opcode, count in pairs.items():
        if counts[f"opcode[{opcode}].execution_count"] != count:
            yield f"{opcode}: {counts[f'opcode[{opcode}].execution_count']} executions, {count} pairs"
    hits, misses = (sum(counts.get(f"opcode[{family}].specialization.{kind}", 0) for family in ("FOR_ITER", "LOAD_GLOBAL")) for kind in ("hit", "miss"))
    forms = sum(count for key, count in executed(counts).items() if re.match(r"opcode\[(FOR_ITER|LOAD_GLOBAL)_", key))
    if hits + misses != forms or not hits:
        yield f"{hits} hits and {misses} misses of {forms} specialized instructions"
    if counts["Frames pushed"] < counts["Calls to Python functions inlined"] or counts["Calls to PyEval_EvalDefault"] < 3:
        yield f"frames: {[(key, count) for key, count in counts.items() if 'Frames' in key or 'Calls' in key]}"


def from_outside(binary):
    """`pystats count`."""
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.Popen([binary, "-c", ENDLESS], stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONSTATSDIR=folder, PYTHON_JIT="0"))
        try:
            program.stdout.readline()
            dump = Path(folder, "dump")
            for _ in range(2):
                done = pystats(binary, "count", program.pid, "-d", "0.3", "-o", dump)
                found = summed([dump]).get("opcode[UNARY_INVERT].execution_count", 0) if done.returncode == 0 else 0
                if found < 1000 or "UNARY_INVERT" not in done.stdout:
                    yield f"count: status {done.returncode}, {found} counted, {done.stderr}"
                    break
            time.sleep(0.1)
            if program.poll() is not None:
                yield f"count: the program has ended with status {program.returncode}"
            if left := [path.name for path in Path(folder).glob("live-*")]:
                yield f"count: it has left {left}"
        finally:
            program.kill()
            program.wait()


IDLE = (
    WORK
    + """
import re, time

work(1000)
lock = _thread.allocate_lock()
lock.acquire()

def wait():
    work(2000)
    lock.acquire()
    lock.release()

handles = [_thread.start_joinable_thread(wait) for i in range(40)]
time.sleep(1)
print(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True)
lock.release()
for handle in handles:
    handle.join()
"""
)
# KiB that counting may take in a thread.
MOST = 2048


def machine_code_from_outside(binary):
    """Machine code that does not count yields to some that does, and that again."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, PYTHONSTATSDIR=folder, PYTHON_JIT="1")
        program = subprocess.Popen([binary, "-c", ENDLESS], stdout=subprocess.PIPE, text=True, env=environment)
        try:
            program.stdout.readline()
            time.sleep(0.3)
            dump = Path(folder, "dump")
            done = pystats(binary, "count", program.pid, "-d", "0.5", "-o", dump)
            counts = summed([dump]) if done.returncode == 0 else {}
            if counts.get("Optimization uops executed", 0) < 1000 or "Uops executed" not in done.stdout:
                yield f"count, of machine code: status {done.returncode}, {done.stderr}{[key for key in counts if 'uop' in key]}"
        finally:
            program.kill()
            program.wait()


def memory(binary):
    """What counting takes in each of forty threads."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, PYTHONSTATSDIR=folder, PYTHON_JIT="0")
        plain, counts = (
            int(subprocess.run([binary, *options, "-c", IDLE], check=True, capture_output=True, timeout=60, env=environment).stdout)
            for options in ([], ["-X", "pystats"])
        )
    if counts - plain > 40 * MOST:
        yield f"counting takes {(counts - plain) / 40:.0f} KiB a thread"


def exits(binary):
    """`pystats exits`, and the same in a report."""
    environment = {"PYTHON_JIT": "1"}
    program = subprocess.Popen(
        [binary, "-X", "jit-wait", "-c", EXITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **environment)
    )
    try:
        program.stdout.readline()
        done = pystats(binary, "exits", program.pid, "--json")
        found = [exit for exit in json.loads(done.stdout or "[]") if exit["file"] == "<string>"]
        if not any(exit["line"] == 6 and exit["taken"] == 9 for exit in found):
            yield f"exits: {found}, {done.stderr}"
        table = pystats(binary, "exits", program.pid).stdout
        if "<string>:6\n" not in table:
            yield f"exits: {table}"
    finally:
        program.kill()
        program.wait()
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "dump")
        command = ["run", "-o", dump, "--", binary, "-X", "jit-wait", "-c", EXITS.replace("sys.stdin.read()", "")]
        done = subprocess.run([Path(binary).with_name("pystats"), *command], capture_output=True, timeout=60, check=False, env=dict(os.environ, **environment))
        report = pystats(binary, "report", dump, "--section", "JIT exits").stdout
        if done.returncode or not re.search(r"<string>:6 +\w+ +9 ", report):
            yield f"exits in a report: {done.stderr}, {report}"


def check(binary):
    """All complaints."""
    try:
        return [complaint for part in (threads, dumps, switched, cleared, forked, compiled, consistent, memory, from_outside, machine_code_from_outside, exits) for complaint in part(binary)]
    except (json.JSONDecodeError, KeyError, OSError, subprocess.SubprocessError) as error:
        return [repr(error)]
