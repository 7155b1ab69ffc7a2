"""_uuid: UUIDs of version 1, never the same twice, also from several threads and processes."""

import _uuid
import os
import threading
import time
import uuid

first, safety = _uuid.generate_time_safe()
one = uuid.UUID(bytes=first)
print(one.version, one.variant == uuid.RFC_4122, safety, one.node == uuid.getnode())
seconds = (one.time - 0x01B21DD213814000) / 10**7
print(abs(seconds - time.time()) < 60)
made = []


def make():
    made.extend(_uuid.generate_time_safe()[0] for _ in range(2000))


threads = [threading.Thread(target=make) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(made), len(set(made)))
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, _uuid.generate_time_safe()[0])
    os._exit(0)
os.wait()
child, parent = uuid.UUID(bytes=os.read(r, 16)), uuid.UUID(bytes=_uuid.generate_time_safe()[0])
print(child != parent, child.node == parent.node, uuid.uuid1().is_safe)
