"""What tools say of machine code: perf names it (`-X perf`) and its lines (`-X perf_jit`), gdb and native unwinders walk through it.

None of this needs the system's tracing: perf samples a clock of its own.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "machine_code_program.py"
RECORD = ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "999"]

# Stops at the first of many signals that meets the program in machine code: the interpreter has its share of the time, and any of a
# process's threads may get a signal. An unwinder has found its way if it finds an entry for the address.
GDB = """
set pagination off
set confirm off
set debuginfod enabled off
handle SIGALRM stop nopass
run
python
for _ in range(100):
    if gdb.selected_frame().name() == "python_machine_code":
        break
    gdb.execute("continue")
end
handle SIGALRM nostop noprint nopass
bt
set language c
call ((long (*)(void *, void *))_Unwind_Find_FDE)((void *)$pc, (void *)($sp - 4096)) != 0
kill
"""


def run(command, folder, **variables):
    environment = dict(os.environ, PYTHON_JIT="1", **variables)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def check_map(binary, folder):
    """Samples have the names of functions, inlined ones too."""
    text = run([*RECORD, "-o", "map.data", binary, "-X", "perf", PROGRAM, "1.5"], folder)
    report = run(["perf", "script", "-i", "map.data", "-F", "ip,sym"], folder)
    missing = [name for name in ("py::work", "py::Point.move") if f"{name}:{PROGRAM}" not in report]
    return [f"perf's map: no sample in {name}" for name in missing] + (text.splitlines() if missing else [])


def check_dump(binary, folder):
    """perf makes object files of what is dumped, with the lines of the program."""
    text = run([*RECORD, "-k", "mono", "-o", "dump.data", binary, "-X", "perf_jit", PROGRAM, "1.5"], folder)
    text += run(["perf", "inject", "--jit", "-i", "dump.data", "-o", "injected.data"], folder)
    report = run(["perf", "script", "-i", "injected.data", "-F", "ip,sym,dso,srcline"], folder)
    lines = set(re.findall(rf"{PROGRAM.name}:(\d+)", report))
    source = PROGRAM.read_text().splitlines()
    hot = {str(n) for n, line in enumerate(source, 1) if line.endswith("# hot")}
    if f"py::work:{PROGRAM}" not in report or not hot & lines or "jitted-" not in report:
        return [f"perf's dump: lines {sorted(lines)} instead of {sorted(hot)}", *text.splitlines(), *report.splitlines()[:5]]
    return []


def check_gdb(binary, folder):
    """gdb names machine code, and finds who has called it."""
    script = Path(folder, "gdb.txt")
    script.write_text(GDB)
    text = run(["gdb", "-q", "-batch", "-x", script, "--args", binary, PROGRAM, "alarm"], folder)
    stack = re.findall(r"^#\d+ +(?:0x\w+ in )?(\S+)", text, re.MULTILINE)
    finds = re.search(r"^\$1 = (\S+)$", text, re.MULTILINE)
    if stack[:1] != ["python_machine_code"] or "main" not in stack or not finds or finds[1] not in ("1", "true"):
        return ["gdb does not walk through machine code:", *text.splitlines()]
    return []


def check(binary):
    """All complaints."""
    with tempfile.TemporaryDirectory() as folder:
        return check_map(binary, folder) + check_dump(binary, folder) + check_gdb(binary, folder)
