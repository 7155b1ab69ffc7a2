"""A mapping stays open while somebody has a view of it; views that nobody refers to do not count."""
import mmap


def views(m):
    for _ in range(100):
        view = memoryview(m)
        assert view[:2] == b"ab"
    return len(view)


m = mmap.mmap(-1, 16)
m[:2] = b"ab"
print(views(m))
view = memoryview(m)[1:]
for refused in (m.close, lambda: m.resize(32)):
    try:
        refused()
    except BufferError as error:
        print(error)
print(bytes(view[:1]))
view.release()
del view
m.close()
print(m.closed)
with mmap.mmap(-1, 16) as m:
    m[:2] = b"ab"
    # From native code, whose part of the stack is not used again.
    print(*map(views, [m]))
print(m.closed)
