//! Where values of rows come from: the statement that is run, or rows that were read ahead of the cursor, so that the statement has come
//! to its end and holds no lock any more.

use super::database::Locked;
use super::errors;
use super::statement::{Prepared, Step};
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::object::R;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::Arc;

/// The most rows that are read ahead at once.
const MOST_AHEAD: usize = 10_000;

/// Copies of a row's values.
pub(super) struct Copied(Box<[*mut ffi::sqlite3_value]>);

// SAFETY: copied values belong to nobody else, and no connection.
unsafe impl Send for Copied {}

impl Drop for Copied {
    fn drop(&mut self) {
        for &value in &self.0 {
            // SAFETY: a value that was copied, or NULL.
            unsafe { ffi::sqlite3_value_free(value) };
        }
    }
}

/// A row, for as long as the lock is held and the statement not run on.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    /// The current one of a statement.
    Current(*mut ffi::sqlite3_stmt),
    /// One that was read ahead.
    Ahead(&'a Copied),
}

impl Row<'_> {
    /// How many values it has.
    pub fn count(self) -> usize {
        match self {
            // SAFETY: the lock is held.
            Row::Current(statement) => unsafe { ffi::sqlite3_data_count(statement) as usize },
            Row::Ahead(row) => row.0.len(),
        }
    }

    /// The library's number for the type of a value.
    pub fn kind(self, i: c_int) -> c_int {
        // SAFETY: the lock is held. The library takes any number of a column.
        unsafe {
            match self {
                Row::Current(statement) => ffi::sqlite3_column_type(statement, i),
                Row::Ahead(row) => ffi::sqlite3_value_type(row.0[i as usize]),
            }
        }
    }

    pub fn integer(self, i: c_int) -> i64 {
        // SAFETY: as above.
        unsafe {
            match self {
                Row::Current(statement) => ffi::sqlite3_column_int64(statement, i),
                Row::Ahead(row) => ffi::sqlite3_value_int64(row.0[i as usize]),
            }
        }
    }

    pub fn real(self, i: c_int) -> f64 {
        // SAFETY: as above.
        unsafe {
            match self {
                Row::Current(statement) => ffi::sqlite3_column_double(statement, i),
                Row::Ahead(row) => ffi::sqlite3_value_double(row.0[i as usize]),
            }
        }
    }

    /// The bytes of a value, in UTF-8 if `as_text`; None for NULL, and where there is no memory. They stay until the value is asked for in
    /// another form.
    pub fn bytes(&self, i: c_int, as_text: bool) -> Option<&[u8]> {
        // SAFETY: as above; the length is asked for after what may convert the value.
        unsafe {
            let (start, len) = match self {
                Row::Current(statement) => {
                    let start =
                        if as_text { ffi::sqlite3_column_text(*statement, i).cast() } else { ffi::sqlite3_column_blob(*statement, i) };
                    (start, ffi::sqlite3_column_bytes(*statement, i))
                }
                Row::Ahead(row) => {
                    let value = row.0[i as usize];
                    let start = if as_text { ffi::sqlite3_value_text(value).cast() } else { ffi::sqlite3_value_blob(value) };
                    (start, ffi::sqlite3_value_bytes(value))
                }
            };
            (!start.is_null()).then(|| values::lent(start, len))
        }
    }

    fn copy(self) -> Option<Copied> {
        let Row::Current(statement) = self else { return None };
        // SAFETY: as above; values of statements may be copied.
        let copied = Copied(
            (0..self.count()).map(|i| unsafe { ffi::sqlite3_value_dup(ffi::sqlite3_column_value(statement, i as c_int)) }).collect(),
        );
        // Out of memory.
        if copied.0.iter().any(|value| value.is_null()) { None } else { Some(copied) }
    }
}

/// A statement in progress, and the rows between its cursor and where it stands.
pub(super) struct Reader {
    pub prepared: Arc<Prepared>,
    ahead: Mutex<Ahead>,
}

#[derive(Default)]
struct Ahead {
    rows: VecDeque<Copied>,
    /// What the statement ended with, ahead of the cursor, an error's code and message if not its last row: it is reset, and may be another
    /// cursor's.
    end: Option<Result<(), (c_int, String)>>,
}

impl Reader {
    pub fn new(prepared: Arc<Prepared>) -> Arc<Reader> {
        Arc::new(Reader { prepared, ahead: Mutex::default() })
    }

    /// Has the statement ended, ahead of the cursor?
    pub fn has_ended(&self) -> bool {
        self.ahead.lock().end.is_some()
    }

    /// Reads rows ahead until the statement ends, if there are not too many.
    pub fn read_ahead(&self, locked: &Locked<'_>) {
        let prepared = &self.prepared;
        let statement = prepared.raw(locked);
        for _ in 0..MOST_AHEAD {
            if self.has_ended() || !prepared.is_readonly(locked) || !prepared.is_busy(locked) {
                return;
            }
            let Some(row) = Row::Current(statement).copy() else { return };
            // Whoever collects a cursor asks for the end, and must not wait for a step.
            self.ahead.lock().rows.push_back(row);
            // SAFETY: the lock is held.
            let end = locked.run(|raw| unsafe {
                match ffi::sqlite3_step(statement) {
                    ffi::SQLITE_ROW => None,
                    ffi::SQLITE_DONE => Some(Ok(())),
                    code => Some(Err(errors::last(raw, code))),
                }
            });
            if end.is_some() {
                prepared.reset(locked);
                self.ahead.lock().end = end;
            }
        }
    }

    /// What `f` makes of the cursor's row, and if it makes something, on to the next: is there one?
    pub fn take(&self, locked: &Locked<'_>, f: impl FnOnce(Row<'_>) -> R) -> R<(Value, R<Step>)> {
        // Nobody else reads ahead while the database is in use.
        let first = self.ahead.lock().rows.pop_front();
        let Some(row) = first else {
            let made = f(Row::Current(self.prepared.raw(locked)))?;
            return Ok((made, self.prepared.step(locked)));
        };
        let made = f(Row::Ahead(&row));
        let mut ahead = self.ahead.lock();
        if made.is_err() {
            ahead.rows.push_front(row);
        }
        let made = made?;
        let next = match &ahead.end {
            Some(Ok(())) if ahead.rows.is_empty() => Ok(Step::Done),
            Some(Err((code, message))) if ahead.rows.is_empty() => Err(errors::raise(locked.t, *code, message)),
            _ => Ok(Step::Row),
        };
        Ok((made, next))
    }
}
