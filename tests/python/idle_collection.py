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
