"""Seeks from the current position add up, whichever threads do them; what leads out of the mapping changes nothing."""
import mmap
import os
import threading


def seek(m, start):
    start.wait()
    for _ in range(500):
        m.seek(1, os.SEEK_CUR)


with mmap.mmap(-1, 4096) as m:
    for _ in range(20):
        m.seek(0)
        start = threading.Barrier(4)
        threads = [threading.Thread(target=seek, args=(m, start)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if m.tell() != 2000:
            print("lost", 2000 - m.tell())
    print(m.seek(-96, os.SEEK_END), m.seek(6, os.SEEK_CUR), m.seek(7))
    for arguments in (1, 3), (1, -1), (4097,), (-8, os.SEEK_CUR), (1, os.SEEK_END):
        try:
            m.seek(*arguments)
        except ValueError as error:
            print(error, m.tell())
