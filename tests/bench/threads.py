"""How much more two threads get done than one, on work of which each has its own.

Prints a line for each kind of work: its name, the seconds of one thread, and those of two that each do the same amount.
"""

import threading
import time


def calls():
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(30)


def arithmetic():
    total = 0
    for i in range(6000000):
        total = (total + i * 7) % 1500007
    return total


def objects():
    class Node:
        def __init__(self, value, next):
            self.value = value
            self.next = next

    total = 0
    for _ in range(900):
        head = None
        for i in range(2000):
            head = Node(i, head)
        while head is not None:
            total += head.value
            head = head.next
    return total


def containers():
    counts = {}
    words = [str(i % 1000) for i in range(20000)]
    for _ in range(200):
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items())[0][1]


def seconds(work, threads):
    start = threading.Barrier(threads + 1)

    def run():
        start.wait()
        work()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begin


def main():
    for work in (calls, arithmetic, objects, containers):
        work()
        print(work.__name__, seconds(work, 1), seconds(work, 2))


main()
