# lzma: containers, checks, filters, limits, data in pieces, errors.
import lzma

text = b"".join(b"line %d of some text\n" % i for i in range(5000))
for settings in (
    {},
    {"check": lzma.CHECK_NONE},
    {"check": lzma.CHECK_CRC32},
    {"check": lzma.CHECK_SHA256, "preset": 1},
    {"format": lzma.FORMAT_ALONE},
    {"filters": [{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 0, "lc": 2, "lp": 1}]},
    {"filters": [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16, "nice_len": 20, "mf": lzma.MF_HC4}]},
):
    packed = lzma.compress(text, **settings)
    reader = lzma.LZMADecompressor()
    print(reader.check, len(packed) < len(text) // 5, reader.decompress(packed) == text, reader.check, reader.eof)

raw = [{"id": lzma.FILTER_LZMA2, "preset": 3}]
packed = lzma.compress(text, lzma.FORMAT_RAW, filters=raw)
print(lzma.decompress(packed, lzma.FORMAT_RAW, filters=raw) == text)

packed = lzma.compress(text)
reader = lzma.LZMADecompressor()
print(len(reader.decompress(packed, max_length=10)), reader.needs_input)
out = 10
while not reader.eof:
    out += len(reader.decompress(b"", 4096))
print(out == len(text), reader.needs_input, reader.unused_data)
reader = lzma.LZMADecompressor(lzma.FORMAT_XZ)
print(b"".join(reader.decompress(packed[i : i + 9]) for i in range(0, len(packed), 9)) == text, reader.eof)
reader = lzma.LZMADecompressor()
reader.decompress(packed + b"behind")
print(reader.unused_data)

for filters in ([{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 1, "lp": 2, "pb": 1}], [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}],
                [{"id": lzma.FILTER_DELTA, "dist": 9}], [{"id": lzma.FILTER_ARM, "start_offset": 16}]):
    encoded = lzma._encode_filter_properties(filters[0])
    print(encoded.hex(), lzma._decode_filter_properties(filters[0]["id"], encoded))
print([lzma.is_check_supported(check) for check in (0, 1, 4, 10, 15)])


def error(what, *args, **kwargs):
    try:
        what(*args, **kwargs)
    except Exception as e:
        print(type(e).__name__ + ":", e)


done = lzma.LZMACompressor()
done.flush()
error(done.flush)
error(done.compress, b"")
error(reader.decompress, b"")
error(lzma.LZMACompressor, preset=1, filters=raw)
error(lzma.LZMACompressor, preset=77)
error(lzma.LZMACompressor, lzma.FORMAT_ALONE, preset=77)
error(lzma.LZMACompressor, lzma.FORMAT_ALONE, check=lzma.CHECK_CRC32)
error(lzma.LZMACompressor, lzma.FORMAT_ALONE, filters=raw)
error(lzma.LZMACompressor, lzma.FORMAT_RAW)
error(lzma.LZMACompressor, 9)
error(lzma.LZMACompressor, filters=[b"text"])
error(lzma.LZMACompressor, filters=[{"preset": 3}])
error(lzma.LZMACompressor, filters=[{"id": 98765}])
error(lzma.LZMACompressor, filters=[{"id": lzma.FILTER_LZMA2, "color": 3}])
error(lzma.LZMACompressor, filters=[{"id": lzma.FILTER_DELTA, "color": 3}])
error(lzma.LZMACompressor, filters=[{"id": lzma.FILTER_X86, "color": 3}])
error(lzma.LZMACompressor, filters=raw * 5)
error(lzma.LZMADecompressor, lzma.FORMAT_RAW)
error(lzma.LZMADecompressor, filters=raw)
error(lzma.LZMADecompressor, lzma.FORMAT_RAW, memlimit=1000, filters=raw)
error(lzma.LZMADecompressor(memlimit=1000).decompress, packed)
error(lzma.LZMADecompressor().decompress, b"no compressed data")
error(lzma.LZMADecompressor().decompress, packed[:100] + b"\0\0\0\0" + packed[104:])
error(lzma.decompress, packed[:-20])
