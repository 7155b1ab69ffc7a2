//! Waiting for locks of the database file, and locks that garbage holds.
//!
//! A cursor that nobody has any more keeps its statement, and a connection its transaction, until the collector finds them; so long others
//! cannot write, or not change a table. So a thread that cannot get on has garbage collected, and what that leaves to do done. The collector
//! may find what is garbage in the leavings of earlier calls on the stack; so the rows of all that are still read are read ahead.

use super::callbacks;
use super::database::{Database, Locked};
use super::errors::text;
use libsqlite3_sys as ffi;
use limpid_heap::Generation;
use limpid_vm::object::R;
use limpid_vm::runtime;
use limpid_vm::thread::Thread;
use parking_lot::Mutex;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The open databases of all connections.
static OPEN: Mutex<Vec<Weak<Database>>> = Mutex::new(Vec::new());

/// Remembers a database that was opened.
pub(super) fn add(database: &Arc<Database>) {
    let mut open = OPEN.lock();
    open.retain(|other| other.strong_count() > 0);
    open.push(Arc::downgrade(database));
}

/// The open databases besides this one.
fn others(database: &Database) -> Vec<Arc<Database>> {
    let all: Vec<_> = OPEN.lock().iter().filter_map(Weak::upgrade).collect();
    all.into_iter().filter(|other| !std::ptr::eq(&**other, database) && !other.is_closed()).collect()
}

/// Has statements of other connections ended, and connections closed that nobody has.
fn free_others(t: &Thread, database: &Database) -> R<()> {
    if others(database).is_empty() {
        return Ok(());
    }
    runtime::collect(t, Generation::Full);
    // Runs what finalizes connections.
    t.poll()?;
    for other in others(database) {
        // Locking does what is left to do.
        if let Some(locked) = other.try_lock(t)? {
            locked.read_ahead();
        }
    }
    Ok(())
}

/// A call has failed that another statement of the same connection may have been in the way of. Has those ended; true if there
/// were any, so that the call may be tried again.
pub(super) fn free_own(locked: &Locked<'_>, code: c_int) -> R<bool> {
    let in_the_way = match code & 0xFF {
        ffi::SQLITE_LOCKED | ffi::SQLITE_BUSY => true,
        ffi::SQLITE_ERROR => {
            // SAFETY: the lock is held.
            let message = unsafe { text(ffi::sqlite3_errmsg(locked.raw())) };
            message.contains("statements in progress") || message.ends_with("is locked")
        }
        _ => false,
    };
    if !in_the_way || !locked.database.has_users() {
        return Ok(false);
    }
    runtime::collect(locked.t, Generation::Full);
    locked.do_leftovers()?;
    locked.read_ahead();
    Ok(true)
}

/// How long a connection waits for the locks of others.
pub(super) struct Patience {
    milliseconds: u64,
    database: Weak<Database>,
}

/// Milliseconds between one try and the next.
const DELAYS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];
/// The try before which garbage is collected: most locks are held for less.
const COLLECTING_TRY: c_int = 3;

impl Patience {
    pub fn new(seconds: f64, database: Weak<Database>) -> Box<Patience> {
        Box::new(Patience { milliseconds: (seconds * 1000.0) as u64, database })
    }

    /// Asked by the library whether to try again.
    ///
    /// # Safety
    /// `data` is the address of the database's.
    pub unsafe extern "C" fn wait(data: *mut c_void, tries: c_int) -> c_int {
        // SAFETY: by contract.
        let this = unsafe { &*(data as *const Patience) };
        let done = tries.max(0) as usize;
        let last = DELAYS[DELAYS.len() - 1];
        let waited = DELAYS.iter().take(done).sum::<u64>() + done.saturating_sub(DELAYS.len()) as u64 * last;
        let rest = this.milliseconds.saturating_sub(waited);
        let go_on = callbacks::attached(true, |t| match this.database.upgrade() {
            Some(database) if tries == COLLECTING_TRY || (tries == 0 && rest == 0) => {
                free_others(t, &database).and_then(|()| t.poll()).is_ok()
            }
            _ => t.poll().is_ok(),
        });
        // Without any time, one more try follows the collection.
        if !go_on || (rest == 0 && tries > 0) {
            return 0;
        }
        std::thread::sleep(Duration::from_millis(DELAYS.get(done).copied().unwrap_or(last).min(rest)));
        1
    }
}
