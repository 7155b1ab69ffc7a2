"""sqlite3: blobs, backups, serialized databases, dumps, settings."""

import os
import sqlite3
import tempfile


def attempt(f, *args, **kwargs):
    try:
        print("ok", f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__, e)


db = sqlite3.connect(":memory:")
db.execute("create table t(a integer primary key, b blob)")
db.execute("insert into t values (1, ?), (2, zeroblob(4))", (b"0123456789",))
db.commit()

print("-- blobs")
blob = db.blobopen("t", "b", 1)
print(len(blob), blob.read(3), blob.tell(), blob.read(), blob.read(), blob.read(5))
blob.seek(0)
blob.write(b"ab")
blob.seek(-2, os.SEEK_END)
blob.write(b"yz")
blob.seek(2)
blob.seek(3, os.SEEK_CUR)
print(blob.tell(), blob.read(2), blob[0], blob[-1], blob[2:5], blob[::3], blob[5:2])
blob[0] = 65
blob[1:3] = b"BC"
blob[3:9:2] = bytearray(b"xxx")
print(db.execute("select b from t").fetchall())
for f in [
    lambda: blob[10],
    lambda: blob["x"],
    lambda: blob.seek(11),
    lambda: blob.seek(-1),
    lambda: blob.seek(2**31 - 1, os.SEEK_CUR),
    lambda: blob.seek(0, 9),
    lambda: blob.write(b"12345"),
    lambda: blob.__setitem__(0, 256),
    lambda: blob.__setitem__(0, "a"),
    lambda: blob.__setitem__(slice(0, 3), b"12"),
    lambda: blob.__delitem__(0),
    lambda: blob.__delitem__(slice(0, 3)),
    lambda: db.blobopen("t", "b", 9),
    lambda: db.blobopen("t", "nothing", 1),
    lambda: db.blobopen("t", "b", "x"),
]:
    attempt(f)
with db.blobopen("t", "b", 2, readonly=True) as readonly:
    print(readonly.read())
    attempt(readonly.write, b"1")
attempt(readonly.read)
attempt(readonly.__enter__)
db.execute("update t set b = 'changed' where a = 1")
attempt(blob.read)
blob.close()
blob.close()
attempt(blob.tell)
left_open = db.blobopen("t", "b", 2, readonly=True)

print("-- backup")
copy = sqlite3.connect(":memory:")
seen = []
db.commit()
db.backup(copy, pages=1, progress=lambda *args: seen.append(args))
print(copy.execute("select * from t").fetchall(), seen[-1], len(seen) > 1)
attempt(db.backup, db)
attempt(db.backup, 1)
attempt(db.backup, copy, progress=1)
attempt(db.backup, copy, name="nothing")
attempt(db.backup, copy, progress=lambda *args: 1 / 0)
with tempfile.TemporaryDirectory() as folder:
    with sqlite3.connect(os.path.join(folder, "x")) as file:
        db.backup(file)
        print(file.execute("select count(*) from t").fetchone(), file.serialize()[:15])
    file.close()

print("-- serialize")
data = db.serialize()
print(type(data), data[:15])
other = sqlite3.connect(":memory:")
other.deserialize(data)
print(other.execute("select a from t").fetchall())
other.execute("insert into t values (3, null)")
attempt(other.deserialize, 1)
attempt(other.deserialize, memoryview(b"abcd")[::2])
attempt(db.serialize, name="nothing")
other.close()
third = sqlite3.connect(":memory:")
third.deserialize(b"\0\1\2")
attempt(third.execute, "select * from t")
third.close()

print("-- dump")
db.execute("create table u(x text, y real default 1.5)")
db.execute("create view v as select x from u")
db.execute("insert into u values ('it''s', null)")
print(*db.iterdump(), sep="\n")
print(list(db.iterdump(filter="u")))

print("-- settings")
print(db.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH) > 1000, db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20) > 1000)
print(db.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH))
attempt(db.execute, "select 1 where 1 = 1 or 2 = 2")
attempt(db.executescript, "select 1 where 1 = 1 or 2 = 2")
attempt(db.getlimit, 1111)
attempt(db.setlimit, 1111, 1)
print(db.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY))
db.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY)
print(db.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY))
db.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY, False)
print(db.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY))
attempt(db.getconfig, -1)
attempt(db.setconfig, 99)
db.close()
attempt(left_open.read)
copy.close()
