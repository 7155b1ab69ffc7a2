"""sqlite3: functions, aggregates, collations and hooks written in Python."""

import gc
import sqlite3
import sys


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, e)


def ask(sql, *parameters):
    attempt(lambda: db.execute(sql, parameters).fetchall())


db = sqlite3.connect(":memory:")
db.execute("create table t(a, b)")
db.executemany("insert into t values (?, ?)", [("a", 4), ("b", 5), ("c", 3), ("d", 8), ("e", 1)])
db.commit()

print("-- functions")
db.create_function("show", -1, lambda *args: repr(args))
ask("select show(), show(1, -2.5, 'ä', x'00ff', null)")
for result in 1, 2**62, 1.5, "s\0t", b"b\0c", bytearray(b"x"), memoryview(b"abc"), None, float("nan"), [], 2**64, "\ud800":
    db.create_function("give", 0, lambda: result)
    ask("select give(), typeof(give())")


def failing(what):
    raise {"m": MemoryError, "o": OverflowError, "v": ValueError}[what]("why")


db.create_function("failing", 1, failing)
for what in "mov":
    ask("select failing(?)", what)
db.create_function("twice", 1, lambda x: x * 2, deterministic=True)
ask("select twice(a), twice(b) from t where twice(b) > 8")
# A function may use the connection.
db.create_function("again", 1, lambda x: db.execute("select count(*) from t where b > ?", (x,)).fetchone()[0])
ask("select b, again(b) from t")
db.create_function("redefine", 0, lambda: db.create_function("redefine", 0, lambda: 2))
ask("select redefine()")
attempt(db.create_function, "bad", -100, lambda: 1)
attempt(db.create_function, "bad", "x", lambda: 1)
attempt(db.create_function, "nul\0", 1, lambda: 1)


print("-- aggregates")
class Sum:
    def __init__(self):
        self.n = 0

    def step(self, *args):
        self.n += sum(args)

    def inverse(self, *args):
        self.n -= sum(args)

    def value(self):
        return self.n

    def finalize(self):
        gc.collect()
        return self.n


db.create_aggregate("total_of", -1, Sum)
ask("select total_of(b), total_of(b, 1, 1) from t")
ask("select a > 'b', total_of(b) from t group by 1")
ask("select total_of(b) from t where a = 'none'")
db.create_window_function("moving", 1, Sum)
ask("select a, moving(b) over (order by a rows between 1 preceding and 1 following) from t")
db.create_window_function("moving", 1, None)
ask("select moving(b) from t")
attempt(db.create_window_function, "bad", -100, Sum)
attempt(db.create_aggregate, "bad", -100, Sum)
for missing in "__init__", "step", "finalize":
    def method(self, *args):
        1 / 0
    members = {"step": lambda self, x: None, "finalize": lambda self: 1}
    db.create_aggregate("broken", 1, type("Broken", (), {**members, missing: method}))
    ask("select broken(b) from t")
    members.pop(missing, None)
    db.create_aggregate("broken", 1, type("Broken", (), members))
    ask("select broken(b) from t")

print("-- collations")
db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
ask("select a from t order by a collate backwards")
db.create_collation("huge", lambda a, b: ((a < b) - (a > b)) * 2**100)
ask("select a from t order by a collate huge")
db.create_collation("failing", lambda a, b: 1 / 0)
ask("select a from t order by a collate failing")
db.create_collation("backwards", None)
ask("select a from t order by a collate backwards")
attempt(db.create_collation, "x", 1)
attempt(db.create_collation, None, max)

print("-- authorizer")
asked = []
def authorize(action, first, second, database, source):
    asked.append((action, first, second, database, source))
    if second == "b":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_IGNORE if second == "a" else sqlite3.SQLITE_OK


db.set_authorizer(authorize)
ask("select a from t limit 1")
ask("select b from t")
print(asked[:2])
for answer in "x", 2**40, None:
    db.set_authorizer(lambda *args: answer)
    ask("select count(*) from t")
db.set_authorizer(lambda *args: 1 / 0)
ask("select count(*), 1 from t")
db.set_authorizer(None)
ask("select count(*) from t")

print("-- progress")
calls = []
db.set_progress_handler(lambda: calls.append(1), 1)
ask("select count(*) from t, t")
print(len(calls) > 10)
db.set_progress_handler(lambda: True, 5)
ask("with recursive c(x) as (select 1 union all select x + 1 from c) select x from c where x > 1000000")
db.set_progress_handler(None, 1)
ask("select count(*) from t")

print("-- tracing")
def trace(sql):
    print("   ", sql)
    if "off" in sql:
        db.set_trace_callback(None)


db.set_trace_callback(trace)
db.execute("insert into t values (?, ?)", ("it's", 1.5))
ask("select 'off'")
ask("select 'not seen'")
db.rollback()

print("-- tracebacks")
seen = []
sys.unraisablehook = lambda info: seen.append((info.exc_type.__name__, str(info.exc_value), getattr(info.object, "__name__", None)))
ask("select failing('v')")
sqlite3.enable_callback_tracebacks(True)
ask("select failing('v')")
db.set_trace_callback(lambda sql: 1 / 0)
ask("select 1")
sqlite3.enable_callback_tracebacks(False)
print(seen)
db.set_trace_callback(None)
