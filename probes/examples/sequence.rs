//! Fires a known sequence of probes, as a small Python program would: the tests trace it and compare exact output.
//!
//! ```text
//! cargo run -p limpid-probes --example sequence [-- --wait]
//! ```
//!
//! With `--wait` it first waits until a tracer has attached, for tracers that are given the process by its number.
//!
//! The Python program it stands for is below. What a frame fires is in [`Frame`]; times are asleep, so that a tracer that
//! measures them has lower bounds to compare with.
//!
//! ```python
//! import json                           # line 1: a package whose module body runs, and loads another one
//! def fib(n): ...                       # line 3: recursion
//! def countdown(n): ...                 # line 7: a generator
//! def parse(text): ...                  # line 12: raises
//! def load(text): parse(text)           # line 16: lets the exception through
//! def slow(): time.sleep(0.02)          # line 20: takes its time in a function that is not written in Python
//! def worker(): fib(4)                  # line 24: what the threads run
//! ```

use limpid_probes as probes;
use std::ffi::CStr;
use std::time::{Duration, Instant};

const FILE: &CStr = c"/srv/demo.py";
const PACKAGE: &CStr = c"/srv/json/__init__.py";

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--wait") {
        wait_for_tracer();
    }
    module();
}

/// Returns when a tracer listens to something and has had time to attach the rest of what it wants.
fn wait_for_tracer() {
    let listens = || {
        probes::PROBES.iter().filter_map(|probe| (probe.semaphore)()).any(|counter| {
            // SAFETY: the address of a static counter, which the kernel writes.
            unsafe { counter.read_volatile() != 0 }
        })
    };
    while !listens() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1000));
}

/// A Python frame. Made at its entry; leaving it is one of three kinds, and each ends in `function__return`.
struct Frame {
    file: &'static CStr,
    func: &'static CStr,
    line: i32,
}

impl Frame {
    fn enter(file: &'static CStr, func: &'static CStr, line: i32) -> Self {
        if probes::function__entry::enabled() {
            probes::function__entry::fire(file.as_ptr(), func.as_ptr(), line);
        }
        Frame { file, func, line }
    }

    /// A generator's frame that goes on after a yield.
    fn resume(file: &'static CStr, func: &'static CStr, line: i32) -> Self {
        if probes::function__resume::enabled() {
            probes::function__resume::fire(file.as_ptr(), func.as_ptr(), line);
        }
        Frame::enter(file, func, line)
    }

    fn leave(self) {
        if probes::function__return::enabled() {
            probes::function__return::fire(self.file.as_ptr(), self.func.as_ptr(), self.line);
        }
    }

    fn suspend(self) {
        if probes::function__yield::enabled() {
            probes::function__yield::fire(self.file.as_ptr(), self.func.as_ptr(), self.line);
        }
        self.leave();
    }

    fn unwind(self) {
        if probes::function__unwind::enabled() {
            probes::function__unwind::fire(self.file.as_ptr(), self.func.as_ptr(), self.line);
        }
        self.leave();
    }

    fn at_line(&mut self, line: i32) {
        self.line = line;
        if probes::line::enabled() {
            probes::line::fire(self.file.as_ptr(), self.func.as_ptr(), line);
        }
    }
}

fn module() {
    let mut frame = Frame::enter(FILE, c"<module>", 1);
    frame.at_line(1);
    if probes::audit::enabled() {
        probes::audit::fire(c"import".as_ptr(), 0x1234_5678_9abc_usize as probes::Address);
    }
    import(c"json", true, || {
        let package = Frame::enter(PACKAGE, c"<module>", 1);
        import(c"json.decoder", true, || std::thread::sleep(Duration::from_millis(10)));
        package.leave();
    });
    import(c"nowhere", false, || ());
    frame.at_line(30);
    fib(6);
    frame.at_line(31);
    countdown(3);
    frame.at_line(32);
    for kind in [c"ValueError", c"ValueError", c"KeyError"] {
        load(kind);
    }
    slow();
    allocate();
    compile();
    collect(0, 12, Duration::from_millis(2));
    collect(2, 345, Duration::from_millis(10));
    for _ in 0..2 {
        std::thread::spawn(thread).join().expect("the thread fires probes only");
    }
    frame.leave();
}

