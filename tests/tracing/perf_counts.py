"""perf's count of a probe equals bpftrace's on the same program, and perf records all of them."""

import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "bpftrace/callcount.py"

# perf needs tracefs, which a container may not have mounted; the mount and the cache are for this test alone.
PERF = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
perf --buildid-dir "$1" buildid-cache --add "$2" &&
    perf --buildid-dir "$1" probe --quiet sdt_python:function__entry || exit
trap 'perf probe --quiet --del sdt_python:function__entry' EXIT
perf --buildid-dir "$1" stat -x, -o "$1/counts" -e sdt_python:function__entry "$2" "$3" && cat "$1/counts"
"""
RECORD = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
perf --buildid-dir "$1" buildid-cache --add "$2" && perf --buildid-dir "$1" probe --quiet 'sdt_python:*' || exit
trap 'perf probe --quiet --del "sdt_python:*"' EXIT
perf --buildid-dir "$1" record --quiet -o "$1/data" -e 'sdt_python:*' "$2" "$3" && perf --buildid-dir "$1" script -i "$1/data" -F event
"""


def output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    return done.stdout


def check(binary):
    """All complaints."""
    with tempfile.TemporaryDirectory() as folder:
        text = output(["unshare", "--mount", "bash", "-c", PERF, "bash", folder, binary, PROGRAM])
        recorded = output(["unshare", "--mount", "bash", "-c", RECORD, "bash", folder, binary, PROGRAM])
    perf = re.search(r"^(\d+),.*,sdt_python:function__entry,", text, re.MULTILINE)
    if not perf:
        return ["perf counts nothing:", *text.splitlines()]
    script = f"usdt:{binary}:python:function__entry {{ @entries = count(); }}"
    bpftrace = re.search(r"^@entries: (\d+)$", output(["bpftrace", "-e", script, "-c", f"{binary} {PROGRAM}"]), re.MULTILINE)
    if not bpftrace or int(bpftrace[1]) != int(perf[1]):
        return [f"perf counts {perf[1]} entries, bpftrace {bpftrace and bpftrace[1]}"]
    events = Counter(re.findall(r"^\s*sdt_python:(\w+):", recorded, re.MULTILINE))
    entries, returns = events["function__entry"], events["function__return"]
    # Collections come earlier when lines are traced, and with them a few callbacks of weak references.
    if not int(perf[1]) <= entries <= int(perf[1]) + 50 or entries != returns or not events["line"] or events["gc__start"] != events["gc__done"]:
        return [f"perf records {entries} entries and {returns} returns of {perf[1]}:", *recorded.splitlines()[:10]]
    return []
