"""_interpchannels: channels between interpreters, their ends and how they close."""
import threading
import _interpchannels as channels
from concurrent import interpreters


def refused(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


cid = channels.create()
print(repr(cid), int(cid), cid.end, repr(cid.send), repr(cid.recv), cid == 1, cid.send == cid.recv, channels.list_all())
refused(channels.recv, cid)
print(channels.recv(cid, "default"))
channels.send(cid, (1, "a"), blocking=False)
print(channels.get_count(cid), channels.recv(cid), channels.list_interpreters(cid, send=True), channels.list_interpreters(cid, send=False))

other = interpreters.create()
other.prepare_main(cid=cid, go=interpreters.create_queue())
other.exec("import _interpchannels as channels; channels.send(cid, [1, 2], blocking=False); channels.send(cid, b'x', blocking=False)")
print(channels.recv(cid), channels.get_info(cid).num_interp_send, channels.get_info(cid).num_interp_both)

# A sender waits until somebody receives.
other.exec("print(channels.recv(cid), flush=True)")
receiver = threading.Thread(target=other.exec, args=("""if True:
    import time
    while (got := channels.recv(cid, None)[0]) is None:
        time.sleep(0.001)
    assert got == 'waited for', got
""",))
receiver.start()
channels.send(cid, "waited for")
receiver.join()
refused(channels.send, cid, 1, timeout=0.01)
print(channels.get_count(cid))

# What an interpreter leaves behind.
other.exec("channels.send(cid, 'lost', blocking=False)")
other.close()
print(channels.recv(cid))

# Closing.
channels.send(cid, "last", blocking=False)
refused(channels.close, cid)
channels.close(cid, send=True)
refused(channels.send, cid, 1, blocking=False)
print(channels.recv(cid), channels.get_info(cid).closed)
refused(channels.recv, cid)
refused(channels.send, cid, 1)
second = channels.create()
channels.send(second, 1, blocking=False)
channels.close(second, force=True)
refused(channels.recv, second)
third = channels.create()
channels.send(third, 1, blocking=False)
channels.release(third, send=True)
refused(channels.send, third, 1)
channels.destroy(third)
refused(channels.recv, third)
refused(channels.recv, -1)
refused(channels.recv, "x")
buffer = bytearray(b"..")
fourth = channels.create()
channels.send_buffer(fourth, buffer, blocking=False)
channels.recv(fourth)[0][0] = 65
print(buffer)
