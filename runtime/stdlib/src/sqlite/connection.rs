//! The type `Connection`: opening and closing, its attributes.

use super::database::Database;
use super::errors::{self, misuse};
use super::statement::{self, Statement};
use super::transactions::{self, Autocommit};
use super::{functions, hooks, settings, transfer};
use crate::{fs, owned};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::sys;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{number, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Dict, Str, Type, TypeDef, builtin, flag, int};
use limpid_vm::{exc, layout, raise, warnings};
use parking_lot::Mutex;
use std::ffi::CString;
use std::sync::Arc;

/// The layout of a connection.
#[repr(C)]
pub(super) struct Connection {
    header: Header,
    pub row_factory: Slot,
    pub text_factory: Slot,
    /// What the library calls: a dict by number, the same from the beginning to the end.
    callables: Slot,
    state: Mutex<State>,
}

/// `sqlite3.Connection`
pub(super) static CONNECTION: TypeCell = TypeCell::new();
layout!(Connection, CONNECTION.get(), Mixed);

/// What is not seen by the collector.
struct State {
    /// None when it is closed.
    database: Option<Arc<Database>>,
    settings: Settings,
}

/// How a connection behaves.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    /// Has `__init__` run to its end?
    initialized: bool,
    pub detect_types: i32,
    /// In legacy mode, how transactions begin: `BEGIN` and this; None: not at all.
    pub isolation_level: Option<&'static str>,
    pub autocommit: Autocommit,
    check_same_thread: bool,
    /// The thread that may use it.
    thread: u64,
}

impl Connection {
    pub fn settings(&self) -> Settings {
        self.state.lock().settings
    }

    pub fn change_settings(&self, f: impl FnOnce(&mut Settings)) {
        f(&mut self.state.lock().settings);
    }

    /// Raises ProgrammingError in a thread that may not use the connection.
    pub fn check_thread(&self, t: &Thread) -> R<()> {
        let Settings { check_same_thread, thread, initialized, .. } = self.settings();
        let here = t.ident.get();
        if initialized && check_same_thread && thread != here {
            misuse!(
                t,
                "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id {thread} and \
                 this is thread id {here}."
            )
        }
        Ok(())
    }

    /// The open database, whichever thread asks.
    pub fn open_database(&self, t: &Thread) -> R<Arc<Database>> {
        let state = self.state.lock();
        let (initialized, database) = (state.settings.initialized, state.database.clone());
        drop(state);
        match database {
            _ if !initialized => misuse!(t, "Base Connection.__init__ not called."),
            Some(database) => Ok(database),
            None => misuse!(t, "Cannot operate on a closed database."),
        }
    }

    /// The open database; ProgrammingError in a thread that may not use the connection.
    pub fn database(&self, t: &Thread) -> R<Arc<Database>> {
        self.check_thread(t)?;
        self.open_database(t)
    }

    fn callables(&self) -> Ref<Dict> {
        // SAFETY: set by `new`, and never changed.
        unsafe { Ref::from_value(self.callables.get()) }
    }

    /// Closes the database, if it is open. What cursors still read stays open where `shared` says so.
    fn close(&self, t: &Thread, shared: bool) -> R<()> {
        let database = self.state.lock().database.clone();
        let Some(database) = database else { return Ok(()) };
        let locked = match database.lock(t) {
            Ok(locked) => locked,
            // Another thread has closed it meanwhile.
            Err(_) => return t.catch(errors::PROGRAMMING_ERROR.get()),
        };
        let mut outcome = Ok(());
        if self.settings().autocommit == Autocommit::Disabled && !locked.is_autocommit() {
            outcome = locked.execute(c"ROLLBACK");
        }
        let error = t.take_exception();
        self.state.lock().database = None;
        // In a function that the library has called, and while it is copied, the end comes when that is done.
        if !shared && !locked.is_in_use() {
            locked.close()?;
        }
        if !error.is_null() {
            t.raise_value(error);
        }
        outcome
    }
}

/// The connection that a method was called on.
pub(super) fn connection(v: Value) -> Ref<Connection> {
    receiver::<Connection>(v)
}

