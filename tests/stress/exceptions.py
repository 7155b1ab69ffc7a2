"""Exceptions, their tracebacks and groups, raised and shared by several threads, and sent from one to another."""

import sys
import threading
import traceback
from stress import main, pause


def dig(depth, error):
    if depth == 0:
        raise error
    try:
        dig(depth - 1, error)
    finally:
        depth += 1


def raise_and_catch(rng):
    n = rng.randrange(1, 30)
    try:
        dig(n, ValueError(n))
    except ValueError as error:
        assert error.args == (n,)
        frames = traceback.extract_tb(error.__traceback__)
        assert len(frames) == n + 2, len(frames)
    assert sys.exception() is None


shared = [KeyError(i) for i in range(5)]


def share(rng):
    """One exception object raised by several threads."""
    error = shared[rng.randrange(len(shared))]
    try:
        dig(rng.randrange(5), error)
    except KeyError as caught:
        assert caught is error
        if rng.random() < 0.2:
            caught.__traceback__ = None
        try:
            raise RuntimeError("other") from caught
        except RuntimeError as other:
            assert other.__cause__ is caught
            if rng.random() < 0.1:
                other.add_note("note")
                "".join(traceback.format_exception(other))


def groups(rng):
    n = rng.randrange(1, 10)
    try:
        raise ExceptionGroup("all", [rng.choice((ValueError, KeyError, OSError))(i) for i in range(n)])
    except* ValueError as values:
        assert all(type(e) is ValueError for e in values.exceptions)
    except* (KeyError, OSError) as rest:
        assert 1 <= len(rest.exceptions) <= n


class Context:
    def __init__(self, swallow):
        self.swallow = swallow
        self.exits = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.exits += 1
        return self.swallow


def contexts(rng):
    outer, inner = Context(True), Context(rng.random() < 0.5)
    with outer:
        with inner:
            raise LookupError
    assert outer.exits == inner.exits == 1


def deep(rng):
    def down(n):
        return down(n + 1)

    if rng.random() < 0.05:
        try:
            down(0)
        except RecursionError:
            pass


class Stop(Exception):
    pass


def finishing(rng):
    """finally blocks run once, and what they return or raise counts."""
    log = []

    def f(how):
        try:
            if how == 0:
                return "body"
            if how == 1:
                raise Stop
            for i in range(3):
                if i == how - 1:
                    break
            return i
        except Stop:
            return "caught"
        finally:
            log.append(how)

    for how in range(4):
        assert f(how) == ("body", "caught", 1, 2)[how]
    assert log == [0, 1, 2, 3]


def threads_that_fail(rng):
    """An exception in a thread arrives at the hook."""
    seen = []
    thread = threading.Thread(target=dig, args=(3, Stop()))
    thread._invoke_excepthook = lambda thread: seen.append(sys.exception())
    thread.start()
    thread.join()
    assert type(seen[0]) is Stop, seen
    pause(rng)


main(raise_and_catch, share, groups, contexts, deep, finishing, threads_that_fail)
