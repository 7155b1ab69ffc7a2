# stderr: yes
"""An interpreter that the program has left ends with it, with a warning."""
import atexit
from concurrent import interpreters

atexit.register(print, "main's exit function", flush=True)
left = interpreters.create()
left.exec("import atexit; atexit.register(print, 'exit function', flush=True); print('runs', end='')")
