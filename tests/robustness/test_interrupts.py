"""SIGINT at any moment: KeyboardInterrupt, `finally` is run, and the process ends as if the signal had killed it."""

import random
import signal
import subprocess
import time

from support import PYTHON, Case, clean_environment

PROGRAMS = {
    "containers": "x = {}\ni = 0\nwhile True:\n i += 1; x[i % 1000] = [str(j) for j in range(20)]; sorted(x.values(), key=len)",
    "text": "import re, json\nwhile True: re.sub('a', lambda m: 'b', json.dumps([1, 2, 'a']))",
    "calls": "def r(n): return r(n - 1) + 1 if n else 0\nwhile True: r(800)",
    "errors": "while True:\n try: 1 / 0\n except ZeroDivisionError: pass\n finally: x = 1",
    "sleep": "import time\nwhile True: time.sleep(10)",
    "native": "while True: sum(i for i in range(10**5)); sorted(range(10**5), key=str)",
    "compiler": "while True: exec(compile('def f(a, b=1):\\n return [a, b]\\n' * 20, 'f', 'exec'))",
    "asyncio": "import asyncio\nasync def m():\n while True: await asyncio.sleep(0)\nasyncio.run(m())",
    "lock": "import threading\nthreading.Lock().__enter__()\nthreading.Condition().__enter__(); threading.Event().wait()",
    "input": "while True: input()",
    "threads": "import _thread\nfor _ in range(3): _thread.start_new_thread(lambda: [i for i in iter(int, 1)], ())\nwhile True: pass",
}


def heed_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Interrupts(Case):
    def interrupt(self, program, pause):
        command = [PYTHON, "-c", program]
        streams = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # A shell's background jobs ignore the signal, and what they start does too.
        process = subprocess.Popen(command, cwd=self.folder, env=clean_environment(), preexec_fn=heed_interrupts, **streams)
        self.addCleanup(process.kill)
        return process, pause

    def test_finally_is_run(self):
        rng = random.Random(7)
        for name, program in PROGRAMS.items():
            body = "".join(f"  {line}\n" for line in program.splitlines())
            program = f"print('begin', flush=True)\ntry:\n{body}finally:\n  print('end', flush=True)"
            for _ in range(4):
                with self.subTest(name):
                    process, pause = self.interrupt(program, rng.uniform(0, 0.1))
                    self.assertEqual(process.stdout.readline(), b"begin\n")
                    time.sleep(pause)
                    process.send_signal(signal.SIGINT)
                    process.stdin.flush()
                    out, err = process.communicate(timeout=30) if name != "input" else (process.stdout.read(), process.stderr.read())
                    self.assertEqual((process.wait(), out), (-signal.SIGINT, b"end\n"), err.decode())
                    # Notes may follow, of what it has come through.
                    self.assertIn("KeyboardInterrupt", err.decode().splitlines())
                    process.stdin.close(), process.stdout.close(), process.stderr.close()

    def test_start(self):
        rng = random.Random(8)
        for _ in range(60):
            process, pause = self.interrupt("pass", rng.uniform(0, 0.05))
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            self.assertIn(process.returncode, (0, 1, -signal.SIGINT), err)
            if process.returncode == 1:
                # While site is imported, as in CPython.
                self.assertIn(b"KeyboardInterrupt", err)
            self.assertNotIn(b"panicked", err)
