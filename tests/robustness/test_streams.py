"""Standard streams that are closed, full or broken, and what is left of a program then."""

from support import PYTHON, Case


class Streams(Case):
    def shell(self, script):
        """What a shell script prints in which $P is the Python under test."""
        import subprocess

        done = subprocess.run(["bash", "-c", script], env={"P": PYTHON, "PATH": "/usr/bin:/bin"}, cwd=self.folder, capture_output=True, text=True, timeout=60)
        return done.stdout, done.stderr

    def test_closed(self):
        self.assertEqual(self.shell("$P -c 'print(1)' >&-; echo $?"), ("0\n", ""))
        self.assertEqual(self.shell("$P -c '1/0' 2>&-; echo $?"), ("1\n", ""))
        self.assertEqual(self.shell("$P -c 'import sys; print(1); sys.exit(5)' <&- >&- 2>&-; echo $?"), ("5\n", ""))
        out, err = self.shell("$P -c 'input()' <&-; echo $?")
        self.assertEqual((out, err.splitlines()[-1]), ("1\n", "RuntimeError: input(): lost sys.stdin"))
        self.assertEqual(self.shell("$P <&-; echo $?"), ("0\n", ""))

    def test_full(self):
        lost = "OSError: [Errno 28] No space left on device"
        for program in "print(1)", "print('x' * 100000)", "import atexit; atexit.register(print, 1)", "import sys; print(1); sys.exit(3)":
            out, err = self.shell(f'$P -c "{program}" >/dev/full; echo $?')
            self.assertIn((out, err.splitlines()[-1]), (("120\n", lost), ("1\n", lost)))
        self.assertIn(self.shell("$P -c '1/0' 2>/dev/full; echo $?"), (("1\n", ""), ("120\n", "")))

    def test_broken_pipe(self):
        out, err = self.shell("$P -c 'for i in range(100000): print(i)' | head -1; echo ${PIPESTATUS[0]}")
        self.assertEqual(out.splitlines()[0], "0")
        self.assertIn(out.splitlines()[1], ("1", "120"))
        self.assertIn("BrokenPipeError: [Errno 32] Broken pipe", err)

    def test_replaced(self):
        self.check(self.run_python("-c", "import sys; sys.stdout.close(); print(1)"), status=1)
        self.check(self.run_python("-c", "import sys; sys.stdout = None; print(1)"), out="", err="")
        self.check(self.run_python("-c", "import sys; del sys.stdout; print(1)"), status=1)
        self.check(self.run_python("-c", "import sys; sys.stderr = None; 1/0"), 1, "", "")
        self.check(self.run_python("-c", "import sys; sys.excepthook = 3; 1/0"), status=1)

    def test_unflushed_file(self):
        for program in "f = open('out', 'w'); f.write('kept')", "open('out', 'wb').write(b'kept')", "def f(): yield open('out', 'w').write('kept')\nnext(f())":
            self.check(self.run_python("-c", program), err="")
            self.assertEqual((self.folder / "out").read_text(), "kept", program)

    def test_exit_status(self):
        for argument, status in (("-1", 255), ("256", 0), ("10**30", 255), ("[1]", 1), ("None", 0), ("True", 1)):
            self.assertEqual(self.run_python("-c", f"import sys; sys.exit({argument})").status, status, argument)

    def test_lost_folder(self):
        self.assertEqual(self.shell("mkdir gone; cd gone; rmdir ../gone; $P -c 'print(1)'"), ("1\n", ""))
