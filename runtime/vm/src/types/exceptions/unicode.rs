//! UnicodeEncodeError, UnicodeDecodeError and UnicodeTranslateError: which part of which object an encoding refuses.

use super::{Exception, Message, base, def};
use crate::args::{Args, GetSet};
use crate::exc;
use crate::object::{R, Raised, Ref, Slot, ValueExt};
use crate::protocol::{number, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Bytes, Str, Type, TypeDef, builtin, int};
use limpid_heap::Value;

/// The layout of the three; all fields are NULL until the constructor has run.
#[repr(C)]
pub struct UnicodeError {
    base: Exception,
    /// The encoding, a str; NULL for UnicodeTranslateError.
    pub encoding: Slot,
    /// What was being converted: a str, or bytes for UnicodeDecodeError.
    pub object: Slot,
    /// Where the part starts, an int.
    start: Slot,
    /// Where it ends, an int.
    end: Slot,
    /// Why, a str.
    pub reason: Slot,
}

crate::layout!(UnicodeError, exc::UnicodeEncodeError, Slots);

macro_rules! declaration {
    ($init:ident, $str_of:ident) => {
        TypeDef { slots: SlotTable { new: Some(base::new), init: Some($init), str: Some($str_of), ..SlotTable::EMPTY }, ..COMMON }
    };
}

const COMMON: TypeDef = TypeDef { getset: GETSET, ..def::<UnicodeError>() };

pub(crate) const ENCODE: TypeDef = declaration!(init_encode, encode_str);
pub(crate) const DECODE: TypeDef = declaration!(init_decode, decode_str);
pub(crate) const TRANSLATE: TypeDef = declaration!(init_translate, translate_str);

/// The receiver: the three classes share one layout without sharing a class.
fn layout_of(e: Value) -> Ref<UnicodeError> {
    // SAFETY: method and getset descriptors check that the receiver is of the class they were declared for; each has this layout.
    unsafe { Ref::from_value(e) }
}

macro_rules! field {
    ($field:ident, $doc:literal) => {
        GetSet::property(
            stringify!($field),
            |_, e| Ok(super::or_none(layout_of(e).$field.get())),
            |t, e, v| {
                let e = layout_of(e);
                e.$field.set(t, e, v);
                Ok(())
            },
        )
        .member()
        .doc($doc)
    };
}

macro_rules! position {
    ($field:ident, $doc:literal) => {
        GetSet::property(
            stringify!($field),
            |_, e| Ok(layout_of(e).$field.opt().unwrap_or(Value::int(0))),
            |t, e, v| {
                if v.is_null() {
                    raise!(t, TypeError, "can't delete numeric/char attribute")
                }
                let n = number::index_isize(t, v)?;
                let e = layout_of(e);
                e.$field.set(t, e, int::from_i64(t, n as i64));
                Ok(())
            },
        )
        .member()
        .doc($doc)
    };
}

const GETSET: &[GetSet] = &[
    field!(encoding, "exception encoding"),
    field!(object, "exception object"),
    position!(start, "exception start"),
    position!(end, "exception end"),
    field!(reason, "exception reason"),
];

impl UnicodeError {
    /// Where the refused part starts.
    pub fn start(&self) -> i64 {
        self.start.opt().map_or(0, |v| v.as_int())
    }

    /// Where the refused part ends.
    pub fn end(&self) -> i64 {
        self.end.opt().map_or(0, |v| v.as_int())
    }

    /// How long the object is.
    fn object_len(&self) -> i64 {
        match self.object.opt() {
            Some(o) => match (o.downcast::<Str>(), o.downcast::<Bytes>()) {
                (Some(s), _) => s.len() as i64,
                (_, Some(b)) => b.len() as i64,
                _ => 0,
            },
            None => 0,
        }
    }

    /// The start as error handlers use it: inside the object.
    pub fn clipped_start(&self) -> usize {
        self.start().min(self.object_len() - 1).max(0) as usize
    }

    /// The end as error handlers use it: behind the start of a non-empty object.
    pub fn clipped_end(&self) -> usize {
        self.end().max(1).min(self.object_len()).max(0) as usize
    }

    /// The fields of a Unicode error of any of the three classes.
    pub fn of(e: Value) -> Option<Ref<UnicodeError>> {
        [exc::UnicodeEncodeError, exc::UnicodeDecodeError, exc::UnicodeTranslateError]
            .iter()
            .any(|class| e.is_instance(*class))
            .then(|| layout_of(e))
    }
}

impl Ref<UnicodeError> {
    /// Replaces where the refused part starts and ends.
    pub fn set_range(self, t: &Thread, start: usize, end: usize) {
        self.start.set(t, self, int::from_usize(t, start));
        self.end.set(t, self, int::from_usize(t, end));
    }
}

/// Raises UnicodeEncodeError: `encoding` refuses characters `start..end` of a str.
#[cold]
pub fn raise_encode_error(t: &Thread, encoding: &str, object: Value, start: usize, end: usize, reason: &str) -> Raised {
    raise_for(t, exc::UnicodeEncodeError, encoding, object, start, end, reason)
}

