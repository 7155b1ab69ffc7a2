"""pickle: objects of every kind through all protocols, framed and large ones, and what is refused."""
import collections
import io
import pickle


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return type(other) is Point and vars(self) == vars(other)


class Slotted:
    __slots__ = ("a", "b")


class Keyed(dict):
    pass


class Nested:
    class Inner:
        pass


recursive = [1]
recursive.append(recursive)
deep = ()
for _ in range(50):
    deep = (deep,)
OBJECTS = [None, True, False, 0, 1, -1, 255, 256, 65536, -(2**31), 2**31, 2**63, -(2**63), 10**100, -(10**100), 1.5, -0.0, float("inf")]
OBJECTS += ["", "abc", "\xe9\u20ac\U0001d11e\ud800", "a\\b\nc", "x" * 300, b"", b"abc", b"\0\xff" * 300, bytearray(b"abc")]
OBJECTS += [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], list(range(2500)), {}, {1: 2}, {i: str(i) for i in range(2500)}]
OBJECTS += [set(), {1, 2}, frozenset(), frozenset({3}), Point(1, [2]), Keyed(a=1), Nested.Inner, len, int, type(None), Ellipsis]
OBJECTS += [range(5), slice(1, 2, 3), 1j, collections.OrderedDict(a=1), collections.deque([1, 2], 3), ValueError("x", 1), deep]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    sizes = []
    for v in OBJECTS:
        data = pickle.dumps(v, protocol)
        sizes.append(len(data))
        w = pickle.loads(data)
        assert type(w) is type(v) and (w == v or isinstance(v, ValueError) and w.args == v.args), (protocol, v)
        file = io.BytesIO()
        pickle.Pickler(file, protocol).dump(v)
        assert file.getvalue() == data
        file.seek(0)
        assert repr(pickle.Unpickler(file).load()) == repr(w) or isinstance(v, Point)
    print(protocol, sizes)
    again = pickle.loads(pickle.dumps(recursive, protocol))
    assert again[1] is again
    s = Slotted()
    s.a = 5
    try:
        print(pickle.loads(pickle.dumps(s, protocol)).a)
    except TypeError as e:
        print(e)
big = [bytes(100_000), "y" * 100_000, list(range(30_000))]
assert pickle.loads(pickle.dumps(big)) == big
for data in [b"", b".", b"(.", b"K", b"\xff.", b"Z.", b"0.", b"h\x05.", b"\x80\x09.", b"]K\x01e.", b"(K\x01d."]:
    try:
        print(data, pickle.loads(data))
    except Exception as e:
        print(data, type(e).__name__, e)
for v in [lambda: 0, Point(1, lambda: 0), io.BytesIO().getbuffer, (i for i in ())]:
    try:
        pickle.dumps(v)
    except Exception as e:
        print(type(e).__name__)


class Persistent(pickle.Pickler):
    def persistent_id(self, obj):
        return ("point", obj.x) if isinstance(obj, Point) else None


class Load(pickle.Unpickler):
    def persistent_load(self, pid):
        return Point(pid[1], None)


file = io.BytesIO()
Persistent(file).dump([Point(3, 4), 5])
file.seek(0)
print(Load(file).load()[0].x)
buffers = []
data = pickle.dumps(pickle.PickleBuffer(bytearray(b"out of band")), 5, buffer_callback=buffers.append)
print(len(data), bytes(pickle.loads(data, buffers=buffers)))
