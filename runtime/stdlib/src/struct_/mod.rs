//! `_struct`: values to bytes by a format string, and back.
//!
//! Formats that the module's functions have met are kept, by their text, in [`KNOWN`].

mod format;
mod item;

use crate::exception_class::{self, ExceptionClass};
use crate::owned;
use format::Format;
use item::{pack, struct_error as fail, unpack};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, number, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::memory::{self, get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, Module, Str, Type, TypeDef, flag, int, type_};
use limpid_vm::{err, exc, layout, names, raise};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// `struct.error`
pub static ERROR: TypeCell = TypeCell::new();
/// `struct.Struct`
pub static STRUCT: TypeCell = TypeCell::new();
/// `_struct.unpack_iterator`
pub static ITERATOR: TypeCell = TypeCell::new();

/// `_struct`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data representing the C \
          struct\nand also as format strings (explained below) to describe the layout of data\nin the C struct.",
    functions: &[
        FnDef::def("_clearcache", "", |_, _| {
            KNOWN.write().clear();
            Ok(Value::NONE)
        })
        .doc("Clear the internal cache."),
        FnDef::def("calcsize", "format, /", |t, a| Ok(int::from_usize(t, known(t, a[0])?.size)))
            .doc("Return size in bytes of the struct described by the format string."),
        FnDef::raw("pack", "format, /, *values", |t, args| {
            let (format, rest) = leading_format(t, "pack", args)?;
            pack_bytes(t, &format, rest.pos())
        })
        .doc("Return a bytes object containing values packed according to the format string."),
        FnDef::raw("pack_into", "format, buffer, offset, /, *values", |t, args| {
            let (format, rest) = leading_format(t, "pack_into", args)?;
            pack_into(t, &format, rest.pos())
        })
        .doc("Pack values and write the packed bytes into the buffer."),
        FnDef::def("unpack", "format, buffer, /", |t, a| unpack_exact(t, &*known(t, a[0])?, a[1]))
            .doc("Return a tuple containing values unpacked according to the format string."),
        FnDef::def("unpack_from", "format, /, buffer, offset=0", |t, a| unpack_from(t, &*known(t, a[0])?, a[1], a[2]))
            .doc("Return a tuple containing values unpacked according to the format string."),
        FnDef::def("iter_unpack", "format, buffer, /", |t, a| iterate(t, known(t, a[0])?, a[1]))
            .doc("Return an iterator yielding tuples unpacked from the given bytes."),
    ],
    init,
    ..ModuleDef::named("_struct")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    exception_class::add(t, m, &ERROR, &ExceptionClass { name: "struct.error", doc: "", base: || exc::Exception })?;
    m.dict().set_text(t, "Struct", type_::create_native(t, &STRUCT_DEF, &STRUCT)?.value())?;
    type_::create_native(t, &ITERATOR_DEF, &ITERATOR)?;
    Ok(())
}

static KNOWN: LazyLock<RwLock<HashMap<Vec<u8>, Arc<Format>>>> = LazyLock::new(RwLock::default);
/// How many formats are kept.
const MOST_KNOWN: usize = 100;

/// Hands `f` the text of a format: a str of ASCII characters, or bytes.
fn with_text<T>(t: &Thread, v: Value, f: impl FnOnce(&[u8]) -> R<T>) -> R<T> {
    if let Some(s) = v.downcast::<Str>() {
        return match s.as_ascii() {
            Some(text) => f(text.as_bytes()),
            // Raises UnicodeEncodeError.
            None => f(get_buffer(t, call::call_method(t, v, names::encode, &[Str::new(t, "ascii").value()])?)?.as_slice()),
        };
    }
    match v.downcast::<Bytes>() {
        Some(b) => f(b.contents()),
        None => raise!(t, TypeError, "Struct() argument 1 must be a str or bytes object, not {}", v.class().display_name()),
    }
}

fn parse(t: &Thread, text: &[u8]) -> R<Arc<Format>> {
    match format::parse(text) {
        Ok(format) => Ok(Arc::new(format)),
        Err(message) => fail(t, message),
    }
}

/// The format that a string means, perhaps met before.
fn known(t: &Thread, v: Value) -> R<Arc<Format>> {
    with_text(t, v, |text| {
        if let Some(found) = KNOWN.read().get(text) {
            return Ok(found.clone());
        }
        let format = parse(t, text)?;
        let mut known = KNOWN.write();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(text.to_vec(), format.clone());
        Ok(format)
    })
}

