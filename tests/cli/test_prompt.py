"""The prompt, typed at through a pseudo-terminal and fed through a pipe."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time

from support import PYTHON, Case, clean_environment


class Terminal:
    """A Python that runs in a terminal of its own."""

    def __init__(self, folder, *arguments, term="dumb", **variables):
        self.seen = ""
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [PYTHON, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=clean_environment(TERM=term, NO_COLOR="1", PYTHON_HISTORY=str(folder / "history"), **variables),
            start_new_session=True,
            # What is typed as Ctrl-C goes to the processes of the controlling terminal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def wait_for(self, text, timeout=30):
        """Reads until a text has come; returns what came before it."""
        deadline = time.monotonic() + timeout
        while text not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"{text!r} did not come, but {self.seen!r}")
            try:
                data = os.read(self.master, 4096)
            except OSError:  # The other end is closed.
                data = b""
            if not data:
                raise AssertionError(f"{text!r} did not come before the end, but {self.seen!r}")
            self.seen += data.decode("utf-8", "replace").replace("\r", "")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, timeout=30):
        """Waits for the end; the exit status."""
        try:
            return self.process.wait(timeout)
        finally:
            self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


class Prompt(Case):
    def test_piped(self):
        source = "x = 6\nif x:\n  print(x * 7)\n\nx\n1 / 0\nprint('on')\n"
        outcome = self.run_python("-i", "-q", stdin=source)
        self.assertEqual((outcome.status, outcome.out), (0, "42\n6\non\n"), outcome)
        self.assertIn("ZeroDivisionError: division by zero", outcome.err)
        self.assertEqual(outcome.err.count(">>> "), 6)

    def test_after_a_program(self):
        outcome = self.run_python("-i", "-c", "x = 1", stdin="x + 1\n")
        self.check(outcome, out="2\n")
        self.write("program.py", "y = 40\nraise SystemExit(3)\n")
        terminal = Terminal(self.folder, "-i", "program.py")
        terminal.wait_for("SystemExit: 3")
        terminal.wait_for(">>> ")
        terminal.type("y + 2\n")
        terminal.wait_for("42")
        terminal.type("raise SystemExit(5)\n")
        self.assertEqual(terminal.end(), 5)

    def test_statements(self):
        terminal = Terminal(self.folder)
        terminal.wait_for("Python 3.")
        terminal.wait_for(">>> ")
        for typed, shown in [
            ("6 * 7", "42"),
            ("_ + 1", "43"),
            ("def f(x):\n    return x + 1\n", ""),
            ("f(10)", "11"),
            ("'''a\nb'''", r"'a\nb'"),
            ("# nothing", ""),
            ("", ""),
            ("len('abc')", "3"),
            ("x = [\n1,\n]; x", "[1]"),
            ("1 +", "SyntaxError: invalid syntax"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("import sys; sys.last_exc", "ZeroDivisionError('division by zero')"),
        ]:
            *first, last = typed.split("\n")
            for line in first:
                terminal.type(line + "\n")
                terminal.wait_for("... ")
            terminal.type(last + "\n")
            terminal.wait_for(f"\n{shown}\n" if shown else "\n")
            terminal.wait_for(">>> ")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt(self):
        for term in ["dumb", "xterm"]:
            with self.subTest(term=term):
                terminal = Terminal(self.folder, "-q", term=term)
                terminal.wait_for(">>> ")
                terminal.type("abc\x03")
                terminal.wait_for("KeyboardInterrupt\n")
                terminal.wait_for(">>> ")
                terminal.type("while True: pass\n")
                terminal.wait_for("... ")
                terminal.type("\n")
                time.sleep(0.5)
                terminal.type("\x03")
                terminal.wait_for("KeyboardInterrupt\n")
                terminal.wait_for(">>> ")
                terminal.type("exit(7)\n")
                self.assertEqual(terminal.end(), 7)

    def test_completion_and_history(self):
        terminal = Terminal(self.folder, "-q", term="xterm")
        terminal.wait_for(">>> ")
        terminal.type("import colorsys\n")
        terminal.wait_for("\n")
        terminal.wait_for(">>> ")
        terminal.type("colorsys.rgb_to_hl\t")
        terminal.wait_for("colorsys.rgb_to_hls(")
        terminal.type("1, 1, 1)\n")
        terminal.wait_for("(0.0, 1.0, 0.0)")
        terminal.wait_for(">>> ")
        terminal.type("exit()\n")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("import colorsys", (self.folder / "history").read_text())

    def test_start_up_file(self):
        startup = self.write("startup.py", "import sys\nsys.ps1 = 'ready> '\nhelper = 5\n")
        terminal = Terminal(self.folder, "-q", PYTHONSTARTUP=str(startup))
        terminal.wait_for("ready> ")
        terminal.type("helper * 2\n")
        terminal.wait_for("10")
        terminal.wait_for("ready> ")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)
