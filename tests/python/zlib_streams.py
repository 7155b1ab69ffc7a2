"""zlib: streams, dictionaries, windows, what is left over, errors."""
_s = 1

def seed(n):
    global _s
    _s = n

def randrange(a, b=None):
    global _s
    _s = (_s * 6364136223846793005 + 1442695040888963407) % 2 ** 64
    r = _s >> 33
    return r % a if b is None else a + r % (b - a)

def real():
    return randrange(2 ** 30) / 2 ** 30

class random:
    randrange = staticmethod(randrange)
    seed = staticmethod(seed)
import zlib

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
random.seed(1)
d = b''.join((b'line %d of the %d text\n' % (i, random.randrange(1000)) for i in range(20000)))
for l in range(-1, 10):
    for w in (15, 9, -15, -9, 31, 25):
        c = zlib.compress(d, l, w)
        assert zlib.decompress(c, w) == d
        if w > 0:
            assert zlib.decompress(c, w + 32 if w < 16 else w) == d
print(zlib.adler32(d), zlib.crc32(d), zlib.adler32(b'', 5), zlib.crc32(b'a', -1), zlib.adler32(b'a'), zlib.crc32(b'x' * 100, 2 ** 40))
c = zlib.compress(d)
o = zlib.decompressobj()
out = []
data = c + b'trailing'
while data:
    out.append(o.decompress(data, 1000))
    data = o.unconsumed_tail
    if o.eof:
        break
o = zlib.decompressobj()
o.decompress(c[:100])
p = o.copy()
assert o.decompress(c[100:]) == p.decompress(c[100:])
k = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FILTERED)
a = k.compress(d[:1000])
k2 = k.copy()
a2 = a + k2.flush()
a += k.compress(d[1000:]) + k.flush(zlib.Z_SYNC_FLUSH) + k.flush()
print(zlib.decompress(a, -15) == d, zlib.decompress(a2, -15) == d[:1000])
print(call(k.compress, b'a'), call(k.flush), call(k.copy))
z = d[:300]
k = zlib.compressobj(zdict=z)
a = k.compress(d) + k.flush()
print(zlib.decompressobj(zdict=z).decompress(a) == d, call(zlib.decompressobj().decompress, a), call(zlib.decompressobj(zdict=b'wrong').decompress, a), call(zlib.decompress, a))
k = zlib.compressobj(wbits=-15, zdict=z)
a = k.compress(d) + k.flush()
print(zlib.decompressobj(wbits=-15, zdict=z).decompress(a) == d)
print(call(zlib.decompress, c[:-1]), call(zlib.decompress, b''), call(zlib.decompress, b'abc'), call(zlib.decompress, c, bufsize=-1), call(zlib.compress, b'a', 10), call(zlib.compressobj, 1, 9), call(zlib.decompressobj, -1), call(zlib.compressobj, 1, 8, 0), call(zlib.decompressobj, zdict='x'), call(zlib.decompressobj().flush, 0), call(zlib.decompressobj().decompress, b'', -1), call(zlib.compress, 'x'))
D = zlib._ZlibDecompressor
x = D()
r = b''
r += x.decompress(c[:500], 100)
print(x.needs_input, x.eof, x.unused_data, len(r))
while not x.eof:
    r += x.decompress(b'' if not x.needs_input else c[500:] + b'zz', 700)
print(r == d, x.unused_data, x.needs_input, call(x.decompress, b''))
o = zlib.decompressobj()
r = o.decompress(c[:1000])
print(len(r) > 0, o.flush() == b'', o.eof)
e = bytearray(c)
e[-1] ^= 1
print(call(zlib.decompress, bytes(e)))
e = bytearray(c)
e[200] ^= 255
print(call(zlib.decompress, bytes(e))[:30])
print(call(zlib.decompress, b'x\x9c'), [n for n in dir(zlib) if n.startswith('Z_') or n.startswith('DEF')])
