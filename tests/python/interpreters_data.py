"""What passes between interpreters: values, functions, pickled objects, memory, queues; calls and their results."""
import functools
import threading
import _interpreters
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor


def refused(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as error:
        print(f"{type(error).__name__}: {error} | {error.__cause__!r}")


print([interpreters.is_shareable(v) for v in (None, True, 1, 1 << 70, 2.5, "s", b"b", (1, ("a",)), (1, []), [], {}, print, object())])

here = interpreters.create()
values = [None, True, -7, 1 << 40, 2.5, "text", "\u20ac" * 3, b"\0b", (1, ("a", (b"c", None)))]
here.prepare_main({f"v{i}": v for i, v in enumerate(values)}, extra=9)
here.exec("assert [v0, v1, v2, v3, v4, v5, v6, v7, v8] == [None, True, -7, 1 << 40, 2.5, 'text', '\u20ac' * 3, b'\\0b', "
          "(1, ('a', (b'c', None)))], globals(); assert extra == 9")
refused(here.prepare_main, x=[])

# Memory is shared.
memory = bytearray(b"....")
here.prepare_main(view=memoryview(memory))
here.exec("view[1:3] = b'ab'; view.release(); del view")
print(memory)

# Calls.


def double(n):
    return n * 2


def total(*args, **kwargs):
    return sum(args) + sum(kwargs.values())


def name():
    import sys
    return f"{len(sys.modules) > 10}"


def fail(kind, text):
    raise kind(text)


def many():
    return {"list": [1, 2, {3}], "bytes": bytearray(b"x"), "nested": (1, [2])}


print(here.call(double, 21), here.call(total, 1, 2, a=3), here.call(name), here.call(len, "four"), here.call(lambda: 5))
print(here.call(many), here.call(functools.partial(pow, 2), 5), here.call(str.upper, "x"))
try:
    here.call(fail, ValueError, "no")
except interpreters.ExecutionFailed as error:
    print(error.excinfo.formatted, error.excinfo.errdisplay.splitlines()[0], error.excinfo.errdisplay.splitlines()[-1])
refused(here.call, lambda x=threading.Lock(): x)
refused(here.call, double, threading.Lock())


def make():
    n = 1
    return lambda: n


refused(here.call, make())


def unpicklable_result():
    import threading
    return threading.Lock()


refused(here.call, unpicklable_result)


def script():
    print("script", flush=True)


here.exec(script)
thread = here.call_in_thread(script)
thread.join()

# Queues.
queue = interpreters.create_queue()
here.prepare_main(queue=queue)
here.exec("queue.put((1, queue)); queue.put([1, {'a': 2}]); queue.put(1 << 100)")
one, same = queue.get()
print(one, same is queue, queue.get(), queue.get() == 1 << 100, queue.empty())
here.exec("""if True:
    from concurrent.interpreters._queues import UNBOUND_ERROR, UNBOUND_REMOVE
    queue.put('mark')
    queue.put('error', unbounditems=UNBOUND_ERROR)
    queue.put('removed', unbounditems=UNBOUND_REMOVE)
    queue.put('last')
""")
queue.put("mine")
print(queue.get())
here.close()
print(queue.qsize())
refused(queue.get)
print(queue.get(), queue.get())

# In parallel.
results = interpreters.create_queue()


def work(numbers, results):
    import json
    results.put(json.dumps(sum(i * i for i in range(numbers))))


workers = [interpreters.create() for _ in range(4)]
threads = [w.call_in_thread(work, 1000 + i, results) for i, w in enumerate(workers)]
for t in threads:
    t.join()
print(sorted(int(results.get()) for _ in workers))
for w in workers:
    w.close()

with InterpreterPoolExecutor(2) as pool:
    print(sorted(pool.map(double, range(5))))
    try:
        pool.submit(fail, KeyError, "k").result()
    except KeyError as error:
        print(repr(error), type(error.__cause__).__name__)
print(interpreters.list_all())
