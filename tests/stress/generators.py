"""Generators that several threads resume, close, throw into and look at: no value is lost or delivered twice."""

import threading
from stress import main, pause

EXECUTING = "generator already executing"


def tell(n):
    for i in range(n):
        yield i


def delegating(n):
    try:
        yield from tell(n)
    finally:
        pass


class Shared:
    """A generator that the threads take turns with, and what it has given so far."""

    def __init__(self, make):
        self.size = 500
        self.generator = make(self.size)
        self.taken = []
        # How many threads may hold a value that they have not noted yet.
        self.takers = 0


lock = threading.Lock()
current = {make: Shared(make) for make in (tell, delegating)}


def take(rng):
    """All values arrive, each once."""
    make = rng.choice((tell, delegating))
    with lock:
        shared = current[make]
        shared.takers += 1
    ended = False
    for _ in range(rng.randrange(1, 100)):
        try:
            value = next(shared.generator)
        except ValueError as error:
            assert str(error) == EXECUTING, error
            pause(rng)
        except StopIteration:
            ended = True
            break
        else:
            shared.taken.append(value)
    with lock:
        shared.takers -= 1
        if ended and current[make] is shared:
            current[make] = Shared(make)
            finished.append(shared)


finished = []


def check(rng):
    """Of those that are over nothing is missing."""
    with lock:
        over = [shared for shared in finished if shared.takers == 0]
        finished[:] = [shared for shared in finished if shared.takers]
    for shared in over:
        shared.taken.sort()
        assert shared.taken == list(range(shared.size)), (len(shared.taken), set(range(shared.size)) ^ set(shared.taken))


victims = []


def looked_after(n):
    held = []
    try:
        for i in range(n):
            held.append(i)
            try:
                yield i
            except KeyError:
                held.clear()
    finally:
        held.append("end")
    return held


def outer(n):
    return (yield from looked_after(n))


def attack(rng):
    """Throwing, closing and looking while others run it: errors are those that are documented."""
    while len(victims) < 5:
        victims.append(outer(rng.randrange(1, 50)))
    try:
        g = victims[rng.randrange(len(victims))]
    except IndexError:
        return
    for _ in range(20):
        what = rng.randrange(6)
        try:
            if what < 2:
                next(g)
            elif what == 2:
                g.throw(KeyError("thrown"))
            elif what == 3 and rng.random() < 0.1:
                g.close()
            elif what == 4:
                inner = g.gi_yieldfrom
                assert inner is None or inner.gi_code is looked_after.__code__
                inner is None or inner.gi_yieldfrom
            else:
                frame = g.gi_frame
                if frame is not None:
                    frame.f_lineno, frame.f_locals.get("n")
                g.gi_running, g.gi_suspended
        except ValueError as error:
            assert str(error) == EXECUTING, error
        except KeyError:
            pass
        except StopIteration:
            try:
                victims.remove(g)
            except ValueError:
                pass
            return
        pause(rng)


def own(rng):
    """Generators of one thread alone, dropped in all states."""
    g = delegating(rng.randrange(1, 30))
    n = rng.randrange(40)
    got = [value for value, _ in zip(g, range(n))]
    assert got == list(range(len(got)))
    assert sum(i * i for i in range(50)) == 40425


main(take, check, attack, own)