fn import(name: &'static CStr, found: bool, body: impl FnOnce()) {
    if probes::import__find__load__start::enabled() {
        probes::import__find__load__start::fire(name.as_ptr());
    }
    body();
    if probes::import__find__load__done::enabled() {
        probes::import__find__load__done::fire(name.as_ptr(), i32::from(found));
    }
}

/// 2 * fibonacci(n + 1) - 1 frames: 9 for fib(4), 25 for fib(6).
fn fib(n: u32) -> u32 {
    let frame = Frame::enter(FILE, c"fib", 3);
    let result = if n < 2 { n } else { fib(n - 1) + fib(n - 2) };
    frame.leave();
    result
}

/// Driven to its end: n yields, n resumes, n + 1 entries and as many returns.
fn countdown(n: u32) {
    Frame::enter(FILE, c"countdown", 7).suspend();
    for _ in 1..n {
        Frame::resume(FILE, c"countdown", 8).suspend();
    }
    Frame::resume(FILE, c"countdown", 8).leave();
}

/// `parse` raises, both frames are unwound, the caller catches.
fn load(kind: &'static CStr) {
    let load = Frame::enter(FILE, c"load", 16);
    let parse = Frame::enter(FILE, c"parse", 12);
    cfunction(c"builtins", c"int", || ());
    if probes::exception__raise::enabled() {
        probes::exception__raise::fire(kind.as_ptr(), FILE.as_ptr(), 13);
    }
    parse.unwind();
    load.unwind();
}

fn slow() {
    let frame = Frame::enter(FILE, c"slow", 20);
    cfunction(c"time", c"sleep", || std::thread::sleep(Duration::from_millis(20)));
    frame.leave();
}

fn cfunction(module: &'static CStr, func: &'static CStr, body: impl FnOnce()) {
    if probes::cfunction__entry::enabled() {
        probes::cfunction__entry::fire(module.as_ptr(), func.as_ptr());
    }
    body();
    if probes::cfunction__return::enabled() {
        probes::cfunction__return::fire(module.as_ptr(), func.as_ptr());
    }
}

/// Four objects, 192 bytes.
fn allocate() {
    for (kind, size) in [(c"list", 56), (c"list", 56), (c"list", 16), (c"dict", 64)] {
        if probes::object__alloc::enabled() {
            probes::object__alloc::fire(kind.as_ptr(), size);
        }
    }
}

/// A loop that is recorded, compiled, left and thrown away, and one that cannot be compiled.
fn compile() {
    for compiles in [true, false] {
        if probes::jit__trace__start::enabled() {
            probes::jit__trace__start::fire(FILE.as_ptr(), c"fib".as_ptr(), 3);
        }
        if !compiles && probes::jit__trace__abort::enabled() {
            probes::jit__trace__abort::fire(c"too short".as_ptr());
        }
        if compiles && probes::jit__compile__done::enabled() {
            probes::jit__compile__done::fire(40, 1234, 560_000);
        }
        if compiles && probes::jit__exit::enabled() {
            probes::jit__exit::fire(c"guard_int".as_ptr(), FILE.as_ptr(), 5);
        }
        if compiles && probes::jit__invalidate::enabled() {
            probes::jit__invalidate::fire(1);
        }
    }
}

/// A garbage collection that frees `collected` objects, with the world stopped.
fn collect(generation: i32, collected: i64, pause: Duration) {
    if probes::stop__world__start::enabled() {
        probes::stop__world__start::fire(c"gc".as_ptr());
    }
    let stopped = Instant::now();
    if probes::gc__start::enabled() {
        probes::gc__start::fire(generation);
    }
    std::thread::sleep(pause);
    if probes::gc__done::enabled() {
        probes::gc__done::fire(collected);
    }
    if probes::stop__world__done::enabled() {
        probes::stop__world__done::fire(stopped.elapsed().as_nanos() as u64);
    }
}

fn thread() {
    let tid = native_thread_id();
    if probes::thread__start::enabled() {
        probes::thread__start::fire(tid);
    }
    let frame = Frame::enter(FILE, c"worker", 24);
    fib(4);
    if probes::lock__wait__done::enabled() {
        probes::lock__wait__done::fire(25_000);
    }
    frame.leave();
    if probes::thread__exit::enabled() {
        probes::thread__exit::fire(tid);
    }
}

/// What the kernel, and so a tracer, calls this thread.
fn native_thread_id() -> u64 {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs is mounted");
    link.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).expect("ends in the number")
}