const UNINITIALIZED: Settings = Settings {
    initialized: false,
    detect_types: 0,
    isolation_level: None,
    autocommit: Autocommit::Legacy,
    check_same_thread: true,
    thread: 0,
};

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let callables = Dict::new(t).value();
    let made = Connection {
        header: header_of::<Connection>(),
        row_factory: Slot::new(Value::NONE),
        text_factory: Slot::new(builtin::STR.value()),
        callables: Slot::new(callables),
        state: Mutex::new(State { database: None, settings: UNINITIALIZED }),
    };
    let made = owned::dropped(t, t.alloc_instance(class, made));
    if class == CONNECTION.get() {
        class.on_new_instance(t, made.value());
    }
    Ok(made.value())
}

/// The parameters of `connect` and the constructor, with the default of the one that names a class.
macro_rules! parameters {
    () => {
        "database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=ConnectionType, \
         cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL"
    };
}

fn warn_of_positional(t: &Thread, args: Args<'_>, function: &str) -> R<()> {
    if !(2..=8).contains(&args.pos().len()) {
        return Ok(());
    }
    let message = format!(
        "Passing more than 1 positional argument to {function}() is deprecated. Parameters 'timeout', 'detect_types', 'isolation_level', \
         'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only parameters in Python 3.15."
    );
    warnings::deprecated(t, &message)
}

/// The signature of `sqlite3.connect`, for its declaration.
pub(super) const CONNECT_PARAMETERS: &str = parameters!();

/// `sqlite3.connect`
pub(super) fn connect(t: &Thread, args: Args<'_>) -> R {
    const FACTORY: usize = 5;
    warn_of_positional(t, args, "sqlite3.connect")?;
    let given = args.pos().get(FACTORY).copied().or_else(|| args.keyword("factory"));
    let factory = given.unwrap_or_else(|| CONNECTION.get().value());
    limpid_vm::protocol::call::call_args(t, factory, args)
}

/// The name of a database, as the library takes it.
fn database_name(t: &Thread, v: Value) -> R<CString> {
    let path = fs::fspath(t, v)?;
    let bytes = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(s), _) => fs::encode(t, s)?,
        (_, Some(b)) => b.as_slice().to_vec(),
        _ => raise!(t, TypeError, "expected str, bytes or os.PathLike object, not {}", v.class().display_name()),
    };
    match CString::new(bytes) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, ValueError, "embedded null byte"),
    }
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse(parameters!());
    warn_of_positional(t, args, "_sqlite3.Connection")?;
    args.bind(t, "Connection", &SIGNATURE, |a| {
        let or = |v: Value, f: fn(&Thread, Value) -> R<i32>, default| if v.is_null() { Ok(default) } else { f(t, v) };
        let is_set = |v: Value, default| if v.is_null() { Ok(default) } else { truth::truth(t, v) };
        let timeout = if a[1].is_null() { 5.0 } else { number::as_float(t, a[1])? };
        let detect_types = or(a[2], number::index_i32, 0)?;
        let isolation_level = if a[3].is_null() { Some("") } else { transactions::isolation_level(t, a[3])? };
        let check_same_thread = is_set(a[4], true)?;
        let cache = or(a[6], number::index_i32, 128)?.max(0) as usize;
        let uri = is_set(a[7], false)?;
        let autocommit = if a[8].is_null() { Autocommit::Legacy } else { Autocommit::parse(t, a[8])? };
        sys::audit(t, "sqlite3.connect", &[a[0]])?;
        let name = database_name(t, a[0])?;
        let this = connection(v);
        // What it was connected to before is left to its cursors.
        if this.settings().initialized {
            this.change_settings(|s| s.initialized = false);
            this.close(t, true)?;
        }
        let database = Database::open(t, &name, uri, timeout, cache, this.callables())?;
        this.row_factory.set(t, this, Value::NONE);
        this.text_factory.set(t, this, builtin::STR.value());
        let thread = t.ident.get();
        let settings = Settings { initialized: true, detect_types, isolation_level, autocommit, check_same_thread, thread };
        sys::audit(t, "sqlite3.connect/handle", &[v])?;
        *this.state.lock() = State { database: Some(database.clone()), settings };
        if autocommit == Autocommit::Disabled {
            database.lock(t)?.execute(c"BEGIN")?;
        }
        Ok(())
    })
}

