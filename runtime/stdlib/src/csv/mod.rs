//! `_csv`: rows of comma-separated values.

mod dialect;
mod reader;
mod writer;

use crate::constants;
use crate::exception_class::{self, ExceptionClass};
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::iter;
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, Str, int, type_};
use limpid_vm::{exc, raise};

/// `_csv.Error`
pub static ERROR: TypeCell = TypeCell::new();
/// `_csv.Dialect`
pub static DIALECT: TypeCell = TypeCell::new();
/// `_csv.Reader`
pub static READER: TypeCell = TypeCell::new();
/// `_csv.Writer`
pub static WRITER: TypeCell = TypeCell::new();
/// The registered dialects, a dict.
static DIALECTS: InterpreterRoot = InterpreterRoot::new();
/// How long a field may be.
static FIELD_LIMIT: InterpreterRoot = InterpreterRoot::new();
const DEFAULT_FIELD_LIMIT: i64 = 128 << 10;

/// When fields are put in quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
enum Quoting {
    Minimal = 0,
    All,
    NonNumeric,
    None,
    Strings,
    NotNull,
}

impl Quoting {
    fn from_number(n: i64) -> Option<Quoting> {
        use Quoting as Q;
        [Q::Minimal, Q::All, Q::NonNumeric, Q::None, Q::Strings, Q::NotNull].get(usize::try_from(n).ok()?).copied()
    }
}

/// `_csv`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "CSV parsing and writing.\n",
    functions: &[
        FnDef::raw("reader", "iterable, /, dialect='excel', **fmtparams", reader::create)
            .doc("Return a reader object that will process lines from the given iterable."),
        FnDef::raw("writer", "fileobj, /, dialect='excel', **fmtparams", writer::create)
            .doc("Return a writer object that will write user data on the given file object."),
        FnDef::def("list_dialects", "", |t, _| Ok(iter::to_list(t, DIALECTS.get(t))?.value()))
            .doc("Return a list of all known dialect names."),
        FnDef::raw("register_dialect", "name, /, dialect='excel', **fmtparams", register)
            .doc("Create a mapping from a string name to a CVS dialect."),
        FnDef::def("unregister_dialect", "name", |t, a| match dialect::registry(t).remove(t, a[0])? {
            Some(_) => Ok(Value::NONE),
            None => fail(t, "unknown dialect"),
        })
        .doc("Delete the name/dialect mapping associated with a string name."),
        FnDef::def("get_dialect", "name", |t, a| dialect::registered(t, a[0])).doc("Return the dialect instance associated with name."),
        FnDef::def("field_size_limit", "new_limit=<unrepresentable>", set_limit).doc("Sets an upper limit on parsed fields."),
    ],
    init,
    ..ModuleDef::named("_csv")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    exception_class::add(t, m, &ERROR, &ExceptionClass { name: "_csv.Error", doc: "", base: || exc::Exception })?;
    let registry = Dict::new(t).value();
    DIALECTS.set(t, registry);
    m.dict().set_text(t, "_dialects", registry)?;
    for (name, def, cell) in
        [("Dialect", &dialect::DIALECT_DEF, &DIALECT), ("Reader", &reader::READER_DEF, &READER), ("Writer", &writer::WRITER_DEF, &WRITER)]
    {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    constants::add(
        t,
        m,
        &[
            ("QUOTE_MINIMAL", Quoting::Minimal as i64),
            ("QUOTE_ALL", Quoting::All as i64),
            ("QUOTE_NONNUMERIC", Quoting::NonNumeric as i64),
            ("QUOTE_NONE", Quoting::None as i64),
            ("QUOTE_STRINGS", Quoting::Strings as i64),
            ("QUOTE_NOTNULL", Quoting::NotNull as i64),
        ],
    )?;
    m.dict().set_text(t, "__version__", Str::new(t, "1.0").value())
}

fn fail<T>(t: &Thread, message: &str) -> R<T> {
    Err(t.raise(ERROR.get(), message))
}

fn field_limit(t: &Thread) -> usize {
    FIELD_LIMIT.opt(t).map_or(DEFAULT_FIELD_LIMIT, Value::as_int) as usize
}

/// One or two positional arguments; the second is NULL when it is not given.
fn two_arguments(t: &Thread, args: Args<'_>) -> R<(Value, Value)> {
    match *args.pos() {
        [first] => Ok((first, args.keyword("dialect").map_or(Value::NONE, |_| Value::NULL))),
        [first, second] => Ok((first, second)),
        [] => raise!(t, TypeError, "expected at least 1 argument, got 0"),
        _ => raise!(t, TypeError, "expected at most 2 arguments, got {}", args.pos().len()),
    }
}

fn register(t: &Thread, args: Args<'_>) -> R {
    let (name, base) = two_arguments(t, args)?;
    if name.downcast::<Str>().is_none() {
        raise!(t, TypeError, "dialect name must be a string")
    }
    let dialect = dialect::from_args(t, base, args)?;
    dialect::registry(t).set_item(t, name, dialect.value())?;
    Ok(Value::NONE)
}

fn set_limit(t: &Thread, a: &[Value]) -> R {
    let old = field_limit(t);
    if let Some(limit) = a[0].non_null() {
        if !int::is_exact(limit) {
            raise!(t, TypeError, "limit must be an integer")
        }
        FIELD_LIMIT.set(t, Value::int(int::to_i64(t, limit)?.clamp(0, Value::INT_MAX)));
    }
    Ok(int::from_usize(t, old))
}
