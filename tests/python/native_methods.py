"""Methods of native objects that may have attributes of their own: an attribute comes before the method, whenever it appears."""

import io


def tell(stream):
    return stream.tell()


def tell_all(streams):
    return [stream.tell() for stream in streams]


first, second = io.BytesIO(b"abc"), io.BytesIO(b"abcdef")
second.read(4)
for _ in range(100):
    tell(first)
print(tell(first), tell(second))

first.tell = lambda: "its own"
print(tell(first), tell(second))
del first.tell
print(tell(first), tell(second))

# An empty dict is no attribute.
print(vars(second), tell(second))
vars(second)["tell"] = lambda: "from the dict"
print(tell(second), tell(first))


class Stream(io.BytesIO):
    pass


streams = [Stream(b"a"), io.BytesIO(b"b"), io.StringIO("c")]
for _ in range(200):
    tell_all(streams)
print(tell_all(streams))
Stream.tell = lambda self: "of the class"
print(tell_all(streams))
streams[0].tell = lambda: "its own"
print(tell_all(streams))
del Stream.tell
print(tell_all(streams))


def change_meanwhile():
    stream = io.BytesIO()
    results = []
    for i in range(3000):
        if i == 2900:
            stream.tell = lambda: "late"
        results.append(stream.tell())
    return results[0], results[2899], results[2900], results[-1]


print(change_meanwhile())
