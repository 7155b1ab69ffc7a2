# bz2: data in pieces, limits, what comes behind the end, errors, threads.
import bz2
import threading

text = b"".join(b"line %d of some text\n" % i for i in range(20000))
packed = bz2.compress(text, 1)
print(len(packed) < len(text) // 4, bz2.decompress(packed) == text)
print(bz2.compress(b"").hex())

compressor = bz2.BZ2Compressor(9)
pieces = [compressor.compress(text[i : i + 7777]) for i in range(0, len(text), 7777)] + [compressor.flush()]
whole = b"".join(pieces)
print(bz2.decompress(whole) == text)
for call in (lambda: compressor.compress(b"x"), compressor.flush, lambda: bz2.BZ2Compressor(0), lambda: bz2.BZ2Compressor(10)):
    try:
        call()
    except ValueError as e:
        print("ValueError:", e)

reader = bz2.BZ2Decompressor()
print(reader.eof, reader.needs_input, reader.unused_data)
out = [reader.decompress(packed, max_length=1000)]
print(len(out[0]), reader.needs_input, reader.eof)
while not reader.eof:
    out.append(reader.decompress(b"", 5000))
    assert len(out[-1]) <= 5000
print(b"".join(out) == text, reader.needs_input, reader.unused_data)
try:
    reader.decompress(b"more")
except EOFError as e:
    print("EOFError:", e)

reader = bz2.BZ2Decompressor()
out = b""
for i in range(0, len(packed), 100):
    out += reader.decompress(packed[i : i + 100] + (b"tail" if i + 100 >= len(packed) else b""))
print(out == text, reader.eof, reader.unused_data)

for bad in (b"no bzip2 data at all", packed[:20] + b"\0\0\0\0" + packed[24:]):
    try:
        bz2.BZ2Decompressor().decompress(bad)
    except OSError as e:
        print("OSError:", e)
try:
    bz2.decompress(packed[:-10])
except ValueError as e:
    print("ValueError:", e)
print(bz2.decompress(packed + packed) == text * 2)

shared = bz2.BZ2Decompressor()
results = []
threads = [threading.Thread(target=lambda: results.append(bz2.decompress(bz2.compress(text)) == text)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results)


def work():
    while not shared.eof:
        try:
            parts.append(len(shared.decompress(packed if not parts else b"", 1000)))
        except EOFError:
            return


parts = [len(shared.decompress(packed, 1000))]
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(parts) == len(text))
