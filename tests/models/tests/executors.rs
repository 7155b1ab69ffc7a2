//! Machine code that a background thread makes while its owner may retire it. A copy of `executor.rs` (`finish`, `retire`, `code`, `Drop`)
//! and of `run.rs`' rule that what is retired is freed when nothing runs.

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::sync::{Arc, Mutex};
use loom::thread;

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Waiting,
    Ready,
    Retired,
}

/// The code heap's one piece: is it in use?
struct Heap {
    in_use: AtomicBool,
    /// What was written into the piece, which whoever runs it has to see.
    content: AtomicUsize,
}

struct Executor {
    code: AtomicBool,
    made: Mutex<(Phase, bool)>,
    heap: Arc<Heap>,
}

impl Executor {
    fn finish(&self) {
        self.heap.in_use.store(true, Relaxed);
        self.heap.content.store(42, Relaxed);
        let mut made = self.made.lock().unwrap();
        made.1 = true;
        if made.0 == Phase::Waiting {
            made.0 = Phase::Ready;
            self.code.store(true, Release);
        }
    }

    fn retire(&self) {
        let mut made = self.made.lock().unwrap();
        made.0 = Phase::Retired;
        self.code.store(false, Release);
    }

    /// Runs the code, if there is some.
    fn run(&self) {
        if self.code.load(Acquire) {
            assert!(self.heap.in_use.load(Relaxed));
            assert_eq!(self.heap.content.load(Relaxed), 42);
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if self.made.lock().unwrap().1 {
            self.heap.in_use.store(false, Relaxed);
        }
    }
}

/// Code is seen whole or not at all; once retired nothing leads to it, and its piece is free in the end.
#[test]
fn made_and_retired() {
    loom::model(|| {
        let heap = Arc::new(Heap { in_use: AtomicBool::new(false), content: AtomicUsize::new(0) });
        let executor = Arc::new(Executor { code: AtomicBool::new(false), made: Mutex::new((Phase::Waiting, false)), heap: heap.clone() });
        let compiler = {
            let executor = executor.clone();
            thread::spawn(move || executor.finish())
        };
        executor.run();
        executor.retire();
        assert!(!executor.code.load(Acquire));
        // Nothing runs: the owner's reference goes. The last one frees the piece.
        let watched = executor.clone();
        drop(executor);
        compiler.join().unwrap();
        assert!(!watched.code.load(Acquire), "leads to retired code");
        drop(watched);
        assert!(!heap.in_use.load(Acquire));
    });
}
