//! Transactions: when they begin and end.

use super::connection::{Connection, connection};
use super::database::Locked;
use super::{constants, values};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Exception, Str, int};
use std::ffi::CStr;

/// The attribute `autocommit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Autocommit {
    /// `isolation_level` says when transactions are opened.
    Legacy,
    /// The library's own mode.
    Enabled,
    /// There is always a transaction.
    Disabled,
}

impl Autocommit {
    pub fn parse(t: &Thread, v: Value) -> R<Autocommit> {
        match v {
            Value::TRUE => Ok(Autocommit::Enabled),
            Value::FALSE => Ok(Autocommit::Disabled),
            v if int::is_int(v) && int::as_i64_opt(v) == Some(constants::LEGACY_TRANSACTION_CONTROL) => Ok(Autocommit::Legacy),
            _ => raise!(t, ValueError, "autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL"),
        }
    }
}

/// What `isolation_level` may be, with the statement that begins a transaction.
static LEVELS: [(&str, &CStr); 4] =
    [("", c"BEGIN "), ("DEFERRED", c"BEGIN DEFERRED"), ("IMMEDIATE", c"BEGIN IMMEDIATE"), ("EXCLUSIVE", c"BEGIN EXCLUSIVE")];

/// An isolation level: None, or one of the known ones in any case.
pub(super) fn isolation_level(t: &Thread, v: Value) -> R<Option<&'static str>> {
    if v.is_none() {
        return Ok(None);
    }
    let Some(given) = v.downcast::<Str>() else { raise!(t, TypeError, "isolation_level must be str or None") };
    let given = values::utf8(t, &given)?;
    if given.contains('\0') {
        raise!(t, ValueError, "embedded null character")
    }
    match LEVELS.iter().find(|(level, _)| level.eq_ignore_ascii_case(&given)) {
        Some((level, _)) => Ok(Some(level)),
        None => raise!(t, ValueError, "isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'"),
    }
}

/// Begins a transaction as an isolation level says.
pub(super) fn begin(locked: &Locked<'_>, level: &str) -> R<()> {
    let statement = LEVELS.iter().find(|(known, _)| *known == level).map_or(c"BEGIN ", |(_, statement)| statement);
    locked.execute(statement)
}

/// Ends the transaction, with `COMMIT` or `ROLLBACK`.
fn end(t: &Thread, this: Ref<Connection>, statement: &CStr) -> R<()> {
    let database = this.database(t)?;
    let locked = database.lock(t)?;
    match this.settings().autocommit {
        Autocommit::Legacy if locked.is_autocommit() => Ok(()),
        Autocommit::Legacy => locked.execute(statement),
        Autocommit::Enabled => Ok(()),
        Autocommit::Disabled => {
            locked.execute(statement)?;
            locked.execute(c"BEGIN")
        }
    }
}

pub(super) fn commit(t: &Thread, a: &[Value]) -> R {
    end(t, connection(a[0]), c"COMMIT")?;
    Ok(Value::NONE)
}

pub(super) fn rollback(t: &Thread, a: &[Value]) -> R {
    end(t, connection(a[0]), c"ROLLBACK")?;
    Ok(Value::NONE)
}

pub(super) fn enter(t: &Thread, a: &[Value]) -> R {
    connection(a[0]).open_database(t)?;
    Ok(a[0])
}

/// The end of a `with` statement: commits, or rolls back if there was an exception or if committing fails.
pub(super) fn exit(t: &Thread, a: &[Value]) -> R {
    let this = connection(a[0]);
    if a[1..4].iter().any(|v| !v.is_none()) {
        end(t, this, c"ROLLBACK")?;
        return Ok(Value::FALSE);
    }
    let Err(raised) = end(t, this, c"COMMIT") else { return Ok(Value::FALSE) };
    let first = t.take_exception();
    match end(t, this, c"ROLLBACK") {
        Ok(()) => {
            t.raise_value(first);
            Err(raised)
        }
        Err(raised) => {
            let second = t.take_exception();
            Exception::set_context(t, second, first);
            t.raise_value(second);
            Err(raised)
        }
    }
}

pub(super) fn get_isolation_level(t: &Thread, v: Value) -> R {
    let this = connection(v);
    this.open_database(t)?;
    Ok(this.settings().isolation_level.map_or(Value::NONE, |level| Str::new(t, level).value()))
}

pub(super) fn set_isolation_level(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, AttributeError, "cannot delete attribute")
    }
    let this = connection(v);
    let level = isolation_level(t, to)?;
    this.change_settings(|s| s.isolation_level = level);
    // Nobody would end a transaction that is open.
    if level.is_none() { end(t, this, c"COMMIT") } else { Ok(()) }
}

pub(super) fn get_autocommit(t: &Thread, v: Value) -> R {
    let this = connection(v);
    this.database(t)?;
    Ok(match this.settings().autocommit {
        Autocommit::Enabled => Value::TRUE,
        Autocommit::Disabled => Value::FALSE,
        Autocommit::Legacy => Value::int(constants::LEGACY_TRANSACTION_CONTROL),
    })
}

pub(super) fn set_autocommit(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, AttributeError, "cannot delete attribute")
    }
    let this = connection(v);
    let database = this.database(t)?;
    let mode = Autocommit::parse(t, to)?;
    let locked = database.lock(t)?;
    match mode {
        Autocommit::Disabled if locked.is_autocommit() => locked.execute(c"BEGIN")?,
        Autocommit::Enabled if !locked.is_autocommit() => locked.execute(c"COMMIT")?,
        _ => {}
    }
    this.change_settings(|s| s.autocommit = mode);
    Ok(())
}
