//! Copies of bytecode that threads make while another instruments the code. A copy of `types/code.rs` (`copy_for`), `instrument/locations.rs`
//! (`update`, `mark`, `mark_copy`) and `runtime.rs` (`reserve_bytecode_index`), with one instruction.

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::sync::{Arc, Mutex};
use loom::thread;

const THREADS: usize = 2;

struct Code {
    /// The code object's lock.
    lock: Mutex<()>,
    watched: AtomicBool,
    main: AtomicBool,
    /// The copies' instructions, by index, and how many copies are known: a list is published whole.
    copies: [AtomicBool; THREADS + 1],
    known: AtomicUsize,
}

impl Code {
    fn new() -> Arc<Code> {
        let flag = || AtomicBool::new(false);
        let copies = [flag(), flag(), flag()];
        Arc::new(Code { lock: Mutex::new(()), watched: flag(), main: flag(), copies, known: AtomicUsize::new(0) })
    }

    fn entry(&self, index: usize) -> &AtomicBool {
        match index {
            0 => &self.main,
            _ if self.known.load(Acquire) & 1 << index != 0 => &self.copies[index],
            _ => self.copy_for(index),
        }
    }

    fn copy_for(&self, index: usize) -> &AtomicBool {
        loop {
            let old = self.known.load(Acquire);
            let _guard = self.lock.lock().unwrap();
            if self.known.load(Acquire) == old {
                if self.watched.load(Relaxed) {
                    self.copies[index].store(true, Release);
                }
                self.known.store(old | 1 << index, Release);
                return &self.copies[index];
            }
        }
    }

    fn instrument(&self) {
        let _guard = self.lock.lock().unwrap();
        self.watched.store(true, Relaxed);
        self.main.store(true, Release);
        let known = self.known.load(Acquire);
        (1..=THREADS).filter(|i| known & 1 << i != 0).for_each(|i| self.copies[i].store(true, Release));
    }
}

/// Instrumentation reaches every copy, also one that is being made.
#[test]
fn every_copy_is_marked() {
    loom::model(|| {
        let code = Code::new();
        let threads: Vec<_> = (1..=THREADS)
            .map(|index| {
                let code = code.clone();
                thread::spawn(move || {
                    code.entry(index);
                    assert!(std::ptr::eq(code.entry(index), &code.copies[index]));
                })
            })
            .collect();
        code.instrument();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert!((0..=THREADS).all(|i| code.entry(i).load(Acquire)));
    });
}

/// Two threads that run at the same time never have the same index; one that has ended gives its own back.
#[test]
fn indices_are_unique() {
    loom::model(|| {
        let used = Arc::new(Mutex::new(Vec::new()));
        let running: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let life = |used: Arc<Mutex<Vec<usize>>>, running: Arc<[AtomicBool; 2]>| {
            let index = {
                let mut used = used.lock().unwrap();
                let index = (0..).find(|i| !used.contains(i)).unwrap();
                used.push(index);
                index
            };
            assert!(!running[index].swap(true, AcqRel));
            running[index].store(false, Release);
            used.lock().unwrap().retain(|i| *i != index);
        };
        let other = {
            let (used, running) = (used.clone(), running.clone());
            thread::spawn(move || life(used, running))
        };
        life(used.clone(), running);
        other.join().unwrap();
        assert!(used.lock().unwrap().is_empty());
    });
}
