"""A Linux in QEMU, under plain emulation, that loads modules of SystemTap and runs programs under them.

The kernel is Debian's, unpacked by `scripts/setup stap` into the folder `stap` of the target directory. The guest's only file system is an
archive that the kernel unpacks into memory: busybox, staprun, limpid at its path on this machine, programs and modules. Its console is
what comes back. Time in the guest passes by instructions, and sleeping takes none, so what else this machine does changes no duration.
"""

import lzma
import os
import re
import stat
import subprocess
from pathlib import Path

RELEASE = re.compile(r"linux-headers-(\S+)")
STAPIO = "/usr/lib/systemtap/stapio", "/usr/libexec/systemtap/stapio"
APPLETS = "sh", "mount", "cat", "echo", "poweroff", "insmod", "rmmod", "dmesg"

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devices /dev
mount -t debugfs debug /sys/kernel/debug
export PATH=/bin:/usr/bin HOME=/root
cd /modules
{runs}
echo
echo "=== end"
poweroff -f
"""
RUN = """echo
echo "=== {name}"
{environment}staprun -o /tmp/{name} -c "{command}" {name}.ko
echo "--- $?"
cat /tmp/{name}
"""

# What is wrong in SystemTap 4.8: the file, a pattern and its replacement, and what the kernel's headers must have for it to be wrong.
FAULTS = [
    # Newer kernels have the function under another name; the old name has another meaning.
    ("stp_task_work.c", r"\btask_work_cancel\b", "task_work_cancel_func", "task_work_cancel_func"),
    # Where no more than a header fits into the rest of a buffer, the message is lost, and all that follow.
    (
        "transport/relay_v2.c",
        r"if \(buf->offset >= buf->chan->subbuf_size\) \{",
        "if (buf->offset + sizeof(struct _stp_trace) >= buf->chan->subbuf_size) {",
        "",
    ),
]


class Failure(Exception):
    """Something that the test needs is missing or did not work."""


def output(command, timeout, **options):
    """What a command prints, which must succeed."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False, **options
    )
    if done.returncode:
        raise Failure(f"{command[0]} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


class Archive:
    """An archive of files as the kernel takes it: cpio's format `newc`."""

    def __init__(self):
        self.parts = []
        self.names = set()

    def _entry(self, name, mode, content):
        def padded(data):
            return data + b"\0" * (-len(data) % 4)

        label = name.encode() + b"\0"
        number = len(self.names)
        fields = number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(label), 0
        self.parts += [padded(b"070701" + b"".join(b"%08X" % field for field in fields) + label), padded(content)]

    def _enter(self, path):
        """Makes the folders of a file; says whether the file is new."""
        name = str(path).lstrip("/")
        for folder in [*Path(name).parents][-2::-1]:
            if str(folder) not in self.names:
                self.names.add(str(folder))
                self._entry(str(folder), stat.S_IFDIR | 0o755, b"")
        new = name not in self.names
        self.names.add(name)
        return new

    def folder(self, path):
        self._enter(Path(path, "x"))

    def file(self, path, content, mode=0o644):
        if self._enter(path):
            self._entry(str(path).lstrip("/"), stat.S_IFREG | mode, content)

    def link(self, path, target):
        if self._enter(path):
            self._entry(str(path).lstrip("/"), stat.S_IFLNK | 0o777, str(target).encode())

    def program(self, path):
        """A program of this machine, with the libraries it needs."""
        self.file(path, Path(path).read_bytes(), 0o755)
        for library in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout):
            self.file(library, Path(library).read_bytes(), 0o755)

    def write(self, path):
        self._entry("TRAILER!!!", 0, b"")
        Path(path).write_bytes(b"".join(self.parts))


