"""concurrent.interpreters: the main interpreter, and queues."""
from concurrent import interpreters
import threading
import _interpreters

main = interpreters.get_main()
print(main, main is interpreters.get_current(), interpreters.list_all(), main.whence, main.is_running())


def refused(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


refused(main.close)
refused(main.exec, "1")
refused(_interpreters.exec, 0, "1")
refused(_interpreters.whence, 7)
refused(_interpreters.whence, "x")
refused(_interpreters.new_config, "odd")

queue = interpreters.create_queue(2)
print(queue.maxsize, queue.empty(), queue.full())
queue.put((1, "a", b"b", None, 2.5))
queue.put([1, {2: 3}])
print(queue.full(), queue.qsize())
refused(queue.put_nowait, 1)
print(queue.get(), queue.get(), queue.empty())
refused(queue.get_nowait)
refused(queue.get, timeout=0)
print([interpreters.is_shareable(v) for v in (1, 1 << 70, "s", (1, (2.0,)), [], (1, []), None, queue, object())])

# Items pass between threads, each once.
items = interpreters.create_queue()
taken = []


def take():
    while (item := items.get()) is not None:
        taken.append(item)


threads = [threading.Thread(target=take) for _ in range(3)]
for t in threads:
    t.start()
for i in range(300):
    items.put(i)
for _ in threads:
    items.put(None)
for t in threads:
    t.join()
print(sorted(taken) == list(range(300)))

try:
    {}["missing"]
except KeyError as error:
    summary = _interpreters.capture_exception(error)
print(summary.type.__name__, summary.msg, summary.formatted, summary.errdisplay.splitlines()[-1])