/// Raises UnicodeDecodeError: bytes `start..end` are not valid in `encoding`.
#[cold]
pub fn raise_decode_error(t: &Thread, encoding: &str, object: Value, start: usize, end: usize, reason: &str) -> Raised {
    raise_for(t, exc::UnicodeDecodeError, encoding, object, start, end, reason)
}

fn raise_for(t: &Thread, class: Ref<Type>, encoding: &str, object: Value, start: usize, end: usize, reason: &str) -> Raised {
    let (encoding, reason) = (Str::new(t, encoding).value(), Str::new(t, reason).value());
    t.raise_with(class, &[encoding, object, int::from_usize(t, start), int::from_usize(t, end), reason])
}

fn require_str(t: &Thread, v: Value, position: usize) -> R<()> {
    if v.is_instance(builtin::STR) {
        return Ok(());
    }
    raise!(t, TypeError, "argument {position} must be str, not {}", super::argument_type(v))
}

fn init_fields(t: &Thread, e: Value, args: Args<'_>, has_encoding: bool, object_is_str: bool) -> R<()> {
    base::init(t, e, args)?;
    let wanted = 4 + has_encoding as usize;
    let given = args.pos();
    if given.len() != wanted {
        raise!(t, TypeError, "function takes exactly {wanted} arguments ({} given)", given.len())
    }
    let e = layout_of(e);
    let rest = if has_encoding {
        require_str(t, given[0], 1)?;
        &given[1..]
    } else {
        given
    };
    let first = 1 + has_encoding as usize;
    let mut object = rest[0];
    if object_is_str {
        require_str(t, object, first)?;
    }
    let start = number::index_isize(t, rest[1])?;
    let end = number::index_isize(t, rest[2])?;
    require_str(t, rest[3], first + 3)?;
    if !object_is_str && !object.is_instance(builtin::BYTES) {
        object = crate::types::bytes::from_buffer(t, object)?;
    }
    e.encoding.set(t, e, if has_encoding { given[0] } else { Value::NULL });
    e.object.set(t, e, object);
    e.start.set(t, e, int::from_i64(t, start as i64));
    e.end.set(t, e, int::from_i64(t, end as i64));
    e.reason.set(t, e, rest[3]);
    Ok(())
}

fn init_encode(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    init_fields(t, e, args, true, true)
}

fn init_decode(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    init_fields(t, e, args, true, false)
}

fn init_translate(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    init_fields(t, e, args, false, true)
}

/// The one character that is refused, if it is one.
fn single(e: &UnicodeError) -> Option<usize> {
    let (start, end, len) = (e.start(), e.end(), e.object_len());
    ((0..len).contains(&start) && end == start + 1 && end <= len).then_some(start as usize)
}

fn escaped(c: u32) -> String {
    match c {
        0..=0xFF => format!("\\x{c:02x}"),
        0x100..=0xFFFF => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    }
}

/// `'ascii' codec `, or nothing for an error without an encoding.
fn codec(t: &Thread, e: &UnicodeError) -> R<Message> {
    match e.encoding.opt() {
        Some(encoding) => Ok(Message::new("'").str_of(t, encoding)?.text("' codec ")),
        None => Ok(Message::default()),
    }
}

fn finish(t: &Thread, codec: Message, place: &str, reason: Ref<Str>) -> R {
    Ok(codec.text(place).text(": ").str_of(t, reason.value())?.finish(t)?.value())
}

/// The object as what it has to be. It may be gone: making text of the other fields runs their `__str__`.
fn object_as<T: crate::object::Layout>(t: &Thread, e: &UnicodeError, kind: &str) -> R<Ref<T>> {
    let Some(object) = e.object.opt() else { raise!(t, TypeError, "UnicodeError 'object' attribute is not set") };
    match object.downcast::<T>() {
        Some(object) => Ok(object),
        None => raise!(t, TypeError, "UnicodeError 'object' attribute must be a {kind}"),
    }
}

fn str_of_characters(t: &Thread, e: Value, verb: &str) -> R {
    let e = layout_of(e);
    if e.object.opt().is_none() {
        return Ok(crate::names::empty);
    }
    let (codec, reason) = (codec(t, &e)?, text::str_of(t, super::or_none(e.reason.get()))?);
    let object = object_as::<Str>(t, &e, "string")?;
    let place = match single(&e) {
        Some(at) => format!("can't {verb} character '{}' in position {at}", escaped(object.char_at(at))),
        None => format!("can't {verb} characters in position {}-{}", e.start(), e.end() - 1),
    };
    finish(t, codec, &place, reason)
}

fn encode_str(t: &Thread, e: Value) -> R {
    str_of_characters(t, e, "encode")
}

fn translate_str(t: &Thread, e: Value) -> R {
    str_of_characters(t, e, "translate")
}

fn decode_str(t: &Thread, e: Value) -> R {
    let e = layout_of(e);
    if e.object.opt().is_none() {
        return Ok(crate::names::empty);
    }
    let (codec, reason) = (codec(t, &e)?, text::str_of(t, super::or_none(e.reason.get()))?);
    let object = object_as::<Bytes>(t, &e, "bytes")?;
    let place = match single(&e) {
        Some(at) => format!("can't decode byte 0x{:02x} in position {at}", object.as_slice()[at]),
        None => format!("can't decode bytes in position {}-{}", e.start(), e.end() - 1),
    };
    finish(t, codec, &place, reason)
}
