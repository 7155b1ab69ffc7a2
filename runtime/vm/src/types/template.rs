//! t-strings (PEP 750): `string.templatelib.Template` and `Interpolation`.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::layout;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::repr::ReprText;
use crate::types::{Str, Tuple, TypeDef, ValueList, builtin, generic_alias};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicU64, Ordering};

/// The layout of an interpolation.
#[repr(C)]
pub struct Interpolation {
    header: Header,
    value: Slot,
    expression: Slot,
    conversion: Slot,
    format_spec: Slot,
}

layout!(Interpolation, builtin::INTERPOLATION, Slots);

/// The layout of a template.
#[repr(C)]
pub struct Template {
    header: Header,
    /// A tuple of strings, one more than there are interpolations.
    strings: Slot,
    /// A tuple of interpolations.
    interpolations: Slot,
}

layout!(Template, builtin::TEMPLATE, Slots);

/// The layout of a template's iterator.
#[repr(C)]
pub struct TemplateIterator {
    header: Header,
    template: Slot,
    position: AtomicU64,
}

layout!(TemplateIterator, builtin::TEMPLATE_ITERATOR, Slots);

/// An interpolation; `conversion` is `'s'`, `'r'`, `'a'` or None.
pub fn new_interpolation(t: &Thread, value: Value, expression: Value, conversion: Value, format_spec: Value) -> Value {
    t.alloc(Interpolation {
        header: header_of::<Interpolation>(),
        value: Slot::new(value),
        expression: Slot::new(expression),
        conversion: Slot::new(conversion),
        format_spec: Slot::new(format_spec),
    })
    .value()
}

/// A template of a tuple of strings and a tuple of interpolations.
pub fn new_template(t: &Thread, strings: Value, interpolations: Value) -> Value {
    t.alloc(Template { header: header_of::<Template>(), strings: Slot::new(strings), interpolations: Slot::new(interpolations) }).value()
}

/// A template of parts in order: neighbouring strings are joined, and there is one between any two interpolations.
fn from_parts(t: &Thread, parts: impl Iterator<Item = Value>) -> R {
    let (mut strings, mut interpolations) = (ValueList::new(t), ValueList::new(t));
    let mut pending = names::empty;
    for part in parts {
        if let Some(s) = part.downcast::<Str>() {
            // SAFETY: `pending` is always a str.
            pending = Str::concat(t, unsafe { Ref::from_value(pending) }, s)?.value();
        } else if part.exact::<Interpolation>().is_some() {
            strings.push(t, std::mem::replace(&mut pending, names::empty));
            interpolations.push(t, part);
        } else {
            raise!(
                t,
                TypeError,
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                part.class().display_name()
            );
        }
    }
    strings.push(t, pending);
    let (strings, interpolations) = (Tuple::from_slice(t, strings.as_slice()), Tuple::from_slice(t, interpolations.as_slice()));
    Ok(new_template(t, strings.value(), interpolations.value()))
}

fn template(v: Value) -> Ref<Template> {
    receiver::<Template>(v)
}

fn tuple_of(slot: &Slot) -> Ref<Tuple> {
    // SAFETY: both fields of a template are tuples.
    unsafe { Ref::from_value(slot.get()) }
}

/// Strings and interpolations in turn, empty strings left out.
fn parts(v: Value) -> impl Iterator<Item = Value> {
    let (strings, interpolations) = (tuple_of(&template(v).strings), tuple_of(&template(v).interpolations));
    (0..strings.len() * 2 - 1).map(move |i| if i % 2 == 0 { strings.get(i / 2) } else { interpolations.get(i / 2) }).filter(|p| *p != names::empty && !p.exact::<Str>().is_some_and(|s| s.is_empty()))
}

fn template_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "Template.__new__ only accepts *args arguments");
    }
    from_parts(t, args.pos().iter().copied())
}

fn template_repr(t: &Thread, v: Value) -> R {
    let mut text = ReprText::new("Template(strings=");
    text.repr(t, template(v).strings.get())?;
    text.text(", interpolations=");
    text.repr(t, template(v).interpolations.get())?;
    text.text(")");
    text.finish(t)
}

fn template_concat(t: &Thread, a: Value, b: Value) -> R {
    if a.exact::<Template>().is_none() || b.exact::<Template>().is_none() {
        let other = if a.exact::<Template>().is_none() { a } else { b };
        let name = other.class().display_name();
        raise!(t, TypeError, "can only concatenate string.templatelib.Template (not \"{name}\") to string.templatelib.Template");
    }
    let (mut strings, mut interpolations) = (ValueList::new(t), ValueList::new(t));
    let (left, right) = (tuple_of(&template(a).strings), tuple_of(&template(b).strings));
    left.as_slice()[..left.len() - 1].iter().for_each(|s| strings.push(t, *s));
    // SAFETY: a template's strings are strings.
    let middle = unsafe { Str::concat(t, Ref::from_value(left.get(left.len() - 1)), Ref::from_value(right.get(0)))? };
    strings.push(t, middle.value());
    right.as_slice()[1..].iter().for_each(|s| strings.push(t, *s));
    for side in [a, b] {
        tuple_of(&template(side).interpolations).as_slice().iter().for_each(|i| interpolations.push(t, *i));
    }
    let (strings, interpolations) = (Tuple::from_slice(t, strings.as_slice()), Tuple::from_slice(t, interpolations.as_slice()));
    Ok(new_template(t, strings.value(), interpolations.value()))
}

