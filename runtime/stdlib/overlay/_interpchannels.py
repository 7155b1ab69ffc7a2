"""Channels between interpreters, known by their numbers.

An interpreter is associated with an end of a channel from the first time it sends or receives there, until it releases that end or ends
itself. A channel closes when close() says so, or when all that were associated with it have released their ends.
"""

from collections import deque as _deque, namedtuple as _namedtuple
from types import SimpleNamespace as _SimpleNamespace
from _thread import allocate_lock as _allocate_lock
import _crossdata
import _interpretercore as _core
from _crossdata import InterpreterError


class ChannelError(InterpreterError):
    """Indicates that a channel-related error happened."""

    __module__ = "_interpchannels"


class ChannelNotFoundError(ChannelError):
    """The channel does not exist (any more)."""

    __module__ = "_interpchannels"


class ChannelClosedError(ChannelError):
    """The channel is closed."""

    __module__ = "_interpchannels"


class ChannelEmptyError(ChannelError):
    """The channel is empty."""

    __module__ = "_interpchannels"


class ChannelNotEmptyError(ChannelError):
    """The channel is not empty."""

    __module__ = "_interpchannels"


# No default.
_NONE = object()

# The channels of all interpreters, by number, and the number of the next.
_state = _crossdata.shared("channels", lambda: _SimpleNamespace(lock=_allocate_lock(), all={}, next=1))

_INFO_FIELDS = """open closing closed count num_interp_send num_interp_send_released num_interp_recv num_interp_recv_released num_interp_both
num_interp_both_recv_released num_interp_both_send_released num_interp_both_released send_associated send_released recv_associated
recv_released"""
ChannelInfo = _namedtuple("ChannelInfo", _INFO_FIELDS, module="_interpchannels")


class ChannelID(int):
    """The number of a channel, and which of its ends is meant."""

    __module__ = "_interpchannels"

    def __new__(cls, id, *, send=None, recv=None, force=False, _resolve=False):
        cid = _number(id)
        if not force:
            _look_up(cid)
        if send is False and recv is False:
            raise ValueError("'send' and 'recv' cannot both be False")
        self = int.__new__(cls, cid)
        sends = send or send is None and not recv
        receives = recv or recv is None and not send
        self._end = "both" if sends and receives else "send" if sends else "recv"
        return self

    @property
    def end(self):
        """'send', 'recv' or 'both'"""
        return self._end

    @property
    def send(self):
        """The end at which is sent."""
        return ChannelID(self, send=True, force=True)

    @property
    def recv(self):
        """The end at which is received."""
        return ChannelID(self, recv=True, force=True)

    def __repr__(self):
        end = "" if self._end == "both" else f", {self._end}=True"
        return f"ChannelID({int(self)}{end})"

    __str__ = int.__repr__

    def __eq__(self, other):
        if isinstance(other, ChannelID) and self._end != other._end:
            return False
        return int.__eq__(self, other)

    __hash__ = int.__hash__


def _channel_id(id, *, send=None, recv=None, force=False, _resolve=False):
    return ChannelID(id, send=send, recv=recv, force=force, _resolve=_resolve)


def _number(id):
    if not isinstance(id, int):
        try:
            id = id.__index__()
        except AttributeError:
            raise TypeError(f"channel ID must be an int, got {type(id).__name__}") from None
    if id < 0:
        raise ValueError(f"channel ID must be a non-negative int, got {id}")
    return int(id)


def _look_up(id):
    cid = _number(id)
    channel = _state.all.get(cid)
    if channel is None:
        raise ChannelNotFoundError(f"channel {cid} not found")
    return channel


def create(unboundop=-1, fallback=-1):
    """Opens a channel; its number."""
    unboundop = _crossdata.replacement(unboundop, _crossdata.MARK)
    # The ends: by number of an associated interpreter, has it not released the end yet?
    channel = _SimpleNamespace(lock=_allocate_lock(), items=_deque(), unboundop=unboundop, fallback=fallback, send={}, recv={}, open=True,
                               closing=False)
    with _state.lock:
        cid = _state.next
        _state.next += 1
        _state.all[cid] = channel
    return ChannelID(cid, force=True)


def destroy(cid):
    """Closes a channel and forgets it."""
    channel = _look_up(cid)
    with _state.lock:
        _state.all.pop(_number(cid), None)
    with channel.lock:
        _close(channel)


def list_all():
    """Number, replacement of lost items and fallback of all channels."""
    with _state.lock:
        return [(ChannelID(cid, force=True), channel.unboundop, channel.fallback)
                for cid, channel in sorted(_state.all.items(), key=lambda entry: entry[0])]


def list_interpreters(cid, *, send):
    """The numbers of the interpreters that are associated with an end."""
    channel = _look_up(cid)
    if not channel.open:
        raise ChannelClosedError(f"channel {_number(cid)} is closed")
    return sorted([id for id, is_open in (channel.send if send else channel.recv).items() if is_open])


def _associate(channel, end, cid):
    if not channel.open or not end.setdefault(_core.current(), True):
        raise ChannelClosedError(f"channel {cid} is closed")


