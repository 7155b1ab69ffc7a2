"""A process pool whose workers leave after some tasks: another comes for what is left, or that fails; nobody waits for ever."""
import gc
import multiprocessing
import os
import sys
import time
import weakref
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, process


def share(*shared):
    global started, gate
    started, gate = shared


def work(i):
    started.release()
    gate.wait()
    return i * i


def pid():
    return os.getpid()


def told(future):
    try:
        return future.result(30)
    except BrokenExecutor as error:
        return f"{type(error).__name__}: {error}"


def begin(context):
    """A pool whose only worker is in its first and last task, what was submitted to it, and what lets the tasks go on."""
    started, gate = context.Semaphore(0), context.Event()
    pool = ProcessPoolExecutor(1, context, share, (started, gate), max_tasks_per_child=1)
    futures = [pool.submit(work, i) for i in range(3)]
    started.acquire()
    return pool, futures, gate


def shut_down(context):
    pool, futures, gate = begin(context)
    pool.shutdown(wait=False)
    gate.set()
    print(*map(told, futures), sep="\n")


def forced(context):
    pool, futures, gate = begin(context)
    with pool._shutdown_lock:
        pool._force_shutting_down = True
    gate.set()
    print(*map(told, futures), sep="\n")


def no_other(context):
    pool, futures, gate = begin(context)
    spawn = process._spawn_worker

    def fail(*args):
        raise OSError("no processes")

    process._spawn_worker = fail
    gate.set()
    print(*map(told, futures), sep="\n")
    process._spawn_worker = spawn
    print(len({id(f.exception()) for f in futures[1:]}), "no processes" in str(futures[1].exception().__cause__))


def forgotten(context):
    def begin_and_forget():
        pool, futures, gate = begin(context)
        return weakref.ref(pool), futures, gate

    pool, futures, gate = begin_and_forget()
    for _ in range(200):
        gc.collect()
        if pool() is None:
            break
        time.sleep(0.02)
    gate.set()
    print(*map(told, futures), sep="\n")


def replaced(context):
    with ProcessPoolExecutor(2, context, max_tasks_per_child=2) as pool:
        futures = [pool.submit(pid) for _ in range(9)]
        pids = [f.result(30) for f in futures]
        print(len(pids), max(map(pids.count, pids)) <= 2)
        time.sleep(0.1)
        print(pool.submit(pid).result(30) not in pids or len(set(pids)) == 5)


def at_exit():
    """The manager of a pool that is over is not woken at the end of a child process."""
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("fork"))
    pool.submit(pid).result(30)
    manager, wakeup = pool._executor_manager_thread, pool._executor_manager_thread_wakeup
    pool.shutdown()
    wakeup.wakeup = lambda: print("woken", flush=True)
    sys.stdout.flush()
    child = multiprocessing.get_context("fork").Process(target=pid)
    child.start()
    child.join(30)
    print(child.exitcode, manager.is_alive())
    # When the pool dies it may be woken.
    del wakeup.wakeup


if __name__ == "__main__":
    at_exit()
    context = multiprocessing.get_context("forkserver")
    for case in shut_down, forced, no_other, forgotten, replaced:
        print("--", case.__name__)
        case(context)
