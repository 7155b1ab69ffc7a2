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

# HMAC without hashlib's names.
import _hmac
import hmac

expected = "6c845b47f52b3b47f6590c502db7825aad757bf4fadc8fa972f7cd2e76a5bdeb"
mac = _hmac.new(b"key", b"hash ", digestmod="sha256")
copy = mac.copy()
mac.update(b"this!")
print(mac.name, mac.digest_size, mac.block_size, mac.hexdigest() == expected, copy.hexdigest() == expected)
print(_hmac.compute_digest(b"key", b"hash this!", "SHA256").hex() == expected, _hmac.compute_sha256(b"key", b"hash this!").hex() == expected)
for name in "md5", "sha1", "sha512", "sha3_256":
    by_name = getattr(_hmac, "compute_" + name)(b"k" * 200, b"message")
    print(name, by_name == hmac.digest(b"k" * 200, b"message", name))
import hashlib

for name in "blake2b", "blake2s":
    by_name = getattr(_hmac, f"compute_{name}_32")(b"key", b"message")
    print(name, by_name == hmac._compute_digest_fallback(b"key", b"message", getattr(hashlib, name)))
for wrong in (
    lambda: _hmac.new(b"key", digestmod="shake_128"),
    lambda: _hmac.compute_digest(b"key", b"", 5),
    lambda: _hmac.new(b"key"),
    lambda: _hmac.new("key", digestmod="md5"),
    lambda: _hmac.new(b"key", "text", digestmod="md5"),
    lambda: _hmac.HMAC(),
):
    try:
        wrong()
    except (TypeError, ValueError) as e:
        print(type(e).__name__, e)