fn template_values(t: &Thread, v: Value) -> R {
    let mut values = ValueList::new(t);
    for i in tuple_of(&template(v).interpolations).as_slice() {
        values.push(t, receiver::<Interpolation>(*i).value.get());
    }
    Ok(Tuple::from_slice(t, values.as_slice()).value())
}

/// `string.templatelib.Template`
pub static TEMPLATE_DEF: TypeDef = TypeDef {
    doc: "Template object",
    slots: SlotTable {
        new: Some(template_new),
        repr: Some(template_repr),
        iter: Some(|t, v| {
            let it = TemplateIterator { header: header_of::<TemplateIterator>(), template: Slot::new(v), position: AtomicU64::new(0) };
            Ok(t.alloc(it).value())
        }),
        concat: Some(template_concat),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", |t, a| {
        let module = crate::modules::import::import(t, crate::types::str::intern(t, "string.templatelib"), Value::NONE, Value::TRUE, Value::int(0))?;
        let unpickle = crate::protocol::attr::get_attr_text(t, module, "_template_unpickle")?;
        let args = Tuple::from_slice(t, &[template(a[0]).strings.get(), template(a[0]).interpolations.get()]);
        Ok(Tuple::from_slice(t, &[unpickle, args.value()]).value())
    })],
    getset: &[
        GetSet::getter("strings", |_, v| Ok(template(v).strings.get())),
        GetSet::getter("interpolations", |_, v| Ok(template(v).interpolations.get())),
        GetSet::getter("values", template_values),
    ],
    ..TypeDef::of::<Template>("string.templatelib.Template")
};

fn iterator_next(_: &Thread, v: Value) -> R {
    let it = receiver::<TemplateIterator>(v);
    let i = it.position.fetch_add(1, Ordering::Relaxed) as usize;
    Ok(parts(it.template.get()).nth(i).unwrap_or(Value::NULL))
}

/// `string.templatelib.TemplateIter`
pub static TEMPLATE_ITERATOR_DEF: TypeDef = TypeDef {
    flags: crate::types::flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(iterator_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<TemplateIterator>("string.templatelib.TemplateIter")
};

fn interpolation(v: Value) -> Ref<Interpolation> {
    receiver::<Interpolation>(v)
}

fn interpolation_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: crate::args::Signature = crate::args::Signature::parse("value, expression='', conversion=None, format_spec=''");
    args.bind(t, "Interpolation", &SIGNATURE, |a| {
        let expression = a[1].non_null().unwrap_or(names::empty);
        let conversion = a[2].non_null().unwrap_or(Value::NONE);
        let format_spec = a[3].non_null().unwrap_or(names::empty);
        for (name, v) in [("expression", expression), ("format_spec", format_spec)] {
            if v.downcast::<Str>().is_none() {
                raise!(t, TypeError, "Interpolation() argument '{name}' must be str, not {}", v.class().display_name());
            }
        }
        let known = conversion.is_none() || conversion.downcast::<Str>().is_some_and(|s| ["s", "r", "a"].iter().any(|c| s.eq_str(c)));
        if !known {
            if conversion.downcast::<Str>().is_none() {
                raise!(t, TypeError, "Interpolation() argument 'conversion' must be str, not {}", conversion.class().display_name());
            }
            raise!(t, ValueError, "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'");
        }
        Ok(new_interpolation(t, a[0], expression, conversion, format_spec))
    })
}

fn interpolation_repr(t: &Thread, v: Value) -> R {
    let i = interpolation(v);
    let mut text = ReprText::new("Interpolation(");
    for (n, slot) in [&i.value, &i.expression, &i.conversion, &i.format_spec].into_iter().enumerate() {
        if n > 0 {
            text.text(", ");
        }
        text.repr(t, slot.get())?;
    }
    text.text(")");
    text.finish(t)
}

/// `string.templatelib.Interpolation`
pub static INTERPOLATION_DEF: TypeDef = TypeDef {
    doc: "Interpolation object",
    slots: SlotTable { new: Some(interpolation_new), repr: Some(interpolation_repr), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", |t, a| {
            let i = interpolation(a[0]);
            let args = Tuple::from_slice(t, &[i.value.get(), i.expression.get(), i.conversion.get(), i.format_spec.get()]);
            Ok(Tuple::from_slice(t, &[builtin::INTERPOLATION.value(), args.value()]).value())
        }),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        GetSet::getter("value", |_, v| Ok(interpolation(v).value.get())),
        GetSet::getter("expression", |_, v| Ok(interpolation(v).expression.get())),
        GetSet::getter("conversion", |_, v| Ok(interpolation(v).conversion.get())),
        GetSet::getter("format_spec", |_, v| Ok(interpolation(v).format_spec.get())),
        GetSet::getter("__match_args__", |t, _| {
            let names = ["value", "expression", "conversion", "format_spec"].map(|n| crate::types::str::intern(t, n));
            Ok(Tuple::from_slice(t, &names).value())
        }),
    ],
    ..TypeDef::of::<Interpolation>("string.templatelib.Interpolation")
};
