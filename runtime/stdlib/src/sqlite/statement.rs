//! Prepared statements, and those that a connection keeps prepared.

use super::database::{Database, Leftovers, Locked};
use super::errors::{self, misuse};
use super::rows::Reader;
use super::{values, waiting};
use crate::owned;
use libsqlite3_sys as ffi;
use limpid_heap::{Header, Value};
use limpid_vm::layout;
use limpid_vm::object::{R, Raised, Ref, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, TypeDef, flag};
use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A prepared statement.
pub(super) struct Prepared {
    /// NULL for one without any instruction.
    raw: *mut ffi::sqlite3_stmt,
    /// Does it change rows?
    pub is_dml: bool,
    /// Is it being executed? What is called meanwhile must let it alone.
    taken: AtomicBool,
    leftovers: Arc<Leftovers>,
}

// SAFETY: the statement is used by the thread that has locked its database.
unsafe impl Send for Prepared {}
// SAFETY: as above.
unsafe impl Sync for Prepared {}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            self.leftovers.finish(self.raw);
        }
    }
}

/// What a step has led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Row,
    Done,
}

impl Prepared {
    /// Prepares the one statement of a text.
    pub fn new(locked: &Locked<'_>, sql: Ref<Str>) -> R<Arc<Prepared>> {
        let t = locked.t;
        let text = values::utf8(t, &sql)?;
        check_length(locked, text.len())?;
        if text.as_bytes().contains(&0) {
            misuse!(t, "the query contains a null character")
        }
        let (mut raw, mut tail) = (ptr::null_mut(), ptr::null());
        let (from, len) = (text.as_ptr(), text.len());
        // SAFETY: text of that length, in a str that does not move and outlives the call; the library stores a statement or NULL.
        let code = locked.run(|db| unsafe { ffi::sqlite3_prepare_v2(db, from.cast(), len as i32, &mut raw, &mut tail) });
        locked.check(code)?;
        let prepared = Arc::new(Prepared {
            raw,
            is_dml: is_dml(&text),
            taken: AtomicBool::new(false),
            leftovers: locked.database.leftovers().clone(),
        });
        let rest = (tail as usize).saturating_sub(from as usize).min(len);
        if !skip_comments(&text.as_bytes()[rest..]).is_empty() {
            misuse!(t, "You can only execute one statement at a time.")
        }
        Ok(prepared)
    }

    /// The statement, for functions of the library that neither take long nor call back.
    pub fn raw(&self, _: &Locked<'_>) -> *mut ffi::sqlite3_stmt {
        self.raw
    }

    /// Has it begun, and not come to its end?
    pub fn is_busy(&self, _: &Locked<'_>) -> bool {
        // SAFETY: a statement that is not finalized, or NULL.
        unsafe { ffi::sqlite3_stmt_busy(self.raw) != 0 }
    }

    /// Does it change nothing in the database?
    pub fn is_readonly(&self, _: &Locked<'_>) -> bool {
        // SAFETY: as above.
        self.raw.is_null() || unsafe { ffi::sqlite3_stmt_readonly(self.raw) != 0 }
    }

    /// Back to its beginning. What went wrong before was told before.
    pub fn reset(&self, locked: &Locked<'_>) {
        if !self.raw.is_null() {
            // SAFETY: as above.
            locked.run(|_| unsafe { ffi::sqlite3_reset(self.raw) });
        }
    }

    /// On to the next row, or to the end.
    pub fn step(&self, locked: &Locked<'_>) -> R<Step> {
        if self.raw.is_null() {
            return Ok(Step::Done);
        }
        // SAFETY: as above.
        let step = || locked.run(|_| unsafe { ffi::sqlite3_step(self.raw) });
        let mut code = step();
        if waiting::free_own(locked, code)? {
            code = step();
        }
        let outcome = match code {
            ffi::SQLITE_ROW => Ok(Step::Row),
            ffi::SQLITE_DONE => Ok(Step::Done),
            // What came while it waited for others is raised.
            ffi::SQLITE_BUSY if !locked.t.exception().is_null() => return Err(Raised),
            code => {
                locked.t.take_exception();
                return Err(locked.failure(code));
            }
        };
        // A collation may have raised what the library knows nothing of.
        if locked.t.exception().is_null() { outcome } else { Err(Raised) }
    }
}

/// Raises DataError if so much SQL is too much.
pub(super) fn check_length(locked: &Locked<'_>, len: usize) -> R<()> {
    // SAFETY: a negative limit asks only.
    let most = unsafe { ffi::sqlite3_limit(locked.raw(), ffi::SQLITE_LIMIT_SQL_LENGTH, -1) };
    if len > most.max(0) as usize {
        return Err(locked.t.raise(errors::DATA_ERROR.get(), "query string is too large"));
    }
    Ok(())
}

