"""`pystats live`, `top` and `serve` on a process that does known things, and what they say when they cannot."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM = """
import gc, sys, threading, time
gc.disable()
lock = threading.Lock()

def hold():
    with lock:
        held.set()
        time.sleep(0.1)

for line in sys.stdin:
    for i in range(2):
        gc.collect()
    gc.collect(0)
    for i in range(5):
        try:
            raise ValueError
        except ValueError:
            pass
    held = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with lock:
        pass
    thread.join()
    print("done", flush=True)
"""

# What a line of input adds to each counter.
ADDED = {"collections_full": 2, "collections_young": 1, "exceptions_raised": 5, "threads_started": 1, "threads_ended": 1}


def pystats(binary, *arguments):
    command = [Path(binary).with_name("pystats"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def work(program):
    program.stdin.write("\n")
    program.stdin.flush()
    program.stdout.readline()


def values(binary, program, command="live"):
    done = pystats(binary, command, str(program.pid), "--json", "-n", "1", "-i", "0.05")
    return json.loads(done.stdout)["values"]


def counters(binary, program):
    work(program)
    before = values(binary, program)
    work(program)
    after = values(binary, program, "top")
    added = {name: after[name] - before[name] for name in after if name in before}
    for name, expected in ADDED.items():
        if added[name] != expected:
            yield f"{name}: {added[name]} instead of {expected}"
    if not 0.09e9 <= added["lock_wait_time"] <= 2e9 or not added["lock_waits"]:
        yield f"waits for locks: {added['lock_waits']}, {added['lock_wait_time']} ns"
    if added["world_stops"] < 3 or not added["world_stop_time"] or not added["collection_time"]:
        yield f"stops: {added}"
    if not 0 < after["heap_live"] <= after["heap_size"] < 1 << 30:
        yield f"heap: {after['heap_live']} of {after['heap_size']} bytes"
    table = pystats(binary, "live", str(program.pid), "-n", "2", "-i", "0.05").stdout
    if table.count("exceptions_raised") != 2:
        yield f"live: {table}"


SPINNING = """
import threading, time

def spin():
    while running:
        pass

