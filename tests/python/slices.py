"""Slice objects."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


s = slice(1, 10, 2)
print(s, slice(5), slice(None, None), s.start, s.stop, s.step, slice("a", [1]))
print(s == slice(1, 10, 2), s != slice(1, 10), slice(1) < slice(2), slice(1, 2) <= slice(1, 2), slice(1, 2, 3) > slice(1, 2, 2))
print(s.indices(5), s.indices(100), slice(None).indices(7), slice(None, None, -1).indices(7), slice(-3, None).indices(7), slice(0, -100).indices(3))
print(slice(10**30, None, -1).indices(5), slice(None, 10**30).indices(10**25), slice(-(10**30), 10**30, 10**28).indices(10**29))
for f in (
    lambda: slice(),
    lambda: slice(1, 2, 3, 4),
    lambda: slice(stop=1),
    lambda: slice(1, 2, 0).indices(5),
    lambda: slice("a").indices(5),
    lambda: slice(1).indices(-1),
    lambda: slice(1).indices("a"),
    lambda: slice(1) < 3,
    lambda: [1, 2][slice("a")],
):
    print(error(f))


def assign():
    s.start = 1


print(error(assign), s.__reduce__())


class Show:
    def __getitem__(self, key):
        return key

    def __setitem__(self, key, value):
        print("set", key, value)

    def __delitem__(self, key):
        print("del", key)


x = Show()
print(x[1:2], x[::], x[1:2, ..., None], x[:], x["a":"b":"c"], x[()])
x[1:2] = 3
del x[::2]
data = list(range(20))
for start in (None, -25, -20, -3, 0, 3, 19, 20, 25):
    for stop in (None, -25, -1, 0, 7, 20, 30):
        for step in (None, -21, -3, -1, 1, 2, 21):
            key = slice(start, stop, step)
            lo, hi, st = key.indices(20)
            assert data[key] == [data[i] for i in range(lo, hi, st)], key
            assert tuple(data)[key] == tuple(data[key])
            assert "".join(chr(65 + i) for i in data)[key] == "".join(chr(65 + i) for i in data[key])
            assert list(range(20)[key]) == data[key]
            copy = data[:]
            del copy[key]
            assert copy == [i for i in data if i not in data[key]], key
            copy = data[:]
            copy[key] = data[key]
            assert copy == data, key
print("all slices agree")
