"""sqlite3: statements, parameters, rows, errors."""

import sqlite3


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        name = getattr(e, "sqlite_errorname", None)
        print(type(e).__module__, type(e).__name__, e, *([name, e.sqlite_errorcode] if name else []), sep=" | ")


db = sqlite3.connect(":memory:")
cu = db.cursor()
print(cu.connection is db, cu.description, cu.lastrowid, cu.rowcount, cu.arraysize, cu.row_factory)
print(cu.execute("create table t(a integer primary key, b text, c)") is cu, cu.description, cu.rowcount)
cu.execute("insert into t(b, c) values (?, ?)", ("one", 1.5))
print(cu.lastrowid, cu.rowcount)
cu.execute("insert into t(b, c) values (:b, :c)", {"b": "zwei ä", "c": b"\0\xff", "d": 1})
print(cu.lastrowid, cu.rowcount)
cu.executemany("insert into t(b, c) values (?, ?)", [["x", None], ("𝄞\0y", 2**40), (None, -(2**63))])
print(cu.lastrowid, cu.rowcount)
print(cu.execute("select * from t").fetchall())
print(cu.description, cu.rowcount)
print([row for row in cu.execute("select a from t where a > ?", [3])])
cu.execute("select a from t order by a")
print(cu.fetchone(), cu.fetchmany(), cu.fetchmany(2), cu.fetchmany(size=7), cu.fetchone(), next(cu, "end"))
cu.execute("select a from t order by a")
cu.arraysize = 3
print(cu.fetchmany(), cu.fetchall(), cu.fetchall())
print(db.execute("update t set b = 'u' where a < 4").rowcount, db.total_changes, db.in_transaction)
print(db.execute("delete from t where a = 1 returning b").fetchall())
print(db.execute("values (1, '', x'', null)").fetchone())
print(db.execute("select ?, ?, ?", (True, "", b"")).fetchone())
print(db.execute("").fetchall(), db.execute("-- nothing").fetchone())
print(db.execute("select ?2, ?1", (1, 2)).fetchone())
print(len(db.execute("select " + ",".join("?" * 40), range(40)).fetchone()))
print(db.executescript("create table s(x); insert into s values (1), (2); -- end\n").fetchall())
print(db.executemany("insert into s values (?)", ((i,) for i in range(3))).rowcount)
print(db.execute("select count(*), max(x) from s").fetchone(), db.execute("select x from s where x > 1").fetchall())
cu.setinputsizes([1])
cu.setoutputsize(1, 2)

print("-- rows")
db.row_factory = sqlite3.Row
row = db.execute("select 1 as a, 'x' as B, null as c").fetchone()
print(type(row), tuple(row), row.keys(), row[0], row[-1], row["A"], row["b"], row[0:2], len(row), list(row), "x" in row)
print(row == db.execute("select 1 as a, 'x' as B, null as c").fetchone(), row == (1, "x", None), dict(row))
print(hash(row) == hash(db.execute("select 1 as a, 'x' as B, null as c").fetchone()))
attempt(lambda: row["d"])
attempt(lambda: row[3])
attempt(lambda: row[2**100])
attempt(lambda: row[1.5])
attempt(lambda: row < row)
attempt(sqlite3.Row, 1, ())
attempt(sqlite3.Row, cu, [])
db.row_factory = lambda cursor, row: {d[0]: v for d, v in zip(cursor.description, row)}
print(db.execute("select 1 as a, 2 as b").fetchall())
db.row_factory = None

print("-- text")
for factory in bytes, bytearray, lambda b: b[::-1], str:
    db.text_factory = factory
    print(db.execute("select 'aä'").fetchone())
attempt(lambda: db.execute("select cast(x'61ff62' as text) as col").fetchone())

print("-- errors")
for sql, parameters in [
    ("select asdf", ()),
    ("select", ()),
    ("select 1; select 2", ()),
    ("select ?", ()),
    ("select ?", (1, 2)),
    ("select ?", 1),
    ("select :a", {}),
    ("select :a", (1,)),
    ("select ?", {"a": 1}),
    ("select ?", (2**63,)),
    ("select ?", ([],)),
    ("select ?", ("\ud800",)),
    ("select '\ud800'", ()),
    ("select 1\0", ()),
    ("insert into t(a) values (2)", ()),
    (1, ()),
]:
    attempt(db.execute, sql, parameters)
db.execute("create table e(a not null, b unique, c check (c > 0))")
for sql in "insert into e values (null, 1, 1)", "insert into e values (1, 1, -1)":
    attempt(db.execute, sql)
attempt(db.executemany, "select ?", [(1,)])
attempt(db.executemany, "insert into e values (?, ?, ?)", [(1, 2, 3), (1, 2, 3)])
print(db.execute("select * from e").fetchall())
attempt(db.executescript, "insert into e values (4, 4, 4); nonsense;")
attempt(db.executescript, "a\0b")
attempt(db.executescript, b"select 1")
attempt(sqlite3.connect, "/nonexistent/folder/db")
attempt(sqlite3.connect, 1)
attempt(sqlite3.connect, "a\0b")
attempt(db, "select 1; select 2")
attempt(db, 1)
print(type(db("select 1")), sqlite3.complete_statement("select 1;"), sqlite3.complete_statement("select '"))
attempt(sqlite3.Blob)
attempt(sqlite3.Cursor, 1)
attempt(db.cursor, lambda con: 1)
attempt(setattr, cu, "arraysize", "x")
cu.close()
attempt(cu.execute, "select 1")
attempt(cu.fetchone)
other = db.cursor()
db.close()
db.close()
for f in [lambda: db.execute("select 1"), other.fetchone, db.commit, db.cursor, db.interrupt, lambda: db.in_transaction, db.__enter__]:
    attempt(f)
empty = sqlite3.Connection.__new__(sqlite3.Connection)
for f in [empty.cursor, empty.close, lambda: empty.isolation_level, lambda: empty("select 1")]:
    attempt(f)
attempt(sqlite3.Cursor.__new__(sqlite3.Cursor).execute, "select 1")
for name in "Warning Error InterfaceError DatabaseError InternalError OperationalError ProgrammingError IntegrityError DataError".split():
    print(name, getattr(sqlite3, name).__mro__[1].__name__, getattr(db, name) is getattr(sqlite3, name))
print(sqlite3.threadsafety, sqlite3.apilevel, sqlite3.paramstyle, sqlite3.PARSE_DECLTYPES, sqlite3.PARSE_COLNAMES)
print(sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_DENY, sqlite3.SQLITE_LIMIT_COLUMN, sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY)
