"""Futures and tasks as asyncio's accelerator has them: results, cancellation, errors, names, what is told of forgotten ones."""

import asyncio
import contextvars
import gc

variable = contextvars.ContextVar("variable", default="default")


async def value(v, delay=0):
    await asyncio.sleep(delay)
    return v


async def results():
    print("gather", await asyncio.gather(*(value(i) for i in range(5))))
    future = asyncio.get_running_loop().create_future()
    future.extra = "an attribute"
    print(type(future).__module__, future.done(), future.cancelled(), future.extra)
    asyncio.get_running_loop().call_soon(future.set_result, 42)
    print("future", await future, future.done(), repr(future))
    try:
        future.set_result(1)
    except asyncio.InvalidStateError as e:
        print("again:", e)
    pending = asyncio.Future()
    for name in ("result", "exception"):
        try:
            getattr(pending, name)()
        except asyncio.InvalidStateError as e:
            print(name, e)
    print(pending._state, pending._callbacks, pending.get_loop() is asyncio.get_running_loop())


async def callbacks():
    future = asyncio.Future()
    called = []
    first, second, third = (lambda f, n=n: called.append((n, variable.get())) for n in range(3))
    variable.set("outer")
    for f in (first, second, second, third):
        future.add_done_callback(f)
    print("removed", future.remove_done_callback(second), len(future._callbacks))
    future.add_done_callback(second, context=contextvars.Context())
    future.set_result(None)
    await asyncio.sleep(0)
    print("called", called)


async def exceptions():
    async def fail():
        raise ValueError("failed")

    task = asyncio.create_task(fail(), name="failing")
    try:
        await task
    except ValueError as e:
        print("caught", e, task.get_name(), task.exception() is e, e.__traceback__ is not None)
    future = asyncio.Future()
    future.set_exception(KeyError)
    try:
        await future
    except KeyError as e:
        print("caught", repr(e))
    other = asyncio.Future()
    other.set_exception(StopIteration())
    try:
        await other
    except RuntimeError as e:
        print("caught", e, repr(e.__cause__))


async def cancellation():
    async def patient():
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError as e:
            print("cancelled with", e.args, asyncio.current_task().cancelling())
            raise

    task = asyncio.create_task(patient())
    await asyncio.sleep(0)
    print(task.cancel("a reason"), task.cancelling(), task._must_cancel)
    try:
        await task
    except asyncio.CancelledError as e:
        print("caught", e.args, task.cancelled(), task.cancel())
    early = asyncio.create_task(patient())
    early.cancel()
    print(await asyncio.gather(early, return_exceptions=True))

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                print("left", asyncio.current_task().uncancel())
                return "went on"

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    print(await task)
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        print("timeout")


async def tasks():
    me = asyncio.current_task()
    print("me", me in asyncio.all_tasks(), len(asyncio.all_tasks()))
    others = [asyncio.create_task(value(i, 0.001)) for i in range(10)]
    print(len(asyncio.all_tasks()), all(t in asyncio.all_tasks() for t in others))
    await asyncio.gather(*others)
    print(len(asyncio.all_tasks()), others[3].result(), others[3].get_coro().__name__)
    for wrong in (lambda: asyncio.Task(1), lambda: others[0].set_result(1), lambda: others[0].set_exception(ValueError())):
        try:
            wrong()
        except (TypeError, RuntimeError) as e:
            print(type(e).__name__, e)

    async def bad_yield():
        class Bare:
            def __await__(self):
                yield "something"

        await Bare()

    try:
        await asyncio.create_task(bad_yield())
    except RuntimeError as e:
        print(e)

    async def awaits_itself():
        await asyncio.current_task()

    task = asyncio.create_task(awaits_itself(), name="itself")
    try:
        await task
    except RuntimeError as e:
        print(str(e)[:29])
    waiter = asyncio.create_task(value(1, 0.001))
    print(getattr(waiter, "_asyncio_awaited_by"), end=" ")
    both = asyncio.gather(waiter)
    await asyncio.sleep(0)
    print(waiter._asyncio_awaited_by == frozenset({me}))
    await both


async def eager():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)

    async def at_once():
        return asyncio.current_task().get_name()

    task = loop.create_task(at_once(), name="eager")
    print(task.done(), task.result(), task.get_coro(), asyncio.current_task().get_name() != "eager")
    task = loop.create_task(value("later", 0.001))
    print(task.done(), task in asyncio.all_tasks(), await task)
    loop.set_task_factory(None)


async def group():
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(value(1, 0.1))
            tasks.create_task(asyncio.wait_for(value(2, 10), 0.001))
    except* TimeoutError as e:
        print("group", e.exceptions)


async def forgotten():
    messages = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: messages.append(context["message"]))

    async def fail():
        raise ValueError

    async def wait_for_ever(future):
        await future

    async def wait_a_while(depth):
        if depth:
            return await wait_a_while(depth - 1)
        future = asyncio.Future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        await wait_for_ever(future)

    class WithFinalizer(asyncio.Task):
        def __del__(self):
            messages.append("a finalizer of its own")

    def start(depth):
        # In frames of its own, whose remains on the native stack are overwritten below.
        if depth:
            return start(depth - 1)
        asyncio.create_task(fail())
        asyncio.create_task(wait_for_ever(asyncio.Future()))
        asyncio.Future().set_exception(ValueError())
        WithFinalizer(wait_for_ever(asyncio.Future()))

    start(50)
    for rounds in range(50):
        # The steps of other tasks, which wait for futures as well, overwrite what those above left on the native stack; those that
        # lead elsewhere leave other places of it as they are.
        await asyncio.gather(*(wait_a_while(rounds % 7) for _ in range(3)))
        sorted(range(1000), key=lambda i: -i)
        gc.collect()
        if rounds >= 4 and len(messages) >= 4:
            break
    print(sorted(messages), len(asyncio.all_tasks()))


class Subclass(asyncio.Task):
    def cancel(self, msg=None):
        print("subclass cancelled")
        return super().cancel(msg)


async def subclass():
    task = Subclass(value(7, 0.001), name=8)
    task.anything = [1]
    outer = asyncio.create_task(asyncio.wait_for(task, 10))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    print(await asyncio.gather(outer, return_exceptions=True), task.get_name(), task.anything)


async def main():
    for part in (results, callbacks, exceptions, cancellation, tasks, eager, group, forgotten, subclass):
        print("--", part.__name__)
        await part()


asyncio.run(main())
try:
    asyncio.get_running_loop()
except RuntimeError as e:
    print(e)
