"""memoryview: items, slices, casts, several dimensions, release, errors."""


def error(f, *args, **kw):
    try:
        return f(*args, **kw)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


b = bytearray(b"abcdef")
m = memoryview(b)
print(m[0], m[-1], bytes(m[1:3]), m[::2].tolist(), m[::-1].tobytes(), len(m), m.nbytes, m.itemsize, m.format, m.ndim, m.shape, m.strides, m.suboffsets, m.readonly, m.obj is b, m.contiguous, m[::2].contiguous, m.c_contiguous, m.f_contiguous)
m[0] = 65
m[1:3] = b"XY"
m[::-2] = b"123"
print(b, list(m), 65 in m, m == b, m == b"nope", m != b, m.tobytes(), m.hex(), m.hex(":"), bytes(m), m.toreadonly().readonly)
r = memoryview(b"abc")
print(hash(r) == hash(b"abc"), r == b"abc", r[::-1] == b"cba", {r: 1}[b"abc"], r.readonly, error(lambda: hash(m)), error(r.__setitem__, 0, 1))
for f in (lambda: m[10], lambda: m["a"], lambda: m[0, 0], lambda: m.__setitem__(0, 256), lambda: m.__setitem__(0, "a"), lambda: m.__setitem__(0, b"a"), lambda: m.__setitem__(slice(0, 2), b"abc"), lambda: m.__delitem__(0), lambda: memoryview(5), lambda: memoryview("abc"), lambda: memoryview(), lambda: m.cast("x"), lambda: m.cast("I"), lambda: m[::2].cast("H"), lambda: m.cast("B", [2, 2]), lambda: m.cast("B", 5), lambda: m.cast("B", [0, 6]), lambda: m.tobytes("X"), lambda: m.cast("H").cast("I"), lambda: m < b"a", lambda: m.cast("B", ["a"])):
    print(error(f))
h = m.cast("H")
print(h.tolist(), h.itemsize, h.shape, h[1], h.format, h.cast("B") == m, h == m)
h[0] = 513
print(b[:2], error(h.__setitem__, 0, 65536), error(h.__setitem__, 0, -1), error(h.__setitem__, 0, 1.5))
for code, values in (("b", [-128, 127]), ("h", [-5, 300]), ("i", [-70000, 5]), ("I", [2**32 - 1, 0]), ("l", [-(2**63), 1]), ("q", [2**63 - 1]), ("Q", [2**64 - 1]), ("n", [-3]), ("N", [4]), ("f", [1.5, -0.25]), ("d", [0.1, 1e300]), ("e", [1.5, -2.0]) if False else ("d", [3.5]), ("?", [True, False]), ("c", [b"x", b"y"])):
    size = memoryview(bytearray(16)).cast(code).itemsize
    v = memoryview(bytearray(size * len(values))).cast(code)
    for i, x in enumerate(values):
        v[i] = x
    print(code, v.tolist(), v.tobytes(), v == v, v.itemsize)
g = memoryview(bytes(range(24))).cast("B", [2, 3, 4])
print(g.tolist(), g.shape, g.strides, g.ndim, g[1, 2, 3], g[0, 0, 0], len(g), g.nbytes, error(lambda: g[0]), error(lambda: g[0, 0]), error(lambda: g[0, 0, 9]), g[0:1].tolist(), g[::-1].tolist(), g[1:].shape, error(lambda: g[0, 0, 0, 0]), g.cast("B").shape, g.tobytes() == bytes(range(24)), g.tobytes("F"), g == g, error(iter, g))
z = memoryview(b"x").cast("B", [])
print(z[()], z.shape, z.tolist(), error(len, z), error(lambda: z[0]), z[...] is z, z.tobytes(), error(iter, z))
with memoryview(b) as w:
    inner = w[1:]
    print(w[0], inner[0])
print(error(lambda: w[0]), repr(w).startswith("<released memory at"), inner[0], error(w.tolist), error(lambda: w.shape), w.release(), error(len, w), w == w, w == b)
inner.release()
m2 = memoryview(m)
print(m2.obj is b, m2 == m, repr(m).startswith("<memory at 0x"), error(b.append, 1))
m.release()
print(error(b.append, 1))
h.release()
m2.release()
b2 = bytearray(b"ab")
v1 = memoryview(b2)
v2 = v1.cast("B")
v1.release()
print(error(b2.append, 1))
v2.release()
print(error(b2.append, 1), b2)
print(list(memoryview(b"xyz")), list(reversed(memoryview(b"xyz"))), sum(memoryview(bytes([1, 2, 3]))), memoryview(b"abc").index(98) if hasattr(memoryview, "index") else 1, [*memoryview(b"ab")], type(iter(memoryview(b""))).__name__)
import struct
print(struct.unpack("<H", memoryview(b"\1\2")), memoryview(b"\1\2\3\4").cast("H") == memoryview(b"\1\2\3\4").cast("H"), memoryview(b"\1\0").cast("H") == memoryview(b"\1"), int.from_bytes(memoryview(b"\1\2")), b"".join([memoryview(b"a"), b"b"]), b"abc".startswith(memoryview(b"ab")), bytes(memoryview(b"abcd")[::-2]))
del b, m2, inner


class Exporter:
    def __init__(self):
        self.released = 0
        self.data = bytearray(b"python")

    def __buffer__(self, flags):
        return memoryview(self.data)

    def __release_buffer__(self, view):
        self.released += 1
        view.release()


e = Exporter()
with memoryview(e) as v:
    print(bytes(v), error(e.data.append, 1))
print(e.released, bytes(e), e.released, b"".join([e, b"!"]), e.released, error(e.data.append, 1), bytes(e))
