"""The tools of bcc, which know CPython's probes: `tplist` lists them, `ucalls -l python` counts calls as they are."""

import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

# What CPython has too, as its users write it.
PROBES = "function__entry function__return line gc__start gc__done import__find__load__start import__find__load__done audit".split()

PROGRAM = """
import sys


def counted():
    pass


def twice():
    counted()
    counted()


print("ready", flush=True)
sys.stdin.readline()
for i in range(100):
    twice()
print("done", flush=True)
sys.stdin.readline()
"""
EXPECTED = {"counted": 200, "twice": 100}

# bcc compiles with the headers of the running kernel. Where they are not installed those of another one do: nothing in the program depends
# on the version. It also wants a tracefs. Both are for this test alone.
UCALLS = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
if [ ! -e "/lib/modules/$(uname -r)/build" ]; then
    headers=$(ls -d /lib/modules/*/build | tail -n 1) || exit
    build=$(realpath "$headers")
    source=$(realpath "${headers%build}source")
    mount -t tmpfs headers /lib/modules && mkdir "/lib/modules/$(uname -r)" || exit
    ln -s "$build" "/lib/modules/$(uname -r)/build"
    ln -s "$source" "/lib/modules/$(uname -r)/source"
fi
exec "$1" -l python "$2" 100000
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


def counted(binary):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(PROGRAM)
        program = subprocess.Popen([binary, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            program.stdout.readline()
            ucalls = ["unshare", "--mount", "bash", "-c", UCALLS, "bash", tool("ucalls", "ucalls-bpfcc"), str(program.pid)]
            environment = {"PYTHONUNBUFFERED": "1", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            tracer = subprocess.Popen(ucalls, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
            text = ""
            while "Tracing calls in process" not in text and tracer.poll() is None:
                text += tracer.stdout.readline()
            program.stdin.write("\n")
            program.stdin.flush()
            program.stdout.readline()
            tracer.send_signal(signal.SIGINT)
            text += tracer.communicate(timeout=120)[0]
        finally:
            program.kill()
            program.wait()
    for name, calls in EXPECTED.items():
        found = re.search(rf"{re.escape(str(path))}\.{name} +(\d+)", text)
        if not found or int(found[1]) != calls:
            yield f"ucalls: {found and found[1]} calls of {name} instead of {calls}:\n{text}"


def check(binary):
    """All complaints."""
    try:
        return [*listed(binary), *counted(binary)]
    except Missing as missing:
        return [str(missing)]
