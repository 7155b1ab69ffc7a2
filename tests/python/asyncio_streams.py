# asyncio: streams and processes, where the library of the release had errors.
import asyncio
import signal
import socket
import sys


async def empty_chunks():
    other, mine = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=mine)
    writer.writelines([b"data", b"", memoryview(b"")])
    writer.writelines([b""])
    writer.close()
    await asyncio.wait_for(writer.wait_closed(), 10)
    print(other.recv(10))
    other.close()


async def failing_callback():
    told = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.set_result(context))

    def connected(reader, writer):
        raise KeyError("in the callback")

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        print(await asyncio.wait_for(reader.read(), 10))
        context = await told
        print(context["message"], repr(context["exception"]))
        writer.close()


async def inherited_pipes():
    # The process that is waited for has a child of its own, which keeps its pipes open.
    source = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    pipes = dict.fromkeys(["stdin", "stdout", "stderr"], asyncio.subprocess.PIPE)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", source, **pipes)
    waiting = asyncio.create_task(process.wait())
    print(await process.stdout.readline())
    process.kill()
    print(signal.Signals(-await asyncio.wait_for(waiting, 10)).name)
    process.stdin.close()
    print(await process.stdout.read())


asyncio.run(empty_chunks())
asyncio.run(failing_callback())
asyncio.run(inherited_pipes())
