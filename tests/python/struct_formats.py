"""_struct: every format with values that fit and that do not."""
import _struct as struct

def call(f, *a):
    try:
        return repr(f(*a))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
for pre in ['', '@', '=', '<', '>', '!']:
    for c in 'xcbB?hHiIlLqQnNPefdsp':
        for cnt in ['', '0', '3', '10']:
            print(pre, c, cnt, call(struct.calcsize, pre + cnt + c), call(struct.calcsize, pre + 'b' + cnt + c + 'h'))
        for v in [0, 1, -1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64, -2 ** 63, -2 ** 63 - 1, 1.5, -0.0, 1e+30, float('inf'), b'a', b'abc', None, True, 'x', 1j]:
            r = call(struct.pack, pre + c, v)
            if c in 'bB?hHiIlLqQnN' and 'rror' in r:
                r = r.split(':')[0]
            print(pre, c, v, r)
            r = call(lambda: struct.unpack(pre + c, struct.pack(pre + c, v))[0])
            print(r if 'rror' not in r else '')
for f in ['3', '3 i', 'i3', '$', '', ' < i', '<i i', '2h\n3b', '99999999999999999999i', '\x00', 'é', b'hh', 1]:
    print(f, call(struct.calcsize, f))
s = struct.Struct('>3sp5phI')
print(s.format, s.size, s, s.pack(b'abcdef', b'x', b'hello world', 5, 6), s.unpack(s.pack(b'abcdef', b'x', b'hello world', 5, 6)))
b = bytearray(30)
print(s.pack_into(b, 2, b'ab', b'', b'zz', 1, 2), b, s.unpack_from(b, 2), call(s.unpack_from, b, 25), call(s.unpack, b), call(s.pack, 1), call(s.pack_into, b, -40, b'ab', b'', b'zz', 1, 2), call(s.pack_into, b, -5, b'ab', b'', b'zz', 1, 2), call(s.pack_into, b'abc', 0, b'ab', b'', b'zz', 1, 2), call(s.pack_into), call(s.pack_into, b))
print(list(struct.iter_unpack('<hb', bytes(range(12)))), call(struct.iter_unpack, 'h', b'abc'), call(struct.iter_unpack, '', b''))
print(call(struct.unpack_from, 'h', b'abc', -1), call(struct.unpack_from, 'h', b'abc', -9), call(struct.unpack, 'h', 'abc'))
i = struct.iter_unpack('b', b'ab')
print(i.__length_hint__(), next(i), next(i), next(i, None), next(i, None), type(i))
print(struct.error, struct.error.__module__, struct.Struct, call(struct.pack), call(struct.Struct), call(struct.Struct, 1))

class S(struct.Struct):
    pass
print(S('h').size)
for n in range(20):
    print(struct.unpack('%dB' % n, bytes(n)))
