"""The modules behind hashlib, and _hashlib."""
import _md5, _sha1, _sha2, _sha3, _blake2, _hashlib as H

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
d = bytes(range(256)) * 37
for f in [_md5.md5, _sha1.sha1, _sha2.sha224, _sha2.sha256, _sha2.sha384, _sha2.sha512, _sha3.sha3_224, _sha3.sha3_256, _sha3.sha3_384, _sha3.sha3_512, _blake2.blake2b, _blake2.blake2s]:
    h = f()
    h.update(d[:100])
    c = h.copy()
    h.update(d[100:])
    print(h.name, h.block_size, h.digest_size, h.hexdigest(), f(d).digest() == h.digest(), c.hexdigest(), f(b'').hexdigest())
    print(call(f, 'x'), call(f, 1), call(h.update, 'x'))
for n in ['md5', 'sha1', 'sha256', 'sha512', 'sha3_256', 'shake_128']:
    h = H.new(n, d)
    print(h.name, h.hexdigest(7) if 'shake' in n else h.hexdigest(), type(h), repr(h).split('@')[0])
m = H.hmac_new(b'k' * 100, d, 'sha256')
print(m.hexdigest(), m.name, m.digest_size, m.block_size, H.hmac_digest(b'k', d, 'md5').hex())
m2 = m.copy()
m2.update(b'x')
print(m2.hexdigest(), m.hexdigest())
b = _blake2.blake2b(b'foo', digest_size=16, key=b'bar', salt=b'baz', person=b'bing', fanout=2, depth=3, leaf_size=4, node_offset=5, node_depth=6, inner_size=7, last_node=True)
print(b.hexdigest(), b.digest_size)
b = _blake2.blake2s(b'foo', digest_size=16, key=b'bar', salt=b'baz', person=b'bing', fanout=2, depth=3, leaf_size=4, node_offset=5, node_depth=6, inner_size=7, last_node=True)
print(b.hexdigest())
print(_blake2.blake2b.SALT_SIZE, _blake2.BLAKE2S_MAX_KEY_SIZE, _blake2.blake2s.MAX_DIGEST_SIZE)
import hashlib, hmac
print(hashlib.sha256(b'a').hexdigest(), hmac.new(b'k', b'm', 'sha256').hexdigest(), hmac.digest(b'k', b'm', 'sha1').hex(), hashlib.new('blake2b', b'x').hexdigest()[:10], sorted(hashlib.algorithms_guaranteed))
