"""Modules that several threads import, forget and reload at the same time: nobody sees half of one."""

import importlib
import os
import sys
import tempfile
import threading
from stress import main, pause

folder = tempfile.TemporaryDirectory()
sys.path.insert(0, folder.name)


def write(name, text):
    path = os.path.join(folder.name, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


# Modules that import each other, and stay.
TREE = 400
for i in range(TREE):
    imports = "".join(f"import tree{j}\n" for j in {i // 2, i // 3, i - 1} if 0 <= j < i)
    write(f"tree{i}.py", f"{imports}first = {i}\ndef get():\n    return last\nclass C:\n    pass\nlast = {i}\n")
# Modules that import nothing, and are forgotten now and then. One that imports others might fail half way, and leave half of itself with
# those who wait for it.
LEAVES = 8
for i in range(LEAVES):
    write(f"leaf{i}.py", f"first = {i}\ndef get():\n    return last\nlast = {i}\n")
write("package/__init__.py", "from . import inner\nvalue = inner.value\n")
write("package/inner.py", "value = 5\n")
write("reloaded.py", "times = globals().get('times', 0) + 1\ndef get():\n    return times\n")
import reloaded

front = 0


def grow(rng):
    """All threads import what nobody has imported yet."""
    global front
    i = front = min(front + rng.randrange(2), TREE - 1)
    module = importlib.import_module(f"tree{i}")
    assert module.first == module.last == module.get() == i and module.C.__module__ == f"tree{i}"


def import_leaf(rng):
    i = rng.randrange(LEAVES)
    try:
        module = importlib.import_module(f"leaf{i}")
    except KeyError as error:
        # Another thread has forgotten it right after it was made.
        assert error.args[0] == f"leaf{i}", error
        return
    assert module.first == module.last == module.get() == i


def import_statement(rng):
    try:
        import leaf3, leaf1
    except KeyError as error:
        assert error.args[0].startswith("leaf"), error
        return
    assert leaf3.get() == 3 and leaf1.last == 1


def import_package(rng):
    from package import value
    from package.inner import value as other
    assert value == other == 5


def forget(rng):
    sys.modules.pop(f"leaf{rng.randrange(LEAVES)}", None)
    pause(rng)


reloading = threading.Lock()


def reload(rng):
    """A module that stays while it runs again. Of two threads that reload it one would not find it."""
    with reloading:
        assert importlib.reload(reloaded) is reloaded
    assert reloaded.get() >= 2


def library(rng):
    """Parts of the library that are imported late."""
    name = rng.choice(("json.decoder", "html.parser", "csv", "string.templatelib", "colorsys", "fractions"))
    assert importlib.import_module(name).__name__ == name


def missing(rng):
    try:
        importlib.import_module(f"no_such_module_{rng.randrange(100)}")
    except ModuleNotFoundError as error:
        assert error.name.startswith("no_such_module_")
    else:
        raise AssertionError("was found")


main(grow, import_leaf, import_statement, import_package, forget, reload, library, missing)
