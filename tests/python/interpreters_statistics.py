"""What threads count is added up for the interpreter to which they belong; each interpreter writes its own numbers."""
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = """
import threading
from concurrent import interpreters
one = interpreters.create()
one.exec('''if True:
    import threading
    def loop():
        x = 0
        for i in range(20000):
            x += 1
    threads = [threading.Thread(target=loop) for _ in range(3)]
    for t in threads:
        t.start()
''')
one.close()
"""
with tempfile.TemporaryDirectory() as folder:
    # What traces run is counted elsewhere.
    variables = {"PYTHONSTATSDIR": folder, "PYTHON_JIT": "0"}
    subprocess.run([sys.executable, "-X", "pystats", "-c", PROGRAM], env=os.environ | variables, check=True)
    counts = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            found = re.search(r"opcode\[BINARY_OP_ADD_INT\]\.execution_count : (\d+)", file.read())
        counts.append(int(found[1]) if found else 0)
print([count >= 50000 for count in sorted(counts)])