/// The format that a function has as its first argument, and the other arguments.
fn leading_format<'a>(t: &Thread, name: &str, args: Args<'a>) -> R<(Arc<Format>, Args<'a>)> {
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "_struct.{name}() takes no keyword arguments")
    }
    match args.pos().first() {
        Some(format) => Ok((known(t, *format)?, args.skip_first())),
        None => raise!(t, TypeError, "missing format argument"),
    }
}

// ---- operations ----

fn pack_bytes(t: &Thread, format: &Format, values: &[Value]) -> R {
    if values.len() != format.values {
        return fail(t, &format!("pack expected {} items for packing (got {})", format.values, values.len()));
    }
    let bytes = Bytes::alloc(t, format.size)?;
    // SAFETY: nobody has seen it yet.
    pack(t, format, values, unsafe { Bytes::data_mut(bytes) })?;
    Ok(bytes.value())
}

/// Buffer, offset, values.
fn pack_into(t: &Thread, format: &Format, args: &[Value]) -> R {
    let [buffer, offset, values @ ..] = args else {
        return fail(t, if args.is_empty() { "pack_into expected buffer argument" } else { "pack_into expected offset argument" });
    };
    if values.len() != format.values {
        return fail(t, &format!("pack_into expected {} items for packing (got {})", format.values, values.len()));
    }
    let mut buffer = get_writable_buffer(t, *buffer, "argument")?;
    let given = number::index_isize_or(t, *offset, exc::IndexError)?;
    let (len, size) = (buffer.len as isize, format.size as isize);
    if given < 0 && given + size > 0 {
        return fail(t, &format!("no space to pack {size} bytes at offset {given}"));
    }
    let at = place(t, given, len)?;
    if len - at < size {
        return fail(
            t,
            &format!(
                "pack_into requires a buffer of at least {} bytes for packing {size} bytes at offset {given} (actual buffer size is {len})",
                at as usize + format.size
            ),
        );
    }
    let out = &mut buffer.as_mut_slice()[at as usize..(at + size) as usize];
    out.fill(0);
    pack(t, format, values, out)?;
    Ok(Value::NONE)
}

/// An offset, from the end if it is negative.
fn place(t: &Thread, offset: isize, len: isize) -> R<isize> {
    if offset >= 0 {
        return Ok(offset);
    }
    if offset + len < 0 {
        return fail(t, &format!("offset {offset} out of range for {len}-byte buffer"));
    }
    Ok(offset + len)
}

fn unpack_exact(t: &Thread, format: &Format, buffer: Value) -> R {
    let buffer = get_buffer(t, buffer)?;
    if buffer.len != format.size {
        return fail(t, &format!("unpack requires a buffer of {} bytes", format.size));
    }
    unpack(t, format, buffer.as_slice())
}

fn unpack_from(t: &Thread, format: &Format, buffer: Value, offset: Value) -> R {
    let buffer = get_buffer(t, buffer)?;
    let given = if offset.is_null() { 0 } else { number::index_isize(t, offset)? };
    let (len, size) = (buffer.len as isize, format.size as isize);
    if given < 0 && given + size > 0 {
        return fail(t, &format!("not enough data to unpack {size} bytes at offset {given}"));
    }
    let at = place(t, given, len)?;
    if len - at < size {
        return fail(
            t,
            &format!(
                "unpack_from requires a buffer of at least {} bytes for unpacking {size} bytes at offset {given} (actual buffer size is \
                 {len})",
                at as usize + format.size
            ),
        );
    }
    unpack(t, format, &buffer.as_slice()[at as usize..(at + size) as usize])
}

// ---- Struct ----

/// The layout of `Struct`.
#[repr(C)]
pub struct Struct {
    header: Header,
    /// The format as a str, NULL before `__init__`.
    text: Slot,
    format: Mutex<Option<Arc<Format>>>,
}
layout!(Struct, STRUCT.get(), Mixed);

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let made = t.alloc_instance(class, Struct { header: header_of::<Struct>(), text: Slot::NULL, format: Mutex::new(None) });
    Ok(owned::dropped(t, made).value())
}

fn struct_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("format");
    args.bind(t, "Struct", &SIGNATURE, |a| {
        let this = receiver::<Struct>(v);
        let (text, format) = with_text(t, a[0], |text| Ok((Str::from_ascii(t, text)?, parse(t, text)?)))?;
        this.text.set(t, this, text.value());
        *this.format.lock() = Some(format);
        Ok(())
    })
}

/// The format of an initialised `Struct`.
fn format_of(t: &Thread, v: Value) -> R<Arc<Format>> {
    let format = receiver::<Struct>(v).format.lock().clone();
    format.ok_or_else(|| err!(t, RuntimeError, "Struct object is not initialized"))
}