fn close(t: &Thread, a: &[Value]) -> R {
    let this = connection(a[0]);
    this.check_thread(t)?;
    if !this.settings().initialized {
        misuse!(t, "Base Connection.__init__ not called.")
    }
    this.close(t, false)?;
    Ok(Value::NONE)
}

/// A connection that nobody has any more: warns, then closes it.
fn finalize(t: &Thread, v: Value) -> R<()> {
    let this = connection(v);
    if this.state.lock().database.is_none() {
        return Ok(());
    }
    let warned = text::repr(t, v).and_then(|shown| {
        let message = format!("unclosed database in {}", shown.to_string_lossy());
        warnings::warn_with_source(t, exc::ResourceWarning, &message, 1, v)
    });
    let error = t.take_exception();
    let closed = this.close(t, false);
    if !error.is_null() {
        t.raise_value(error);
    }
    warned.and(closed)
}

/// A call prepares a statement.
fn call(t: &Thread, v: Value, args: Args<'_>) -> R {
    let database = connection(v).open_database(t)?;
    args.no_keywords(t, "Connection")?;
    let [sql] = args.pos() else { raise!(t, TypeError, "function takes exactly 1 argument ({} given)", args.pos().len()) };
    let Some(sql) = sql.downcast::<Str>() else { raise!(t, TypeError, "argument 1 must be str, not {}", sql.class().display_name()) };
    let prepared = statement::Prepared::new(&database.lock(t)?, sql)?;
    Ok(Statement::create(t, prepared))
}

fn interrupt(t: &Thread, a: &[Value]) -> R {
    connection(a[0]).open_database(t)?.interrupt();
    Ok(Value::NONE)
}

fn in_transaction(t: &Thread, v: Value) -> R {
    let database = connection(v).open_database(t)?;
    let locked = database.lock(t)?;
    Ok(Value::bool(!locked.is_autocommit()))
}

fn total_changes(t: &Thread, v: Value) -> R {
    let database = connection(v).open_database(t)?;
    let locked = database.lock(t)?;
    // SAFETY: the lock is held.
    Ok(int::from_i64(t, unsafe { libsqlite3_sys::sqlite3_total_changes(locked.raw()) }.into()))
}

/// An attribute that is an object and can be set, but not deleted.
macro_rules! object_attribute {
    ($layout:ty, $field:ident) => {
        $crate::sqlite::GetSet::property(
            stringify!($field),
            |_, v| Ok($crate::sqlite::receiver::<$layout>(v).$field.opt().unwrap_or(Value::NONE)),
            |t, v, to| {
                let this = $crate::sqlite::receiver::<$layout>(v);
                this.$field.set(t, this, to);
                Ok(())
            },
        )
        .member()
    };
}
pub(super) use object_attribute;

/// The exceptions as attributes, so that whoever has a connection need not import the module.
macro_rules! exception_attribute {
    ($name:literal, $cell:ident) => {
        GetSet::getter($name, |_, _| Ok(errors::$cell.get().value())).member()
    };
}

