# In the child of a fork only the thread that has forked is left; all others can be joined at once.
import os
import threading

main = threading.current_thread()
never = threading.Event()
other = threading.Thread(target=never.wait, daemon=True)
other.start()


def fork():
    child = os.fork()
    if child == 0:
        joiner = threading.Thread(target=lambda: (main.join(), other.join()))
        joiner.start()
        joiner.join()
        print("joined", threading.main_thread() is threading.current_thread(), threading.active_count(), flush=True)
        os._exit(0)
    print(os.waitpid(child, 0)[1])


thread = threading.Thread(target=fork)
thread.start()
thread.join()
