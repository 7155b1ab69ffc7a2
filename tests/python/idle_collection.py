# What nobody refers to is closed when the whole program waits, though nothing asks for memory.
import socket
import threading


def forget_socket(received, ended):
    """Starts a thread that reads until the other end is closed, which nobody does."""
    mine, other = socket.socketpair()

    def read():
        while data := other.recv(10):
            received.append(data)
        ended.set()

    mine.send(b"data")
    threading.Thread(target=read, daemon=True).start()


received, ended = [], threading.Event()
# In a thread of its own, on whose stack nothing is left of the socket.
starter = threading.Thread(target=forget_socket, args=(received, ended))
starter.start()
starter.join()
print(ended.wait(30), received)

# Many threads that wait for something to end are not always all asleep when one of them looks.
from concurrent import futures


def forget_executors(workers):
    for _ in range(4):
        executor = futures.ThreadPoolExecutor(max_workers=8)
        results = executor.map(abs, range(-8, 8))
        workers.extend(executor._threads)
        del executor


workers = []
starter = threading.Thread(target=forget_executors, args=(workers,))
starter.start()
starter.join()
for worker in workers:
    worker.join(60)
print(any(worker.is_alive() for worker in workers))