/// `sqlite3.Connection`
pub(super) static CONNECTION_DEF: TypeDef = TypeDef {
    doc: "SQLite database connection object.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), call: Some(call), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("close", "self, /", close).doc("Close the database connection.\n\nAny pending transaction is not committed implicitly."),
        FnDef::def("cursor", "self, /, factory=<unrepresentable>", super::cursor::create).doc("Return a cursor for the connection."),
        FnDef::def("execute", "self, sql, parameters=<unrepresentable>, /", super::cursor::execute_on_connection)
            .doc("Executes an SQL statement."),
        FnDef::def("executemany", "self, sql, parameters, /", super::cursor::execute_many_on_connection)
            .doc("Repeatedly executes an SQL statement."),
        FnDef::def("executescript", "self, sql_script, /", super::cursor::execute_script_on_connection)
            .doc("Executes multiple SQL statements at once."),
        FnDef::def("commit", "self, /", transactions::commit)
            .doc("Commit any pending transaction to the database.\n\nIf there is no open transaction, this method is a no-op."),
        FnDef::def("rollback", "self, /", transactions::rollback)
            .doc("Roll back to the start of any pending transaction.\n\nIf there is no open transaction, this method is a no-op."),
        FnDef::def("__enter__", "self, /", transactions::enter).doc("Called when the connection is used as a context manager."),
        FnDef::def("__exit__", "self, type, value, traceback, /", transactions::exit)
            .doc("Called when the connection is used as a context manager.\n\nIf there was any exception, a rollback takes place; otherwise we commit."),
        FnDef::raw("create_function", "self, /, name, narg, func, *, deterministic=False", functions::create_function)
            .doc("Creates a new function."),
        FnDef::raw("create_aggregate", "self, /, name, n_arg, aggregate_class", functions::create_aggregate)
            .doc("Creates a new aggregate."),
        FnDef::def("create_window_function", "self, name, num_params, aggregate_class, /", functions::create_window_function)
            .doc("Creates or redefines an aggregate window function. Non-standard."),
        FnDef::def("create_collation", "self, name, callback, /", hooks::create_collation).doc("Creates a collation function."),
        FnDef::raw("set_authorizer", "self, /, authorizer_callback", hooks::set_authorizer).doc("Set authorizer callback."),
        FnDef::raw("set_progress_handler", "self, /, progress_handler, n", hooks::set_progress_handler)
            .doc("Set progress handler callback."),
        FnDef::raw("set_trace_callback", "self, /, trace_callback", hooks::set_trace_callback)
            .doc("Set a trace callback called for each SQL statement (passed as unicode)."),
        FnDef::def("interrupt", "self, /", interrupt).doc("Abort any pending database operation."),
        FnDef::def("iterdump", "self, /, *, filter=None", transfer::iterdump).doc("Returns iterator to the dump of the database in an SQL text format."),
        FnDef::def("backup", "self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25", transfer::backup)
            .doc("Makes a backup of the database."),
        FnDef::def("serialize", "self, /, *, name='main'", transfer::serialize).doc("Serialize a database into a byte string."),
        FnDef::def("deserialize", "self, data, /, *, name='main'", transfer::deserialize).doc("Load a serialized database."),
        FnDef::def("blobopen", "self, table, column, row, /, *, readonly=False, name='main'", super::blob::open)
            .doc("Open and return a BLOB object."),
        FnDef::def("getlimit", "self, category, /", settings::get_limit).doc("Get connection run-time limits."),
        FnDef::def("setlimit", "self, category, limit, /", settings::set_limit).doc("Set connection run-time limits."),
        FnDef::def("getconfig", "self, op, /", settings::get_config).doc("Query a boolean connection configuration option."),
        FnDef::def("setconfig", "self, op, enable=True, /", settings::set_config).doc("Set a boolean connection configuration option."),
        FnDef::def("enable_load_extension", "self, enable, /", settings::enable_load_extension)
            .doc("Enable dynamic loading of SQLite extension modules."),
        FnDef::def("load_extension", "self, name, /, *, entrypoint=None", settings::load_extension).doc("Load SQLite extension module."),
    ],
    getset: &[
        GetSet::property("isolation_level", transactions::get_isolation_level, transactions::set_isolation_level),
        GetSet::property("autocommit", transactions::get_autocommit, transactions::set_autocommit),
        // What `inspect` finds for calls.
        GetSet::getter("__text_signature__", |t, _| Ok(Str::new(t, "(sql, /)").value())),
        GetSet::getter("total_changes", total_changes),
        GetSet::getter("in_transaction", in_transaction),
        object_attribute!(Connection, row_factory),
        object_attribute!(Connection, text_factory),
        exception_attribute!("Warning", WARNING),
        exception_attribute!("Error", ERROR),
        exception_attribute!("InterfaceError", INTERFACE_ERROR),
        exception_attribute!("DatabaseError", DATABASE_ERROR),
        exception_attribute!("DataError", DATA_ERROR),
        exception_attribute!("OperationalError", OPERATIONAL_ERROR),
        exception_attribute!("IntegrityError", INTEGRITY_ERROR),
        exception_attribute!("InternalError", INTERNAL_ERROR),
        exception_attribute!("ProgrammingError", PROGRAMMING_ERROR),
        exception_attribute!("NotSupportedError", NOT_SUPPORTED_ERROR),
    ],
    ..TypeDef::of::<Connection>("sqlite3.Connection")
};
