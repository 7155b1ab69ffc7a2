//! Requests to a thread, and exceptions sent to it. Copies of `breaker.rs` (`take`, `handle`, `send_exception`).

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use loom::thread;

const SIGNAL: u32 = 1 << 2;
const ASYNC_EXCEPTION: u32 = 1 << 3;

struct Target {
    eval_breaker: AtomicU32,
    exception: AtomicU64,
}

impl Target {
    fn new() -> Arc<Target> {
        Arc::new(Target { eval_breaker: AtomicU32::new(0), exception: AtomicU64::new(0) })
    }

    /// The runtime has a plain store here. `loom` would not know that it comes behind an exchange that has read an earlier one.
    fn send(&self, exception: u64) {
        self.exception.swap(exception, AcqRel);
        self.eval_breaker.fetch_or(ASYNC_EXCEPTION, AcqRel);
    }

    fn take(&self, bit: u32) -> bool {
        self.eval_breaker.fetch_and(!bit, AcqRel) & bit != 0
    }

    fn handle(&self) -> (bool, u64) {
        let signal = self.take(SIGNAL);
        let exception = if self.take(ASYNC_EXCEPTION) { self.exception.swap(0, AcqRel) } else { 0 };
        (signal, exception)
    }
}

/// What the thread does until nothing is asked of it any more.
fn drain(target: &Target) -> (u32, Vec<u64>) {
    let (mut signals, mut exceptions) = (0, Vec::new());
    while target.eval_breaker.load(Relaxed) != 0 {
        let (signal, exception) = target.handle();
        signals += u32::from(signal);
        exceptions.extend((exception != 0).then_some(exception));
    }
    (signals, exceptions)
}

/// Of exceptions that are sent one after the other the last arrives, and none arrives twice.
#[test]
fn the_last_exception_arrives() {
    loom::model(|| {
        let target = Target::new();
        let sender = {
            let target = target.clone();
            thread::spawn(move || {
                target.send(1);
                target.send(2);
            })
        };
        let (_, mut got) = drain(&target);
        sender.join().unwrap();
        got.extend(drain(&target).1);
        assert_eq!(target.exception.load(Relaxed), 0, "one is left behind");
        assert!(matches!(got[..], [2] | [1, 2]), "{got:?}");
    });
}

/// A request that comes while another is taken is not taken with it.
#[test]
fn no_request_is_lost() {
    loom::model(|| {
        let target = Target::new();
        let sender = {
            let target = target.clone();
            thread::spawn(move || {
                target.eval_breaker.fetch_or(SIGNAL, AcqRel);
                target.send(1);
            })
        };
        let first = drain(&target);
        sender.join().unwrap();
        let second = drain(&target);
        assert_eq!(first.0 + second.0, 1);
        assert_eq!([first.1, second.1].concat(), [1]);
    });
}
