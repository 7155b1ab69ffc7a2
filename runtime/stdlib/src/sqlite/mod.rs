//! `_sqlite3`: what `sqlite3` is made of; SQLite itself is the library in C, compiled along.
//!
//! Each open database has a lock ([`database`]), and statements run with the thread's other duties suspended, so that threads may share a
//! connection where the program allows that. Functions written in Python are called through [`callbacks`].

mod adapt;
mod blob;
mod callbacks;
mod connection;
mod constants;
mod cursor;
mod database;
mod errors;
mod execute;
mod fetch;
mod functions;
mod hooks;
mod row;
mod rows;
mod settings;
mod statement;
mod transactions;
mod transfer;
mod values;
mod waiting;

use limpid_heap::Value;
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, type_};

/// `_sqlite3`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::raw("connect", connection::CONNECT_PARAMETERS, connection::connect)
            .doc("Open a connection to the SQLite database file 'database'.\n\nYou can use \":memory:\" to open a database connection to a database that\nresides in RAM instead of on disk."),
        FnDef::def("adapt", "obj, proto=PrepareProtocolType, alt=<unrepresentable>, /", adapt::adapt)
            .doc("Adapt given object to given protocol."),
        FnDef::def("register_adapter", "type, adapter, /", adapt::register_adapter)
            .doc("Register a function to adapt Python objects to SQLite values."),
        FnDef::def("register_converter", "typename, converter, /", adapt::register_converter)
            .doc("Register a function to convert SQLite values to Python objects."),
        FnDef::def("complete_statement", "statement", complete_statement).doc("Checks if a string contains a complete SQL statement."),
        FnDef::def("enable_callback_tracebacks", "enable, /", callbacks::enable_tracebacks)
            .doc("Enable or disable callback functions throwing errors to stderr."),
    ],
    init,
    ..ModuleDef::named("_sqlite3")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    errors::add(t, m)?;
    for (name, def, cell) in [
        ("Blob", &blob::BLOB_DEF, &blob::BLOB),
        ("Connection", &connection::CONNECTION_DEF, &connection::CONNECTION),
        ("Cursor", &cursor::CURSOR_DEF, &cursor::CURSOR),
        ("PrepareProtocol", &adapt::PREPARE_PROTOCOL_DEF, &adapt::PREPARE_PROTOCOL),
        ("Row", &row::ROW_DEF, &row::ROW),
    ] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    type_::create_native(t, &statement::STATEMENT_DEF, &statement::STATEMENT)?;
    constants::add(t, m)?;
    adapt::add(t, m)?;
    // SAFETY: a constant of the library.
    let version = unsafe { errors::text(libsqlite3_sys::sqlite3_libversion()) };
    m.dict().set_text(t, "sqlite_version", Str::new(t, &version).value())
}

/// `sqlite3.complete_statement`
fn complete_statement(t: &Thread, a: &[Value]) -> R {
    let sql = values::c_argument(t, a[0], "complete_statement() argument 'statement'")?;
    // SAFETY: text with its NUL.
    Ok(Value::bool(unsafe { libsqlite3_sys::sqlite3_complete(sql.as_ptr()) } != 0))
}