def _send(cid, packed, unboundop, blocking, timeout):
    cid, channel = _number(cid), _look_up(cid)
    unboundop = _crossdata.replacement(unboundop, channel.unboundop)
    received = _allocate_lock()
    received.acquire()
    item = _SimpleNamespace(packed=packed, owner=_core.current(), unboundop=unboundop, received=received, was_received=False)
    with channel.lock:
        if channel.closing:
            raise ChannelClosedError(f"channel {cid} is closed")
        _associate(channel, channel.send, cid)
        channel.items.append(item)
    if not blocking:
        return
    if not received.acquire(timeout=-1 if timeout is None else timeout):
        with channel.lock:
            if item in channel.items:
                channel.items.remove(item)
                raise TimeoutError("timed out")
    if not item.was_received:
        raise ChannelClosedError(f"channel {cid} is closed")


def send(cid, obj, unboundop=-1, fallback=-1, *, blocking=True, timeout=None):
    """Sends an object; with `blocking` waits until it is received."""
    _look_up(cid)
    _send(cid, _crossdata.pack(obj), unboundop, blocking, timeout)


def send_buffer(cid, obj, unboundop=-1, fallback=-1, *, blocking=True, timeout=None):
    """Sends the memory of an object, which arrives as a memoryview."""
    _look_up(cid)
    _send(cid, _crossdata.pack(memoryview(obj)), unboundop, blocking, timeout)


def recv(cid, default=_NONE):
    """Receives the first object: it, and how it was replaced, None if it was not. An empty channel gives the default, or an error."""
    cid, channel = _number(cid), _look_up(cid)
    with channel.lock:
        _associate(channel, channel.recv, cid)
        if not channel.items:
            if default is _NONE:
                raise ChannelEmptyError(f"channel {cid} is empty")
            return default, None
        item = channel.items.popleft()
        if channel.closing and not channel.items:
            _close(channel)
    if item.owner is None:
        return None, item.unboundop
    obj = _crossdata.unpack(item.packed)
    item.was_received = True
    item.received.release()
    return obj, None


def _close(channel):
    channel.open = channel.closing = False
    while channel.items:
        channel.items.popleft().received.release()


def close(cid, *, send=False, recv=False, force=False):
    """Closes a channel for everybody. One that is not empty can be closed by force only, or for senders: it closes when it is empty."""
    cid, channel = _number(cid), _look_up(cid)
    if not send and not recv:
        send = recv = True
    with channel.lock:
        if not channel.open or (channel.closing and not force):
            raise ChannelClosedError(f"channel {cid} is closed")
        if channel.items and not force:
            if recv:
                raise ChannelNotEmptyError("may not be closed if not empty (try force=True)")
            channel.closing = True
            return
        _close(channel)


def release(cid, *, send=False, recv=False, force=False):
    """Has this interpreter have nothing to do any more with an end, or with both."""
    cid, channel = _number(cid), _look_up(cid)
    if not send and not recv:
        send = recv = True
    with channel.lock:
        if not channel.open:
            raise ChannelClosedError(f"channel {cid} is closed")
        for is_meant, end in ((send, channel.send), (recv, channel.recv)):
            if is_meant:
                end[_core.current()] = False
        _close_if_unused(channel)


def _close_if_unused(channel):
    ends = [*channel.send.values(), *channel.recv.values()]
    if ends and not any(ends):
        _close(channel)


def unbind(interpreter):
    """Replaces what an interpreter that has ended has left in channels, and releases its ends."""
    with _state.lock:
        channels = list(_state.all.values())
    for channel in channels:
        with channel.lock:
            for item in list(channel.items):
                if item.owner == interpreter:
                    item.owner = item.packed = None
                    if item.unboundop == _crossdata.REMOVE:
                        channel.items.remove(item)
            for end in (channel.send, channel.recv):
                if interpreter in end:
                    end[interpreter] = False
            if channel.open:
                _close_if_unused(channel)


def get_count(cid):
    """How many objects wait to be received."""
    return len(_look_up(cid).items)


def get_channel_defaults(cid):
    """How lost items are replaced, and the fallback."""
    channel = _look_up(cid)
    return channel.unboundop, channel.fallback


def get_info(cid):
    """The state of a channel: whether it is open, how many objects it has, how many interpreters use or have released which ends."""
    channel = _look_up(cid)
    with channel.lock:
        send, recv = channel.send.copy(), channel.recv.copy()
        is_open, closing, count = channel.open, channel.closing, len(channel.items)
    both = send.keys() & recv.keys()

    def number(condition, ids):
        return sum([bool(condition(id)) for id in ids])

    only_send, only_recv, here = send.keys() - both, recv.keys() - both, _core.current()
    return ChannelInfo(
        is_open and not closing, closing, not is_open, count,
        number(lambda id: send[id], only_send), number(lambda id: not send[id], only_send),
        number(lambda id: recv[id], only_recv), number(lambda id: not recv[id], only_recv),
        number(lambda id: send[id] and recv[id], both), number(lambda id: send[id] and not recv[id], both),
        number(lambda id: recv[id] and not send[id], both), number(lambda id: not send[id] and not recv[id], both),
        send.get(here, False), send.get(here) is False, recv.get(here, False), recv.get(here) is False,
    )


_crossdata.register(ChannelID, "channel", lambda cid: (int(cid), cid.end), lambda value: ChannelID(
    value[0], send=value[1] == "send" or None, recv=value[1] == "recv" or None, force=True))


def _register_end_types(send, recv):
    """The classes of the ends of channels, whose instances may pass."""
    _crossdata.register(send, "sender", lambda end: int(end.id), send)
    _crossdata.register(recv, "receiver", lambda end: int(end.id), recv)
    return send, recv
