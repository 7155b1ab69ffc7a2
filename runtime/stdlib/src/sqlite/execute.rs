//! Executing statements: binding parameters, the first step.

use super::adapt;
use super::cursor::{Cursor, cursor};
use super::database::Locked;
use super::errors::{self, misuse, text};
use super::statement::{self, Prepared, Running, Step};
use super::transactions::{self, Autocommit};
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, sequence};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Exception, List, Str, Tuple, ValueList, int};
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

/// Binds a parameter (from 1).
fn bind_one(locked: &Locked<'_>, prepared: &Prepared, position: c_int, v: Value) -> R<()> {
    let v = adapt::adapted(locked.t, v)?;
    // SAFETY: the lock is held.
    let code = unsafe { values::bind(locked.t, prepared.raw(locked), position, v)? };
    locked.check(code)
}

/// The name of a parameter (from 1), as it is written.
fn parameter_name(locked: &Locked<'_>, prepared: &Prepared, position: c_int) -> Option<String> {
    // SAFETY: the lock is held; the name stays as long as the statement.
    unsafe {
        let name = ffi::sqlite3_bind_parameter_name(prepared.raw(locked), position);
        (!name.is_null()).then(|| text(name).into_owned())
    }
}

fn bind_sequence(locked: &Locked<'_>, prepared: &Prepared, needed: c_int, parameters: Value) -> R<()> {
    let t = locked.t;
    let (tuple, list) = (parameters.exact::<Tuple>(), parameters.exact::<List>());
    let given = match (tuple, list) {
        (Some(tuple), _) => tuple.len(),
        (_, Some(list)) => list.len(),
        _ => sequence::len(t, parameters)?,
    };
    if given != needed as usize {
        misuse!(t, "Incorrect number of bindings supplied. The current statement uses {needed}, and there are {given} supplied.")
    }
    for i in 0..given {
        let position = i as c_int + 1;
        if let Some(name) = parameter_name(locked, prepared, position).filter(|name| !name.starts_with('?')) {
            misuse!(
                t,
                "Binding {position} ('{name}') is a named parameter, but you supplied a sequence which requires nominal (qmark) placeholders."
            )
        }
        let v = match (tuple, list) {
            (Some(tuple), _) => tuple.get(i),
            // Adapters may have changed it.
            (_, Some(list)) => match list.get(i) {
                Some(v) => v,
                None => raise!(t, IndexError, "list index out of range"),
            },
            _ => sequence::item(t, parameters, int::from_usize(t, i))?,
        };
        bind_one(locked, prepared, position, v)?;
    }
    Ok(())
}

fn bind_mapping(locked: &Locked<'_>, prepared: &Prepared, needed: c_int, parameters: Value) -> R<()> {
    let t = locked.t;
    for position in 1..=needed {
        let Some(name) = parameter_name(locked, prepared, position) else {
            misuse!(t, "Binding {position} has no name, but you supplied a dictionary (which has only names).")
        };
        let name = &name[1..];
        let v = match sequence::get_item(t, parameters, Str::new(t, name).value()) {
            Ok(v) => v,
            Err(_) => {
                t.catch(exc::LookupError)?;
                misuse!(t, "You did not supply a value for binding parameter :{name}.")
            }
        };
        bind_one(locked, prepared, position, v)?;
    }
    Ok(())
}

fn bind(locked: &Locked<'_>, prepared: &Prepared, parameters: Value) -> R<()> {
    // SAFETY: the lock is held.
    let needed = unsafe { ffi::sqlite3_bind_parameter_count(prepared.raw(locked)) };
    if parameters.downcast::<Dict>().is_some() {
        bind_mapping(locked, prepared, needed, parameters)
    } else if iter::is_sequence(parameters) {
        bind_sequence(locked, prepared, needed, parameters)
    } else {
        misuse!(locked.t, "parameters are of unsupported type")
    }
}

/// `description` of a statement that has columns: for each its name and six times None.
fn describe(locked: &Locked<'_>, prepared: &Prepared, detect: i32) -> R {
    let t = locked.t;
    // SAFETY: the lock is held; names are copied.
    let count = unsafe { ffi::sqlite3_column_count(prepared.raw(locked)) };
    let mut columns = ValueList::with_capacity(t, count as usize);
    for i in 0..count {
        // SAFETY: as above.
        let name = unsafe {
            let name = ffi::sqlite3_column_name(prepared.raw(locked), i);
            if name.is_null() {
                return Err(exc::raise_memory_error(t));
            }
            text(name)
        };
        let mut column = [Value::NONE; 7];
        column[0] = adapt::column_name(t, &name, detect)?.value();
        columns.push(t, Tuple::from_slice(t, &column).value());
    }
    Ok(Tuple::from_slice(t, columns.as_slice()).value())
}

