"""sqlite3: code that is called in the middle of something and uses, closes or replaces what is being worked on."""

import gc
import sqlite3


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, e)


def filled(**options):
    db = sqlite3.connect(":memory:", **options)
    db.execute("create table t(a, b blob)")
    db.executemany("insert into t values (?, zeroblob(8))", [(i,) for i in range(5)])
    db.commit()
    return db


class Calls:
    """Calls a function when it is adapted, converted to a number or asked for its memory."""

    def __init__(self, f, value=1):
        self.f, self.value = f, value

    def __conform__(self, protocol):
        self.f()
        return self.value

    def __index__(self):
        self.f()
        return self.value

    def __buffer__(self, flags):
        self.f()
        return memoryview(b"x")


print("-- while parameters are bound")
db = filled()
attempt(lambda: db.execute("select ?", (Calls(lambda: db.execute("select ?", (2,))),)).fetchall())
attempt(lambda: db.execute("select ?, ?", (Calls(lambda: db.executescript("drop table t")), 5)).fetchall())
attempt(lambda: type(db.execute("select ?, ?", (Calls(db.close), 5))))
attempt(db.execute, "select 1")

print("-- while rows are inserted")
db = filled()
cu = db.cursor()


def rows():
    yield (1,)
    attempt(cu.execute, "select 1")
    attempt(cu.close)
    attempt(cu.fetchone)
    attempt(cu.__init__, db)
    db.execute("create table u(a)")
    gc.collect()
    yield (2,)
    db.commit()
    yield (3,)


cu.executemany("insert into t(a) values (?)", rows())
print(cu.rowcount, db.execute("select count(*) from t").fetchone())


def closing():
    yield (1,)
    db.close()
    yield (2,)


attempt(lambda: type(db.executemany("insert into t(a) values (?)", closing())))
attempt(db.commit)

print("-- while rows are read")
db = filled(detect_types=sqlite3.PARSE_COLNAMES)
cu = db.cursor()
for name, f in {
    "fetch": lambda: cu.fetchone(),
    "execute": lambda: cu.execute("select 1"),
    "commit": lambda: db.commit(),
    "collect": lambda: gc.collect() < 0,
    "drop": lambda: db.execute("drop table t"),
    "close": lambda: db.close(),
}.items():
    sqlite3.register_converter("calls", lambda b: attempt(f))
    print(name)
    cu.execute('select a as "a [calls]" from t limit 1')
    attempt(cu.fetchall)
db = filled()
db.row_factory = lambda cursor, row: (row, cursor.fetchone())
attempt(lambda: db.execute("select a from t limit 3").fetchall())
db.row_factory = lambda cursor, row: cursor.execute("select 7").fetchall
attempt(lambda: len(db.execute("select a from t").fetchmany(2)))
db.row_factory = lambda cursor, row: db.close()
attempt(lambda: db.execute("select a from t").fetchall())

print("-- while blobs are used")
db = filled()
for f in [
    lambda blob: blob[Calls(blob.close)],
    lambda blob: blob[Calls(blob.close, 2) : 5],
    lambda blob: blob.__setitem__(slice(0, 1), Calls(blob.close)),
    lambda blob: blob.__setitem__(Calls(blob.close), 1),
    lambda blob: blob.read(Calls(blob.close)),
    lambda blob: blob.write(Calls(blob.close)),
    lambda blob: blob.seek(Calls(blob.close)),
]:
    attempt(f, db.blobopen("t", "b", 1))
first = db.blobopen("t", "b", 1)
first.close()
second = db.blobopen("t", "b", 2)
del first
gc.collect()
print(second.read())
attempt(lambda: db.blobopen("t", "b", 1)[Calls(db.close)])
attempt(second.read)

print("-- in functions that SQL calls")
db = filled()
cu = db.cursor()
db.create_function("call", 0, lambda: attempt(todo))
for todo in [
    lambda: cu.execute("select 1"),
    lambda: db.execute("select count(*) from t").fetchone(),
    lambda: db.create_function("call", 0, print),
    lambda: db.executescript("select 1; select 2") and None,
    lambda: db.set_trace_callback(lambda sql: None),
    lambda: db.set_authorizer(lambda *args: db.set_authorizer(None) or 0),
    lambda: db.set_progress_handler(lambda: db.set_progress_handler(None, 1), 1),
    lambda: sqlite3.Connection.__init__(db, ":memory:"),
]:
    attempt(lambda: cu.execute("select call()").fetchall())
attempt(db.execute, "select * from t")

print("-- in backups")
db, copy = filled(), sqlite3.connect(":memory:")
attempt(db.backup, copy, pages=1, progress=lambda *args: copy.close())
attempt(copy.execute, "select 1")
copy = sqlite3.connect(":memory:")
attempt(db.backup, copy, pages=1, progress=lambda *args: db.close())
attempt(lambda: copy.execute("select count(*) from t").fetchone())
gc.collect()
