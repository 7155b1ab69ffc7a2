//! Lines of the library that are made to fit this runtime while it is built.

/// One text in one file, which occurs there exactly once, and what stands there instead.
pub struct Adaptation {
    /// The file in the library.
    pub path: &'static str,
    /// What it says.
    pub original: &'static str,
    /// What it shall say.
    pub replacement: &'static str,
}

/// All of them.
pub static TABLE: &[Adaptation] = &[
    // Where packages are installed: lib/limpid3.14.
    Adaptation {
        path: "site.py",
        original: "    return 'RustPython' # XXX: RUSTPYTHON; for site-packages\n",
        replacement: "    return 'Limpid'\n",
    },
    Adaptation {
        path: "site.py",
        original: "    # XXX: RUSTPYTHON\n    return f'{userbase}/lib/rustpython{version[0]}.{version[1]}{abi_thread}/site-packages'\n",
        replacement: "    return f'{userbase}/lib/{implementation_lower}{version[0]}.{version[1]}{abi_thread}/site-packages'\n",
    },
    Adaptation {
        path: "sysconfig/__init__.py",
        original: "    return 'RustPython'  # XXX: RUSTPYTHON; For site-packages\n",
        replacement: "    return 'Limpid'\n",
    },
    // One file for all platforms; it asks sys what differs.
    Adaptation {
        path: "sysconfig/__init__.py",
        original: "f'_sysconfigdata_{sys.abiflags}_{sys.platform}_{multiarch}'",
        replacement: "'_sysconfigdata'",
    },
    Adaptation {
        path: "platform.py",
        original: "        # XXX: RUSTPYTHON support\n        if \"RustPython\" in sys_version:\n            name = \"RustPython\"\n",
        replacement: "        if \"limpid\" in sys_version:\n            name = \"Limpid\"\n",
    },
    // Tracebacks show the lines of a program given by -c, and only who wants to see them imports this module.
    Adaptation {
        path: "linecache.py",
        original: "        _interactive_cache[key] = entry\n",
        replacement: "        _interactive_cache[key] = entry\n\n\nimport _library\nif (_command := _library.command()) is not None:\n\
                      \x20   _register_code(*_command, '<string>')\ndel _command, _library\n",
    },
    // The scripts of a new environment come out of the binary.
    Adaptation {
        path: "venv/__init__.py",
        original: "        path = os.path.abspath(os.path.dirname(__file__))\n        path = os.path.join(path, 'scripts')\n        \
                   self.install_scripts(context, path)\n",
        replacement: "        from importlib import resources\n        with resources.as_file(resources.files('venv') / 'scripts') as path:\n\
                      \x20           self.install_scripts(context, str(path))\n",
    },
    // Errors of the library that are mended in later releases of it. An empty chunk is never drained, so it must not be buffered.
    Adaptation {
        path: "asyncio/selector_events.py",
        original: "        self._buffer.extend([memoryview(data) for data in list_of_data])\n        self._write_ready()\n",
        replacement: "        self._buffer.extend(view for view in map(memoryview, list_of_data) if view.nbytes)\n        \
                      if not self._buffer:\n            return\n        self._write_ready()\n",
    },
    // A plain function that is told of a connection and raises an exception ends that connection, as a coroutine does.
    Adaptation {
        path: "asyncio/streams.py",
        original: "            res = self._client_connected_cb(reader, writer)\n",
        replacement: "            try:\n                res = self._client_connected_cb(reader, writer)\n            \
                      except Exception as error:\n                self._loop.call_exception_handler({\n                    \
                      'message': 'Unhandled exception in client_connected_cb',\n                    \
                      'exception': error, 'transport': transport})\n                transport.close()\n                \
                      res = None\n",
    },
    // Whoever waits for a process does not wait for those that have inherited its pipes.
    Adaptation {
        path: "asyncio/base_subprocess.py",
        original: "        self._call(self._protocol.process_exited)\n\n        self._try_finish()\n",
        replacement: "        self._call(self._protocol.process_exited)\n        for waiter in self._exit_waiters:\n            \
                      if not waiter.done():\n                waiter.set_result(returncode)\n\n        self._try_finish()\n",
    },
    // A worker of a process pool that has reached its limit of tasks is replaced as long as somebody may still want results, with what the
    // manager knows: a pool that was shut down without waiting has let go of it. Without another worker what is left fails, each task
    // with an exception of its own.
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"
class _ExecutorManagerThread(threading.Thread):
"#,
        replacement: r#"
def _spawn_worker(executor, processes, call_queue, result_queue):
    p = executor._mp_context.Process(
        target=_process_worker,
        args=(call_queue, result_queue, executor._initializer, executor._initargs, executor._max_tasks_per_child))
    p.start()
    processes[p.pid] = p


class _ExecutorManagerThread(threading.Thread):
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"                if executor := self.executor_reference():
                    if process_exited:
                        with self.shutdown_lock:
                            executor._adjust_process_count()
                    else:
                        executor._idle_worker_semaphore.release()
                    del executor
"#,
        replacement: r#"                if process_exited:
                    reason, cause = self.replace_worker()
                    if self.pending_work_items and not self.processes:
                        self.terminate_broken(cause, reason)
                        return
                elif executor := self.executor_reference():
                    executor._idle_worker_semaphore.release()
                    del executor
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"    def add_call_item_to_queue(self):
"#,
        replacement: r#"    def replace_worker(self):
        # Starts a worker in the place of one that has left. If there can be none: why, and the traceback of that.
        with self.shutdown_lock:
            executor = self.executor_reference()
            if executor is None:
                return "The executor was garbage collected before its last worker could be replaced.", None
            if executor._force_shutting_down:
                return "The executor was forcefully shut down.", None
            wanted = self.pending_work_items or not executor._shutdown_thread
            if wanted and len(self.processes) < executor._max_workers:
                try:
                    _spawn_worker(executor, self.processes, self.call_queue, self.result_queue)
                except Exception as exc:
                    return "A worker that had left could not be replaced: another could not be started.", format_exception(exc)
        return None, None

    def add_call_item_to_queue(self):
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"    def _terminate_broken(self, cause):
"#,
        replacement: r#"    def _terminate_broken(self, cause, reason):
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"        bpe = BrokenProcessPool("A process in the process pool was "
                                "terminated abruptly while the future was "
                                "running or pending.")
        if cause is not None:
            bpe.__cause__ = _RemoteTraceback(
                f"\n'''\n{''.join(cause)}'''")

        # Mark pending tasks as failed.
        for work_id, work_item in self.pending_work_items.items():
