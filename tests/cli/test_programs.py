"""What is run, what it sees of how it was run, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

from support import NAME, PYTHON, Case, clean_environment

SHOW = "import sys; print(sys.argv, sys.path[0], __name__)\n"


class Programs(Case):
    def test_command(self):
        self.check(self.run_python("-c", SHOW, "-x", "a b"), out="['-c', '-x', 'a b']  __main__\n", err="")
        self.check(self.run_python("-c", "print(__file__)"), status=1)
        names = "['__builtins__', '__doc__', '__loader__', '__name__', '__package__', '__spec__']\n"
        self.check(self.run_python("-c", "print(sorted(globals()))"), out=names, err="")

    def test_script(self):
        script = self.write("folder/script.py", SHOW + "print(__file__, __spec__, __loader__.get_filename())\n")
        out = f"['folder/script.py', '-c', 'x'] {script.parent} __main__\n{script} None {script}\n"
        self.check(self.run_python("folder/script.py", "-c", "x"), out=out, err="")
        self.check(self.run_python("-P", "-c", "import sys; print('' in sys.path)"), out="False\n", err="")

    def test_script_behind_a_link(self):
        script = self.write("folder/script.py", SHOW)
        (self.folder / "link.py").symlink_to(script)
        self.check(self.run_python("link.py"), out=f"['link.py'] {script.parent} __main__\n", err="")

    def test_module(self):
        self.write("package/__init__.py", "")
        self.write("package/__main__.py", SHOW + "print(__spec__.name)\n")
        self.write("package/part.py", SHOW)
        out = f"['{self.folder}/package/part.py', 'a'] {self.folder} __main__\n"
        self.check(self.run_python("-m", "package.part", "a"), out=out, err="")
        out = f"['{self.folder}/package/__main__.py'] {self.folder} __main__\npackage.__main__\n"
        self.check(self.run_python("-m", "package"), out=out, err="")

    def test_missing_module(self):
        for name in "nonexistent", "json.nonexistent":
            self.check(self.run_python("-m", name), 1, "", f"{NAME}: No module named {name}\n")

    def test_folder_and_archive(self):
        self.write("app/__main__.py", SHOW + "import helper\n")
        self.write("app/helper.py", "print('helped')\n")
        self.check(self.run_python("app", "x"), out=f"['app', 'x'] {self.folder}/app __main__\nhelped\n", err="")
        with zipfile.ZipFile(self.folder / "app.zip", "w") as archive:
            for name in "__main__.py", "helper.py":
                archive.write(self.folder / "app" / name, name)
        self.check(self.run_python("app.zip", "x"), out=f"['app.zip', 'x'] {self.folder}/app.zip __main__\nhelped\n", err="")
        os.mkdir(self.folder / "empty")
        self.check(self.run_python("empty"), 1, "", f"{NAME}: can't find '__main__' module in '{self.folder}/empty'\n")

    def test_missing_file(self):
        err = f"{NAME}: can't open file '{self.folder}/none.py': [Errno 2] No such file or directory\n"
        self.check(self.run_python("none.py"), 2, "", err)

    def test_standard_input(self):
        self.check(self.run_python("-", "-a", stdin=SHOW), out="['-', '-a']  __main__\n", err="")
        self.check(self.run_python(stdin=SHOW), out="['']  __main__\n", err="")
        outcome = self.run_python(stdin="1 +")
        self.check(outcome, 1, "", '  File "<stdin>", line 1\n    1 +\n       ^\nSyntaxError: invalid syntax\n')

    def test_indented_command(self):
        self.check(self.run_python("-c", "\n    for i in range(2):\n        print(i)\n"), out="0\n1\n", err="")

    def test_skipped_line(self):
        self.write("script", "this is no Python\nraise SystemExit(__import__('sys')._getframe().f_lineno)\n")
        self.check(self.run_python("-x", "script"), 2, "", "")

    def test_compiled_file(self):
        self.write("module.py", SHOW)
        self.run_python("-c", "import py_compile; py_compile.compile('module.py', 'module.pyc')")
        os.remove(self.folder / "module.py")
        self.check(self.run_python("module.pyc"), out=f"['module.pyc'] {self.folder} __main__\n", err="")

    def test_original_arguments(self):
        shown = self.evaluate("sys.orig_argv[1:3], os.path.samefile(sys.executable, sys.orig_argv[0])", "-B")
        self.assertEqual(shown, "['-B', '-c'] True")


class Endings(Case):
    def test_exit_status(self):
        for expression, status, err in [
            ("0", 0, ""),
            ("7", 7, ""),
            ("256 + 3", 3, ""),
            ("-1", 255, ""),
            ("None", 0, ""),
            ("True", 1, ""),
            ("'sorry'", 1, "sorry\n"),
            ("(1, 2)", 1, "(1, 2)\n"),
        ]:
            with self.subTest(expression):
                self.check(self.run_python("-c", f"raise SystemExit({expression})"), status, "", err)
        self.check(self.run_python("-c", "import os; print('lost', end=''); os._exit(3)"), 3, "", "")

    def test_exception(self):
        self.write("script.py", "def f(x):\n    return 1 / x\n\nf(0)\n")
        err = (
            'Traceback (most recent call last):\n  File "%s/script.py", line 4, in <module>\n    f(0)\n    ~^^^\n'
            '  File "%s/script.py", line 2, in f\n    return 1 / x\n           ~~^~~\nZeroDivisionError: division by zero\n'
        ) % (self.folder, self.folder)
        self.check(self.run_python(self.folder / "script.py"), 1, "", err)

    def test_exception_in_command(self):
        err = (
            'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n    1 / 0\n    ~~^~~\n'
            "ZeroDivisionError: division by zero\n"
        )
        self.check(self.run_python("-c", "1 / 0"), 1, "", err)

    def test_exit_functions(self):
        program = "import atexit; atexit.register(print, 'bye'); print('hello'); raise SystemExit(4)"
        self.check(self.run_python("-c", program), 4, "hello\nbye\n", "")

    def test_threads_are_waited_for(self):
        program = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('last'))).start()\nprint('first')"
        self.check(self.run_python("-c", program), 0, "first\nlast\n", "")
        daemon = program.replace("start()", "start()").replace("Thread(", "Thread(daemon=True, ").replace("0.2", "60")
        self.check(self.run_python("-c", daemon, timeout=30), 0, "first\n", "")

    def test_output_is_written(self):
        self.check(self.run_python("-c", "print('x' * 100000, end='')"), out="x" * 100000, err="")

    def test_interrupt(self):
        program = "import time\nprint('ready', flush=True)\ntime.sleep(60)"
        process = subprocess.Popen(
            [PYTHON, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
        )
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertTrue(err.endswith(b"KeyboardInterrupt\n"), err)

    def test_interrupt_of_a_loop(self):
        program = "print('ready', flush=True)\nwhile True: pass"
        process = subprocess.Popen(
            [PYTHON, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
        )
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertTrue(err.endswith(b"KeyboardInterrupt\n"), err)

    def test_interrupt_that_is_caught(self):
        program = (
            "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    while True: pass\n"
            "except KeyboardInterrupt:\n    print('caught')"
        )
        self.check(self.run_python("-c", program), 0, "caught\n", "")


class BadSurroundings(Case):
    def closed(self, descriptors, program, *arguments):
        """Runs a program with some of the standard streams closed."""

        def close():
            for descriptor in descriptors:
                os.close(descriptor)

        return self.run_python(*arguments, "-c", program, preexec_fn=close, stdin=None)

    def test_closed_streams(self):
        self.check(self.closed([0], "import sys; print(sys.stdin)"), 0, "None\n", "")
        self.check(self.closed([1], "import sys; print('x'); print(sys.stdout, file=sys.stderr)"), 0, "", "None\n")
        self.check(self.closed([2], "import sys; print(sys.stderr)"), 0, "None\n", "")
        self.check(self.closed([2], "1 / 0"), 1, "", "")
        self.check(self.closed([0, 1, 2], "print()"), 0, "", "")

    def test_closed_standard_input_is_an_empty_program(self):
        outcome = self.run_python(stdin=None, preexec_fn=lambda: os.close(0))
        self.check(outcome, 0, "", "")

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.run([PYTHON, "-c", "print('x')"], stdout=full, stderr=subprocess.PIPE, env=clean_environment())
        self.assertEqual(process.returncode, 120)
        self.assertIn(b"OSError: [Errno 28] No space left on device", process.stderr)

    def test_reader_has_gone(self):
        read, write = os.pipe()
        os.close(read)
        program = "import sys\nfor i in range(100000): print(i)"
        process = subprocess.run([PYTHON, "-c", program], stdout=write, stderr=subprocess.PIPE, env=clean_environment())
        os.close(write)
        # 120 if something was still in a buffer, which depends on its size.
        self.assertIn(process.returncode, (1, 120))
        self.assertIn(b"BrokenPipeError: [Errno 32] Broken pipe", process.stderr)

    def test_missing_working_folder(self):
        gone = self.folder / "gone"
        os.mkdir(gone)

        def vanish():
            os.chdir(gone)
            os.rmdir(gone)

        self.check(self.run_python("-c", "print('still here')", preexec_fn=vanish), 0, "still here\n", "")

    def test_arguments_that_are_no_text(self):
        process = subprocess.run(
            [PYTHON.encode(), b"-c", b"import os, sys; print(ascii(sys.argv[1]), os.fsencode(sys.argv[1]))", b"\xff"],
            stdout=subprocess.PIPE,
            env=clean_environment(),
        )
        self.assertEqual(process.stdout, b"'\\udcff' b'\\xff'\n")


class Library(Case):
    def test_modules_installed_beside_it(self):
        program = self.folder / "bin" / "limpid"
        program.parent.mkdir()
        shutil.copy2(PYTHON, program)

        def run(source):
            return subprocess.run([program, "-I", "-c", source], env=clean_environment(), capture_output=True, text=True)

        library = Path(run("import sys; print(sys._stdlib_dir)").stdout.strip())
        self.assertEqual(library.parent.parent, self.folder)
        self.assertIn("ModuleNotFoundError", run("import added").stderr)
        for name in ["added.py", "json/added.py"]:
            file = library / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("print(__name__)\n")
        self.assertEqual(run("import added, json, json.added; print(json.loads('1'))").stdout, "added\njson.added\n1\n")


class BadPrograms(Case):
    def fails(self, source, message, name="script.py"):
        """A program that is refused or dies, in Python's way."""
        self.write(name, source)
        outcome = self.run_python(name)
        self.assertEqual((outcome.status, outcome.out), (1, ""), outcome)
        self.assertTrue(outcome.err.rstrip("\n").splitlines()[-1].startswith(message), outcome)
        self.assertNotIn("panicked", outcome.err)

    def test_broken_source(self):
        self.fails("def f(:\n", "SyntaxError: invalid syntax")
        self.fails("if True:\nx\n", "IndentationError: expected an indented block after 'if' statement on line 1")
        self.fails("x = 'abc\n", "SyntaxError: unterminated string literal (detected at line 1)")
        self.fails("x = (1,\n", "SyntaxError: '(' was never closed")

    def test_source_that_is_no_text(self):
        self.fails(b"x = '\xff'\n", "SyntaxError: Non-UTF-8 code starting with '\\xff' in file ")
        self.fails(b"x = 1\0\n", "SyntaxError: source code cannot contain null bytes")
        self.fails(b"# coding: nonsense\n", "SyntaxError: encoding problem: nonsense")

    def test_encoded_source(self):
        self.write("script.py", "# coding: latin-1\nprint(ascii('\xe4'))\n".encode("latin-1"))
        self.check(self.run_python("script.py"), 0, "'\\xe4'\n", "")

    def test_deep_nesting(self):
        self.fails("(" * 1000 + ")" * 1000, "SyntaxError: too many nested parentheses")
        self.fails("x = " + "-" * 100000 + "1", "MemoryError")
        self.fails("def f(): f()\nf()\n", "RecursionError: maximum recursion depth exceeded")

    def test_damaged_compiled_files(self):
        self.write("module.py", "print('whole')\n" * 20)
        self.run_python("-c", "import py_compile; py_compile.compile('module.py', 'whole.pyc')")
        whole = (self.folder / "whole.pyc").read_bytes()
        for length in 0, 3, 10, 16, 20, len(whole) - 5:
            with self.subTest(length):
                self.write("damaged.pyc", whole[:length])
                outcome = self.run_python("damaged.pyc")
                self.assertEqual((outcome.status, outcome.out), (1, ""), outcome)
                self.assertNotIn("panicked", outcome.err)
                self.assertRegex(outcome.err.splitlines()[-1], r"^(ImportError|EOFError|ValueError|RuntimeError|TypeError)\b")

    def test_memory_exhaustion(self):
        outcome = self.run_python("-X", "heaplimit=200M", "-c", "x = []\nwhile True: x.append('a' * 100000 + str(len(x)))")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertTrue(outcome.err.endswith("MemoryError\n"), outcome)
