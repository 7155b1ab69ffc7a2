"""Threads share connections of sqlite3: statements, functions, blobs, copies, and connections that are closed among all that."""

import sqlite3
from stress import main, pause

databases = [None, None, None]
cursors = [None]


class Sizes:
    def __init__(self):
        self.sizes = []

    def step(self, value):
        self.sizes.append(value)

    def finalize(self):
        return len(self.sizes)


def renew(i):
    db = sqlite3.connect(":memory:", check_same_thread=False, cached_statements=5)
    db.execute("create table t(a, b)")
    db.executemany("insert into t values (?, ?)", [(n, b"x" * 10) for n in range(20)])
    db.commit()
    db.create_function("same", 1, lambda x: x)
    db.create_aggregate("count_of", 1, Sizes)
    databases[i] = db


for i in range(len(databases)):
    renew(i)


def guarded(f):
    """What goes wrong because of others does not matter."""

    def action(rng):
        try:
            f(rng, rng.choice(databases))
        except sqlite3.Error:
            pass

    action.__name__ = f.__name__
    return action


@guarded
def read(rng, db):
    limit = rng.randrange(20)
    assert all(a > limit for (a,) in db.execute("select same(a) from t where a > ?", (limit,)))


@guarded
def read_a_cursor(rng, db):
    if rng.random() < 0.2:
        cursors[0] = db.execute("select a, b from t")
    row = cursors[0].fetchone() if cursors[0] else None
    assert row is None or len(row) == 2


@guarded
def aggregate(rng, db):
    n, m = db.execute("select count_of(a), count(*) from t").fetchone()
    assert n == m


@guarded
def write(rng, db):
    if rng.random() < 0.5:
        db.execute("insert into t values (?, zeroblob(10))", (rng.randrange(20),))
    else:
        db.execute("delete from t where a = ?", (rng.randrange(20),))


@guarded
def end_transaction(rng, db):
    rng.choice([db.commit, db.rollback])()


@guarded
def use_a_blob(rng, db):
    blob = db.blobopen("t", "b", rng.randrange(1, 20))
    blob[0] = 1
    assert blob.read(3)[0] == 1


@guarded
def set_callbacks(rng, db):
    db.create_function("same", 1, lambda x: (x, 1)[0])
    db.set_trace_callback(rng.choice([None, lambda sql: None]))
    db.set_progress_handler(rng.choice([None, lambda: 0]), rng.randrange(1, 50))


@guarded
def copy(rng, db):
    target = sqlite3.connect(":memory:")
    # A database that somebody writes to is waited for: only so long.
    tries = iter(range(3))
    db.backup(target, pages=1, progress=lambda *args: next(tries), sleep=0)
    target.close()


def copy_a_part(rng):
    try:
        copy(rng)
    except StopIteration:
        pass


@guarded
def interrupt(rng, db):
    pause(rng)
    if rng.random() < 0.1:
        db.interrupt()


def close(rng):
    if rng.random() < 0.02:
        i = rng.randrange(len(databases))
        db = databases[i]
        renew(i)
        db.close()


main(read, read_a_cursor, aggregate, write, end_transaction, use_a_blob, set_callbacks, copy_a_part, interrupt, close)
