"""Options and environment variables."""

from support import NAME, Case

USAGE = f"usage: {NAME} [option] ... [-c cmd | -m mod | file | -] [arg] ...\n"
FLAGS = "debug inspect interactive optimize dont_write_bytecode no_user_site no_site ignore_environment verbose bytes_warning quiet isolated"


class Options(Case):
    def flags(self, *arguments, env=None):
        """The names of those flags that are not zero."""
        return self.evaluate("*[n for n in '%s'.split() if getattr(sys.flags, n)]" % FLAGS, *arguments, env=env)

    def test_mistakes(self):
        for arguments, complaint in [
            (["-z"], "Unknown option: -z\n"),
            (["-bz"], "Unknown option: -z\n"),
            (["--zzz"], "unknown option --zzz\n"),
            (["-c"], "Argument expected for the -c option\n"),
            (["-W"], "Argument expected for the -W option\n"),
            (["-J"], "-J is reserved for Jython\n"),
            (
                ["--check-hash-based-pycs", "maybe"],
                "--check-hash-based-pycs must be one of 'default', 'always', or 'never'\n",
            ),
        ]:
            with self.subTest(arguments):
                outcome = self.run_python(*arguments)
                self.assertEqual(outcome.status, 2)
                self.assertEqual(outcome.out, "")
                self.assertTrue(outcome.err.startswith(complaint + USAGE + "Try `"), outcome)

    def test_fatal_values(self):
        for arguments, env, complaint in [
            (["-X", "utf8=2"], {}, "preconfig_init_utf8_mode: invalid -X utf8 option value"),
            (
                [],
                {"PYTHONHASHSEED": "abc"},
                'config_init_hash_seed: PYTHONHASHSEED must be "random" or an integer in range [0; 4294967295]',
            ),
            (
                ["-X", "int_max_str_digits=5"],
                {},
                "config_init_int_max_str_digits: -X int_max_str_digits: invalid limit; must be >= 640 or 0 for unlimited.",
            ),
        ]:
            with self.subTest(complaint):
                outcome = self.run_python(*arguments, "-c", "print('not reached')", env=env)
                self.assertEqual((outcome.status, outcome.out), (1, ""))
                self.assertTrue(outcome.err.startswith(f"Fatal Python error: {complaint}\nPython runtime state: pre"), outcome)

    def test_help(self):
        for option in "-h", "-?", "--help":
            outcome = self.run_python(option)
            self.check(outcome, err="")
            self.assertTrue(outcome.out.startswith(USAGE))
        for option, word in ("--help-env", "PYTHONPATH"), ("--help-xoptions", "-X importtime"), ("--help-all", "-X dev"):
            outcome = self.run_python(option)
            self.check(outcome, err="")
            self.assertIn(word, outcome.out)

    def test_version(self):
        for option in "-V", "--version":
            outcome = self.run_python(option)
            self.check(outcome, err="")
            self.assertRegex(outcome.out, r"^Python 3\.\d+\.\d+\S*\n$")
        long = self.run_python("-VV").out
        self.assertEqual(long, "Python %s\n" % self.evaluate("sys.version"))

    def test_flags(self):
        for option, flags in [
            ("-d", "debug"),
            ("-O", "optimize"),
            ("-B", "dont_write_bytecode"),
            ("-s", "no_user_site"),
            ("-S", "no_site"),
            ("-E", "ignore_environment"),
            ("-b", "bytes_warning"),
            ("-q", "quiet"),
            ("-I", "no_user_site ignore_environment isolated"),
        ]:
            with self.subTest(option):
                self.assertEqual(self.flags(option), flags)
        self.assertEqual(self.evaluate("sys.flags.optimize, sys.flags.bytes_warning", "-OO", "-bb"), "2 2")
        self.assertEqual(self.evaluate("sys.flags.safe_path, sys.flags.dev_mode", "-P", "-Xdev"), "True True")

    def test_flags_from_environment(self):
        for variable, flags in [
            ("PYTHONDEBUG", "debug"),
            ("PYTHONOPTIMIZE", "optimize"),
            ("PYTHONDONTWRITEBYTECODE", "dont_write_bytecode"),
            ("PYTHONNOUSERSITE", "no_user_site"),
        ]:
            with self.subTest(variable):
                self.assertEqual(self.flags(env={variable: "1"}), flags)
                self.assertEqual(self.flags("-E", env={variable: "1"}), "ignore_environment")

    def test_optimization(self):
        program = "def f():\n  'doc'\n  assert False\nf(); print(__debug__, f.__doc__)"
        self.check(self.run_python("-O", "-c", program), out="False doc\n", err="")
        self.check(self.run_python("-OO", "-c", program), out="False None\n", err="")
        outcome = self.run_python("-c", program)
        self.assertEqual(outcome.status, 1)
        self.assertTrue(outcome.err.endswith("AssertionError\n"), outcome)

    def test_x_options(self):
        self.assertEqual(self.evaluate("sys._xoptions", "-X", "a", "-X", "b=c=d"), "{'a': True, 'b': 'c=d'}")

    def test_warnings(self):
        expression = "sys.warnoptions"
        shown = self.evaluate(expression, "-bb", "-Xdev", "-Wignore", env={"PYTHONWARNINGS": "once,always"})
        self.assertEqual(shown, "['default', 'once', 'always', 'ignore', 'error::BytesWarning']")
        program = "import warnings; warnings.warn('careful'); print('done')"
        self.check(self.run_python("-W", "ignore", "-c", program), out="done\n", err="")
        outcome = self.run_python("-W", "error", "-c", program)
        self.assertEqual((outcome.status, outcome.out), (1, ""))
        self.assertTrue(outcome.err.endswith("UserWarning: careful\n"), outcome)
        outcome = self.run_python("-W", "nonsense", "-c", "print('done')")
        self.check(outcome, out="done\n", err="Invalid -W option ignored: invalid action: 'nonsense'\n")

    def test_bytes_warning(self):
        outcome = self.run_python("-bb", "-c", "str(b'')")
        self.assertEqual(outcome.status, 1)
        self.assertTrue(outcome.err.endswith("BytesWarning: str() on a bytes instance\n"), outcome)

    def test_hash_seed(self):
        seeds = [self.evaluate("hash('a')", env={"PYTHONHASHSEED": seed}) for seed in ("0", "7", "7", "random", "random")]
        self.assertEqual(seeds[1], seeds[2])
        self.assertEqual(len(set(seeds)), 4)
        self.assertEqual(self.evaluate("sys.flags.hash_randomization", env={"PYTHONHASHSEED": "0"}), "0")

    def test_unbuffered(self):
        program = "import os, sys; sys.stdout.write('a'); os.write(1, b'b'); sys.stdout.write('c')"
        self.check(self.run_python("-c", program), out="bac", err="")
        self.check(self.run_python("-u", "-c", program), out="abc", err="")
        self.check(self.run_python("-c", program, env={"PYTHONUNBUFFERED": "1"}), out="abc", err="")

    def test_io_encoding(self):
        show = "sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors"
        self.assertEqual(self.evaluate(show), "utf-8 surrogateescape backslashreplace")
        self.assertEqual(
            self.evaluate(show, env={"PYTHONIOENCODING": "latin-1:replace"}), "iso8859-1 replace backslashreplace"
        )
        program = "print('\\u20ac')"
        outcome = self.run_python("-c", program, env={"PYTHONIOENCODING": "ascii:backslashreplace"})
        self.check(outcome, out="\\u20ac\n", err="")

    def test_python_path(self):
        self.write("elsewhere/of_path.py", "print('imported')")
        path = str(self.folder / "elsewhere")
        env = {"PYTHONPATH": path + ":/nonexistent"}
        self.check(self.run_python("-c", "import of_path", env=env), out="imported\n", err="")
        self.assertEqual(self.evaluate("sys.path[:3]", env=env), repr(["", path, "/nonexistent"]))
        self.assertEqual(self.run_python("-E", "-c", "import of_path", env=env).status, 1)

    def test_verbose(self):
        outcome = self.run_python("-v", "-c", "import colorsys")
        self.check(outcome, out="")
        self.assertIn("import 'colorsys'", outcome.err)

    def test_bytecode_files(self):
        self.write("module.py", "")
        cache = self.folder / "__pycache__"
        self.check(self.run_python("-B", "-c", "import module"), out="", err="")
        self.assertFalse(cache.exists())
        self.check(self.run_python("-c", "import module"), out="", err="")
        self.assertEqual(len(list(cache.glob("module.*.pyc"))), 1)
        self.check(self.run_python("-X", f"pycache_prefix={self.folder}/other", "-c", "import module"), out="", err="")
        self.assertEqual(len(list((self.folder / "other").rglob("module.*.pyc"))), 1)
