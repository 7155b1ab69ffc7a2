//! `IncrementalNewlineDecoder`: line ends translated to `\n` after decoding.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, sequence, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `io.IncrementalNewlineDecoder`
pub static NEWLINE_DECODER: TypeCell = TypeCell::new();

/// The layout.
#[repr(C)]
pub struct NewlineDecoder {
    header: Header,
    /// What decodes before, or None.
    decoder: Slot,
    errors: Slot,
    flags: AtomicU64,
}
layout!(NewlineDecoder, NEWLINE_DECODER.get(), Slots);

const TRANSLATE: u64 = 1;
const PENDING_CR: u64 = 2;
/// Line ends seen: `\r`, `\n`, `\r\n`.
const SEEN_CR: u64 = 4;
const SEEN_LF: u64 = 8;
const SEEN_CRLF: u64 = 16;

/// A decoder in front of another.
pub fn wrap(t: &Thread, decoder: Value, translate: bool) -> Value {
    let flags = AtomicU64::new(if translate { TRANSLATE } else { 0 });
    t.alloc(NewlineDecoder { header: header_of::<NewlineDecoder>(), decoder: Slot::new(decoder), errors: Slot::new(Value::NONE), flags })
        .value()
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let init = NewlineDecoder {
        header: header_of::<NewlineDecoder>(),
        decoder: Slot::new(Value::NONE),
        errors: Slot::NULL,
        flags: AtomicU64::new(0),
    };
    Ok(t.alloc_instance(class, init).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("decoder, translate, errors='strict'");
    args.bind(t, "IncrementalNewlineDecoder", &SIGNATURE, |a| {
        let d = receiver::<NewlineDecoder>(v);
        d.decoder.set(t, d, a[0]);
        d.errors.set(t, d, a[2]);
        d.flags.store(if truth::truth(t, a[1])? { TRANSLATE } else { 0 }, Relaxed);
        Ok(())
    })
}

/// Translates decoded text.
pub fn translate(t: &Thread, v: Value, decoded: Value, last: bool) -> R {
    let d = receiver::<NewlineDecoder>(v);
    let Some(text) = decoded.downcast::<Str>() else {
        raise!(t, TypeError, "decoder should return a string result, not '{}'", decoded.class().display_name());
    };
    let mut flags = d.flags.load(Relaxed);
    let has_cr = text.code_points().any(|c| c == 0x0D);
    if flags & PENDING_CR == 0 && !has_cr {
        if flags & SEEN_LF == 0 && text.code_points().any(|c| c == 0x0A) {
            d.flags.fetch_or(SEEN_LF, Relaxed);
        }
        return Ok(decoded);
    }
    let mut chars: Vec<u32> = Vec::with_capacity(text.len() + 1);
    if flags & PENDING_CR != 0 && (!text.is_empty() || last) {
        chars.push(0x0D);
        flags &= !PENDING_CR;
    }
    chars.extend(text.code_points());
    if !last && chars.last() == Some(&0x0D) {
        chars.pop();
        flags |= PENDING_CR;
    }
    let mut out = Vec::with_capacity(chars.len());
    let mut i = 0;
    while i < chars.len() {
        match chars[i] {
            0x0D if chars.get(i + 1) == Some(&0x0A) => {
                flags |= SEEN_CRLF;
                if flags & TRANSLATE == 0 {
                    out.push(0x0D);
                }
                out.push(0x0A);
                i += 1;
            }
            0x0D => {
                flags |= SEEN_CR;
                out.push(if flags & TRANSLATE != 0 { 0x0A } else { 0x0D });
            }
            c => {
                if c == 0x0A {
                    flags |= SEEN_LF;
                }
                out.push(c);
            }
        }
        i += 1;
    }
    d.flags.store(flags, Relaxed);
    Ok(Str::from_chars(t, out.iter().copied())?.value())
}

fn decode(t: &Thread, a: &[Value]) -> R {
    let last = !a[2].is_null() && truth::truth(t, a[2])?;
    let d = receiver::<NewlineDecoder>(a[0]);
    let inner = d.decoder.get();
    let decoded = if inner.is_none() { a[1] } else { call::call_method_text(t, inner, "decode", &[a[1], Value::bool(last)])? };
    translate(t, a[0], decoded, last)
}

fn getstate(t: &Thread, a: &[Value]) -> R {
    let d = receiver::<NewlineDecoder>(a[0]);
    let (buffer, flag) = if d.decoder.get().is_none() {
        (Bytes::from_slice(t, &[])?.value(), 0)
    } else {
        let state = call::call_method_text(t, d.decoder.get(), "getstate", &[])?;
        let Some(state) = state.downcast::<Tuple>() else { raise!(t, TypeError, "illegal decoder state") };
        (state.get(0), int::to_i64(t, state.get(1))?)
    };
    let pending = (d.flags.load(Relaxed) & PENDING_CR != 0) as i64;
    Ok(Tuple::from_slice(t, &[buffer, int::from_i64(t, flag << 1 | pending)]).value())
}

fn setstate(t: &Thread, a: &[Value]) -> R {
    if a[1].downcast::<Tuple>().is_none() {
        raise!(t, TypeError, "state argument must be a tuple");
    }
    let d = receiver::<NewlineDecoder>(a[0]);
    let flag = int::to_i64(t, sequence::get_item(t, a[1], Value::int(1))?)?;
    if flag & 1 != 0 {
        d.flags.fetch_or(PENDING_CR, Relaxed)
    } else {
        d.flags.fetch_and(!PENDING_CR, Relaxed)
    };
    if !d.decoder.get().is_none() {
        let buffer = sequence::get_item(t, a[1], Value::int(0))?;
        let state = Tuple::from_slice(t, &[buffer, int::from_i64(t, flag >> 1)]);
        call::call_method_text(t, d.decoder.get(), "setstate", &[state.value()])?;
    }
    Ok(Value::NONE)
}

fn reset(t: &Thread, a: &[Value]) -> R {
    let d = receiver::<NewlineDecoder>(a[0]);
    d.flags.fetch_and(TRANSLATE, Relaxed);
    if !d.decoder.get().is_none() {
        call::call_method_text(t, d.decoder.get(), "reset", &[])?;
    }
    Ok(Value::NONE)
}

/// The line ends seen so far: None, one, or a tuple.
pub fn newlines(t: &Thread, v: Value) -> R {
    let flags = receiver::<NewlineDecoder>(v).flags.load(Relaxed);
    let mut seen = limpid_vm::types::ValueList::new(t);
    for (bit, text) in [(SEEN_CR, "\r"), (SEEN_LF, "\n"), (SEEN_CRLF, "\r\n")] {
        if flags & bit != 0 {
            seen.push(t, Str::new(t, text).value());
        }
    }
    Ok(match seen.len() {
        0 => Value::NONE,
        1 => seen.get(0),
        _ => Tuple::from_slice(t, seen.as_slice()).value(),
    })
}

/// `io.IncrementalNewlineDecoder`
pub static NEWLINE_DECODER_DEF: TypeDef = TypeDef {
    doc: "IncrementalNewlineDecoder(decoder, translate, errors='strict')\n--\n\nTranslates line ends after decoding.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("decode", "self, input, final=False", decode),
        FnDef::def("getstate", "self, /", getstate),
        FnDef::def("setstate", "self, state, /", setstate),
        FnDef::def("reset", "self, /", reset),
    ],
    getset: &[GetSet::getter("newlines", newlines)],
    ..TypeDef::of::<NewlineDecoder>("_io.IncrementalNewlineDecoder")
};
