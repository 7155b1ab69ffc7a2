"""Frames of other threads, looked at while they run."""
import sys
import threading
import time


def down(n):
    local = n * 2
    return local if n == 0 else down(n - 1) + 1


def pieces():
    for i in range(3):
        yield down(i)


stop = False


def work():
    while not stop:
        down(10)
        list(pieces())


threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads:
    t.start()
names, walks, deepest = set(), 0, 0
end = time.monotonic() + 1
while time.monotonic() < end:
    for ident, frame in sys._current_frames().items():
        if ident == threading.get_ident():
            continue
        walks += 1
        depth = 0
        while frame is not None:
            name = frame.f_code.co_name
            names.add(name)
            first = frame.f_code.co_firstlineno
            assert frame.f_lineno is None or first <= frame.f_lineno, (name, frame.f_lineno)
            if name == "down":
                seen = dict(frame.f_locals)
                assert seen.get("n") in (None, *range(11)), seen
                assert "n" not in seen or seen.get("local") in (None, seen["n"] * 2), seen
            frame = frame.f_back
            depth += 1
        deepest = max(deepest, depth)
stop = True
for t in threads:
    t.join()
print(walks > 10, {"work", "down", "run"} <= names, deepest <= 30)
