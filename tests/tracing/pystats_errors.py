"""What all of `pystats` and limpid itself say when they cannot: one clear line that tells what to do, a status that is not zero, and nothing
that another user could make use of."""

import ctypes
import errno
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

# The subcommands that look into a process.
OF_A_PROCESS = {
    "live": ["-n", "1"],
    "top": ["--json", "-n", "1"],
    "count": ["-d", "0.1"],
    "exits": [],
    "stacks": [],
    "record": ["--duration", "0.1"],
    "trace": ["-p"],
}
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

# The number of the system call on x86-64, and of what is asked of prctl and seccomp.
BPF = 321
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000


def run(command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False, **options)


def refusing(number, error):
    """A kernel that does not know a system call: to be called in the child, before it becomes the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Load the number of the call; if it is this one, fail; otherwise go on.
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, SECCOMP_RET_ERRNO | error), (0x06, 0, 0, SECCOMP_RET_ALLOW)]
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))

    def refuse():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")

    # The filter has to live until then.
    refuse.filter = buffer
    return refuse


def wrong(what, done, expected, status=1):
    """A complaint unless the command has failed with just this line."""
    if done.returncode != status or not re.fullmatch(expected, done.stderr):
        yield f"{what}: status {done.returncode}, {done.stdout}{done.stderr}"


def processes(binary):
    """Processes that are not there, that run something else, or that belong to somebody else."""
    pystats = Path(binary).with_name("pystats")
    other, foreign = subprocess.Popen(["sleep", "60"]), subprocess.Popen([binary, "-c", "input()"], stdin=subprocess.PIPE)
    time.sleep(0.5)
    try:
        for command, options in OF_A_PROCESS.items():
            yield from wrong(f"{command}, dead", run([pystats, command, *options, 999999999]), "pystats: there is no process 999999999\n")
            kind = r"has no Python probes: .*" if command == "trace" else r"which is not a limpid that can be watched"
            yield from wrong(f"{command}, other", run([pystats, command, *options, other.pid]), rf"pystats: .*{kind}\n")
            done = run([*NOBODY, pystats, command, *options, foreign.pid])
            yield from wrong(f"{command}, foreign", done, rf"pystats: process {foreign.pid} .*: run this as .*root.*\n")
        if foreign.poll() is not None:
            yield f"the process that others wanted to look into has ended: {foreign.returncode}"
    finally:
        for process in other, foreign:
            process.kill()
            process.communicate()


def gone(binary):
    """A process whose program was replaced meanwhile, as by an update: all but the tracers still work."""
    pystats = Path(binary).with_name("pystats")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "limpid")
        shutil.copy(binary, copy)
        program = subprocess.Popen([copy, "-c", "print('ready', flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            program.stdout.readline()
            copy.unlink()
            for command, shown in {"live": "threads_started", "exits": "Machine code was not left", "stacks": "<module> (<string>:1)"}.items():
                done = run([pystats, command, *OF_A_PROCESS[command], program.pid])
                if done.returncode or shown not in done.stdout:
                    yield f"{command}, gone: status {done.returncode}, {done.stdout}{done.stderr}"
            done = run([pystats, "trace", "-p", program.pid])
            yield from wrong("trace, gone", done, rf"pystats: process {program.pid} runs \S+ \(deleted\): the file is gone, so no tracer can read it\n")
        finally:
            program.kill()
            program.communicate()


def kernels(binary):
    """Kernels without BPF, with one that is too old, and without uprobes."""
    pystats = Path(binary).with_name("pystats")
    trace = [pystats, "trace", "--", binary, "-c", "print('run')"]
    for name, error in [("no bpf", errno.ENOSYS), ("an old bpf", errno.EINVAL)]:
        done = run(trace, preexec_fn=refusing(BPF, error))
        yield from wrong(name, done, r"pystats: .*: Linux 5\.15 or newer with uprobes and BPF is needed\n")
        if "run" in done.stdout:
            yield f"{name}: the command was run, though it could not be traced"
    # The kernel tells of uprobes in a folder.
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/bus/event_source/devices && exec "$0" "$@"']
    yield from wrong("no uprobes", run([*hidden, *trace]), r"pystats: .*: Linux 5\.15 or newer with uprobes and BPF is needed\n")


# Commands in which /tmp is empty but for what somebody else has put there.
OWN_TMP = ["unshare", "--mount", "sh", "-ec"]
TRAPS = {
    "a link": "ln -s /tmp/theirs /tmp/py_stats",
    "a folder of another user": "mkdir -m 777 /tmp/py_stats && chown nobody /tmp/py_stats",
    "a folder that all may write to": "mkdir -m 777 /tmp/py_stats",
    "a file": "touch /tmp/py_stats",
}


def traps(binary):
    """The folder of dumps is in /tmp, where everybody may make files."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSTATSDIR"}
    for name, trap in TRAPS.items():
        script = f'mount -t tmpfs none /tmp; mkdir /tmp/theirs; {trap}; "$0" "$@"; find /tmp -type f -name "*.txt"'
        done = run([*OWN_TMP, script, binary, "-X", "pystats", "-c", "print('run')"], env=environment)
        if done.stdout != "run\n" or "py_stats: it" not in done.stderr and "py_stats: other" not in done.stderr or done.stderr.count("\n") != 1:
            yield f"{name}: status {done.returncode}, {done.stdout}{done.stderr}"
    script = 'mount -t tmpfs none /tmp; "$0" "$@"; stat -c %a /tmp/py_stats /tmp/py_stats/*'
    done = run([*OWN_TMP, script, binary, "-X", "pystats", "-c", "pass"], env=environment)
    if done.stdout != "700\n600\n":
        yield f"permissions: {done.stdout}{done.stderr}"


def dumps(binary):
    """Files that are no dump, or not all of one."""
    pystats = Path(binary).with_name("pystats")
    with tempfile.TemporaryDirectory() as folder:
        whole, cut, foreign = Path(folder, "whole.txt"), Path(folder, "cut.txt"), Path(folder, "foreign.txt")
        run([pystats, "run", "-o", whole, "--", binary, "-c", "pass"])
        cut.write_bytes(whole.read_bytes()[:-3])
        foreign.write_bytes(Path(binary).read_bytes()[:5000])
        for command in "report", "export":
            yield from wrong(f"{command}, cut", run([pystats, command, cut]), rf"pystats: {cut}: truncated: it ends in the middle of a line\n")
            yield from wrong(f"{command}, foreign", run([pystats, command, foreign]), rf"pystats: {foreign}: not a dump of statistics\n")
            yield from wrong(f"{command}, missing", run([pystats, command, "/no/dump"]), r"pystats: /no/dump: No such file .*\n")
        yield from wrong("diff, cut", run([pystats, "diff", whole, cut]), rf"pystats: {cut}: truncated: it ends in the middle of a line\n")
        full = run([pystats, "run", "-o", "/dev/full", "--", binary, "-c", "pass"])
        yield from wrong("a device that is full", full, r"pystats: /dev/full: No space left on device .*\n")


def check(binary):
    """All complaints."""
    try:
        return [complaint for part in (processes, gone, kernels, traps, dumps) for complaint in part(binary)]
    except (OSError, subprocess.SubprocessError) as error:
        return [repr(error)]
