"""The tasks of another process: python -m asyncio ps and pstree, and the asyncio shell."""

import os
import subprocess
import sys
import tempfile

PROGRAM = """
import asyncio

async def leaf():
    await asyncio.sleep(60)

async def branch():
    await leaf()

async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(branch(), name="one")
        group.create_task(branch(), name="two")
        await asyncio.sleep(0)
        print("ready", flush=True)
        while True:
            await asyncio.sleep(0.01)

asyncio.run(main())
"""

with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
    file.write(PROGRAM)
    file.flush()
    process = subprocess.Popen([sys.executable, file.name], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()

    def ask(command):
        call = [sys.executable, "-m", "asyncio", command, str(process.pid)]
        return subprocess.run(call, capture_output=True, text=True, timeout=60).stdout.splitlines()

    table = ask("ps")
    print(sorted(row.split()[2] for row in table[2:]))
    print(sum("sleep -> leaf -> branch" in row for row in table))
    tree = [line.split("/")[0].strip("└├─│ ") for line in ask("pstree")]
    print(tree[:2], tree.count("leaf"), sorted(line for line in tree if line.startswith("(T)")))
    process.kill()
    process.wait()

shell = subprocess.run(
    [sys.executable, "-m", "asyncio"],
    input="import asyncio\nx = await asyncio.sleep(0, 'slept')\nprint(x)\n",
    capture_output=True,
    text=True,
    env=dict(os.environ, PYTHON_BASIC_REPL="1"),
    timeout=60,
)
print(shell.returncode, "slept" in shell.stdout)
