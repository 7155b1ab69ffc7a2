"""sqlite3: transactions, and what is told of statements."""

import os
import sqlite3
import tempfile


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, e)


def traced(autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL, level=""):
    db = sqlite3.connect(":memory:", autocommit=autocommit, isolation_level=level)
    db.execute("create table t(a)")
    db.set_trace_callback(lambda sql: print("   ", repr(sql)))
    return db


for autocommit in sqlite3.LEGACY_TRANSACTION_CONTROL, True, False:
    for level in "", "immediate", None:
        print(autocommit, level)
        db = traced(autocommit, level)
        print("  ", db.autocommit, db.isolation_level, db.in_transaction)
        with db:
            db.execute("insert into t values (?)", ("x",))
            print("  ", db.in_transaction)
        print("  ", db.in_transaction)
        try:
            with db:
                db.execute("insert into t values (2)")
                1 / 0
        except ZeroDivisionError:
            print("   divided")
        db.execute("insert into t values (3)")
        db.executescript("select 1; select 2")
        db.rollback()
        print("  ", db.execute("select * from t").fetchall())
        db.close()

print("-- setting")
db = traced()
db.execute("insert into t values (1)")
db.isolation_level = None
print(db.in_transaction, db.isolation_level)
for level in "EXCLUSIVE", "exclusive", "Deferred", 1, "abc", "\0", b"":
    attempt(setattr, db, "isolation_level", level)
    print(db.isolation_level)
attempt(delattr, db, "isolation_level")
for mode in True, False, -1, 0, 1, None:
    attempt(setattr, db, "autocommit", mode)
    print(db.autocommit, db.in_transaction)
attempt(sqlite3.connect, ":memory:", isolation_level="x")
attempt(sqlite3.connect, ":memory:", autocommit=3)
db.close()

print("-- two connections")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "db")
    one, two = sqlite3.connect(path), sqlite3.connect(path.encode(), timeout=0)
    with one:
        one.execute("create table t(a)")
    one.execute("insert into t values (1)")
    attempt(two.execute, "insert into t values (2)")
    print(two.in_transaction, two.execute("select * from t").fetchall())
    two.rollback()
    one.commit()
    print(two.execute("select * from t").fetchall())
    # What nobody reads to its end holds no lock.
    with one:
        one.executemany("insert into t values (?)", [(i,) for i in range(10)])
    print(two.execute("select a from t").fetchone())
    with one:
        one.execute("insert into t values (1)")
    print(one.execute("select a from t").fetchone())
    one.execute("drop table t")
    print(two.execute("select count(*) from sqlite_master").fetchone())
    one.close()
    two.close()
    uri = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    attempt(uri.execute, "create table u(a)")
    uri.close()
    attempt(sqlite3.connect, f"file:{path}.none?mode=ro", uri=True)
    db = sqlite3.connect(path)
    db.execute("create table p(a primary key)")
    db.execute("create table q(a references p)")
    db.execute("insert into q values (1)")
    db.execute("pragma foreign_keys = on")
    db.rollback()
    db.execute("pragma foreign_keys = on")
    attempt(db.execute, "insert into q values (1)")
    db.close()

print("-- rows read ahead")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "db")
    one, two = sqlite3.connect(path, timeout=0.1), sqlite3.connect(path, detect_types=sqlite3.PARSE_DECLTYPES)
    sqlite3.register_converter("flag", lambda b: 1 / int(b))
    with one:
        one.execute("create table t(a integer, b text, c blob, d real, e flag)")
        rows = [(i, f"é{i}", bytes(range(i)), i / 2, str(i - 3)) for i in range(5)]
        one.executemany("insert into t values (?, ?, ?, ?, ?)", rows + [(None,) * 5])
    reading = two.execute("select * from t")
    print(next(reading))
    with one:
        one.execute("insert into t(a) values (9)")
    two.text_factory = bytes
    print(next(reading))
    two.text_factory = str
    print(next(reading))
    attempt(next, reading)
    attempt(next, reading)
    two.row_factory = sqlite3.Row
    print(two.execute("select count(*) from t").fetchone()[0])
    two.row_factory = None
    # The statement is another cursor's meanwhile.
    first = two.execute("select a from t where a < ?", (4,))
    print(first.fetchone())
    with one:
        one.execute("insert into t(a) values (-1)")
    second = two.execute("select a from t where a < ?", (4,))
    print(second.fetchone())
    print(first.fetchone())
    first.execute("select 5")
    print(second.fetchall(), first.fetchall())
    # So many that they are not all read at once.
    with one:
        one.executemany("insert into t(a) values (?)", ((i,) for i in range(25_000)))
    reading = two.execute("select a from t where b is null")
    print(reading.fetchmany(4))
    one.execute("insert into t(a) values (-2)")
    attempt(one.commit)
    print([a for a, in reading] == list(range(1, 25_000)))
    one.commit()
    # What fails later, does so where it is read.
    with one:
        one.execute("create table n(a)")
        one.executemany("insert into n values (?)", [(1,), (2,), (-(2**63),), (3,)])
    reading = two.execute("select abs(a) from n")
    print(reading.fetchone())
    with one:
        one.execute("insert into n values (4)")
    attempt(reading.fetchone)
    print(reading.fetchone())
    one.close()
    two.close()

print("-- cursors across rollback")
db = sqlite3.connect(":memory:")
db.execute("create table t(a)")
db.executemany("insert into t values (?)", [(i,) for i in range(4)])
db.commit()
cu = db.execute("select a from t")
print(cu.fetchone())
db.execute("insert into t values (9)")
db.rollback()
print(cu.fetchall())
db.__init__(":memory:")
attempt(db.execute, "select * from t")
db.close()
