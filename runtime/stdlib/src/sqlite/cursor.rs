//! The type `Cursor`: its attributes, and what connections do with one that they make.

use super::connection::{CONNECTION, Connection, connection, object_attribute};
use super::database::{Database, Locked};
use super::errors::misuse;
use super::statement::Running;
use super::{execute, fetch};
use crate::owned;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Type, TypeDef, flag, int};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64};

/// The layout of a cursor.
#[repr(C)]
pub(super) struct Cursor {
    header: Header,
    /// NULL before `__init__`.
    connection: Slot,
    pub description: Slot,
    /// The columns' converters: a tuple, or NULL.
    pub converters: Slot,
    pub last_row_id: Slot,
    pub row_factory: Slot,
    pub array_size: AtomicI32,
    pub row_count: AtomicI64,
    closed: AtomicBool,
    /// Is it in the middle of something, so that what that calls must let it alone?
    busy: AtomicBool,
    /// The statement whose rows are read.
    running: Mutex<Option<Running>>,
}

/// `sqlite3.Cursor`
pub(super) static CURSOR: TypeCell = TypeCell::new();
layout!(Cursor, CURSOR.get(), Mixed);

/// A cursor that is in the middle of something.
pub(super) struct Busy(Ref<Cursor>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Relaxed);
    }
}

impl Cursor {
    /// The connection; ProgrammingError before `__init__`.
    pub fn connection(&self, t: &Thread) -> R<Ref<Connection>> {
        match self.connection.opt() {
            Some(v) => Ok(connection(v)),
            None => misuse!(t, "Base Cursor.__init__ not called."),
        }
    }

    /// The open database, if the cursor may be used.
    pub fn database(&self, t: &Thread) -> R<Arc<Database>> {
        let connection = self.connection(t)?;
        if self.closed.load(Relaxed) {
            misuse!(t, "Cannot operate on a closed cursor.")
        }
        connection.database(t)
    }

    fn check_not_busy(&self, t: &Thread) -> R<()> {
        if self.busy.load(Relaxed) {
            misuse!(t, "Recursive use of cursors not allowed.")
        }
        Ok(())
    }

    /// Keeps what this thread calls from using the cursor. The lock is held, so that other threads do not come here.
    pub fn begin(this: Ref<Cursor>, locked: &Locked<'_>) -> R<Busy> {
        this.check_not_busy(locked.t)?;
        this.busy.store(true, Relaxed);
        Ok(Busy(this))
    }

    /// Ends the statement whose rows were read. It may be of a database that the connection had before.
    pub fn end_running(&self, locked: &Locked<'_>) {
        match self.take_running() {
            Some(running) if std::ptr::eq(&*running.database, locked.database) => running.end(locked),
            other => drop(other),
        }
    }

    /// The database of the statement whose rows are read.
    pub fn read_database(&self) -> Option<Arc<Database>> {
        self.running.lock().as_ref().map(|running| running.database.clone())
    }

    /// Takes the statement whose rows were read.
    pub fn take_running(&self) -> Option<Running> {
        self.running.lock().take()
    }

    /// Reads the rows of another statement, or of none.
    pub fn set_running(&self, running: Option<Running>) {
        let before = std::mem::replace(&mut *self.running.lock(), running);
        drop(before);
    }
}

