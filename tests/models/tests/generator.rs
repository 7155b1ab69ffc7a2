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

/// A generator whose instructions are those of the thread that has run it last.
struct Migrating {
    state: GeneratorState,
    /// Whose copy it goes on in.
    copy: UnsafeCell<usize>,
}

// SAFETY: the copy is looked at by who has claimed the generator only; loom tells if not.
unsafe impl Sync for Migrating {}
// SAFETY: as above.
unsafe impl Send for Migrating {}

impl Migrating {
    /// Resumes it, the fast way first, which takes no foreign copy.
    fn resume(&self, me: usize) -> Result<(), u8> {
        let before = self.state.claim(false)?;
        // SAFETY: claimed.
        if self.copy.with(|copy| unsafe { *copy } == me) {
            self.state.release(SUSPENDED);
            return Ok(());
        }
        self.state.release(before);
        self.state.claim(false)?;
        // SAFETY: claimed.
        self.copy.with_mut(|copy| unsafe { *copy = me });
        // SAFETY: claimed.
        assert_eq!(self.copy.with(|copy| unsafe { *copy }), me);
        self.state.release(SUSPENDED);
        Ok(())
    }
}

/// Whoever runs a generator runs its own copy of the instructions.
#[test]
fn a_generator_migrates() {
    loom::model(|| {
        let g = Arc::new(Migrating { state: GeneratorState::new(CREATED), copy: UnsafeCell::new(0) });
        let other = {
            let g = g.clone();
            thread::spawn(move || g.resume(1))
        };
        for end in [g.resume(2), other.join().unwrap()] {
            assert!(matches!(end, Ok(()) | Err(EXECUTING)), "{end:?}");
        }
    });
}
