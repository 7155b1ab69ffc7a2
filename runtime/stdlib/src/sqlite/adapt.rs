//! Adapters, which make values of other types ones that SQL has, and converters, which do the opposite.

use super::errors::misuse;
use libsqlite3_sys as ffi;
use limpid_heap::{Header, Value};
use limpid_vm::args::Args;
use limpid_vm::exc;
use limpid_vm::layout;
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, Str, Tuple, Type, TypeDef, builtin, flag, str};

/// The layout of `PrepareProtocol`, whose instances are of no use.
#[repr(C)]
pub(super) struct PrepareProtocol {
    header: Header,
}

/// `sqlite3.PrepareProtocol`
pub(super) static PREPARE_PROTOCOL: TypeCell = TypeCell::new();
layout!(PrepareProtocol, PREPARE_PROTOCOL.get(), Leaf);

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, PrepareProtocol { header: header_of::<PrepareProtocol>() }).value())
}

/// `sqlite3.PrepareProtocol`
pub(super) static PREPARE_PROTOCOL_DEF: TypeDef = TypeDef {
    doc: "PEP 246 style object adaption protocol type.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(|_, _, _| Ok(())), ..SlotTable::EMPTY },
    ..TypeDef::of::<PrepareProtocol>("sqlite3.PrepareProtocol")
};

/// Functions by type and protocol.
static ADAPTERS: InterpreterRoot = InterpreterRoot::new();
/// Functions by name in upper case.
static CONVERTERS: InterpreterRoot = InterpreterRoot::new();
/// Has a program adapters for types that SQL has anyway?
static ADAPTS_BASE_TYPES: InterpreterRoot = InterpreterRoot::new();

/// Makes the tables, which programs see.
pub(super) fn add(t: &Thread, m: Ref<Module>) -> R<()> {
    for (root, name) in [(&ADAPTERS, "adapters"), (&CONVERTERS, "converters")] {
        let table = Dict::new(t).value();
        root.set(t, table);
        m.dict().set_text(t, name, table)?;
    }
    Ok(())
}

fn table(t: &Thread, root: &'static InterpreterRoot) -> Ref<Dict> {
    // SAFETY: `add` stores dicts.
    unsafe { Ref::from_value(root.get(t)) }
}

fn is_base_type(class: Ref<Type>) -> bool {
    [builtin::INT, builtin::FLOAT, builtin::STR, builtin::BYTEARRAY].contains(&class)
}

/// `sqlite3.register_adapter`
pub(super) fn register_adapter(t: &Thread, a: &[Value]) -> R {
    if a[0].downcast::<Type>().is_some_and(is_base_type) {
        ADAPTS_BASE_TYPES.set(t, Value::TRUE);
    }
    let key = Tuple::from_slice(t, &[a[0], PREPARE_PROTOCOL.get().value()]).value();
    table(t, &ADAPTERS).set_item(t, key, a[1])?;
    Ok(Value::NONE)
}

/// `sqlite3.register_converter`
pub(super) fn register_converter(t: &Thread, a: &[Value]) -> R {
    let name = super::values::str_argument(t, a[0], "register_converter() argument 1")?;
    let upper = call::call_method_text(t, name.value(), "upper", &[])?;
    table(t, &CONVERTERS).set_item(t, upper, a[1])?;
    Ok(Value::NONE)
}

/// The converter with a name; None if there is none.
pub(super) fn converter(t: &Thread, name: &[u8]) -> R {
    let name = super::values::text(t, name)?;
    let upper = call::call_method_text(t, name, "upper", &[])?;
    Ok(table(t, &CONVERTERS).get(t, upper)?.unwrap_or(Value::NONE))
}

/// Calls a method that may adapt; None where there is none, or where it does not want to.
fn ask(t: &Thread, object: Value, method: &str, argument: Value) -> R<Option<Value>> {
    let Some(method) = attr::get_attr_opt(t, object, str::intern(t, method))? else { return Ok(None) };
    match call::call(t, method, &[argument]) {
        Ok(adapted) => Ok(Some(adapted).filter(|v| !v.is_none())),
        Err(_) => {
            t.catch(exc::TypeError)?;
            Ok(None)
        }
    }
}

