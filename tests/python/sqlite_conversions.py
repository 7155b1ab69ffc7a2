"""sqlite3: adapters and converters."""

import sqlite3


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, e, repr(e.__cause__))


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


class Conforming(Point):
    def __conform__(self, protocol):
        if protocol is sqlite3.PrepareProtocol:
            return f"{self.x};{self.y}"


sqlite3.register_adapter(Point, lambda p: f"{p.x};{p.y}")
sqlite3.register_converter("point", lambda b: Point(*map(int, b.split(b";"))))
sqlite3.register_converter("boom", lambda b: 1 / 0)
for detect in 0, sqlite3.PARSE_DECLTYPES, sqlite3.PARSE_COLNAMES, sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES:
    print(detect)
    db = sqlite3.connect(":memory:", detect_types=detect)
    db.execute("create table t(p point, q point(3) not null, r boom)")
    db.execute("insert into t values (?, ?, ?)", (Point(1, 2), Conforming(3, 4), None))
    cu = db.execute('select p, q, r, p as "x [point]", q as "y [nothing]", p as "[z" from t')
    print(cu.fetchall(), [d[0] for d in cu.description])
    attempt(lambda: db.execute('select 1 as "a [boom]"').fetchone())
    db.close()

db = sqlite3.connect(":memory:")
attempt(db.execute, "select ?", (object(),))
print(sqlite3.adapt(Point(5, 6)), sqlite3.adapt(Conforming(7, 8)), sqlite3.adapt(1, sqlite3.PrepareProtocol, 2))
attempt(sqlite3.adapt, object())
print(sqlite3.adapt(1.5, None, "other"))


class Protocol:
    @staticmethod
    def __adapt__(obj):
        return ("adapted", obj)


print(sqlite3.adapt(1, Protocol))


class Failing:
    def __conform__(self, protocol):
        raise TypeError("not that")


class Raising:
    def __conform__(self, protocol):
        raise ValueError("no")


attempt(sqlite3.adapt, Failing())
attempt(sqlite3.adapt, Raising())
attempt(sqlite3.register_adapter, {}, None)
attempt(sqlite3.register_converter, 1, None)
parameters = []


class Clearing:
    def __conform__(self, protocol):
        parameters.clear()
        return 1


parameters += [Clearing(), 2]
attempt(db.execute, "select ?, ?", parameters)
sqlite3.register_adapter(int, lambda n: n + 1)
print(db.execute("select ?, ?", (1, True)).fetchone())
print("POINT" in sqlite3.converters, (Point, sqlite3.PrepareProtocol) in sqlite3.adapters)
db.close()

# A cursor that is being read cannot be used by what converts its values.
db = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_COLNAMES)
cu = db.cursor()
for name, use in [("fetching", lambda b: cu.fetchone()), ("closing", lambda b: cu.close()), ("executing", lambda b: cu.execute("select 1"))]:
    sqlite3.register_converter(name, use)
    cu.execute(f'select 1 as "x [{name}]"')
    attempt(cu.fetchall)
db.close()