"#,
        replacement: r#"        if reason is None:
            reason = ("A process in the process pool was "
                      "terminated abruptly while the future was "
                      "running or pending.")

        # Mark pending tasks as failed.
        for work_id, work_item in self.pending_work_items.items():
            bpe = BrokenProcessPool(reason)
            if cause is not None:
                bpe.__cause__ = _RemoteTraceback(
                    f"\n'''\n{''.join(cause)}'''")
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"    def terminate_broken(self, cause):
        with self.shutdown_lock:
            self._terminate_broken(cause)
"#,
        replacement: r#"    def terminate_broken(self, cause, reason=None):
        with self.shutdown_lock:
            self._terminate_broken(cause, reason)
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"        self._broken = False
"#,
        replacement: r#"        self._broken = False
        self._force_shutting_down = False
"#,
    },
    // Whoever was idle may have left since.
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"        if self._idle_worker_semaphore.acquire(blocking=False):
"#,
        replacement: r#"        if self._processes and self._idle_worker_semaphore.acquire(blocking=False):
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"        p = self._mp_context.Process(
            target=_process_worker,
            args=(self._call_queue,
                  self._result_queue,
                  self._initializer,
                  self._initargs,
                  self._max_tasks_per_child))
        p.start()
        self._processes[p.pid] = p