/// A value adapted to a protocol (PEP 246); `otherwise` (or an exception for NULL) if nobody does that.
fn adapt_to(t: &Thread, v: Value, protocol: Value, otherwise: Value) -> R {
    let key = Tuple::from_slice(t, &[v.class().value(), protocol]).value();
    if let Some(adapter) = table(t, &ADAPTERS).get(t, key)? {
        return call::call(t, adapter, &[v]);
    }
    if let Some(adapted) = ask(t, protocol, "__adapt__", v)? {
        return Ok(adapted);
    }
    if let Some(adapted) = ask(t, v, "__conform__", protocol)? {
        return Ok(adapted);
    }
    if otherwise.is_null() {
        misuse!(t, "can't adapt")
    }
    Ok(otherwise)
}

/// `sqlite3.adapt`
pub(super) fn adapt(t: &Thread, a: &[Value]) -> R {
    let protocol = a[1].non_null().unwrap_or_else(|| PREPARE_PROTOCOL.get().value());
    adapt_to(t, a[0], protocol, a[2])
}

/// A parameter as it is bound.
pub(super) fn adapted(t: &Thread, v: Value) -> R {
    if is_base_type(v.class()) && ADAPTS_BASE_TYPES.opt(t).is_none() {
        return Ok(v);
    }
    adapt_to(t, v, PREPARE_PROTOCOL.get().value(), v)
}

/// The columns' converters of a statement that has been stepped, a tuple with None for columns without one.
pub(super) fn column_converters(t: &Thread, statement: *mut ffi::sqlite3_stmt, detect: i32) -> R {
    use super::constants::{PARSE_COLNAMES, PARSE_DECLTYPES};
    use super::errors::text;
    let mut found = limpid_vm::types::ValueList::new(t);
    // SAFETY: a statement that is not finalized; names stay until the next call about their columns, and are copied.
    let count = unsafe { ffi::sqlite3_column_count(statement) };
    for i in 0..count {
        let mut converter_of_column = Value::NONE;
        if detect & PARSE_COLNAMES != 0 {
            // SAFETY: as above.
            let name = unsafe { text(ffi::sqlite3_column_name(statement, i)) }.into_owned();
            if let Some(name) = bracketed(&name) {
                converter_of_column = converter(t, name.as_bytes())?;
            }
        }
        if converter_of_column.is_none() && detect & PARSE_DECLTYPES != 0 {
            // SAFETY: as above.
            let declared = unsafe {
                let declared = ffi::sqlite3_column_decltype(statement, i);
                (!declared.is_null()).then(|| text(declared).into_owned())
            };
            if let Some(declared) = declared {
                // `NUMBER(10) NOT NULL` is a NUMBER.
                let name = declared.split([' ', '(']).next().unwrap_or("");
                converter_of_column = converter(t, name.as_bytes())?;
            }
        }
        found.push(t, converter_of_column);
    }
    Ok(Tuple::from_slice(t, found.as_slice()).value())
}

/// What is in brackets: behind the last opening one before the first closing one that has one.
fn bracketed(name: &str) -> Option<&str> {
    let first = name.find('[')?;
    let end = first + name[first..].find(']')?;
    let start = name[..end].rfind('[')? + 1;
    Some(&name[start..end])
}

/// The name of a column as `description` has it: without what is in brackets, if that names a converter.
pub(super) fn column_name(t: &Thread, name: &str, detect: i32) -> R<Ref<Str>> {
    let mut shown = name;
    if detect & super::constants::PARSE_COLNAMES != 0
        && let Some(at) = name.find('[')
    {
        shown = &name[..at];
        shown = shown.strip_suffix(' ').unwrap_or(shown);
    }
    Str::try_new(t, shown)
}
