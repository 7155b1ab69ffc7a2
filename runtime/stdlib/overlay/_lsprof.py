"""The profiler behind cProfile, on sys.monitoring.

Each thread has a table of its own, added up when somebody asks, and a chain of contexts, one for each call that is going on. When a call ends its time goes to the entry of what was called,
and without what it has called in turn, to its own part; with subcalls also to the entry's part of its caller. Of calls in calls of the
same function only the outermost counts for the total time.
"""

import sys as _sys
from _thread import get_ident as _get_ident
from collections import namedtuple as _namedtuple
from time import perf_counter as _perf_counter
from types import BuiltinFunctionType as _BuiltinFunctionType, MethodDescriptorType as _MethodDescriptorType

profiler_entry = _namedtuple("profiler_entry", "code callcount reccallcount totaltime inlinetime calls")
profiler_subentry = _namedtuple("profiler_subentry", "code callcount reccallcount totaltime inlinetime")

_monitoring = _sys.monitoring
_events = _monitoring.events
_TOOL = _monitoring.PROFILER_ID


class _Entry:
    """The times of a function, or of what one function has called of another."""

    __slots__ = ("code", "count", "recursive", "total", "inline", "depth", "calls")

    def __init__(self, code):
        self.code = code
        self.count = self.recursive = self.depth = 0
        self.total = self.inline = 0
        self.calls = {}

    def finish(self, total, inline):
        self.depth -= 1
        self.count += 1
        self.inline += inline
        if self.depth:
            self.recursive += 1
        else:
            self.total += total


class _Context:
    """A call that is going on."""

    __slots__ = ("entry", "sub", "start", "inner", "previous")


class _Thread:
    """What one thread has done: its entries by code or name, and its innermost call that is going on."""

    __slots__ = ("entries", "context")

    def __init__(self):
        self.entries = {}
        self.context = None


def _merge(into, entries):
    """Adds entries to those of another thread."""
    for key, e in entries.items():
        sum = into.get(key)
        if sum is None:
            sum = into[key] = _Entry(e.code)
        sum.count += e.count
        sum.recursive += e.recursive
        sum.total += e.total
        sum.inline += e.inline
        _merge(sum.calls, e.calls)


def _name_of(function):
    """What statistics call a native function: a text in place of a code object."""
    if isinstance(function, _MethodDescriptorType):
        return repr(function)
    owner = function.__self__
    if owner is not None and not isinstance(owner, type(_sys)):
        method = getattr(type(owner), function.__name__, None)
        if isinstance(method, _MethodDescriptorType):
            return repr(method)
    module = function.__module__
    return f"<built-in method {module + '.' if isinstance(module, str) else ''}{function.__name__}>"


class Profiler:
    """Collects how often functions are called and how long they run.

    timer() gives the time: seconds as a float, or an int in units of timeunit seconds.
    """

    def __init__(self, timer=None, timeunit=0.0, subcalls=True, builtins=True):
        self._timer = timer if timer is not None else _perf_counter
        self._unit = timeunit
        self._subcalls = subcalls
        self._builtins = builtins
        self._active = False
        self.clear()

    def clear(self):
        """Forgets what was collected."""
        self._threads = {}

    def enable(self, subcalls=True, builtins=True):
        """Starts collecting; subcalls: by callers too, builtins: native functions too."""
        self._subcalls, self._builtins = subcalls, builtins
        if self._active:
            return
        try:
            _monitoring.use_tool_id(_TOOL, "cProfile")
        except ValueError:
            raise ValueError("Another profiling tool is already active") from None
        self._active = True
        callbacks = {
            _events.PY_START: self._start,
            _events.PY_RESUME: self._start,
            _events.PY_THROW: self._start,
            _events.PY_RETURN: self._end,
            _events.PY_YIELD: self._end,
            _events.PY_UNWIND: self._end,
        }
        if builtins:
            callbacks[_events.CALL] = self._native_start
            callbacks[_events.C_RETURN] = callbacks[_events.C_RAISE] = self._native_end
        for event, callback in callbacks.items():
            _monitoring.register_callback(_TOOL, event, callback)
        _monitoring.set_events(_TOOL, sum(callbacks))

    def disable(self):
        """Stops collecting."""
        if not self._active:
            return
        self._active = False
        _monitoring.free_tool_id(_TOOL)
        # What is going on ends here.
        for thread in self._threads.values():
            while thread.context is not None:
                self._leave(thread)

    def getstats(self):
        """A list of profiler_entry objects, one for each function."""
        unit = self._unit or 1
        entries = {}
        for thread in list(self._threads.values()):
            _merge(entries, thread.entries)
        result = []
        for e in entries.values():
            if not e.count:
                continue
            calls = [profiler_subentry(s.code, s.count, s.recursive, s.total * unit, s.inline * unit)
                     for s in e.calls.values() if s.count]
            result.append(profiler_entry(e.code, e.count, e.recursive, e.total * unit, e.inline * unit, calls or None))
        return result

    def _enter(self, key):
        ident = _get_ident()
        thread = self._threads.get(ident)
        if thread is None:
            thread = self._threads[ident] = _Thread()
        entry = thread.entries.get(key)
        if entry is None:
            entry = thread.entries[key] = _Entry(key)
        context = _Context()
        context.previous = previous = thread.context
        context.entry = entry
        context.inner = 0
        context.sub = None
        entry.depth += 1
        if self._subcalls and previous is not None:
            calls = previous.entry.calls
            sub = calls.get(key)
            if sub is None:
                sub = calls[key] = _Entry(key)
            sub.depth += 1
            context.sub = sub
        thread.context = context
        context.start = self._timer()

    def _leave(self, thread):
        end = self._timer()
        # None: the call was going on when profiling began.
        context = None if thread is None else thread.context
        if context is None:
            return
        total = end - context.start
        inline = total - context.inner
        thread.context = previous = context.previous
        if previous is not None:
            previous.inner += total
        context.entry.finish(total, inline)
        if context.sub is not None:
            context.sub.finish(total, inline)

    def _start(self, code, offset, exception=None):
        self._enter(code)

    def _end(self, code, offset, value):
        self._leave(self._threads.get(_get_ident()))

    def _native_start(self, code, offset, function, first):
        if isinstance(function, (_BuiltinFunctionType, _MethodDescriptorType)):
            self._enter(_name_of(function))

    def _native_end(self, code, offset, function, first):
        if isinstance(function, (_BuiltinFunctionType, _MethodDescriptorType)):
            self._leave(self._threads.get(_get_ident()))
