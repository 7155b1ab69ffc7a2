//! Who runs a generator: the runtime's own code.

use limpid_models::generator_state::*;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

struct Model {
    state: GeneratorState,
    /// Its frame: what was taken so far.
    frame: UnsafeCell<u32>,
}

// SAFETY: the frame is used by who has claimed it only; loom tells if not.
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Send for Model {}

impl Model {
    fn new(state: u8) -> Arc<Model> {
        Arc::new(Model { state: GeneratorState::new(state), frame: UnsafeCell::new(0) })
    }

    /// Resumes it: the number of the value that it yields.
    fn resume(&self, then: u8) -> Result<u32, u8> {
        self.state.claim(false)?;
        // SAFETY: claimed.
        let value = self.frame.with_mut(|frame| unsafe {
            *frame += 1;
            *frame
        });
        self.state.release(then);
        Ok(value)
    }
}

/// No value is lost or delivered twice, and who comes while it runs is told that, not that it is over.
#[test]
fn two_threads_resume() {
    loom::model(|| {
        let g = Model::new(CREATED);
        let other = {
            let g = g.clone();
            thread::spawn(move || [g.resume(SUSPENDED), g.resume(SUSPENDED)])
        };
        let mine = [g.resume(SUSPENDED)];
        let all = other.join().unwrap().into_iter().chain(mine);
        let (values, errors): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        let mut values: Vec<u32> = values.into_iter().flatten().collect();
        values.sort_unstable();
        assert_eq!(values, (1..=values.len() as u32).collect::<Vec<_>>());
        assert!(errors.iter().all(|e| *e == Err(EXECUTING)), "{errors:?}");
    });
}

/// Only one of two that close a new generator does, and it cannot be resumed afterwards.
#[test]
fn close_of_a_new_one() {
    loom::model(|| {
        let g = Model::new(CREATED);
        let other = {
            let g = g.clone();
            thread::spawn(move || g.resume(SUSPENDED))
        };
        let closed = g.state.claim_created();
        if closed {
            // SAFETY: claimed.
            g.frame.with_mut(|frame| unsafe { *frame = 100 });
            g.state.release(CLEARED);
        }
        match other.join().unwrap() {
            Ok(value) => assert!(!closed && value == 1),
            Err(state) => assert!(closed && (state == EXECUTING || state == CLEARED)),
        }
    });
}

/// Who looks at what a generator delegates to never sees a frame that somebody runs.
#[test]
fn a_look_at_the_delegate() {
    loom::model(|| {
        let g = Model::new(SUSPENDED_YIELD_FROM);
        let other = {
            let g = g.clone();
            thread::spawn(move || g.resume(SUSPENDED_YIELD_FROM))
        };
        // SAFETY: nobody resumes it meanwhile.
        let seen = g.state.look_at_delegate(|| g.frame.with(|frame| unsafe { *frame }));
        assert!(seen.is_none_or(|n| n <= 1));
        assert_eq!(other.join().unwrap(), Ok(1));
        assert_eq!(g.state.get(), SUSPENDED_YIELD_FROM);
    });
}
