//! Templates, the values of t-strings (PEP 750): `string.templatelib.Template` and `Interpolation`.

use crate::args::{Args, FnDef, GetSet, Signature, receiver};
use crate::modules::import::import_module_level;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::iterators::itself;
use crate::types::str::{StrBuilder, intern};
use crate::types::{Str, Tuple, TypeDef, ValueList, builtin, flag, generic_alias};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout of a template: one string more than interpolations.
#[repr(C)]
pub struct Template {
    header: Header,
    strings: Slot,
    interpolations: Slot,
}

/// The layout of an interpolation.
#[repr(C)]
pub struct Interpolation {
    header: Header,
    value: Slot,
    expression: Slot,
    conversion: Slot,
    format_spec: Slot,
}

/// The layout of a template's iterator.
#[repr(C)]
struct TemplateIterator {
    header: Header,
    template: Slot,
    /// Twice the number of the string or interpolation that comes next, plus one for an interpolation.
    position: AtomicUsize,
}

crate::layout!(Template, builtin::TEMPLATE, Slots);
crate::layout!(Interpolation, builtin::INTERPOLATION, Slots);
crate::layout!(TemplateIterator, builtin::TEMPLATE_ITERATOR, Slots);

/// string.templatelib.Template
pub static TEMPLATE_DEF: TypeDef = TypeDef {
    doc: "Template object",
    slots: SlotTable {
        new: Some(template_new),
        repr: Some(template_repr),
        iter: Some(|t, v| {
            let header = header_of::<TemplateIterator>();
            Ok(t.alloc(TemplateIterator { header, template: Slot::new(v), position: AtomicUsize::new(0) }).value())
        }),
        concat: Some(concat),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reduce__", "self, /", template_reduce),
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("strings", |_, v| Ok(receiver::<Template>(v).strings.get())).doc("Strings"),
        GetSet::getter("interpolations", |_, v| Ok(receiver::<Template>(v).interpolations.get())).doc("Interpolations"),
        GetSet::getter("values", |t, v| {
            let template = receiver::<Template>(v);
            let mut values = ValueList::new(t);
            template.interpolations().as_slice().iter().for_each(|i| values.push(t, receiver::<Interpolation>(*i).value.get()));
            Ok(Tuple::from_slice(t, values.as_slice()).value())
        })
        .doc("Values of interpolations"),
    ],
    ..TypeDef::of::<Template>("string.templatelib.Template")
};

/// string.templatelib.Interpolation
pub static INTERPOLATION_DEF: TypeDef = TypeDef {
    doc: "Interpolation object",
    slots: SlotTable { new: Some(interpolation_new), repr: Some(interpolation_repr), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", |t, a| {
            let args = Tuple::from_slice(t, &receiver::<Interpolation>(a[0]).parts());
            Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
        }),
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("value", |_, v| Ok(receiver::<Interpolation>(v).value.get())).doc("Value"),
        GetSet::getter("expression", |_, v| Ok(receiver::<Interpolation>(v).expression.get())).doc("Expression"),
        GetSet::getter("conversion", |_, v| Ok(receiver::<Interpolation>(v).conversion.get())).doc("Conversion"),
        GetSet::getter("format_spec", |_, v| Ok(receiver::<Interpolation>(v).format_spec.get())).doc("Format specifier"),
    ],
    match_args: &["value", "expression", "conversion", "format_spec"],
    ..TypeDef::of::<Interpolation>("string.templatelib.Interpolation")
};

/// string.templatelib.TemplateIter
pub static TEMPLATE_ITERATOR_DEF: TypeDef = TypeDef {
    doc: "Template iterator object",
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(iterator_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<TemplateIterator>("string.templatelib.TemplateIter")
};

impl Template {
    fn strings(&self) -> Ref<Tuple> {
        // SAFETY: the field always refers to a tuple.
        unsafe { Ref::from_value(self.strings.get()) }
    }

    fn interpolations(&self) -> Ref<Tuple> {
        // SAFETY: the field always refers to a tuple.
        unsafe { Ref::from_value(self.interpolations.get()) }
    }
}

impl Interpolation {
    fn parts(&self) -> [Value; 4] {
        [self.value.get(), self.expression.get(), self.conversion.get(), self.format_spec.get()]
    }
}

/// A template of a tuple of strings and a tuple of interpolations, one fewer.
pub fn new_template(t: &Thread, strings: Value, interpolations: Value) -> Value {
    let template = Template { header: header_of::<Template>(), strings: Slot::new(strings), interpolations: Slot::new(interpolations) };
    t.alloc(template).value()
}

/// An interpolation; `conversion` is None or a str of one character.
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

/// `Template(*args)`: strings and interpolations in any order.
fn template_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "Template.__new__ only accepts *args arguments")
    }
    let (mut strings, mut interpolations) = (ValueList::new(t), ValueList::new(t));
    // Strings that follow each other are joined; between two interpolations there is one, even if it is empty.
    let mut pending = names::empty;
    for v in args.pos() {
        if v.class() == builtin::STR {
            pending = joined(t, pending, *v)?;
        } else if v.class() == builtin::INTERPOLATION {
            strings.push(t, pending);
            interpolations.push(t, *v);
            pending = names::empty;
        } else {
            raise!(t, TypeError, "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}", v.class().display_name())
        }
    }
    strings.push(t, pending);
    let strings = Tuple::from_slice(t, strings.as_slice());
    let interpolations = Tuple::from_slice(t, interpolations.as_slice());
    Ok(new_template(t, strings.value(), interpolations.value()))
}

