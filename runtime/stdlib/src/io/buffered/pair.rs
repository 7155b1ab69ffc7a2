//! `BufferedRWPair`: a reader and a writer of two raw streams.

use super::{READER, WRITER};
use crate::io::base::BUFFERED_IO_BASE;
use crate::io::{ask, method};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Type, TypeDef, flag};
use limpid_vm::{layout, raise};
use std::mem::offset_of;

/// `io.BufferedRWPair`
pub static RW_PAIR: TypeCell = TypeCell::new();

/// The layout of a pair: a reader and a writer.
#[repr(C)]
pub struct RwPair {
    header: Header,
    reader: Slot,
    writer: Slot,
    dict: Slot,
}
layout!(RwPair, RW_PAIR.get(), Slots);

fn pair_new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, RwPair { header: header_of::<RwPair>(), reader: Slot::NULL, writer: Slot::NULL, dict: Slot::NULL }).value())
}

fn pair_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("reader, writer, buffer_size=131072, /");
    args.bind(t, "BufferedRWPair", &SIGNATURE, |a| {
        let size = a[2].non_null().unwrap_or(Value::int(crate::io::DEFAULT_BUFFER_SIZE as i64));
        let pair = receiver::<RwPair>(v);
        let reader = call::call(t, READER.get().value(), &[a[0], size])?;
        let writer = call::call(t, WRITER.get().value(), &[a[1], size])?;
        pair.reader.set(t, pair, reader);
        pair.writer.set(t, pair, writer);
        Ok(())
    })
}

fn half(t: &Thread, v: Value, writer: bool) -> R {
    let pair = receiver::<RwPair>(v);
    match if writer { pair.writer.opt() } else { pair.reader.opt() } {
        Some(half) => Ok(half),
        None => raise!(t, ValueError, "I/O operation on uninitialized object"),
    }
}

macro_rules! of_half {
    ($name:literal, $signature:literal, $writer:literal) => {
        FnDef::def($name, $signature, |t, a| {
            let n = a.iter().take_while(|v| !v.is_null()).count();
            method(t, half(t, a[0], $writer)?, $name, &a[1..n])
        })
    };
}

fn pair_close(t: &Thread, a: &[Value]) -> R {
    let written = method(t, half(t, a[0], true)?, "close", &[]);
    crate::io::after(t, written, || method(t, half(t, a[0], false)?, "close", &[]))
}

/// `io.BufferedRWPair`
pub static RW_PAIR_DEF: TypeDef = TypeDef {
    doc: "BufferedRWPair(reader, writer, buffer_size=131072, /)\n--\n\nA buffered reader and a buffered writer in one.",
    base: Some(|| BUFFERED_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(pair_new), init: Some(pair_init), ..SlotTable::EMPTY },
    methods: &[
        of_half!("read", "self, size=-1, /", false),
        of_half!("read1", "self, size=-1, /", false),
        of_half!("peek", "self, size=0, /", false),
        of_half!("readinto", "self, buffer, /", false),
        of_half!("readinto1", "self, buffer, /", false),
        of_half!("readable", "self, /", false),
        of_half!("write", "self, buffer, /", true),
        of_half!("flush", "self, /", true),
        of_half!("writable", "self, /", true),
        FnDef::def("close", "self, /", pair_close),
        FnDef::def("isatty", "self, /", |t, a| {
            Ok(Value::bool(ask(t, half(t, a[0], true)?, "isatty")? || ask(t, half(t, a[0], false)?, "isatty")?))
        }),
    ],
    getset: &[GetSet::getter("closed", |t, v| attr::get_attr_text(t, half(t, v, true)?, "closed"))],
    dict_offset: offset_of!(RwPair, dict),
    ..TypeDef::of::<RwPair>("_io.BufferedRWPair")
};
