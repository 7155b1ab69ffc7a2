"""`pystats stacks` and `record` on a process whose threads are at known places, and what they say when they cannot."""

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

# Where a line is of interest, a comment names it.
PROGRAM = '''
import sys
import threading


def waits():
    sys.stdin.readline()  # waits


def generator():
    waits()  # generator
    yield 1


def called_by_native_code(x):
    for i in generator():  # native
        return i


def outer():
    return max([1], key=called_by_native_code)  # outer


def leaf(x):  # begins
    return x + 1  # leaf


def spin():
    x = 0
    while running:  # spin
        x = leaf(x)  # calls
        x -= 1  # back


def main():
    outer()  # main


running = True
thread = threading.Thread(target=spin, name="spinner")
thread.start()
print(thread.native_id, flush=True)
main()  # module
running = False
'''

# A loop that becomes one piece of machine code.
COMPILED = '''
def leaf(x):  # enters leaf
    x = (x ^ 21845) + 3  # leaf
    return x & 65535  # leaves leaf


def middle(x):  # enters middle
    return leaf(x) + 1  # in middle


def compiled():
    x = 1
    print("ready", flush=True)
    while x:  # loop
        x = middle(x)  # in loop


compiled()  # all
'''

LINES = {match: number for number, line in enumerate(PROGRAM.splitlines(), 1) for match in re.findall("# (.*)", line)}
WAITING = [("waits", "waits"), ("generator", "generator"), ("called_by_native_code", "native"), ("outer", "outer"), ("main", "main"), ("<module>", "module")]
# It is seldom in leaf, which comes to one addition.
READINGS, MOST_READINGS = 30, 500
OF_COMPILED = {match: number for number, line in enumerate(COMPILED.splitlines(), 1) for match in re.findall("# (.*)", line)}


def pystats(binary, *arguments, prefix=()):
    command = [*prefix, Path(binary).with_name("pystats"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def threads(binary, program, *options):
    done = pystats(binary, "stacks", program.pid, "--json", *options)
    return {thread["tid"]: thread for thread in json.loads(done.stdout)["threads"]}


def own(thread, path):
    """The frames of a thread in the program itself, as (function, line)."""
    return [(frame["function"], frame["line"]) for frame in thread["frames"] if frame["file"] == path]


def stacks(binary, program, path, spinner):
    waiting = [(function, LINES[mark]) for function, mark in WAITING]
    inner = 0
    for reading in range(MOST_READINGS):
        if inner and reading >= READINGS:
            break
        found = threads(binary, program)
        if set(found) != {program.pid, spinner}:
            yield f"threads {set(found)} instead of {program.pid} and {spinner}"
            return
        main, spinning = own(found[program.pid], path), own(found[spinner], path)
        if main != waiting:
            yield f"the main thread is at {main} instead of {waiting}"
        if not spinning or spinning[-1][0] != "spin" or not LINES["spin"] <= spinning[-1][1] <= LINES["back"]:
            yield f"the running thread is at {spinning}"
        elif len(spinning) == 2 and spinning[0] in [("leaf", LINES["begins"]), ("leaf", LINES["leaf"])]:
            inner += 1
        elif len(spinning) != 1:
            yield f"the running thread is at {spinning}"
        outside = [frame["function"] for frame in found[spinner]["frames"] if frame["file"] != path]
        if outside[:1] != ["run"]:
            yield f"the running thread was started by {outside}"
    if not inner:
        yield f"in {MOST_READINGS} readings the running thread was never in leaf"
    if own(threads(binary, program, "--no-stop")[program.pid], path) != waiting:
        yield "--no-stop shows something else of a thread that waits"
    text = pystats(binary, "stacks", program.pid).stdout
    if f"    generator ({path}:{LINES['generator']})\n    called_by_native_code ({path}:{LINES['native']})\n" not in text:
        yield f"stacks: {text}"


def compiled(binary):
    """Frames that are not in memory, because the just-in-time compiler has inlined the calls."""
    at = OF_COMPILED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "compiled.py")
        path.write_text(COMPILED)
        program = subprocess.Popen([binary, path], stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHON_JIT="1"))
        try:
            program.stdout.readline()
            time.sleep(1)
            deepest = 0
            for _ in range(2 * READINGS):
                frames = own(threads(binary, program)[program.pid], str(path))
                *inlined, loop, module = frames[-4:]
                deepest = max(deepest, len(frames))
                wrong = module != ("<module>", at["all"]) or loop[0] != "compiled" or loop[1] not in (at["loop"], at["in loop"])
                if inlined:
                    wrong |= loop[1] != at["in loop"] or inlined[-1][0] != "middle"
                    wrong |= not at["enters middle"] <= inlined[-1][1] <= at["in middle"]
                if len(inlined) == 2:
                    wrong |= inlined[1] != ("middle", at["in middle"]) or inlined[0][0] != "leaf"
                    wrong |= not at["enters leaf"] <= inlined[0][1] <= at["leaves leaf"]
                if wrong or len(frames) > 4:
                    yield f"machine code is at {frames}"
            values = json.loads(pystats(binary, "live", program.pid, "--json", "-n", "1", "-i", "0.3").stdout)["values"]
            if not values["jit_traces"] or values["jit_exits_per_second"] > 1000:
                yield f"the loop is not compiled: {values}"
            if deepest < 4:
                yield "machine code was never in an inlined function"
        finally:
            program.kill()
            program.wait()