/// Both strings one after the other.
fn joined(t: &Thread, a: Value, b: Value) -> R {
    // SAFETY: the strings of templates are strings.
    let (a, b) = unsafe { (Ref::<Str>::from_value(a), Ref::<Str>::from_value(b)) };
    Ok(Str::concat(t, a, b)?.value())
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (a.exact::<Template>(), b.exact::<Template>()) else {
        raise!(
            t,
            TypeError,
            "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
            b.class().display_name()
        )
    };
    let mut strings = ValueList::from_slice(t, x.strings().as_slice());
    let right = y.strings();
    let last = strings.len() - 1;
    strings.set(t, last, joined(t, strings.get(last), right.get(0))?);
    right.as_slice()[1..].iter().for_each(|s| strings.push(t, *s));
    let mut interpolations = ValueList::from_slice(t, x.interpolations().as_slice());
    y.interpolations().as_slice().iter().for_each(|i| interpolations.push(t, *i));
    let strings = Tuple::from_slice(t, strings.as_slice());
    let interpolations = Tuple::from_slice(t, interpolations.as_slice());
    Ok(new_template(t, strings.value(), interpolations.value()))
}

fn template_repr(t: &Thread, v: Value) -> R {
    let template = receiver::<Template>(v);
    let mut out = StrBuilder::new();
    out.push_text("Template(strings=");
    out.push_str(text::repr(t, template.strings.get())?);
    out.push_text(", interpolations=");
    out.push_str(text::repr(t, template.interpolations.get())?);
    out.push_text(")");
    Ok(out.finish(t)?.value())
}

/// `(_template_unpickle, (strings, interpolations))`
fn template_reduce(t: &Thread, a: &[Value]) -> R {
    let template = receiver::<Template>(a[0]);
    let fromlist = Tuple::from_slice(t, &[intern(t, "_template_unpickle")]);
    let module = import_module_level(t, intern(t, "string.templatelib"), Value::NULL, fromlist.value(), 0)?;
    let function = attr::get_attr_text(t, module, "_template_unpickle")?;
    let args = Tuple::from_slice(t, &[template.strings.get(), template.interpolations.get()]);
    Ok(Tuple::from_slice(t, &[function, args.value()]).value())
}

fn iterator_next(t: &Thread, v: Value) -> R {
    let iterator = receiver::<TemplateIterator>(v);
    let Some(template) = iterator.template.opt() else { return Ok(Value::NULL) };
    let template = receiver::<Template>(template);
    loop {
        let position = iterator.position.fetch_add(1, Relaxed);
        let i = position / 2;
        if position % 2 == 1 {
            match template.interpolations().as_slice().get(i) {
                Some(v) => return Ok(*v),
                None => continue,
            }
        }
        match template.strings().as_slice().get(i) {
            // Empty strings are left out.
            Some(s) if receiver::<Str>(*s).is_empty() => {}
            Some(s) => return Ok(*s),
            None => {
                iterator.template.set(t, iterator, Value::NULL);
                return Ok(Value::NULL);
            }
        }
    }
}

static INTERPOLATION_SIGNATURE: Signature = Signature::parse("value, expression='', conversion=None, format_spec=''");

fn interpolation_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    args.bind(t, "Interpolation", &INTERPOLATION_SIGNATURE, |a| {
        let str_or_empty = |v: Value, name: &str| match v.non_null() {
            None => Ok(names::empty),
            Some(v) if v.is_instance(builtin::STR) => Ok(v),
            Some(v) => raise!(t, TypeError, "Interpolation() argument '{name}' must be str, not {}", v.class().display_name()),
        };
        let expression = str_or_empty(a[1], "expression")?;
        let conversion = checked_conversion(t, a[2].non_null().unwrap_or(Value::NONE))?;
        let format_spec = str_or_empty(a[3], "format_spec")?;
        Ok(new_interpolation(t, a[0], expression, conversion, format_spec))
    })
}

fn checked_conversion(t: &Thread, v: Value) -> R {
    if v.is_none() {
        return Ok(v);
    }
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "Interpolation() argument 'conversion' must be str, not {}", v.class().display_name())
    };
    if !matches!(s.as_ascii(), Some("s" | "r" | "a")) {
        raise!(t, ValueError, "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")
    }
    Ok(v)
}

fn interpolation_repr(t: &Thread, v: Value) -> R {
    let mut out = StrBuilder::new();
    out.push_text("Interpolation(");
    for (i, part) in receiver::<Interpolation>(v).parts().into_iter().enumerate() {
        if i > 0 {
            out.push_text(", ");
        }
        out.push_str(text::repr(t, part)?);
    }
    out.push_text(")");
    Ok(out.finish(t)?.value())
}