fn struct_text(t: &Thread, v: Value) -> R {
    format_of(t, v)?;
    Ok(receiver::<Struct>(v).text.get())
}

fn method_args<'a>(t: &Thread, name: &str, args: Args<'a>) -> R<&'a [Value]> {
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "Struct.{name}() takes no keyword arguments")
    }
    Ok(&args.pos()[1..])
}

/// `struct.Struct`
pub static STRUCT_DEF: TypeDef = TypeDef {
    doc: "Struct(fmt) --> compiled struct object",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        init: Some(struct_init),
        repr: Some(|t, v| {
            let format = text::repr(t, struct_text(t, v)?)?;
            let class = v.class().display_name();
            Ok(Str::new(t, &format!("{}({})", class.rsplit('.').next().unwrap_or_default(), format.to_string_lossy())).value())
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::raw("pack", "self, /, *values", |t, args| {
            let format = format_of(t, args.all()[0])?;
            pack_bytes(t, &format, method_args(t, "pack", args)?)
        })
        .doc("Return a bytes object containing values packed according to this Struct's format."),
        FnDef::raw("pack_into", "self, buffer, offset, /, *values", |t, args| {
            let format = format_of(t, args.all()[0])?;
            pack_into(t, &format, method_args(t, "pack_into", args)?)
        })
        .doc("Pack values according to this Struct's format and write them into the buffer."),
        FnDef::def("unpack", "self, buffer, /", |t, a| unpack_exact(t, &*format_of(t, a[0])?, a[1]))
            .doc("Return a tuple containing unpacked values."),
        FnDef::def("unpack_from", "self, buffer, offset=0", |t, a| unpack_from(t, &*format_of(t, a[0])?, a[1], a[2]))
            .doc("Return a tuple containing unpacked values."),
        FnDef::def("iter_unpack", "self, buffer, /", |t, a| iterate(t, format_of(t, a[0])?, a[1]))
            .doc("Return an iterator yielding tuples."),
        FnDef::def("__sizeof__", "self, /", |t, a| {
            let format = format_of(t, a[0])?;
            Ok(int::from_usize(t, size_of::<Struct>() + size_of_val(&*format.items)))
        })
        .doc("Returns size in memory, in bytes."),
    ],
    getset: &[
        GetSet::getter("format", struct_text).doc("struct format string"),
        GetSet::getter("size", |t, v| {
            Ok(receiver::<Struct>(v).format.lock().as_ref().map_or(Value::int(-1), |f| int::from_usize(t, f.size)))
        })
        .doc("struct size in bytes"),
    ],
    ..TypeDef::of::<Struct>("_struct.Struct")
};

// ---- iter_unpack ----

/// The layout of what `iter_unpack` gives.
#[repr(C)]
pub struct Iterator {
    header: Header,
    /// A memoryview of the buffer, NULL at the end.
    view: Slot,
    at: AtomicUsize,
    format: Arc<Format>,
}
layout!(Iterator, ITERATOR.get(), Mixed);

fn iterate(t: &Thread, format: Arc<Format>, source: Value) -> R {
    if format.size == 0 {
        return fail(t, "cannot iteratively unpack with a struct of length 0");
    }
    let view = memory::of_object(t, source)?;
    if get_buffer(t, view)?.len % format.size != 0 {
        return fail(t, &format!("iterative unpacking requires a buffer of a multiple of {} bytes", format.size));
    }
    let made = t.alloc(Iterator { header: header_of::<Iterator>(), view: Slot::new(view), at: AtomicUsize::new(0), format });
    Ok(owned::dropped(t, made).value())
}

fn iterator_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Iterator>(v);
    let Some(view) = this.view.opt() else { return Ok(Value::NULL) };
    let buffer = get_buffer(t, view)?;
    let at = this.at.fetch_add(this.format.size, Relaxed);
    if let Some(bytes) = buffer.as_slice().get(at..at + this.format.size) {
        return unpack(t, &this.format, bytes);
    }
    drop(buffer);
    this.view.set(t, this, Value::NULL);
    call::call_method_text(t, view, "release", &[])?;
    Ok(Value::NULL)
}

/// `_struct.unpack_iterator`
pub static ITERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(iterator_next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__length_hint__", "self, /", |t, a| {
        let this = receiver::<Iterator>(a[0]);
        let Some(view) = this.view.opt() else { return Ok(Value::int(0)) };
        let left = get_buffer(t, view)?.len.saturating_sub(this.at.load(Relaxed));
        Ok(int::from_usize(t, left / this.format.size))
    })
    .doc("Private method returning an estimate of len(list(it)).")],
    ..TypeDef::of::<Iterator>("_struct.unpack_iterator")
};
