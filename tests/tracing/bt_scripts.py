"""Runs every script of bpftrace/ on the program of its name in tests/tracing/bpftrace/ and compares the exact output.

What a script prints is compared with NAME.expected. What differs from run to run has another name in there: PROGRAM is the
program's path, T1, T2 ... are threads in the order in which they appear, N is a time, and of a histogram of times only the number of
values and the lowest bucket are left. Lines about other files, start-up that is, are left out.
"""

import difflib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROGRAMS = HERE / "bpftrace"

# Lines that are kept besides those that name the program, and arguments. `PROGRAM` stands for the program's path in both.
KEEP = {
    "allocs": r"Limpid",
    "callflow": r"FLOW",
    "cfunctions": r"\[(math, gcd|time, sleep)\]",
    "exceptions": r"RAISED AT",
    "funcslower": r"FUNCTION",
    "gcpause": r"COLLECTED|^\d+ +\d+ +[12] ",
    "genflow": r"EVENT",
    "importtime": r"MODULE|limpid_",
    "stopworld": r"REASON|gc\.(un)?freeze",
    "threads": r"EVENT|^\d.* (start|exit) ",
}
ARGUMENTS = {"funclatency": ["slow"], "funcslower": ["15"], "lines": ["PROGRAM"], "offcpu": ["10000"]}

# Options of limpid, and its environment: machine code is made before the program goes on, so that it is left equally often each time.
OPTIONS = {"jitexits": ["-X", "jit-wait"]}
ENVIRONMENT = {"jitexits": {"PYTHON_JIT": "1"}}

# The columns at the start of a script's lines: threads get other names, numbers that differ from run to run become N, the
# rest stays.
COLUMNS = {
    "callflow": "tid",
    "exceptions": "n tid",
    "funcslower": "n tid n",
    "gcpause": "n tid keep n n",
    "genflow": "n tid",
    "importtime": "tid n n",
    "stopworld": "n tid n",
    "threads": "n tid keep n n",
}
# What differs in the lines of maps.
MAPS = {
    # A wait is done in pieces.
    "lockwait": [(r"count \d+", "count N"), (r"\d+ values from.*", "N values")],
    "stopworld": [(r": \d+$", ": N"), (r"from .*", "from N")],
}
# Maps with a thread in their key.
THREAD_KEY = {"threads"}


def run(name, binary, program):
    """The output of scripts/trace."""
    arguments = [argument.replace("PROGRAM", str(program)) for argument in ARGUMENTS.get(name, [])]
    command = [REPOSITORY / "scripts/trace", name, *arguments, "--", binary, *OPTIONS.get(name, []), program]
    environment = dict(os.environ, **ENVIRONMENT.get(name, {}))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"scripts/trace {name} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def histograms(text):
    """The text with each histogram in one line: how many values, and the lowest bucket that has one."""

    def short(match):
        buckets = re.findall(r"^(\[.*?[)\]]) +(\d+) \|", match[2], re.MULTILINE)
        lowest = next(bucket for bucket, count in buckets if count != "0")
        return f"{match[1]} {sum(int(count) for _, count in buckets)} values from {lowest}\n"

    return re.sub(r"^(@.*:) ?\n((?:\[.*\|\n)+)", short, text, flags=re.MULTILINE)


def thread(tid, threads):
    """The name of a thread, after its place among those seen so far."""
    return threads.setdefault(tid, f"T{len(threads) + 1}")


# The digits of a thread's number, of which the expected output has as many.
LONGEST_TID = 5


def columns(line, kinds, threads):
    """The line with its first words as `kinds` says, see COLUMNS; the indentation of what follows stays."""
    for kind in kinds.split():
        word, _, line = re.match(r" *(\S+)( ?)(.*)", line).groups()
        if kind == "tid":
            # Shorter numbers are followed by more blanks.
            line = line.removeprefix(" " * max(0, LONGEST_TID - len(word)))
        yield thread(word, threads) if kind == "tid" else "N" if kind == "n" else word
        if not line:
            return
    yield line.rstrip()


def normal(name, text, program):
    """What is the same in every run."""
    text = histograms(text).replace(str(program), "PROGRAM")
    keep = re.compile("PROGRAM|" + KEEP.get(name, "PROGRAM"))
    threads = {}
    lines, maps = [], []
    for line in text.splitlines():
        if not keep.search(line) or line.startswith("ERROR"):
            continue
        if line.startswith("@"):
            if name in THREAD_KEY:
                line = re.sub(r"(?<=\[)\d+", lambda match: thread(match[0], threads), line)
            for pattern, replacement in MAPS.get(name, []):
                line = re.sub(pattern, replacement, line)
            maps.append(re.sub(r"(average|total) \d+", r"\1 N", line))
        elif line[0].isdigit():
            lines.append(" ".join(columns(line, COLUMNS.get(name, ""), threads)))
        else:
            lines.append(line)
    # bpftrace sorts a map by its values; those that are equal are in any order.
    return [*lines, *sorted(maps)]


def names():
    """The scripts. Each must have a program, and each program a script."""
    return sorted(path.stem for path in (REPOSITORY / "bpftrace").glob("*.bt"))


def check(name, binary, bless=False):
    """The complaints about a script."""
    expected = PROGRAMS / f"{name}.expected"
    with tempfile.TemporaryDirectory() as folder:
        # A short path: bpftrace cuts strings off.
        for path in PROGRAMS.glob("*.py"):
            shutil.copy(path, folder)
        program = Path(os.path.realpath(folder), f"{name}.py")
        if not program.exists():
            return [f"there is no program {program.name} in {PROGRAMS}"]
        try:
            found = normal(name, run(name, binary, program), program)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return str(error).splitlines()
    if bless:
        expected.write_text("".join(line + "\n" for line in found))
        return []
    return list(difflib.unified_diff(expected.read_text().splitlines(), found, "expected", "traced", lineterm=""))
