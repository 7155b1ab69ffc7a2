"""Queues between interpreters, known by their numbers. concurrent.interpreters has the class that people use."""

from collections import deque as _deque
from types import SimpleNamespace as _SimpleNamespace
from _thread import allocate_lock as _allocate_lock
import _crossdata
import _interpretercore as _core
from _crossdata import InterpreterError


class QueueError(InterpreterError):
    """Indicates that a queue-related error happened."""

    __module__ = "concurrent.interpreters"


class QueueNotFoundError(QueueError):
    """The queue does not exist (any more)."""

    __module__ = "concurrent.interpreters"


# The queues of all interpreters, by number, and the number of the next. Items are packed, with the number of the interpreter that has put
# them there (None when it has ended) and how they are replaced then.
_state = _crossdata.shared("queues", lambda: _SimpleNamespace(lock=_allocate_lock(), open={}, next=1))

# What is raised when a queue is empty or full; the class module brings its own.
_empty = _full = QueueError


def _look_up(qid):
    if not isinstance(qid, int):
        raise TypeError(f"queue ID must be an int, got {type(qid).__name__}")
    if qid < 0:
        raise ValueError("queue ID must be a non-negative int")
    queue = _state.open.get(qid)
    if queue is None:
        raise QueueNotFoundError(f"queue {qid} not found")
    return queue


def create(maxsize, unboundop=-1, fallback=-1):
    """Opens a queue for so many items, 0 for any number; its number."""
    unboundop = _crossdata.replacement(unboundop, _crossdata.MARK)
    queue = _SimpleNamespace(lock=_allocate_lock(), items=_deque(), maxsize=maxsize, unboundop=unboundop, fallback=fallback, users=0)
    with _state.lock:
        qid = _state.next
        _state.next += 1
        _state.open[qid] = queue
    return qid


def destroy(qid):
    """Closes a queue."""
    _look_up(qid)
    with _state.lock:
        _state.open.pop(qid, None)


def list_all():
    """Number, replacement of lost items and fallback of all queues."""
    with _state.lock:
        return [(qid, queue.unboundop, queue.fallback) for qid, queue in sorted(_state.open.items(), key=lambda entry: entry[0])]


def put(qid, obj, unboundop=-1, fallback=-1):
    """Appends an object."""
    queue = _look_up(qid)
    unboundop = _crossdata.replacement(unboundop, queue.unboundop)
    packed = _crossdata.pack(obj)
    with queue.lock:
        if 0 < queue.maxsize <= len(queue.items):
            raise _full(f"queue {qid} is full")
        queue.items.append((packed, _core.current(), unboundop))


def get(qid):
    """Takes the first item: the object, and how it was replaced, None if it was not."""
    queue = _look_up(qid)
    with queue.lock:
        if not queue.items:
            raise _empty(f"queue {qid} is empty")
        packed, owner, unboundop = queue.items.popleft()
    if owner is None:
        return None, unboundop
    return _crossdata.unpack(packed), None


def unbind(interpreter):
    """Replaces what an interpreter that has ended has left in queues."""
    with _state.lock:
        queues = list(_state.open.values())
    for queue in queues:
        with queue.lock:
            items = [item if item[1] != interpreter else (None, None, item[2]) for item in queue.items]
            queue.items.clear()
            queue.items.extend([item for item in items if item[1] is not None or item[2] != _crossdata.REMOVE])


def bind(qid):
    """One more user of a queue."""
    queue = _look_up(qid)
    with _state.lock:
        queue.users += 1


def release(qid):
    """One user less; without any a queue is closed."""
    queue = _look_up(qid)
    with _state.lock:
        if queue.users == 0:
            raise QueueError(f"queue {qid} not bound")
        queue.users -= 1
        if queue.users == 0:
            _state.open.pop(qid, None)


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

    def pack(queue):
        # It stays open on its way.
        bind(queue.id)
        return queue.id

    def unpack(qid):
        queue = queuetype(qid)
        release(qid)
        return queue

    _crossdata.register(queuetype, "queue", pack, unpack)