/// SQL without the white space and comments it begins with.
fn skip_comments(mut sql: &[u8]) -> &[u8] {
    loop {
        sql = match sql {
            [b' ' | b'\t' | b'\x0c' | b'\n' | b'\r', rest @ ..] => rest,
            [b'-', b'-', rest @ ..] => memchr::memchr(b'\n', rest).map_or(&[], |i| &rest[i..]),
            [b'/', b'*', rest @ ..] => memchr::memmem::find(rest, b"*/").map_or(&[], |i| &rest[i + 2..]),
            other => return other,
        }
    }
}

/// Does the statement change rows? A transaction is begun before those.
fn is_dml(sql: &str) -> bool {
    let sql = skip_comments(sql.as_bytes());
    ["insert", "update", "delete", "replace"]
        .iter()
        .any(|word| sql.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
}

/// What a cursor has of the statement whose rows it reads. The statement is reset when this is dropped: by whoever locks the database next.
pub(super) struct Running {
    pub database: Arc<Database>,
    pub reader: Arc<Reader>,
    ended: bool,
}

impl Running {
    pub fn new(database: Arc<Database>, prepared: Arc<Prepared>) -> Running {
        let reader = Reader::new(prepared);
        database.add_reader(&reader);
        Running { database, reader, ended: false }
    }

    /// Resets the statement now.
    pub fn end(mut self, locked: &Locked<'_>) {
        if !self.reader.has_ended() {
            self.reader.prepared.reset(locked);
        }
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let statement = self.reader.prepared.raw;
        if !self.ended && !statement.is_null() && !self.reader.has_ended() {
            self.database.leftovers().stop(statement);
        }
    }
}

/// The statements used last.
pub(super) struct Cache {
    entries: HashMap<Box<str>, (Arc<Prepared>, u64)>,
    /// Counts the uses.
    uses: u64,
    capacity: usize,
}

impl Cache {
    pub fn new(capacity: usize) -> Cache {
        Cache { entries: HashMap::new(), uses: 0, capacity }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn find(&mut self, sql: &str) -> Option<Arc<Prepared>> {
        let (prepared, used) = self.entries.get_mut(sql)?;
        self.uses += 1;
        *used = self.uses;
        Some(prepared.clone())
    }

    fn add(&mut self, sql: &str, prepared: &Arc<Prepared>) {
        if self.capacity == 0 {
            return;
        }
        if self.entries.len() >= self.capacity
            && let Some(oldest) = self.entries.iter().min_by_key(|(_, (_, used))| *used).map(|(sql, _)| sql.clone())
        {
            self.entries.remove(&oldest);
        }
        self.uses += 1;
        self.entries.insert(sql.into(), (prepared.clone(), self.uses));
    }
}

/// A statement that is being executed.
pub(super) struct Taken(pub Arc<Prepared>);

impl Taken {
    fn new(prepared: Arc<Prepared>) -> Taken {
        prepared.taken.store(true, Relaxed);
        Taken(prepared)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.taken.store(false, Relaxed);
    }
}

/// The statement for a text, which nobody else executes: one that was prepared before, or a new one.
pub(super) fn prepare(locked: &Locked<'_>, sql: Ref<Str>) -> R<Taken> {
    let text = values::utf8(locked.t, &sql)?;
    let found = locked.database.cache.lock().find(&text);
    match found {
        Some(found) if found.taken.load(Relaxed) || found.is_busy(locked) => Ok(Taken::new(Prepared::new(locked, sql)?)),
        Some(found) => Ok(Taken::new(found)),
        None => {
            let prepared = Prepared::new(locked, sql)?;
            locked.database.cache.lock().add(&text, &prepared);
            Ok(Taken::new(prepared))
        }
    }
}

/// The layout of what calling a connection gives.
#[repr(C)]
pub(super) struct Statement {
    header: Header,
    prepared: Arc<Prepared>,
}

/// `sqlite3.Statement`
pub(super) static STATEMENT: TypeCell = TypeCell::new();
layout!(Statement, STATEMENT.get(), Leaf);

impl Statement {
    /// An object that has the statement.
    pub fn create(t: &Thread, prepared: Arc<Prepared>) -> Value {
        owned::dropped(t, t.alloc(Statement { header: header_of::<Statement>(), prepared })).value()
    }
}

/// `sqlite3.Statement`
pub(super) static STATEMENT_DEF: TypeDef =
    TypeDef { flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES, ..TypeDef::of::<Statement>("sqlite3.Statement") };