class Guest:
    """What is needed to compile modules and to boot: `folder` has the kernel that `scripts/setup stap` left there."""

    def __init__(self, folder):
        self.folder = Path(folder)
        found = RELEASE.match(output(["dpkg-query", "-W", "-f", "${Depends}", "linux-headers-amd64"], 60))
        self.release = found[1]
        image = self.folder / f"vmlinuz-{self.release}"
        if not image.exists():
            raise Failure(f"{image} is missing: run scripts/setup stap")
        self.kernel = self.folder / f"vmlinux-{self.release}"
        if not self.kernel.exists():
            # The kernel proper, as it boots in half the time that unpacking itself takes.
            packed = image.read_bytes()
            self.kernel.write_bytes(lzma.LZMADecompressor().decompress(packed[packed.index(b"\xfd7zXZ\0") :]))
        self.runtime = self._runtime()
        self.runs = []

    def _runtime(self):
        """SystemTap's runtime: a copy without its faults if it has any of them."""
        installed, copy = Path("/usr/share/systemtap/runtime"), self.folder / "runtime"
        headers = Path("/usr/src", f"linux-headers-{self.release.removesuffix('-amd64')}-common/include/linux/task_work.h").read_text()
        corrected = {}
        for name, wrong, right, header in FAULTS:
            text = (installed / name).read_text()
            if header in headers and re.search(wrong, text):
                corrected[name] = re.sub(wrong, right, text)
        if not corrected:
            return installed
        output(["cp", "--recursive", "--update", "--no-target-directory", installed, copy], 60)
        for name, text in corrected.items():
            # Written only when it differs: SystemTap keeps modules for as long as nothing is newer.
            if (copy / name).read_text() != text:
                (copy / name).write_text(text)
        return copy

    def compile(self, name, arguments):
        """Compiles a script, `arguments` being those of stap after `-p4`, which name it. The module's path."""
        modules = self.folder / "modules"
        modules.mkdir(exist_ok=True)
        command = ["stap", "-R", self.runtime, "-r", self.release, "-m", name, "-p4", *arguments]
        output(command, 1800, cwd=modules)
        return modules / f"{name}.ko"

    def add(self, name, command, environment):
        """To be run when it boots: `command` under the module `name`, with these variables."""
        self.runs.append((name, command, "".join(f"{variable}={value} " for variable, value in environment.items())))

    def boot(self, programs, files):
        """Runs all that was added. What the console shows of each, by name."""
        archive = Archive()
        for folder in "bin", "proc", "sys", "dev", "tmp", "root", "run", "var/lib", "modules":
            archive.folder(folder)
        busybox = Path("/bin/busybox")
        archive.file("bin/busybox", busybox.read_bytes(), 0o755)
        for applet in APPLETS:
            archive.link(f"bin/{applet}", "busybox")
        archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        archive.file("etc/group", b"root:x:0:\nstapusr:x:1:\nstapsys:x:2:\nstapdev:x:3:\n")
        for program in ["/usr/bin/staprun", *filter(os.path.exists, STAPIO), *programs]:
            archive.program(program)
        for path, content in files.items():
            archive.file(path, content)
        for name, *_ in self.runs:
            archive.file(f"modules/{name}.ko", (self.folder / f"modules/{name}.ko").read_bytes())
        runs = "".join(RUN.format(name=name, command=command, environment=environment) for name, command, environment in self.runs)
        archive.file("init", INIT.format(runs=runs).encode(), 0o755)
        archive.write(self.folder / "initrd")
        command = [
            *("qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=1,sleep=off", "-cpu", "max", "-m", "2048", "-nographic", "-no-reboot"),
            *("-nic", "none", "-kernel", self.kernel, "-initrd", self.folder / "initrd"),
            *("-append", "console=ttyS0 quiet panic=-1 mitigations=off"),
        ]
        console = output(command, 1800).replace("\r\n", "\n")
        parts = re.split(r"^=== (\S+)\n", console, flags=re.MULTILINE)
        shown = dict(zip(parts[1::2], parts[2::2], strict=True))
        if "end" not in shown:
            raise Failure(f"the guest did not get to its end:\n{console[-4000:]}")
        return shown