/// Binds parameters and makes the first step.
fn run_once(locked: &Locked<'_>, this: Ref<Cursor>, prepared: &Prepared, parameters: Value) -> R<()> {
    let t = locked.t;
    bind(locked, prepared, parameters)?;
    let step = prepared.step(locked)?;
    let detect = this.connection(t)?.settings().detect_types;
    if detect != 0 {
        let converters = match adapt::column_converters(t, prepared.raw(locked), detect) {
            Ok(converters) => converters,
            Err(_) => {
                let cause = t.take_exception();
                let raised = t.raise(errors::OPERATIONAL_ERROR.get(), "Error while building row_cast_map");
                Exception::set_cause(t, t.exception(), cause);
                Exception::set_context(t, t.exception(), cause);
                return Err(raised);
            }
        };
        this.converters.set(t, this, converters);
    }
    // SAFETY: the lock is held.
    if this.description.get().is_none() && unsafe { ffi::sqlite3_column_count(prepared.raw(locked)) } > 0 {
        let description = describe(locked, prepared, detect)?;
        this.description.set(t, this, description);
    }
    if step == Step::Done {
        if prepared.is_dml {
            // SAFETY: the lock is held.
            let changes = unsafe { ffi::sqlite3_changes64(locked.raw()) };
            this.row_count.fetch_add(changes, Relaxed);
        }
        prepared.reset(locked);
    }
    Ok(())
}

/// What `execute` and `executemany` have in common; `run` executes the prepared statement, once or more.
fn query(t: &Thread, this: Ref<Cursor>, sql: Ref<Str>, many: bool, run: impl FnOnce(&Locked<'_>, &Prepared) -> R<()>) -> R<()> {
    let database = this.database(t)?;
    let locked = database.lock(t)?;
    let _busy = Cursor::begin(this, &locked)?;
    this.description.set(t, this, Value::NONE);
    this.end_running(&locked);
    let mut outcome = (|| {
        let taken = statement::prepare(&locked, sql)?;
        let prepared = &taken.0;
        if many && prepared.is_readonly(&locked) {
            misuse!(t, "executemany() can only execute DML statements.")
        }
        prepared.reset(&locked);
        this.row_count.store(if prepared.is_dml { 0 } else { -1 }, Relaxed);
        let settings = this.connection(t)?.settings();
        if let (Autocommit::Legacy, Some(level), true) = (settings.autocommit, settings.isolation_level, prepared.is_dml)
            && locked.is_autocommit()
        {
            transactions::begin(&locked, level)?;
        }
        Ok(taken)
    })();
    if let Ok(taken) = &outcome
        && let Err(raised) = run(&locked, &taken.0)
    {
        let error = t.take_exception();
        taken.0.reset(&locked);
        t.raise_value(error);
        outcome = Err(raised);
    }
    match outcome {
        Ok(taken) => {
            if taken.0.is_busy(&locked) {
                this.set_running(Some(Running::new(database.clone(), taken.0.clone())));
            }
            Ok(())
        }
        Err(raised) => {
            this.row_count.store(-1, Relaxed);
            Err(raised)
        }
    }
}

/// `Cursor.execute`
pub(super) fn execute(t: &Thread, a: &[Value]) -> R {
    let this = cursor(a[0]);
    let sql = values::str_argument(t, a[1], "execute() argument 1")?;
    let parameters = a[2].non_null().unwrap_or_else(|| t.empty_tuple());
    query(t, this, sql, false, |locked, prepared| {
        run_once(locked, this, prepared, parameters)?;
        // SAFETY: the lock is held.
        let id = unsafe { ffi::sqlite3_last_insert_rowid(locked.raw()) };
        this.last_row_id.set(t, this, int::from_i64(t, id));
        Ok(())
    })?;
    Ok(a[0])
}

/// `Cursor.executemany`
pub(super) fn execute_many(t: &Thread, a: &[Value]) -> R {
    let this = cursor(a[0]);
    let sql = values::str_argument(t, a[1], "executemany() argument 1")?;
    this.database(t)?;
    let parameters = iter::get_iter(t, a[2])?;
    query(t, this, sql, true, |locked, prepared| {
        iter::for_each_next(t, parameters, |parameters| {
            // One that has rows is not read, but executed again.
            prepared.reset(locked);
            run_once(locked, this, prepared, parameters)
        })
    })?;
    Ok(a[0])
}

/// `Cursor.executescript`
pub(super) fn execute_script(t: &Thread, a: &[Value]) -> R {
    let this = cursor(a[0]);
    let script = values::c_argument(t, a[1], "executescript() argument")?;
    let database = this.database(t)?;
    let locked = database.lock(t)?;
    let _busy = Cursor::begin(this, &locked)?;
    statement::check_length(&locked, script.as_bytes().len())?;
    if this.connection(t)?.settings().autocommit == Autocommit::Legacy && !locked.is_autocommit() {
        locked.execute(c"COMMIT")?;
    }
    let mut rest = script.as_c_str();
    while !rest.is_empty() {
        // SAFETY: text with its NUL, whose rest begins where the library says; the statement is finalized at the end.
        let (code, tail) = locked.run(|raw| unsafe {
            let (mut statement, mut tail) = (ptr::null_mut(), ptr::null());
            let mut code = ffi::sqlite3_prepare_v2(raw, rest.as_ptr(), -1, &mut statement, &mut tail);
            if code == ffi::SQLITE_OK && !statement.is_null() {
                while ffi::sqlite3_step(statement) == ffi::SQLITE_ROW {}
                code = ffi::sqlite3_finalize(statement);
            }
            (code, tail)
        });
        if !t.exception().is_null() && code == ffi::SQLITE_OK {
            return Err(limpid_vm::object::Raised);
        }
        if code != ffi::SQLITE_OK {
            t.take_exception();
            return Err(locked.failure(code));
        }
        // SAFETY: as above.
        rest = unsafe { std::ffi::CStr::from_ptr(tail) };
        t.poll()?;
    }
    Ok(a[0])
}
