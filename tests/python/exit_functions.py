# atexit: order, arguments, errors, what unregister and _clear do.
import atexit
import sys

sys.stderr = sys.stdout


def note(*args, **kwargs):
    print("exit", args, kwargs)


def fails():
    raise ValueError("told of, and the others still run")


@atexit.register
def first_registered():
    print("last to run")


print(atexit.register(note, 1, b=2) is note)
atexit.register(note, "gone")
atexit.unregister(note)
print(atexit._ncallbacks())
atexit.register(note, "kept", x=1)


class Equal:
    def __call__(self):
        print("never")

    def __eq__(self, other):
        return True


atexit.register(Equal())
print(atexit._ncallbacks())
atexit.unregister(print)
print(atexit._ncallbacks())
try:
    atexit.register(3)
except TypeError as e:
    print(e)
atexit.register(lambda: atexit.register(print, "registered at exit"))
atexit._run_exitfuncs()
print(atexit._ncallbacks())
atexit.register(note)
atexit._clear()
print(atexit._ncallbacks())
atexit.register(print, "second")
atexit.register(print, "first")
del sys.modules["atexit"]
import atexit as again

again.register(print, "from another module object")
print("end of the program")
