"""Locks that several threads want: hand-off to who has waited, time-outs, and what a fork leaves behind of waiting threads."""
import os
import threading
import time
import warnings

warnings.simplefilter("ignore")


def wait_until_waited(threads):
    """The threads wait for a lock long enough to be handed it."""
    time.sleep(0.05)
    assert all(t.is_alive() for t in threads)


def start(n, target, *args):
    threads = [threading.Thread(target=target, args=args) for _ in range(n)]
    for t in threads:
        t.start()
    return threads


def join(threads):
    for t in threads:
        t.join()


# Who has waited gets the lock, although its holder wants it again at once.
lock = threading.Lock()
got = []


def take_once():
    with lock:
        got.append(1)


lock.acquire()
threads = start(2, take_once)
wait_until_waited(threads)
end = time.monotonic() + 30
while len(got) < 2 and time.monotonic() < end:
    lock.release()
    lock.acquire()
lock.release()
print("not starved:", len(got) == 2)
join(threads)

# Waiters that give up leave the lock to the others, and free in the end.
lock.acquire()
outcomes = []
threads = start(3, lambda: outcomes.append(lock.acquire(timeout=0.02)))
join(threads)
print(outcomes, lock.locked())
lock.release()
print(lock.acquire(timeout=0), lock.locked(), lock.acquire(blocking=False))
lock.release()
try:
    lock.release()
except RuntimeError as error:
    print(error)

# In the child of a fork nobody waits any more: a lock is free after it was released or made anew.
released, anew = threading.Lock(), threading.Lock()
released.acquire()
anew.acquire()


def take(lock):
    with lock:
        pass


threads = start(2, take, released) + start(2, take, anew)
wait_until_waited(threads)
child = os.fork()
if child == 0:
    anew._at_fork_reinit()
    released.release()
    ok = True
    for lock in (released, anew):
        for _ in range(100):
            ok = ok and lock.acquire(timeout=5)
            lock.release()
    os._exit(0 if ok else 1)
print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
released.release()
anew.release()
join(threads)
print(released.locked(), anew.locked())

# Many threads, one at a time.
count = 0


def add():
    global count
    for _ in range(5000):
        with lock:
            now = count
            count = now + 1


join(start(4, add))
print(count)
