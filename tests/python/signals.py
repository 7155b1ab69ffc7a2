# When Python's handlers of signals run.
import itertools
import os
import signal

handled = []
signal.signal(signal.SIGALRM, lambda number, frame: handled.append(signal.Signals(number).name))
signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(signal.Signals(number).name))

print("-- after a call")
os.kill(os.getpid(), signal.SIGUSR1)
print(handled)
handled.clear()
signal.setitimer(signal.ITIMER_REAL, 0.001)
sum(itertools.repeat(1, 5_000_000))
print(handled)

print("-- in a loop")
handled.clear()
signal.setitimer(signal.ITIMER_REAL, 0.001)
while not handled:
    pass
print(handled)


def raising(number, frame):
    raise KeyError("from the handler")


print("-- an exception")
signal.signal(signal.SIGUSR1, raising)
try:
    os.kill(os.getpid(), signal.SIGUSR1)
    print("went on")
except KeyError as e:
    print(e)
