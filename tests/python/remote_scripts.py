"""sys.remote_exec: scripts that one process has another one run, or itself."""
import os
import subprocess
import sys
import tempfile

folder = tempfile.TemporaryDirectory()


def script(text):
    path = os.path.join(folder.name, f"script{len(os.listdir(folder.name))}.py")
    with open(path, "w") as f:
        f.write(text)
    return path


# This process, at once, in a namespace of its own.
mine = 1
sys.remote_exec(os.getpid(), script("print('in this process', __name__, 'mine' in globals(), __file__[-3:])"))
sys.remote_exec(os.getpid(), os.fsencode(script("print('by bytes')")))
print("goes on", mine)

# Another one: it prints a line when it is ready, and computes until the script has told it to end.
TARGET = """
import sys
sys.addaudithook(lambda event, args: print('audit', event) if event.startswith('cpython.remote') else None)
print('ready', flush=True)
while not hasattr(sys, 'told'):
    pass
print('ends', flush=True)
"""


def start(*options, **variables):
    process = subprocess.Popen([sys.executable, *options, "-c", TARGET], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=os.environ | variables)
    assert process.stdout.readline() == "ready\n"
    return process


process = start()
sys.remote_exec(process.pid, script("import sys\nprint('in the other', sys.argv)\nsys.told = True\nraise ValueError('is told of')\n"))
out, err = process.communicate(timeout=60)
print(out, err.splitlines()[-1], process.returncode)

for options, variables in ((["-X", "disable-remote-debug"], {}), ([], {"PYTHON_DISABLE_REMOTE_DEBUG": "1"})):
    process = start(*options, **variables)
    try:
        sys.remote_exec(process.pid, script(""))
    except RuntimeError as error:
        print(error)
    process.kill()
    process.communicate()

for pid, path in ((os.getpid(), None), (os.getpid(), 1), (os.getpid(), "/no/such/script"), (1 << 22, script("")), (1 << 40, script(""))):
    try:
        sys.remote_exec(pid, path)
    except (TypeError, OSError, OverflowError) as error:
        print(type(error).__name__)
print(sys.is_remote_debug_enabled())
