"""binascii: all codings both ways, and what is refused."""
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
import binascii

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
random.seed(1)

def rb(n):
    return bytes((random.randrange(256) for _ in range(n)))
for n in list(range(0, 20)) + [45, 46, 100]:
    d = rb(n)
    print(call(binascii.b2a_base64, d), call(binascii.b2a_base64, d, newline=False), call(binascii.b2a_uu, d), call(binascii.b2a_uu, d, backtick=True), call(binascii.hexlify, d), call(binascii.hexlify, d, ':', 3), call(binascii.hexlify, d, b'-', -2))
    print(call(binascii.a2b_base64, binascii.b2a_base64(d)), call(binascii.a2b_hex, binascii.hexlify(d)), binascii.crc32(d), binascii.crc_hqx(d, 5), binascii.crc32(d, 123))
    if n < 46:
        print(call(binascii.a2b_uu, binascii.b2a_uu(d)))
    for kw in [{}, {'quotetabs': True}, {'istext': False}, {'header': True}]:
        q = call(binascii.b2a_qp, d, **kw)
        print(q)
t = b'hello world = \t \n lines.\r\nlonger ' + b'abc ' * 40 + b'\n.\nend_ \t'
for kw in [{}, {'quotetabs': True}, {'istext': False}, {'header': True}]:
    q = binascii.b2a_qp(t, **kw)
    print(q, binascii.a2b_qp(q), binascii.a2b_qp(q, header=True))
for x in [b'=', b'==', b'=4', b'=41', b'=4x', b'a=\nb', b'a=\rfoo\nb', b'_ a']:
    print(call(binascii.a2b_qp, x), call(binascii.a2b_qp, x, True))
for x in ['0', '0g', 'abcd', b'AB', 'é', 1]:
    print(call(binascii.unhexlify, x))
print(binascii.Error.__mro__, binascii.Incomplete.__mro__)
