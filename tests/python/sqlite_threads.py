"""sqlite3: connections among threads, and what becomes of objects that nobody has any more."""

import gc
import os
import sqlite3
import tempfile
import threading
import warnings


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, str(e).split(" The object was")[0])


def in_threads(count, f):
    threads = [threading.Thread(target=f, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


print("-- another thread's connection")
db = sqlite3.connect(":memory:")
cu = db.execute("select 1")
in_threads(1, lambda i: [attempt(f) for f in (cu.fetchone, db.commit, db.close, db.cursor, lambda: db.execute("select 1"))])
print(cu.fetchone())
db.close()

print("-- a shared connection")
db = sqlite3.connect(":memory:", check_same_thread=False)
db.execute("create table t(thread, n)")
db.create_function("twice", 1, lambda n: n * 2)


def fill(thread):
    for n in range(100):
        db.execute("insert into t values (?, twice(?))", (thread, n))
        assert db.execute("select count(*) from t where thread = ?", (thread,)).fetchone() == (n + 1,)


in_threads(4, fill)
print(db.execute("select thread, count(*), sum(n) from t group by thread order by thread").fetchall())

print("-- a shared cursor")
cu = db.execute("select n from t")
found = []


def drain(_):
    while True:
        try:
            row = cu.fetchone()
        except sqlite3.ProgrammingError:
            continue
        if row is None:
            break
        found.append(row[0])


in_threads(4, drain)
print(sorted(found) == sorted(2 * n for n in range(100) for _ in range(4)))

print("-- closing while others work")
stop = []


def work(_):
    try:
        while True:
            db.execute("select count(*) from t, t as u").fetchone()
    except sqlite3.ProgrammingError as e:
        stop.append(str(e))


threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for thread in threads:
    thread.start()
db.close()
for thread in threads:
    thread.join()
print(stop)

print("-- closing in a function")
db = sqlite3.connect(":memory:")
db.create_function("close", 0, lambda: db.close())
attempt(lambda: type(db.execute("select close() union all select 2")))
attempt(db.execute, "select 1")

print("-- interrupting")
db = sqlite3.connect(":memory:", check_same_thread=False)
begun = threading.Event()
db.create_function("begun", 0, begun.set)


def interrupt(_=None):
    begun.wait()
    db.interrupt()


thread = threading.Thread(target=interrupt)
thread.start()
attempt(lambda: db.execute("with recursive c(x) as (select begun() union all select 1 from c) select count(*) from c"))
thread.join()
db.close()

print("-- a connection for each thread")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "db")
    first = sqlite3.connect(path)
    first.execute("create table t(thread, n)")
    first.commit()

    def write(thread):
        db = sqlite3.connect(path, timeout=60)
        for n in range(10):
            with db:
                db.execute("insert into t values (?, ?)", (thread, n))
            assert len(db.execute("select * from t").fetchall()) > n
        db.close()

    in_threads(4, write)
    print(first.execute("select thread, count(*) from t group by thread").fetchall())
    first.close()

print("-- garbage")
db = sqlite3.connect(":memory:")
db.execute("create table t(a)")
db.executemany("insert into t values (?)", [(i,) for i in range(9)])


def use():
    for i in range(200):
        db.execute("select a from t where a > ?", (i % 5,)).fetchone()
        db.blobopen("sqlite_master", "sql", 1, readonly=True)
        db(f"select {i}")
        db.create_function(f"f{i}", 1, lambda a: i)
        db.set_trace_callback(lambda sql: i)


use()
gc.collect()
print(db.execute("select count(*) from t").fetchone())
db.execute("drop table t")
db.close()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")

    def leave():
        sqlite3.connect(":memory:").execute("select 1 union select 2").fetchone()

    leave()
    gc.collect()
    print([(w.category.__name__, str(w.message).split(" at ")[0]) for w in caught])
