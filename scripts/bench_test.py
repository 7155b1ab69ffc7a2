"""Tests of scripts/bench: `python3 scripts/bench_test.py`. The Pythons it compares are the one that runs this."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("bench")


def load():
    loader = importlib.machinery.SourceFileLoader("bench", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


bench = load()


class FakePython:
    def __init__(self, label):
        self.label = label
        self.command = [label]


def run_bench(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [sys.executable, str(SCRIPT), "--limpid", sys.executable, "--peers", sys.executable]
        command += ["--runs", "1", "--values", "1", "--json", str(output), *arguments]
        process = subprocess.run(command, capture_output=True, text=True)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout, json.loads(output.read_text())


class Tables(unittest.TestCase):
    def setUp(self):
        self.one, self.two = FakePython("one"), FakePython("two")
        self.results = bench.Results([self.one, self.two])

    def test_ratios_are_of_medians(self):
        self.results.add("a", self.one, [1.0, 2.0, 100.0])
        self.results.add("a", self.two, [3.0, 4.0, 5.0])
        self.results.add("b", self.one, [1.0])
        self.results.add("b", self.two, [0.5])
        self.assertEqual(self.results.ratios(self.two), [2.0, 0.5])
        self.assertEqual(self.results.as_json()["geometric_means"], {"two": 1.0})

    def test_a_script_counts_once_in_the_mean(self):
        for name, seconds in (("a: x", 8.0), ("a: y", 2.0), ("b", 1.0)):
            self.results.add(name, self.one, [1.0])
            self.results.add(name, self.two, [seconds])
        self.assertAlmostEqual(self.results.mean(self.two), 2.0)

    def test_more_threads_are_better(self):
        self.results.add("work", self.one, [1.8], "/s")
        self.results.add("work", self.two, [0.9], "/s")
        self.assertEqual(self.results.ratio("work", self.two), 2.0)

    def test_what_failed_has_no_ratio(self):
        self.results.add("a", self.one, [1.0])
        self.results.fail("a", self.two, "boom")
        self.assertEqual(self.results.ratios(self.two), [])
        self.assertEqual(self.results.as_json()["failures"], {"a": {"two": "boom"}})

    def test_a_failure_is_not_repeated(self):
        calls = []

        def measure(benchmark, python):
            calls.append(python.label)
            if python is self.two:
                raise bench.Failure("boom")
            self.results.add(benchmark, python, [1.0])

        bench.take_turns(self.results, ["a"], 3, measure)
        self.assertEqual(calls, ["one", "two", "one", "one"])

    def test_equal_labels_get_numbers(self):
        pythons = [FakePython("a"), FakePython("b"), FakePython("a")]
        bench.tell_apart(pythons)
        self.assertEqual([python.label for python in pythons], ["a #1", "b", "a #2"])

    def test_seconds(self):
        shown = [bench.show_seconds(value) for value in (12.345, 1.5, 0.0123, 4.56e-6, 7.8e-8)]
        self.assertEqual(shown, ["12.3 s", "1.50 s", "12.3 ms", "4.56 us", "78.0 ns"])


class Failures(unittest.TestCase):
    def failure(self, code, timeout=60):
        with self.assertRaises(bench.Failure) as caught:
            bench.run([sys.executable, "-c", code], timeout)
        return str(caught.exception)

    def test_reasons(self):
        self.assertEqual(self.failure("import nothing"), "ModuleNotFoundError: No module named 'nothing' (exit status 1)")
        self.assertEqual(self.failure("import sys; sys.exit('no')"), "no (exit status 1)")
        self.assertEqual(self.failure("import os; os.abort()"), "signal SIGABRT")
        self.assertEqual(self.failure("import time; time.sleep(60)", 0.5), "took longer than 0.5 s")

    def test_something_else_than_a_python(self):
        process = subprocess.run([sys.executable, SCRIPT, "--limpid", "/bin/true"], capture_output=True, text=True)
        self.assertEqual(process.returncode, 1)
        self.assertTrue(process.stderr.startswith("bench: /bin/true does not work as a Python: "), process.stderr)


class Metadata(unittest.TestCase):
    def test_benchmarks_that_need_only_python(self):
        with tempfile.TemporaryDirectory() as folder:
            files = {
                "bm_tree/pyproject.toml": '[project]\ndependencies = ["pyperf"]\nrequires-python = ">=3.8"\n'
                '[tool.pyperformance]\nname = "tree"\nextra_opts = ["none"]\n',
                "bm_tree/bm_tree_io.toml": '[tool.pyperformance]\nname = "tree_io"\nextra_opts = ["io"]\n',
                "bm_tree/bm_tree_new.toml": '[project]\nrequires-python = ">=3.12"\n',
                "bm_web/pyproject.toml": '[project]\ndependencies = ["pyperf", "web>=2"]\n',
                "bm_dask/pyproject.toml": '[project]\ndependencies = ["pyperf"]\n',
            }
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
            found = bench.find_benchmarks(Path(folder))
        self.assertEqual(list(found), ["tree", "tree_io", "tree_new"])
        self.assertEqual([found[name].options for name in found], [["none"], ["io"], ["none"]])
        self.assertEqual([found[name].minimum for name in found], [(3, 8), (3, 8), (3, 12)])

    def test_results_of_pyperf(self):
        data = {
            "metadata": {"name": "both"},
            "benchmarks": [
                {"metadata": {"name": "first"}, "runs": [{"warmups": [[1, 9.0]]}, {"values": [1.0, 2.0]}]},
                {"runs": [{"values": [3.0]}]},
            ],
        }
        with tempfile.NamedTemporaryFile("w+") as file:
            json.dump(data, file)
            file.flush()
            self.assertEqual(bench.read_pyperf(file.name), {"first": [1.0, 2.0], "both": [3.0]})


class Modes(unittest.TestCase):
    """Each mode that needs no network, with a Python against itself."""

    def test_micro(self):
        table, result = run_bench("--micro", "--only", "fib", "--only", "s*")
        self.assertEqual(list(result["values"]), ["fib", "strings"])
        self.assertRegex(table, r"\nfib .*\nstrings .*\ngeometric mean ")

    def test_machine_code_beside_none(self):
        _, result = run_bench("--micro", "--jit", "--only", "fib")
        labels = [python["label"] for python in result["pythons"]]
        self.assertEqual(labels[0], labels[1].removesuffix(" #1") + " JIT")
        self.assertEqual(len(labels), 3)
        environments = [bench.Python(sys.executable, jit=jit).environment for jit in (True, False, None)]
        self.assertEqual(environments, [{"PYTHON_JIT": "1"}, {"PYTHON_JIT": "0"}, {}])

    def test_every_kernel_computes_what_it_should(self):
        kernels = [path for path in bench.KERNELS.glob("*.py") if path.stem not in ("run", "threads")]
        self.assertGreaterEqual(len(kernels), 10)
        for path in kernels:
            with self.subTest(path.stem):
                bench.run([sys.executable, str(bench.KERNELS / "run.py"), str(path), "1"], 60)

    def test_startup(self):
        _, result = run_bench("--startup")
        self.assertEqual(result["units"], {"-c pass: time": "s", "-c pass: peak memory": "KiB"})
        self.assertTrue(all(len(values) == 10 for values in result["values"]["-c pass: time"].values()))

    def test_threads(self):
        _, result = run_bench("--threads")
        works = ["calls", "arithmetic", "objects", "containers", "shared_dict", "shared_list", "counter", "pipeline"]
        counts = ["1 thread", "2 threads", "4 threads"]
        for work in works:
            measured = [name.removeprefix(f"{work}: ") for name in result["values"] if name.startswith(f"{work}: ")]
            # What is shared between threads has no counterpart in two processes.
            self.assertIn(measured, (counts, [*counts, "2 processes"]), work)

    def test_overhead(self):
        table, _ = run_bench("--probes", sys.executable, "--only", "fib")
        self.assertRegex(table, r"\ncost: [+-]\d+\.\d %\n")
        table, result = run_bench("--stats", "--only", "fib")
        self.assertEqual(result["pythons"][0]["command"][1:], ["-X", "pystats"])

    def test_builds_in_a_directory_take_turns(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("limpid.1", "limpid.2"):
                program = Path(directory, name)
                program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
                program.chmod(0o755)
            python = bench.Python(directory)
            turns = [Path(python.take_turn("fib")[0]).name for _ in range(3)]
            self.assertEqual(turns, ["limpid.1", "limpid.2", "limpid.1"])
            self.assertEqual(Path(python.take_turn("methods")[0]).name, "limpid.1")
            table, _ = run_bench("--probes", directory, "--only", "fib")
            self.assertRegex(table, r"\ncost: [+-]\d+\.\d %\n")
        with tempfile.TemporaryDirectory() as empty, self.assertRaisesRegex(bench.Failure, "no program"):
            bench.Python(empty)


if __name__ == "__main__":
    unittest.main()
