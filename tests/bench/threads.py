"""What 1, 2 and 4 threads get done together: work of which each has its own, and work on what they share.

    threads.py [SCALE]              does so many times as much (default: 1)
    threads.py SCALE alone WORK     does one kind of work once, when a line comes in, and prints the seconds

Prints a line for each kind of work and number of threads: the name, how many threads, and how often a second they have done together what
one thread does in one go. Two processes that know nothing of each other show what the machine has to give: two cores that share an
execution unit, or that another machine uses too, are not twice one core.
"""

import queue
import subprocess
import sys
import threading
import time

SCALE = float(sys.argv[1]) if len(sys.argv) > 1 else 1


def times(n):
    return range(max(1, int(n * SCALE)))


# Work of one's own. A kind of work is a function that makes what the threads share and returns what each of them calls, with its number.


def calls(threads):
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def work(_):
        for _ in times(30):
            fib(20)

    return work


def arithmetic(threads):
    def work(_):
        total = 0
        for i in times(3000000):
            total = (total + i * 7) % 1500007

    return work


def objects(threads):
    class Node:
        def __init__(self, value, next):
            self.value = value
            self.next = next

    def work(_):
        for _ in times(400):
            head = None
            for i in range(2000):
                head = Node(i, head)

    return work


def containers(threads):
    def work(_):
        words = [str(i % 1000) for i in range(20000)]
        counts = {}
        for _ in times(60):
            for word in words:
                counts[word] = counts.get(word, 0) + 1

    return work


# Work on what all threads share.


def shared_dict(threads):
    """All read one dict, and now and then write to it."""
    table = {f"key {i}": i for i in range(1000)}
    keys = list(table)

    def work(number):
        for turn in times(600):
            for key in keys:
                table[key]
            table[keys[turn % len(keys)]] = number

    return work


def shared_list(threads):
    """All read one list, by index and by iteration, and now and then write to it."""
    values = list(range(1000))

    def work(number):
        for turn in times(400):
            for i in range(len(values)):
                values[i]
            for _ in values:
                pass
            values[turn % len(values)] = number

    return work


def counter(threads):
    """All count with one counter, which a lock guards."""
    lock = threading.Lock()
    count = 0

    def work(_):
        nonlocal count
        for _ in times(300000):
            with lock:
                count += 1

    return work


def pipeline(threads):
    """Half of the threads put what the other half takes out of a bounded queue; one thread alone does both in turn."""
    items = queue.Queue(maxsize=100)

    def both(_):
        for _ in times(400):
            for i in range(100):
                items.put(i)
            for _ in range(100):
                items.get()

    def one_side(number):
        move = items.get if number % 2 else lambda: items.put(None)
        for _ in times(800):
            for _ in range(100):
                move()

    return both if threads == 1 else one_side


def rate(make, threads):
    """How often a second the threads do their work together."""
    work = make(threads)
    start = threading.Barrier(threads + 1)

    def run(number):
        start.wait()
        work(number)

    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    return threads / (time.perf_counter() - begin)


def alone(make):
    """Does the work once, when a line comes in, and prints how many seconds it took."""
    work = make(1)
    print(flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    work(0)
    print(time.perf_counter() - begin)


def rate_of_processes(make, count):
    """How often a second so many processes do the work together."""
    command = [sys.executable, __file__, str(SCALE), "alone", make.__name__]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return count / max(float(process.communicate()[0]) for process in processes)


ONE_S_OWN = (calls, arithmetic, objects, containers)
SHARED = (shared_dict, shared_list, counter, pipeline)


def main():
    if sys.argv[2:3] == ["alone"]:
        alone(next(make for make in ONE_S_OWN if make.__name__ == sys.argv[3]))
        return
    for make in (*ONE_S_OWN, *SHARED):
        make(1)(0)
        for threads in (1, 2, 4):
            print(make.__name__, threads, "threads" if threads > 1 else "thread", rate(make, threads), flush=True)
        if make in ONE_S_OWN:
            print(make.__name__, 2, "processes", rate_of_processes(make, 2), flush=True)


main()