"#,
        replacement: r#"        _spawn_worker(self, self._processes, self._call_queue, self._result_queue)
"#,
    },
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"        processes = {}
        if self._processes:
            processes = self._processes.copy()
"#,
        replacement: r#"        with self._shutdown_lock:
            self._force_shutting_down = True
            processes = dict(self._processes or {})
"#,
    },
    // At the end of a process, which may be the child of a fork, nobody wakes threads that are over: they are known until they are collected.
    Adaptation {
        path: "concurrent/futures/process.py",
        original: r#"    items = list(_threads_wakeups.items())
"#,
        replacement: r#"    items = [(t, wakeup) for t, wakeup in _threads_wakeups.items() if t.is_alive()]
"#,
    },
    // A task that waits no more is not among those that wait for what goes on without it.
    Adaptation {
        path: "asyncio/tasks.py",
        original: r#"        for f in fs:
            f.remove_done_callback(_on_completion)

"#,
        replacement: r#"        for f in fs:
            f.remove_done_callback(_on_completion)
            futures.future_discard_from_awaited_by(f, cur_task)

"#,
    },
    Adaptation {
        path: "asyncio/tasks.py",
        original: r#"    def _done_callback(fut, cur_task=cur_task):
        nonlocal nfinished
"#,
        replacement: r#"    def _fail(exc):
        if cur_task is not None:
            for fut in children:
                futures.future_discard_from_awaited_by(fut, cur_task)
        outer.set_exception(exc)

    def _done_callback(fut, cur_task=cur_task):
        nonlocal nfinished
"#,
    },
    Adaptation {
        path: "asyncio/tasks.py",
        original: r#"                exc = fut._make_cancelled_error()
                outer.set_exception(exc)
                return
            else:
                exc = fut.exception()
                if exc is not None:
                    outer.set_exception(exc)
                    return
"#,
        replacement: r#"                _fail(fut._make_cancelled_error())
                return
            else:
                exc = fut.exception()
                if exc is not None:
                    _fail(exc)
                    return
"#,
    },
    // What was shielded tells of an exception by itself, if nobody asks for it in the end.
    Adaptation {
        path: "asyncio/tasks.py",
        original: r#"            # Keep only one callback to log on cancel
            inner.remove_done_callback(_log_on_exception)
            inner.add_done_callback(_log_on_exception)
"#,
        replacement: r#"            if cur_task is not None:
                inner.remove_done_callback(_clear_awaited_by_callback)
                _clear_awaited_by_callback(inner)
"#,
    },
    // Whoever was cancelled while waiting has taken nothing away.
    Adaptation {
        path: "asyncio/tasks.py",
        original: r#"        f = await self._done.get()
        if f is None:
"#,
        replacement: r#"        try:
            f = await self._done.get()
        except exceptions.CancelledError:
            self._todo_left += 1
            raise
        if f is None:
"#,
    },
    // Not a number is no time to wait.
    Adaptation {
        path: "threading.py",
        original: "                if timeout > 0:\n                    gotit = waiter.acquire(True, timeout)\n",
        replacement: "                if not timeout <= 0:\n                    gotit = waiter.acquire(True, timeout)\n",
    },
    // Instructions that the interpreter does not have.
    Adaptation { path: "dis.py", original: "ENTER_EXECUTOR = opmap['ENTER_EXECUTOR']\n", replacement: "ENTER_EXECUTOR = None\n" },
    Adaptation {
        path: "dis.py",
        original: "LOAD_FAST_BORROW_LOAD_FAST_BORROW = opmap['LOAD_FAST_BORROW_LOAD_FAST_BORROW']\n",
        replacement: "LOAD_FAST_BORROW_LOAD_FAST_BORROW = None\n",
    },
];
