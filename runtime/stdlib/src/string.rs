//! `_string`: the parts of `str.format`, for `string.Formatter`.

use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::str::template;
use limpid_vm::types::{Str, Tuple, TypeDef, int, type_};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// `_string`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "string helper module",
    functions: &[
        FnDef::def("formatter_parser", "string, /", |t, a| Ok(iterator::<false>(t, text(t, a[0])?, 0)))
            .doc("parse the argument as a format string"),
        FnDef::def("formatter_field_name_split", "string, /", split_field_name).doc("split the argument as a field name"),
    ],
    init: |t, _| {
        type_::create_native(t, &FORMATTER_ITERATOR_DEF, &FORMATTER_ITERATOR)?;
        type_::create_native(t, &FIELD_NAME_ITERATOR_DEF, &FIELD_NAME_ITERATOR)?;
        Ok(())
    },
    ..ModuleDef::named("_string")
};

/// The layout of both iterators: over the pieces of a format, or over the steps of a field's name.
#[repr(C)]
pub struct Parts<const STEPS: bool> {
    header: Header,
    text: Slot,
    /// Where the next part begins.
    at: AtomicUsize,
}

type Pieces = Parts<false>;
type Steps = Parts<true>;

/// `formatteriterator`
pub static FORMATTER_ITERATOR: TypeCell = TypeCell::new();
/// `fieldnameiterator`
pub static FIELD_NAME_ITERATOR: TypeCell = TypeCell::new();
layout!(Pieces, FORMATTER_ITERATOR.get(), Slots);
layout!(Steps, FIELD_NAME_ITERATOR.get(), Slots);

fn iterator<const STEPS: bool>(t: &Thread, text: Ref<Str>, at: usize) -> Value
where
    Parts<STEPS>: limpid_vm::object::Layout,
{
    t.alloc(Parts { header: header_of::<Parts<STEPS>>(), text: Slot::new(text.value()), at: AtomicUsize::new(at) }).value()
}

fn text(t: &Thread, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(text) => Ok(text),
        None => raise!(t, TypeError, "expected str, got {}", v.class().display_name()),
    }
}

fn text_of<const STEPS: bool>(this: Ref<Parts<STEPS>>) -> Ref<Str> {
    // SAFETY: the slot always holds a str.
    unsafe { Ref::from_value(this.text.get()) }
}

fn next_piece(t: &Thread, v: Value) -> R {
    let this = receiver::<Pieces>(v);
    let text = text_of(this);
    let mut at = this.at.load(Relaxed);
    let piece = template::next_piece(t, text, &mut at, text.len())?;
    this.at.store(at, Relaxed);
    let Some(piece) = piece else { return Ok(Value::NULL) };
    let slice = |(start, end)| text.slice(t, start, end).map(Ref::value);
    let (name, spec, conversion) = match piece.field {
        None => (Value::NONE, Value::NONE, Value::NONE),
        Some(field) => {
            let conversion = if field.conversion == 0 { Value::NONE } else { Str::from_char(t, field.conversion)?.value() };
            (slice(field.name)?, slice(field.spec)?, conversion)
        }
    };
    Ok(Tuple::from_slice(t, &[slice(piece.literal)?, name, spec, conversion]).value())
}

/// A number if it is one, else the text.
fn key(t: &Thread, text: Ref<Str>, start: usize, end: usize) -> R {
    match template::parse_index(t, text, start, end)? {
        Some(i) => Ok(int::from_usize(t, i)),
        None => Ok(text.slice(t, start, end)?.value()),
    }
}

fn next_step(t: &Thread, v: Value) -> R {
    let this = receiver::<Steps>(v);
    let text = text_of(this);
    let mut at = this.at.load(Relaxed);
    let step = template::next_step(t, text, &mut at, text.len())?;
    this.at.store(at, Relaxed);
    let Some(step) = step else { return Ok(Value::NULL) };
    let (start, end) = step.text;
    let what = if step.attribute { text.slice(t, start, end)?.value() } else { key(t, text, start, end)? };
    Ok(Tuple::from_slice(t, &[Value::bool(step.attribute), what]).value())
}

fn split_field_name(t: &Thread, a: &[Value]) -> R {
    let text = text(t, a[0])?;
    let end = template::first_end(text, 0, text.len());
    let first = key(t, text, 0, end)?;
    Ok(Tuple::from_slice(t, &[first, iterator::<true>(t, text, end)]).value())
}

/// `formatteriterator`
pub static FORMATTER_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_piece), ..SlotTable::EMPTY },
    ..TypeDef::of::<Pieces>("formatteriterator")
};

/// `fieldnameiterator`
pub static FIELD_NAME_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_step), ..SlotTable::EMPTY },
    ..TypeDef::of::<Steps>("fieldnameiterator")
};
