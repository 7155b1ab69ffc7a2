"""Text and buffered streams: what reaches the stream below, and when; streams that change while they are used."""

import io
import os
import tempfile
import threading
import warnings


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


class Raw(io.RawIOBase):
    def __init__(self, *reads):
        self.reads, self.written, self.asked = list(reads), [], 0

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, into):
        self.asked += 1
        data = self.reads.pop(0) if self.reads else b""
        if data is None:
            return None
        into[: len(data)] = data
        return len(data)

    def write(self, data):
        self.written.append(bytes(data))
        return len(data)


# What is read at once.
raw = Raw(b"abc", b"de", b"fgh", b"jkl")
buffered = io.BufferedReader(raw, 10)
into = bytearray(20)
print(buffered.peek(), buffered.readinto1(into), buffered.readinto1(into), raw.asked)
print(buffered.peek(), buffered.readinto1(into), bytes(into[:6]), raw.asked)
print(io.BufferedReader(Raw(None)).readinto(bytearray(3)))

# Streams that are not there yet, or no more.
for kind in io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper:
    print(kind.__name__, attempt(kind.__new__(kind).close), attempt(kind.__new__(kind).tell))
buffered = io.BufferedReader(io.BytesIO(b"abc"))
print(attempt(buffered.__init__, io.BytesIO(), 0), attempt(buffered.read))
buffered.__init__(io.BytesIO(b"xyz"))
print(buffered.read(), buffered.detach().closed, attempt(buffered.read))
text = io.TextIOWrapper(io.BytesIO(b"abc"))
print(attempt(lambda: text.__init__(io.BytesIO(), newline="x")), attempt(text.read), attempt(repr, text))
text.__init__(io.BytesIO(b"abc"), encoding="ascii")
print(text.read(), text.detach().closed, attempt(lambda: text.buffer), attempt(text.read))


class Strange(io.BytesIO):
    def readinto(self, into):
        return b""

    def readall(self):
        return None


try:
    io.BufferedReader(Strange(b"12")).readline()
except OSError as e:
    print(e, repr(e.__cause__))


class Device(io.BytesIO):
    """Is always at its start."""

    def tell(self):
        return 0

    def seek(self, *args):
        return 0


device = io.BufferedReader(Device(b"12"))
print(device.read(1), device.tell(), device.seek(0, 1), device.tell())


# What is written at once: no more than a chunk, in order.
class Below(Raw):
    def write(self, data):
        if len(self.written) == 0 and above is not None:
            self.written.append(b"")
            above.write("middle")
        return super().write(data)


above = None
below = Raw()
text = io.TextIOWrapper(below, encoding="ascii")
text.write("abc")
text.write("x" * (text._CHUNK_SIZE + 1))
print([len(part) for part in below.written])
below = Below()
above = io.TextIOWrapper(below, encoding="ascii")
above.write("first")
above.write("g" * above._CHUNK_SIZE)
above.flush()
print([bytes(part[:6]) for part in below.written])
above = None

# What is read stays when something is written, unless positions are told.
pair = io.TextIOWrapper(io.BufferedRWPair(io.BytesIO(b"one\ntwo\n"), io.BytesIO()), encoding="ascii")
line = pair.readline()
pair.write(line)
print(repr(line), repr(pair.readline()))
reader = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"abc")), encoding="ascii")
print(attempt(reader.write, "x"), attempt(reader.writelines, ["x"]))
for value in 0, 2**70, -(2**70), "x":
    print(attempt(setattr, reader, "_CHUNK_SIZE", value))
print(attempt(delattr, reader, "_CHUNK_SIZE"))
for arguments in dict(encoding="\udcfe"), dict(errors="\udcfe"), dict(errors="replace\0"), dict(encoding="utf-8\0"), dict(encoding=3):
    print(attempt(lambda: io.TextIOWrapper(io.BytesIO(), **arguments)).split(":")[0])


class Text(str):
    def replace(self, old, new):
        return self.replacement()


stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\r\n")
for replacement in (lambda self: None), (lambda self: "other\r\n"), (lambda self: stream.close() or "x"):
    Text.replacement = replacement
    print(attempt(stream.write, Text("a\n")))


class Named(io.TextIOWrapper):
    pass


print(repr(Named(io.BytesIO(), encoding="ascii")).split()[0].endswith("Named"))


# Arguments whose conversion exports the bytes that are about to move.
class Exporting:
    def __init__(self, stream):
        self.stream = stream

    def __buffer__(self, flags):
        self.view = self.stream.getbuffer()
        return memoryview(b"A" * 100)

    def __index__(self):
        self.view = self.stream.getbuffer()
        return 0


for use in (
    lambda stream, argument: stream.write(argument),
    lambda stream, argument: stream.writelines([argument]),
    lambda stream, argument: stream.truncate(argument),
    lambda stream, argument: stream.__init__(argument),
    lambda stream, argument: stream.__setstate__((argument, 0, None)),
):
    stream = io.BytesIO(b"abc")
    argument = Exporting(stream)
    print(attempt(use, stream, argument), bytes(argument.view))
    argument.view.release()
    print(stream.getvalue())
closed = io.StringIO()
closed.close()
print(attempt(closed.__setstate__, ("", "", 0, None)))


# Closing: of two failures the first is the context of the second; the stream below is closed all the same.
class Failing(Raw):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def close(self):
        if self.error:
            raise self.error


reader, writer = Failing(NameError("reader")), Failing(NameError("writer"))
pair = io.BufferedRWPair(reader, writer)
try:
    pair.close()
except NameError as e:
    print(e, repr(e.__context__))
reader.error = writer.error = None

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    raw = io.FileIO(descriptor, "w", closefd=False)
    raw.flush = lambda: print("flush", raw.closed)
    raw.close()
    os.close(descriptor)

    for encoding in "utf-8-sig", "utf-16":
        with open(path, "w", encoding=encoding) as f:
            f.write("aaa")
        with open(path, "a", encoding=encoding) as f:
            f.seek(0)
            f.seek(0, 2)
            f.write("bbb")
        with open(path, "rb") as f:
            print(f.read() == "aaabbb".encode(encoding))

    r, w = os.pipe()
    os.set_blocking(r, False)
    with open(r, encoding="ascii") as f:
        print(attempt(f.read))
    os.close(w)

    # Files that were left open are warned of, as the stream that was open.
    def leave_open():
        for _ in range(20):
            open(path, encoding="ascii")
            open(path, "rb")
            open(path, "rb", 0)

    import gc

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=leave_open)
        thread.start()
        thread.join()
        gc.collect()
    kinds = {str(w.message).split()[2] for w in caught if w.category is ResourceWarning}
    print(sorted(kinds))


# A write that waits for a close finds the stream closed.
class Slow(io.RawIOBase):
    def __init__(self):
        self.closing = threading.Event()

    def writable(self):
        return True

    def flush(self):
        if not self.closed:
            self.closing.set()
            threading.Event().wait(0.1)
        super().flush()


slow = Slow()
buffered = io.BufferedWriter(slow, 8)
thread = threading.Thread(target=buffered.close)
thread.start()
slow.closing.wait()
print(attempt(buffered.write, b"spam"))
thread.join()
