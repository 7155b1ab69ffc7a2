"""What other processes of this runtime are asked: the tasks of their event loops, and who awaits them.

The other process, which has to be the same user's, runs a script that writes the answer into a file (sys.remote_exec), as soon as its
main thread runs Python code.
"""

import json
import os
import sys
import tempfile
import time
from collections import namedtuple

FrameInfo = namedtuple("FrameInfo", "filename lineno funcname")
CoroInfo = namedtuple("CoroInfo", "call_stack task_name")
TaskInfo = namedtuple("TaskInfo", "task_id task_name coroutine_stack awaited_by")
AwaitedInfo = namedtuple("AwaitedInfo", "thread_id awaited_by")

# How long an answer may take, in seconds.
_PATIENCE = 10

_SCRIPT = """
def _tell(answer):
    import gc, json, os, sys
    loops = []
    asyncio = sys.modules.get('asyncio')
    if asyncio is not None:
        for loop in gc.get_objects():
            if not isinstance(loop, asyncio.BaseEventLoop) or not loop.is_running():
                continue
            tasks = []
            for task in asyncio.all_tasks(loop):
                graph = asyncio.capture_call_graph(task)
                stack = lambda graph: [
                    (entry.frame.f_code.co_filename, entry.frame.f_lineno, entry.frame.f_code.co_qualname)
                    for entry in graph.call_stack
                ]
                awaiters = [(stack(awaiter), id(awaiter.future)) for awaiter in graph.awaited_by]
                tasks.append((id(task), task.get_name(), stack(graph), awaiters))
            loops.append((loop._thread_id, tasks))
    with open(answer + '.part', 'w') as file:
        json.dump(loops, file)
    os.rename(answer + '.part', answer)

_tell(%r)
del _tell
"""


def _call_stack(frames):
    return [FrameInfo(*frame) for frame in frames]


class RemoteUnwinder:
    """Looks into the process with this id."""

    def __init__(self, pid):
        self.pid = pid

    def get_all_awaited_by(self):
        """For each running event loop an AwaitedInfo with its tasks."""
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "script.py")
            answer = os.path.join(folder, "answer.json")
            with open(script, "w") as file:
                file.write(_SCRIPT % answer)
            sys.remote_exec(self.pid, script)
            deadline = time.monotonic() + _PATIENCE
            while not os.path.exists(answer):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"process {self.pid} does not answer: its main thread runs no Python code")
                time.sleep(0.01)
            with open(answer) as file:
                loops = json.load(file)
        return [
            AwaitedInfo(
                thread,
                [
                    TaskInfo(
                        task,
                        name,
                        [CoroInfo(_call_stack(frames), name)],
                        [CoroInfo(_call_stack(stack), awaiter) for stack, awaiter in awaiters],
                    )
                    for task, name, frames, awaiters in tasks
                ],
            )
            for thread, tasks in loops
        ]
