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
