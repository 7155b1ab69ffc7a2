"""Several interpreters: each has its own modules, builtins and state; what runs in one and how it ends."""
import sys
import threading
from concurrent import interpreters
import _interpreters


sys.stdout.reconfigure(line_buffering=True)


def refused(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


one, two = interpreters.create(), interpreters.create()
print(one, two, interpreters.list_all(), one.whence, one.is_running(), _interpreters.get_current())
print(one == interpreters.Interpreter(one.id), hash(one) == one.id)

# Modules, builtins and what is in them.
one.exec("import sys; value = 1; sys.path.append('/one'); import builtins; builtins.mine = 1")
two.exec("import sys; assert '/one' not in sys.path; assert 'value' not in globals(); import builtins; assert not hasattr(builtins, 'mine')")
one.exec("assert value == 1; print(mine, __name__, sys.argv == [] or len(sys.argv), flush=True)")
print(hasattr(__builtins__, "mine"), "/one" in sys.path)
one.exec("""if True:
    from concurrent import interpreters
    here = interpreters.get_current()
    print(here, interpreters.get_main(), here.is_running(), interpreters.list_all(), flush=True)
""")

# The state of modules.
one.exec("import warnings; warnings.simplefilter('error'); import codecs; codecs.register_error('shout', lambda e: ('!', e.end))")
two.exec("""if True:
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        warnings.warn('quiet')
    print(len(caught), flush=True)
    try:
        b'\\xff'.decode('ascii', 'shout')
    except LookupError as error:
        print(error, flush=True)
    import decimal, datetime, collections, re, json, enum, asyncio
    decimal.getcontext().prec = 5
    print(decimal.Decimal(1) / 3, re.findall('a.', 'abac'), json.dumps([1, {'a': None}]), flush=True)
    print(asyncio.run(asyncio.sleep(0, 'slept')), flush=True)
""")
import decimal
print(decimal.getcontext().prec, decimal.Decimal(1) / 3)
one.exec("import decimal; print(decimal.getcontext().prec, flush=True)")

# Errors.
try:
    one.exec("def f():\n    raise ValueError('bad')\nf()")
except interpreters.ExecutionFailed as error:
    print(error)
    info = error.excinfo
    print(info.type.__name__, info.type.__qualname__, info.type.__module__, info.msg, "|", info.formatted)
refused(one.exec, "1 +")
refused(one.exec, "raise SystemExit(3)")
refused(one.exec, 1)
refused(one.exec, lambda x: x)
refused(_interpreters.destroy, 0)
refused(_interpreters.exec, 99, "")
refused(_interpreters.whence, -1)
refused(_interpreters.whence, "x")
one.exec("""if True:
    def refused(f, *args):
        try:
            f(*args)
        except Exception as error:
            print(f'{type(error).__name__}: {error}', flush=True)

    refused(here.close)
    refused(here.exec, '')
    import os, threading, signal
    refused(os.fork)
    refused(os.execv, '/bin/true', ['true'])
    refused(signal.signal, signal.SIGINT, signal.SIG_DFL)
    def start():
        threading.Thread(target=print, daemon=True).start()
    refused(start)
    print(threading.current_thread() is threading.main_thread(), flush=True)
""")

# While it runs it does nothing else.
r = interpreters.create_queue()
thread = threading.Thread(target=one.exec, args=("go.put(1); stop.get()",))
stop = interpreters.create_queue()
one.prepare_main(go=r, stop=stop)
thread.start()
r.get()
print(one.is_running(), two.is_running())
refused(one.exec, "")
refused(one.close)
refused(one.call, int)
stop.put(None)
thread.join()
print(one.is_running())

# Its end: threads, exit functions.
two.exec("""if True:
    import atexit, threading, time
    atexit.register(print, 'exit function', flush=True)
    def slow():
        time.sleep(0.05)
        print('thread has ended', flush=True)
    threading.Thread(target=slow).start()
""")
two.close()
refused(two.close)
refused(two.exec, "")
refused(two.is_running)
one.close()
print(interpreters.list_all())

# Interpreters that nobody refers to, and many of them.
for i in range(20):
    some = interpreters.create()
    some.exec(f"import collections; x = collections.Counter('abc'); assert len(x) == 3; y = {i}")
    some.close()
print(interpreters.list_all())

# Configurations.
print(_interpreters.new_config("legacy", allow_fork=False).allow_fork, _interpreters.get_config(0).gil)
bare = _interpreters.create("empty")
print(_interpreters.run_string(bare, "import threading; threading.Thread(target=print).start()").msg)
print(_interpreters.whence(bare), _interpreters.is_running(bare))
_interpreters.destroy(bare)
refused(_interpreters.new_config, "odd")
