"""Tells `pystats trace` of a program's calls by sys.monitoring, where the kernel may not be asked.

Python imports this at start-up, as `sitecustomize`. What there is to tell goes through a pipe, as records of 24 bytes (see monitored.rs).
Each thread fills a buffer of its own; a buffer is written as a whole, after a record that says of which thread it is.
"""

import _thread
import atexit
import gc
import importlib.machinery
import importlib.util
import os
import struct
import sys
from importlib import _bootstrap
from time import monotonic_ns

DEFINE, START, RESUME, RETURN, YIELD, UNWIND, RAISE, COLLECT, COLLECTED, IMPORT, THREAD = range(11)
# A buffer of this size is written.
ENOUGH = 16384

monitoring = sys.monitoring
TOOL = 3
pack = struct.Struct("<IIQQ").pack


class Stream:
    """The pipe."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY)
        self.lock = _thread.allocate_lock()
        self.local = _thread._local()
        self.buffers = []
        # Codes by their addresses, and kept, so that no other code gets the same.
        self.codes = {}

    def buffer(self):
        """The buffer of this thread."""
        try:
            return self.local.buffer
        except AttributeError:
            self.local.buffer = buffer = bytearray(pack(THREAD, 0, 0, _thread.get_native_id()))
            with self.lock:
                self.buffers.append(buffer)
            return buffer

    def note(self, kind, number, value, data=b""):
        """A record that waits for the next one: a collection tells of itself while this thread may have the lock. All at once, for the
        collection may come between a record and its data."""
        buffer = self.buffer()
        buffer += pack(kind, number, monotonic_ns(), value) + data
        return buffer

    def add(self, kind, number, value):
        buffer = self.note(kind, number, value)
        if len(buffer) > ENOUGH:
            self.write(buffer)

    def add_text(self, kind, number, text):
        """A record with a text behind it."""
        data = text.encode("utf-8", "replace")
        self.note(kind, number, len(data), data)

    def add_event(self, kind, code):
        known = self.codes.get(id(code))
        if known is None:
            own = code.co_filename == __file__
            if not own:
                self.define(code)
            self.codes[id(code)] = known = code, own
        if known[1]:
            return monitoring.DISABLE
        self.add(kind, 0, id(code))

    def define(self, code):
        text = f"{code.co_filename}\0{code.co_name}".encode("utf-8", "replace")
        # Where a collection is noted while the lock is held.
        self.buffer()
        # The address in the place of the time. At once: another thread may write first of what it does with the code.
        with self.lock:
            self.send(pack(DEFINE, code.co_firstlineno, id(code), len(text)) + text)

    def write(self, buffer):
        with self.lock:
            data = bytes(buffer)
            del buffer[24 : len(data)]
            self.send(data)

    def send(self, data):
        try:
            while data:
                data = data[os.write(self.file, data) :]
        except OSError:
            # Nobody reads any more.
            stop()

    def finish(self):
        stop()
        for buffer in list(self.buffers):
            self.write(buffer)
        os.close(self.file)


def stop():
    monitoring.set_events(TOOL, 0)


def start(path):
    stream = Stream(path)
    add, add_text, add_event = stream.add, stream.add_text, stream.add_event
    find_and_load = _bootstrap._find_and_load.__code__

    def on_start(code, offset):
        if add_event(START, code) is monitoring.DISABLE:
            return monitoring.DISABLE
        if code is find_and_load:
            add_text(IMPORT, 0, str(sys._getframe(1).f_locals.get("name")))

    def on_resume(code, offset, exception=None):
        add_event(RESUME, code)

    def on_return(code, offset, value):
        add_event(RETURN, code)

    def on_yield(code, offset, value):
        add_event(YIELD, code)

    def on_unwind(code, offset, exception):
        add_event(UNWIND, code)

    def on_raise(code, offset, exception):
        # It is told again in each frame that it leaves, with a longer traceback.
        traceback = exception.__traceback__
        if code.co_filename != __file__ and (traceback is None or traceback.tb_next is None):
            add_text(RAISE, sys._getframe(1).f_lineno, type(exception).__name__)

    def on_collection(phase, info):
        if phase == "start":
            stream.note(COLLECT, info["generation"], 0)
        else:
            stream.note(COLLECTED, info["generation"], info["collected"])

    events = monitoring.events
    callbacks = {
        events.PY_START: on_start,
        events.PY_RESUME: on_resume,
        events.PY_THROW: on_resume,
        events.PY_RETURN: on_return,
        events.PY_YIELD: on_yield,
        events.PY_UNWIND: on_unwind,
        events.RAISE: on_raise,
    }
    monitoring.use_tool_id(TOOL, "pystats trace")
    for event, callback in callbacks.items():
        monitoring.register_callback(TOOL, event, callback)
    gc.callbacks.append(on_collection)
    atexit.register(stream.finish)
    os.register_at_fork(after_in_child=stop)
    # What has been called already returns later.
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    for frame in reversed(frames):
        add_event(START, frame.f_code)
    monitoring.set_events(TOOL, sum(callbacks))


def next_customization():
    """The module of this name that the program would have had."""
    here = os.path.dirname(__file__)
    sys.path[:] = [folder for folder in sys.path if folder != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None:
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


path = os.environ.pop("PYSTATS_TRACE", None)
if before := os.environ.pop("PYSTATS_PYTHONPATH", None):
    os.environ["PYTHONPATH"] = before
else:
    os.environ.pop("PYTHONPATH", None)
next_customization()
if path is not None:
    start(path)
