"""Modules that several threads import, forget and reload at the same time: nobody sees half of one."""

import importlib
import os
import sys
import tempfile
from stress import main, pause

folder = tempfile.TemporaryDirectory()
sys.path.insert(0, folder.name)
COUNT = 8
for i in range(COUNT):
    with open(os.path.join(folder.name, f"stressed{i}.py"), "w") as f:
        others = "".join(f"import stressed{j}\n" for j in range(i))
        f.write(f"{others}first = {i}\ndef get():\n    return last\nclass C:\n    pass\nlast = {i}\n")
package = os.path.join(folder.name, "stressedpackage")
os.mkdir(package)
for name, text in {"__init__": "from . import inner\nvalue = inner.value\n", "inner": "value = 5\n"}.items():
    with open(os.path.join(package, name + ".py"), "w") as f:
        f.write(text)


def import_one(rng):
    i = rng.randrange(COUNT)
    try:
        module = importlib.import_module(f"stressed{i}")
    except KeyError as error:
        # Another thread has forgotten it, or one that it imports, right after it was made.
        assert error.args[0].startswith("stressed"), error
        return
    assert module.first == module.last == module.get() == i and module.C.__module__ == f"stressed{i}"


def import_package(rng):
    from stressedpackage import value
    from stressedpackage.inner import value as other
    assert value == other == 5


def import_statement(rng):
    try:
        import stressed3, stressed1
    except KeyError as error:
        assert error.args[0].startswith("stressed"), error
        return
    assert stressed3.get() == 3 and stressed1.last == 1


def forget(rng):
    # A package goes with what is in it, as nobody can import the one from the other half way.
    sys.modules.pop(f"stressed{rng.randrange(COUNT)}", None)
    pause(rng)


with open(os.path.join(folder.name, "reloaded.py"), "w") as f:
    f.write("times = globals().get('times', 0) + 1\ndef get():\n    return times\n")
import reloaded


def reload(rng):
    """A module that stays while it runs again."""
    assert importlib.reload(reloaded) is reloaded and reloaded.get() >= 2


def library(rng):
    """Parts of the library that are imported late."""
    name = rng.choice(("json.decoder", "html.parser", "csv", "string.templatelib", "colorsys", "fractions"))
    if rng.random() < 0.2:
        sys.modules.pop(name, None)
    try:
        assert importlib.import_module(name).__name__ == name
    except KeyError as error:
        assert error.args[0] == name, error


def missing(rng):
    try:
        importlib.import_module(f"no_such_module_{rng.randrange(100)}")
    except ModuleNotFoundError as error:
        assert error.name.startswith("no_such_module_")
    else:
        raise AssertionError("was found")


main(import_one, import_package, import_statement, forget, reload, library, missing)
