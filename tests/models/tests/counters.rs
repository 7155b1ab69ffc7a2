//! Statistics: threads count with plain loads and stores, and another adds up while they stand still. A copy of `pystats`' `Counter` and of
//! `stats.rs` (`flush`, `gather`), with a lock for the stopped world: a thread has it while it runs between two safepoints.

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::sync::{Arc, Mutex};
use loom::thread;

#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) + n, Relaxed);
    }

    fn merge_into(&self, total: &Counter) {
        total.add(self.0.load(Relaxed));
        self.0.store(0, Relaxed);
    }
}

struct Process {
    /// What a thread holds while it runs.
    runs: [Mutex<()>; 2],
    blocks: [Counter; 2],
    total: Mutex<Counter>,
}

impl Process {
    fn count(&self, thread: usize, n: u64) {
        let _running = self.runs[thread].lock().unwrap();
        self.blocks[thread].add(n);
    }

    fn flush(&self, thread: usize) {
        let total = self.total.lock().unwrap();
        self.blocks[thread].merge_into(&total);
    }

    fn gather(&self) {
        let _stopped = [self.runs[0].lock().unwrap(), self.runs[1].lock().unwrap()];
        (0..2).for_each(|thread| self.flush(thread));
    }

    /// A thread ends.
    fn end(&self, thread: usize) {
        let _running = self.runs[thread].lock().unwrap();
        self.flush(thread);
    }
}

/// Nothing is lost and nothing counted twice, whenever a report is made and threads end.
#[test]
fn reports_while_threads_count_and_end() {
    loom::model(|| {
        let runs = [Mutex::new(()), Mutex::new(())];
        let p = Arc::new(Process { runs, blocks: Default::default(), total: Mutex::new(Counter::default()) });
        let worker = {
            let p = p.clone();
            thread::spawn(move || {
                p.count(0, 1);
                p.end(0);
            })
        };
        p.count(1, 10);
        p.gather();
        p.count(1, 100);
        worker.join().unwrap();
        p.gather();
        assert_eq!(p.total.lock().unwrap().0.load(Relaxed), 111);
    });
}