def record(binary, program, path):
    done = pystats(binary, "record", program.pid, "--duration", 1, "--rate", 50)
    counts = [(stack, int(count)) for stack, count in (line.rsplit(" ", 1) for line in done.stdout.splitlines())]
    spinning = sum(count for stack, count in counts if f";spin ({path})" in stack)
    # On a busy machine the thread may have been waiting for a processor, which counts as running, but readings come late.
    if not 10 <= spinning <= 60 or spinning != sum(count for _, count in counts):
        yield f"record: {counts}"
    idle = pystats(binary, "record", program.pid, "--duration", 1, "--idle", "--format", "flamegraph").stdout
    if f"<title>generator ({path}) (" not in idle:
        yield f"record --idle: {idle[:200]}"


def watch(binary, program):
    """With --watch it goes on until the process ends."""
    command = [Path(binary).with_name("pystats"), "stacks", str(program.pid), "--json", "--watch", "0.1"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = [watching.stdout.readline() for _ in range(3)]
    program.stdin.write("\n")
    program.stdin.flush()
    program.wait(60)
    _, errors = watching.communicate(timeout=60)
    if not all(len(json.loads(line)["threads"]) == 2 for line in first) or errors or watching.returncode:
        yield f"--watch: {first}, {errors}, status {watching.returncode}"


def complaints(binary, program):
    """One clear line and a status that is not zero."""
    other = subprocess.Popen(["sleep", "60"])
    time.sleep(0.2)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    cases = [
        ([], 999999999, "pystats: there is no process 999999999\n"),
        ([], other.pid, rf"pystats: process {other.pid} runs \S+, which is not a limpid that can be watched\n"),
        (nobody, program.pid, f"pystats: process {program.pid} may not be read: run this as .*\n"),
    ]
    for prefix, pid, expected in cases:
        for command in "stacks", "record":
            done = pystats(binary, command, pid, prefix=prefix)
            if done.returncode != 1 or not re.fullmatch(expected, done.stderr) or done.stdout:
                yield f"{command} {pid}: status {done.returncode}, {done.stderr}"
    other.kill()
    other.wait()


def check(binary):
    """All complaints."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(PROGRAM)
        program = subprocess.Popen([binary, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            spinner = int(program.stdout.readline())
            time.sleep(0.2)
            return [
                *stacks(binary, program, str(path), spinner),
                *record(binary, program, path),
                *complaints(binary, program),
                *watch(binary, program),
                *compiled(binary),
            ]
        except (json.JSONDecodeError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as error:
            return [repr(error)]
        finally:
            program.kill()
            program.wait()
