"""Queues between interpreters, known by their numbers. concurrent.interpreters has the class that people use."""

import pickle as _pickle
from collections import deque as _deque
from threading import Lock as _Lock
import _crossdata
from _crossdata import InterpreterError


class QueueError(InterpreterError):
    """Indicates that a queue-related error happened."""

    __module__ = "concurrent.interpreters"


class QueueNotFoundError(QueueError):
    """The queue does not exist (any more)."""

    __module__ = "concurrent.interpreters"


# How to replace what an interpreter has left behind: remove it, an error, a mark.
_UNBOUND = (1, 2, 3)


class _Queue:
    """An open queue. An item is pickled unless it may pass as it is."""

    __slots__ = ("lock", "items", "maxsize", "unboundop", "fallback", "users")

    def __init__(self, maxsize, unboundop, fallback):
        self.lock = _Lock()
        self.items = _deque()
        self.maxsize = maxsize
        self.unboundop = unboundop
        self.fallback = fallback
        self.users = 0


_queues = {}
_lock = _Lock()
_next = 1
# What is raised when a queue is empty or full; the class module brings its own.
_empty = _full = QueueError


def _look_up(qid):
    if not isinstance(qid, int):
        raise TypeError(f"queue ID must be an int, got {type(qid).__name__}")
    if qid < 0:
        raise ValueError("queue ID must be a non-negative int")
    queue = _queues.get(qid)
    if queue is None:
        raise QueueNotFoundError(f"queue {qid} not found")
    return queue


def _check_unbound(op):
    if op not in _UNBOUND:
        raise ValueError(f"unsupported unboundop {op}")


def create(maxsize, unboundop=-1, fallback=-1):
    """Opens a queue for so many items, 0 for any number; its number."""
    global _next
    if unboundop == -1:
        unboundop = _UNBOUND[-1]
    _check_unbound(unboundop)
    with _lock:
        qid = _next
        _next += 1
        _queues[qid] = _Queue(maxsize, unboundop, fallback)
    return qid


def destroy(qid):
    """Closes a queue."""
    _look_up(qid)
    with _lock:
        _queues.pop(qid, None)


def list_all():
    """Number, replacement of lost items and fallback of all queues."""
    return [(qid, queue.unboundop, queue.fallback) for qid, queue in sorted(_queues.copy().items())]


def put(qid, obj, unboundop=-1, fallback=-1):
    """Appends an object."""
    queue = _look_up(qid)
    if unboundop != -1:
        _check_unbound(unboundop)
    shared = _crossdata.is_shareable(obj)
    item = obj if shared else _pickle.dumps(obj)
    with queue.lock:
        if 0 < queue.maxsize <= len(queue.items):
            raise _full(f"queue {qid} is full")
        queue.items.append((item, shared))


def get(qid):
    """Takes the first item: the object, and how it was replaced, None if it was not."""
    queue = _look_up(qid)
    with queue.lock:
        if not queue.items:
            raise _empty(f"queue {qid} is empty")
        item, shared = queue.items.popleft()
    return item if shared else _pickle.loads(item), None


def bind(qid):
    """One more user of a queue."""
    queue = _look_up(qid)
    with _lock:
        queue.users += 1


def release(qid):
    """One user less; without any a queue is closed."""
    queue = _look_up(qid)
    with _lock:
        if queue.users == 0:
            raise QueueError(f"queue {qid} not bound")
        queue.users -= 1
        if queue.users == 0:
            _queues.pop(qid, None)


def get_maxsize(qid):
    """For how many items it is, 0 for any number."""
    return _look_up(qid).maxsize


def get_queue_defaults(qid):
    """How lost items are replaced, and the fallback."""
    queue = _look_up(qid)
    return queue.unboundop, queue.fallback


def is_full(qid):
    """Is there no room for an item?"""
    queue = _look_up(qid)
    return 0 < queue.maxsize <= len(queue.items)


def get_count(qid):
    """How many items there are."""
    return len(_look_up(qid).items)


def _register_heap_types(queuetype, emptyerror, fullerror):
    """The classes of concurrent.interpreters: of queues, and what is raised when one is empty or full."""
    global _empty, _full
    _empty, _full = emptyerror, fullerror
    _crossdata.register(queuetype)
