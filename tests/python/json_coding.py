"""json: documents good and bad, objects of every kind, with the native scanner and encoder."""
import json, json.encoder, json.decoder, json.scanner
print(json.scanner.c_make_scanner is not None, json.encoder.c_make_encoder is not None)

def call(f, *a, **k):
    try:
        return repr(f(*a, **k))
    except Exception as e:
        return type(e).__name__ + ': ' + str(e) + ' ' + str(getattr(e, '__notes__', ''))
docs = ['null', 'true', 'false', '1', '-1', '0', '01', '-', '1.5', '1e5', '1E+5', '1e', '1.', '-0', '-0.0', '123456789012345678901234567890', '1e400', 'NaN', 'Infinity', '-Infinity', '""', '"abc"', '"a\\n\\t\\"\\\\\\/\\b\\f\\r"', '"\\u00e9\\ud834\\udd20"', '"\\ud834"', '"\\ud834\\u0041"', '"é"', '"€𝄠"', '"a\nb"', '"abc', '"\\x"', '"\\u12"', '"\\u12g4"', '[]', '[1,2,3]', '[1,2,]', '[1 2]', '[', '[1', '[1,', '{}', '{"a":1}', '{"a":1,}', '{"a" 1}', '{"a":}', '{a:1}', '{"a":1 "b":2}', '{"a":[{"b":null},[]],"c":{"d":1.5}}', ' [ 1 , { "x" : [ ] } ] ', 'nul', 'tru', '[1]x', '', '  ', '{"a":1', '{"a"', '{', '{"é":"€","é":2}', '"\x7f"', '"\x00"', 'nan', 'Infinit', '-I', '--1', '+1', '1_000', '0x1', '[NaN]', '\ufeff1']
for d in docs:
    print(ascii(d), ascii(call(json.loads, d)), ascii(call(json.loads, d, strict=False)), ascii(call(json.loads, d, object_pairs_hook=list)), ascii(call(json.loads, d, object_hook=lambda d: ('o', d))), ascii(call(json.loads, d, parse_float=str, parse_int=str, parse_constant=str)))

class I(int):
    __repr__ = lambda s: 'I!'

class F(float):
    __repr__ = lambda s: 'F!'

class D(dict):
    pass

class S(str):
    pass
objs = [None, True, False, 0, 1, -1, 10 ** 30, 1.5, 1e+100, -0.0, float('nan'), float('inf'), '', 'abc', 'a"b\\c/\n\r\t\x08\x0c\x01\x1f\x7f', 'é€𝄠\ud800', [], [1, [2, [3]]], (), (1,), {}, {'a': 1, 'b': [1, {}]}, {1: 2, 1.5: 3, None: 4, True: 5, 'z': 6}, {(1,): 2}, I(5), F(2.5), D(a=1), S('x'), {I(3): 1, F(1.5): 2}, b'x', 1j, {float('nan'): 1}, {float('inf'): 1}]
for o in objs:
    for kw in [{}, {'indent': 2}, {'indent': '\t'}, {'ensure_ascii': False}, {'sort_keys': True}, {'skipkeys': True}, {'allow_nan': False}, {'separators': (',', ':')}, {'default': repr}, {'indent': 0}, {'check_circular': False}]:
        r = ascii(call(json.dumps, o, **kw))

def dd(o):
    return o
print(json.decoder.scanstring('"abc"x', 1), call(json.decoder.scanstring, 'abc', 5), call(json.decoder.scanstring, 'abc', -1), call(json.scanner.c_make_scanner(json.JSONDecoder()), 'x', 0), call(json.scanner.c_make_scanner(json.JSONDecoder()), '1', -1), call(json.scanner.c_make_scanner(json.JSONDecoder()), b'1', 0))
print(call(json.encoder.c_encode_basestring_ascii, 1), json.encoder.c_encode_basestring('é\n'))
a, b = json.loads('[{"key":1},{"key":2}]')
print(list(a)[0] is list(b)[0])
d = '[' * 100000
try:
    json.loads(d)
except RecursionError as e:
    print('rec')
x = []
for i in range(100000):
    x = [x]
try:
    json.dumps(x)
except RecursionError as e:
    print('rec')
big = [{'id': i, 'name': 'name %d' % i, 'v': [i * 0.5, None, True]} for i in range(1000)]
s = json.dumps(big)
assert json.loads(s) == big
print(len(s))
