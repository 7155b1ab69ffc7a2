"""Errors about modules of the program's own that hide others say so."""

import os
import subprocess
import sys
import tempfile

PROGRAMS = {
    "fractions.py": "import fractions\nfractions.Fraction",
    "decimal.py": "from decimal import Decimal",
    "some_library.py": "import some_library\nsome_library.function",
    "ordinary.py": "import other\nother.missing",
    "other.py": "",
}

with tempfile.TemporaryDirectory() as folder:
    folder = os.path.realpath(folder)
    for name, text in PROGRAMS.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def run(*arguments, **options):
        outcome = subprocess.run([sys.executable, "-B", *arguments], capture_output=True, text=True, **options)
        print(outcome.stderr.strip().splitlines()[-1].replace(folder, "FOLDER"))

    for name in list(PROGRAMS)[:4]:
        run(os.path.join(folder, name))
    run("-c", "import fractions; fractions.Fraction", cwd=folder)
    # The program's folder is not searched first.
    run("-P", os.path.join(folder, "ordinary.py"))
