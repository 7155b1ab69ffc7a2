"""What asyncio does when somebody who waits is cancelled or fails: nothing is lost, nobody is said to wait who does not, and what was
shielded tells of its exception only if nobody asks for it. And a child process is in no task."""
import asyncio
import gc
import os
import sys


async def waiting_is_over():
    task = asyncio.current_task()
    future = asyncio.get_running_loop().create_future()
    await asyncio.wait({future, asyncio.create_task(asyncio.sleep(0))}, return_when=asyncio.FIRST_COMPLETED)
    print("wait", future._asyncio_awaited_by)

    async def fail():
        raise ValueError("first")

    async def cancelled():
        raise asyncio.CancelledError

    for other in fail, cancelled:
        try:
            await asyncio.gather(future, other())
        except (ValueError, asyncio.CancelledError) as error:
            print("gather", repr(error), future._asyncio_awaited_by)
    future.cancel()
    future = asyncio.get_running_loop().create_future()
    outer = asyncio.shield(future)
    print("shield", future._asyncio_awaited_by == {task})
    outer.cancel()
    await asyncio.sleep(0)
    print("shield", outer.cancelled(), future._asyncio_awaited_by, future._callbacks)


async def shielded(asks):
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
    future = loop.create_future()
    outer = asyncio.shield(future)
    outer.cancel()
    await asyncio.sleep(0)
    future.set_exception(ValueError("inner"))
    await asyncio.sleep(0)
    print("told", told)
    if asks:
        future.exception()
    return told


async def as_completed(plain):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]
    iterator = asyncio.as_completed(futures)
    waiter = asyncio.create_task(next(iterator) if plain else anext(iterator))
    await asyncio.sleep(0)
    waiter.cancel()
    try:
        await waiter
    except asyncio.CancelledError:
        print("cancelled")
    for i, future in enumerate(futures):
        future.set_result(i)
    print(sorted([await c for c in iterator] if plain else [await f async for f in iterator]))


async def forked():
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            print(asyncio.current_task(), flush=True)
        except RuntimeError as error:
            print(error, flush=True)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    print(asyncio.current_task() is not None)


asyncio.run(waiting_is_over())
# Collected where no loop runs, whose machine code would keep what it refers to.
told = asyncio.run(shielded(True))
gc.collect()
print("told", told)
told = asyncio.run(shielded(False))
gc.collect()
print("told", told)
asyncio.run(as_completed(True))
asyncio.run(as_completed(False))
asyncio.run(forked())
