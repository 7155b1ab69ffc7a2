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
    # What was read to its end holds no lock.
    with one:
        one.executemany("insert into t values (?)", [(i,) for i in range(10)])
    print(two.execute("select a from t").fetchall()[0])
    with one:
        one.execute("insert into t values (1)")
    print(one.execute("select a from t").fetchall()[0])
    one.execute("drop table t")
    print(two.execute("select count(*) from sqlite_master").fetchall()[0])
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
