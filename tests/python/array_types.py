"""array: items, conversions, subscripts, buffers, pickling."""
import array, io
A = array.array

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
print(array.typecodes)
for c in 'bBhHiIlLqQfd':
    a = A(c, [1, 2, 3, 4, 5])
    print(a, a.itemsize, a.typecode, len(a), a.tobytes(), a[1:3], a[::2], a[::-1], a[-1], 3 in a, a.index(3), a.count(2))
    for v in [0, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32769, 65535, 65536, 2 ** 31, 2 ** 31 - 1, -2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 63, 2 ** 63 - 1, -2 ** 63, -2 ** 63 - 1, 2 ** 64 - 1, 2 ** 64, 2 ** 70, -2 ** 70, 1.5, 'a', None]:
        b = A(c)
        print(c, v, call(b.append, v), b)
    a.byteswap()
    print(a.tobytes())
    a.byteswap()
    a.reverse()
    print(a)
    a.insert(1, 9)
    a.insert(-100, 8)
    a.insert(100, 7)
    print(a, a.pop(), a.pop(0), a.pop(-2), a)
    a.remove(9)
    print(a, call(a.remove, 100), call(a.pop, 50), call(a.index, 99))
    a[1:2] = A(c, [5, 6, 7])
    print(a)
    del a[0]
    del a[::2]
    print(a)
    a *= 2
    print(a, a * 2, 3 * a, a * -1)
    a += A(c, [1])
    print(a, a + a, call(lambda: a + [1]), call(a.extend, A('b' if c != 'b' else 'h', [1])))
    a.extend([3, 4])
    a.fromlist([5])
    a.frombytes(b'\x01' * 16)
    print(len(a), call(a.frombytes, b'x' * (a.itemsize + 1)) if a.itemsize > 1 else '', call(a.fromlist, (1,)), call(a.fromlist, [1, 'x']), len(a))
    print(A(c, [1, 2]) == A('d', [1, 2]), A(c, [1, 2]) < A(c, [1, 3]), A(c, [1]) < A(c, [1, 0]), A(c, [1]) == [1], A(c, [1, 2]) != A(c, [1, 2]), A(c, [2]) >= A('h', [1, 5]))
    print(memoryview(A(c, [1, 2])).format, memoryview(A(c, [1, 2])).tolist(), memoryview(A(c, [1, 2])).itemsize)
    print(a.__reduce_ex__(2)[1:], A(c, [1, 2]).__reduce_ex__(4)[1:], array._array_reconstructor(*A(c, [1, 2]).__reduce_ex__(4)[1]))
    for mf in range(18):
        print(mf, call(array._array_reconstructor, A, c, mf, bytes(range(16))))
print([call(array._array_reconstructor, A, 'w', mf, b'a\x00\x00\x00b\x00\x00\x00') for mf in (18, 19, 20, 21)])
a = A('i', [1, 2, 3])
print(call(lambda: a[5]), call(a.__setitem__, 5, 1), call(lambda: a['x']), call(a.__setitem__, slice(0, 1), [1]), call(a.__setitem__, slice(0, 3, 2), A('i', [1])), call(a.__setitem__, slice(0, 1), A('h', [1])), call(hash, a))
m = memoryview(a)
print(call(a.append, 1), call(a.clear))
m[0] = 9
m.release()
a.append(4)
print(a)
f = io.BytesIO()
a.tofile(f)
f.seek(0)
b = A('i')
b.fromfile(f, 2)
print(b, call(b.fromfile, f, 5), b, call(b.fromfile, f, -1))
i = iter(a)
print(next(i), i.__reduce__()[1:], type(i))
i.__setstate__(3)
print(list(i), i.__reduce__()[1:])

class S(A):
    pass
s = S('i', [1])
s.x = 5
print(s, s.x, s.__reduce_ex__(4)[2], s + s, s * 2, s[:])

class K(A):

    def __init__(self, *a, **k):
        self.k = k
print(K('i', [1], z=2).k, A[int], array.ArrayType is A, a.buffer_info()[1], a.clear(), a)
import gc
for i in range(50):
    s = S('i', [i])
    s.y = [object() for _ in range(1000)]
    gc.collect() if i % 10 == 0 else 0
    assert len(s.y) == 1000
import collections.abc
print(isinstance(a, collections.abc.MutableSequence))
match a:
    case [*x]:
        print('seq')
