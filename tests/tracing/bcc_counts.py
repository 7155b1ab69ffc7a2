"""The tools of bcc, which know CPython's probes: `tplist` lists them, `ucalls -l python` counts calls as they are, `uflow` shows them as they
happen, and `ugc` shows collections."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# What CPython has too, as its users write it.
PROBES = "function__entry function__return line gc__start gc__done import__find__load__start import__find__load__done audit".split()

PROGRAM = """
import gc, sys
gc.disable()
# What is left of the start, with finalizers that make another collection necessary.
gc.collect()


def counted():
    pass


def twice():
    counted()
    counted()


print("ready", flush=True)
sys.stdin.readline()
for i in range(40):
    twice()
for i in range(3):
    gc.collect()
print("done", flush=True)
sys.stdin.readline()
"""
# Few enough for the buffer of uflow.
EXPECTED = {"counted": 80, "twice": 40}
COLLECTIONS = 3

# bcc compiles with the headers of the running kernel. Where they are not installed those of another one do: nothing in the program depends
# on the version. It also wants a tracefs. Both are for this test alone.
IN_PLACE = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
if [ ! -e "/lib/modules/$(uname -r)/build" ]; then
    headers=$(ls -d /lib/modules/*/build | tail -n 1) || exit
    build=$(realpath "$headers")
    source=$(realpath "${headers%build}source")
    mount -t tmpfs headers /lib/modules && mkdir "/lib/modules/$(uname -r)" || exit
    ln -s "$build" "/lib/modules/$(uname -r)/build"
    ln -s "$source" "/lib/modules/$(uname -r)/source"
fi
exec "$@"
"""


class Missing(Exception):
    """A tool is not installed."""


def tool(*names):
    """The path of a tool; Debian's have another ending."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Missing(f"{names[0]} is not installed: run scripts/setup bcc")
    return found


def listed(binary):
    done = subprocess.run([tool("tplist-bpfcc", "tplist"), "-l", binary], capture_output=True, text=True, timeout=60, check=False)
    missing = [name for name in PROBES if f" python:{name}\n" not in done.stdout.replace(f"b'python':b'{name}'", f"python:{name}")]
    if missing:
        yield f"tplist does not list {missing}: {done.stdout}{done.stderr}"


# The tools, with the words in what they print before they trace.
TOOLS = {
    "ucalls": (["-l", "python", "PID", "100000"], "Tracing calls in process"),
    "uflow": (["-l", "python", "-M", "twice", "PID"], "Tracing method calls in"),
    "ugc": (["-l", "python", "PID"], "Tracing garbage collections in"),
}


def traced(binary):
    """All tools at once, on the same process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(PROGRAM)
        program = subprocess.Popen([binary, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        environment = {"PYTHONUNBUFFERED": "1", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        tracers, texts = {}, {}
        try:
            program.stdout.readline()
            for name, (arguments, _) in TOOLS.items():
                arguments = [argument.replace("PID", str(program.pid)) for argument in arguments]
                command = ["unshare", "--mount", "bash", "-c", IN_PLACE, "bash", tool(name, f"{name}-bpfcc"), *arguments]
                tracers[name] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
            for name, (_, begins) in TOOLS.items():
                texts[name] = ""
                while begins not in texts[name] and tracers[name].poll() is None:
                    texts[name] += tracers[name].stdout.readline()
            program.stdin.write("\n")
            program.stdin.flush()
            program.stdout.readline()
            # What is in their buffers is printed within a second.
            time.sleep(1)
            for name, tracer in tracers.items():
                tracer.send_signal(signal.SIGINT)
                texts[name] += tracer.communicate(timeout=120)[0]
        finally:
            for process in program, *tracers.values():
                process.kill()
                process.wait()
    for name, calls in EXPECTED.items():
        found = re.search(rf"{re.escape(str(path))}\.{name} +(\d+)", texts["ucalls"])
        if not found or int(found[1]) != calls:
            yield f"ucalls: {found and found[1]} calls of {name} instead of {calls}:\n{texts['ucalls']}"
    # It shows all events of the file with that name in its path, cut off to what fits into a line.
    entries, returns = (len(re.findall(rf" {arrow} \S*\.twice\b", texts["uflow"])) for arrow in ("->", "<-"))
    if (entries, returns) != (EXPECTED["twice"],) * 2:
        yield f"uflow: {entries} entries and {returns} returns of twice instead of {EXPECTED['twice']}:\n{texts['uflow'][:2000]}"
    collections = len(re.findall(r"^\d+\.\d+ +\d+\.\d+ ", texts["ugc"], re.MULTILINE))
    if collections != COLLECTIONS:
        yield f"ugc: {collections} collections instead of {COLLECTIONS}:\n{texts['ugc']}"


def check(binary):
    """All complaints."""
    try:
        return [*listed(binary), *traced(binary)]
    except Missing as missing:
        return [str(missing)]
