"""A module that fails while another thread waits for it: the waiting thread does not get what was taken back."""

import os
import sys
import tempfile
import threading
import traceback

NAME = "module_that_fails"
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, NAME + ".py"), "w") as f:
        f.write("import time\nATTRIBUTE = 1\ntime.sleep(0.03)\nraise RuntimeError('intended')\n")
    with open(os.path.join(folder, "importing.py"), "w") as f:
        f.write(f"from package_that_fails import part\n")
    os.mkdir(os.path.join(folder, "package_that_fails"))
    for name, text in ("__init__.py", ""), ("part.py", "1 / 0\n"):
        with open(os.path.join(folder, "package_that_fails", name), "w") as f:
            f.write(text)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    outcomes = []

    def load(delay):
        threading.Event().wait(delay)
        try:
            module = __import__(NAME)
            outcomes.append("loaded" if sys.modules.get(NAME) is module else "stale")
        except RuntimeError as e:
            outcomes.append(str(e))

    for _ in range(10):
        threads = [threading.Thread(target=load, args=(delay,)) for delay in (0, 0.01)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(len(outcomes), set(outcomes))
    try:
        import importing
    except ZeroDivisionError as e:
        print([os.path.basename(entry.filename) for entry in traceback.extract_tb(e.__traceback__)])