/// The cursor that a method was called on.
pub(super) fn cursor(v: Value) -> Ref<Cursor> {
    receiver::<Cursor>(v)
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let made = Cursor {
        header: header_of::<Cursor>(),
        connection: Slot::NULL,
        description: Slot::new(Value::NONE),
        converters: Slot::NULL,
        last_row_id: Slot::new(Value::NONE),
        row_factory: Slot::new(Value::NONE),
        array_size: AtomicI32::new(1),
        row_count: AtomicI64::new(-1),
        closed: AtomicBool::new(false),
        busy: AtomicBool::new(false),
        running: Mutex::new(None),
    };
    Ok(owned::dropped(t, t.alloc_instance(class, made)).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::of_constructor("connection, /");
    args.bind(t, "Cursor", &SIGNATURE, |a| {
        let this = cursor(v);
        this.check_not_busy(t)?;
        let Some(of) = a[0].downcast::<Connection>() else {
            raise!(t, TypeError, "Cursor() argument 1 must be {}, not {}", CONNECTION.get().display_name(), a[0].class().display_name())
        };
        this.set_running(None);
        this.connection.set(t, this, a[0]);
        for slot in [&this.description, &this.last_row_id, &this.row_factory] {
            slot.set(t, this, Value::NONE);
        }
        this.converters.set(t, this, Value::NULL);
        this.array_size.store(1, Relaxed);
        this.row_count.store(-1, Relaxed);
        this.closed.store(false, Relaxed);
        of.check_thread(t)
    })
}

fn close(t: &Thread, a: &[Value]) -> R {
    let this = cursor(a[0]);
    this.check_not_busy(t)?;
    let database = this.connection(t)?.database(t)?;
    let locked = database.lock(t)?;
    this.end_running(&locked);
    this.closed.store(true, Relaxed);
    Ok(Value::NONE)
}

/// `Connection.cursor`
pub(super) fn create(t: &Thread, a: &[Value]) -> R {
    let of = connection(a[0]);
    of.database(t)?;
    let factory = a[1].non_null().unwrap_or_else(|| CURSOR.get().value());
    let made = call::call(t, factory, &[a[0]])?;
    let Some(this) = made.downcast::<Cursor>() else {
        raise!(t, TypeError, "factory must return a cursor, not {}", made.class().display_name())
    };
    let row_factory = of.row_factory.get();
    if !row_factory.is_none() {
        this.row_factory.set(t, this, row_factory);
    }
    Ok(made)
}

/// `Connection.execute`
pub(super) fn execute_on_connection(t: &Thread, a: &[Value]) -> R {
    let made = create(t, &[a[0], Value::NULL])?;
    execute::execute(t, &[made, a[1], a[2]])
}

/// `Connection.executemany`
pub(super) fn execute_many_on_connection(t: &Thread, a: &[Value]) -> R {
    let made = create(t, &[a[0], Value::NULL])?;
    execute::execute_many(t, &[made, a[1], a[2]])
}

/// `Connection.executescript`
pub(super) fn execute_script_on_connection(t: &Thread, a: &[Value]) -> R {
    let made = create(t, &[a[0], Value::NULL])?;
    execute::execute_script(t, &[made, a[1]])
}

fn set_array_size(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, TypeError, "can't delete numeric/char attribute")
    }
    cursor(v).array_size.store(number::index_i32(t, to)?, Relaxed);
    Ok(())
}

/// `sqlite3.Cursor`
pub(super) static CURSOR_DEF: TypeDef = TypeDef {
    doc: "SQLite database cursor class.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), iter: Some(|_, v| Ok(v)), next: Some(fetch::next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("execute", "self, sql, parameters=(), /", execute::execute).doc("Executes an SQL statement."),
        FnDef::def("executemany", "self, sql, seq_of_parameters, /", execute::execute_many).doc("Repeatedly executes an SQL statement."),
        FnDef::def("executescript", "self, sql_script, /", execute::execute_script).doc("Executes multiple SQL statements at once."),
        FnDef::def("fetchone", "self, /", fetch::one).doc("Fetches one row from the resultset."),
        FnDef::def("fetchmany", "self, /, size=1", fetch::many)
            .doc("Fetches several rows from the resultset.\n\n  size\n    The default value is set by the Cursor.arraysize attribute."),
        FnDef::def("fetchall", "self, /", fetch::all).doc("Fetches all rows from the resultset."),
        FnDef::def("setinputsizes", "self, sizes, /", |_, _| Ok(Value::NONE)).doc("Required by DB-API. Does nothing in sqlite3."),
        FnDef::def("setoutputsize", "self, size, column=None, /", |_, _| Ok(Value::NONE))
            .doc("Required by DB-API. Does nothing in sqlite3."),
        FnDef::def("close", "self, /", close).doc("Closes the cursor."),
    ],
    getset: &[
        GetSet::getter("connection", |_, v| Ok(cursor(v).connection.opt().unwrap_or(Value::NONE))).member(),
        GetSet::getter("description", |_, v| Ok(cursor(v).description.get())).member(),
        GetSet::getter("lastrowid", |_, v| Ok(cursor(v).last_row_id.get())).member(),
        GetSet::getter("rowcount", |t, v| Ok(int::from_i64(t, cursor(v).row_count.load(Relaxed)))).member(),
        GetSet::property("arraysize", |_, v| Ok(Value::int(cursor(v).array_size.load(Relaxed).into())), set_array_size).member(),
        object_attribute!(Cursor, row_factory),
    ],
    ..TypeDef::of::<Cursor>("sqlite3.Cursor")
};