running = True
spinner = threading.Thread(target=spin, name="spinner")
waiting = threading.Thread(target=time.sleep, args=(60,), name="waiting", daemon=True)
spinner.start(), waiting.start()
print(threading.get_native_id(), spinner.native_id, waiting.native_id, flush=True)
input()
running = False
spinner.join()
"""


def by_thread_and_interpreter(binary):
    """One thread runs, two wait; the compiler's is none of the interpreter's."""
    program = subprocess.Popen(
        [binary, "-c", SPINNING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHON_JIT="1")
    )
    try:
        main, spinner, waiting = map(int, program.stdout.readline().split())
        time.sleep(0.5)
        line = json.loads(pystats(binary, "live", str(program.pid), "--json", "-n", "1", "-i", "0.5").stdout)
        threads = {thread["tid"]: thread for thread in line["threads"]}
        of_python = {tid for tid, thread in threads.items() if thread["interpreter"] == 0}
        if of_python != {main, spinner, waiting} or any(threads[tid]["interpreter"] is not None for tid in set(threads) - of_python):
            yield f"threads: {threads}"
        # How large the share is depends on what else the machine does.
        if threads[waiting]["cpu_share"] > 0.05 or threads[spinner]["cpu_share"] < 0.1 or threads[waiting]["state"] != "S":
            yield f"threads: {threads}"
        first, *others = line["interpreters"]
        found = first["interpreter"], first["threads"]
        if found != (0, 3) or abs(first["cpu_share"] - sum(threads[tid]["cpu_share"] for tid in of_python)) > 1e-6:
            yield f"interpreters: {line['interpreters']}"
        if any(other["interpreter"] is not None for other in others) or sum(other["threads"] for other in others) != len(threads) - 3:
            yield f"interpreters: {line['interpreters']}"
        table = pystats(binary, "live", str(program.pid), "--by", "interpreter", "-n", "1", "-i", "0.1").stdout
        if not re.search(r"^INTERPRETER +THREADS .*\n0 +3 +\d+ +[\d.]+ % +[\d.]+ s$", table, re.MULTILINE):
            yield f"--by interpreter: {table}"
        table = pystats(binary, "live", str(program.pid), "--by", "thread", "-n", "1", "-i", "0.1").stdout
        for tid, name in [(spinner, "spinner"), (waiting, "waiting")]:
            if not re.search(rf"^{tid} +0 +[RS] +[\d.]+ % +[\d.]+ s  {name}$", table, re.MULTILINE):
                yield f"--by thread: {table}"
    finally:
        program.kill()
        program.wait()


def on_a_terminal(binary, program):
    """`top` draws until q is pressed, and leaves the terminal as it was."""
    ours, theirs = pty.openpty()
    # 40 lines of 120 columns.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    before = termios.tcgetattr(theirs)
    command = [Path(binary).with_name("pystats"), "top", str(program.pid), "-i", "0.1"]
    top = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=dict(os.environ, TERM="xterm"))
    drawn, end = b"", time.monotonic() + 20
    try:
        # As long as it runs it must find room for what it writes. Blanks are left out.
        while top.poll() is None and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                drawn += os.read(ours, 1 << 16)
            if b"INTERPRETER" in drawn:
                os.write(ours, b"q")
        missing = [word for word in [b"world_stops", b"INTERPRETER", b"threads,"] if word not in drawn]
        if top.returncode != 0 or missing or termios.tcgetattr(theirs) != before:
            yield f"top: status {top.returncode}, {missing}, {drawn[-500:]}"
    finally:
        top.kill()
        top.communicate()
        os.close(ours)
        os.close(theirs)


def served(binary, program):
    command = [Path(binary).with_name("pystats"), "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        url = server.stderr.readline().split()[-1]
        with urllib.request.urlopen(url, timeout=20) as response:
            kind, text = response.headers["Content-Type"], response.read().decode()
        if not kind.startswith("application/openmetrics-text") or not text.endswith("# EOF\n"):
            yield f"serve: {kind}, {text[-100:]}"
        dashboard = pystats(binary, "serve", "--dashboard").stdout
        missing = {name for name in re.findall(r"limpid_live_\w+", dashboard) if f"\n{name}{{" not in text}
        if missing or "limpid_live_jit_exits_total" not in dashboard:
            yield f"serve: the dashboard shows {missing}, which are not there"
        found = re.search(rf'^limpid_live_exceptions_raised_total{{pid="{program.pid}",.*}} (\d+)$', text, re.MULTILINE)
        if not found or int(found[1]) != values(binary, program)["exceptions_raised"]:
            yield f"serve: {found and found[0]}"
        try:
            urllib.request.urlopen(url.replace("metrics", "other"), timeout=20)
            yield "serve: /other is there"
        except urllib.error.HTTPError as error:
            if error.code != 404:
                yield f"serve: /other is {error.code}"
    finally:
        server.kill()
        server.wait()


def complaints(binary, program):
    """One clear line and a status that is not zero."""
    other = subprocess.Popen(["sleep", "60"])
    time.sleep(0.2)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Path(binary).with_name("pystats")]
    cases = [
        ([], ["live", "999999999"], "pystats: there is no process 999999999\n"),
        ([], ["top", str(other.pid)], rf"pystats: process {other.pid} runs \S+, which is not a limpid that can be watched\n"),
        ([], ["top", str(program.pid)], "pystats: top needs a terminal; with --json it prints lines, and `pystats live` a table\n"),
        (nobody, ["live", str(program.pid)], f"pystats: process {program.pid} may not be read: run this as .*\n"),
        ([], ["serve", "--listen", "nowhere"], "pystats: nowhere: .*\n"),
    ]
    for prefix, arguments, expected in cases:
        command = [*(prefix or [Path(binary).with_name("pystats")]), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode != 1 or not re.fullmatch(expected, done.stderr):
            yield f"{arguments}: status {done.returncode}, {done.stderr}"
    other.kill()
    other.wait()


def check(binary):
    """All complaints."""
    program = subprocess.Popen([binary, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        found = [complaint for part in (counters, on_a_terminal, served, complaints) for complaint in part(binary, program)]
        return found + list(by_thread_and_interpreter(binary))
    except (json.JSONDecodeError, KeyError, OSError, subprocess.TimeoutExpired) as error:
        return [repr(error)]
    finally:
        program.kill()
        program.wait()
