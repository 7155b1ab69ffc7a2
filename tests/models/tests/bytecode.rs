//! Copies of bytecode that threads make while another instruments the code. A copy of `types/code_copies.rs` (`copy_for`, `make`),
//! `instrument/locations.rs` (`update`, `mark`, `mark_copy`) and `runtime.rs` (`reserve_bytecode_index`), with one instruction.

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::sync::{Arc, Mutex};
use loom::thread;

const THREADS: usize = 2;
/// The copy that threads have in common until they are warm.
const COMMON: usize = 0;

struct Code {
    /// The code object's lock.
    lock: Mutex<()>,
    watched: AtomicBool,
    main: AtomicBool,
    /// The copies' instructions, by index, and which are in the list.
    copies: [AtomicBool; THREADS + 1],
    known: AtomicUsize,
    /// How often a copy was made.
    made: AtomicUsize,
}

impl Code {
    fn new() -> Arc<Code> {
        let flag = || AtomicBool::new(false);
        let copies = [flag(), flag(), flag()];
        Arc::new(Code {
            lock: Mutex::new(()),
            watched: flag(),
            main: flag(),
            copies,
            known: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        })
    }

    fn copy_for(&self, index: usize) -> &AtomicBool {
        if self.known.load(Acquire) & 1 << index != 0 { &self.copies[index] } else { self.make(index) }
    }

    fn make(&self, index: usize) -> &AtomicBool {
        let _guard = self.lock.lock().unwrap();
        let known = self.known.load(Acquire);
        if known & 1 << index == 0 {
            if self.watched.load(Relaxed) {
                self.copies[index].store(true, Release);
            }
            self.made.fetch_add(1, Relaxed);
            self.known.store(known | 1 << index, Release);
        }
        &self.copies[index]
    }

    fn instrument(&self) {
        let _guard = self.lock.lock().unwrap();
        self.watched.store(true, Relaxed);
        self.main.store(true, Release);
        let known = self.known.load(Acquire);
        (0..=THREADS).filter(|i| known & 1 << i != 0).for_each(|i| self.copies[i].store(true, Release));
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
                    // The first thread is not warm yet; the second was, and runs what it has in common with others once more.
                    code.copy_for(if index == 1 { COMMON } else { index });
                    assert!(std::ptr::eq(code.copy_for(COMMON), &code.copies[COMMON]));
                })
            })
            .collect();
        code.instrument();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert!(code.main.load(Acquire) && [COMMON, 2].iter().all(|i| code.copy_for(*i).load(Acquire)));
        assert_eq!(code.made.load(Relaxed), 2, "threads that have a copy in common have the same");
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
