//! `property`

use super::{is_abstract, text};
use crate::args::{Args, FnDef, GetSet, Signature, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call::call};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Function, Str, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a property.
#[repr(C)]
pub struct Property {
    header: Header,
    fget: Slot,
    fset: Slot,
    fdel: Slot,
    doc: Slot,
    /// The name it was given, or NULL: then the getter's.
    name: Slot,
    /// True if the documentation string is the getter's.
    getter_doc: Slot,
}

crate::layout!(Property, builtin::PROPERTY, Slots);

/// `property`
pub static PROPERTY_DEF: TypeDef = TypeDef {
    doc: "property(fget=None, fset=None, fdel=None, doc=None)\n--\n\n\
        Property attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    \
        function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    \
        docstring\n\nTypical use is to define a managed attribute x:\n\nclass C(object):\n    def getx(self): return self._x\n    \
        def setx(self, value): self._x = value\n    def delx(self): del self._x\n    \
        x = property(getx, setx, delx, \"I'm the 'x' property.\")\n\nDecorators make defining new properties or modifying existing ones \
        easy:\n\nclass C(object):\n    @property\n    def x(self):\n        \"I am the 'x' property.\"\n        return self._x\n    \
        @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        del self._x",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), descr_get: Some(get), descr_set: Some(set), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("getter", "self, fget, /", |t, a| replaced(t, a[0], 0, a[1]))
            .doc("Descriptor to obtain a copy of the property with a different getter."),
        FnDef::def("setter", "self, fset, /", |t, a| replaced(t, a[0], 1, a[1]))
            .doc("Descriptor to obtain a copy of the property with a different setter."),
        FnDef::def("deleter", "self, fdel, /", |t, a| replaced(t, a[0], 2, a[1]))
            .doc("Descriptor to obtain a copy of the property with a different deleter."),
        FnDef::raw("__set_name__", "self, owner, name, /", set_name).doc("Method to set name of a property."),
    ],
    getset: &[
        GetSet::getter("fget", |_, p| Ok(or_none(&receiver::<Property>(p).fget))).member(),
        GetSet::getter("fset", |_, p| Ok(or_none(&receiver::<Property>(p).fset))).member(),
        GetSet::getter("fdel", |_, p| Ok(or_none(&receiver::<Property>(p).fdel))).member(),
        GetSet::property(
            "__doc__",
            |_, p| Ok(or_none(&receiver::<Property>(p).doc)),
            |t, p, v| {
                let p = receiver::<Property>(p);
                p.doc.set(t, p, v);
                Ok(())
            },
        )
        .member(),
        GetSet::property("__name__", get_name, |t, p, v| {
            let p = receiver::<Property>(p);
            p.name.set(t, p, v);
            Ok(())
        }),
        GetSet::getter("__isabstractmethod__", |t, p| {
            let p = receiver::<Property>(p);
            for f in [&p.fget, &p.fset, &p.fdel] {
                if is_abstract(t, f.get())? {
                    return Ok(Value::TRUE);
                }
            }
            Ok(Value::FALSE)
        }),
    ],
    ..TypeDef::of::<Property>("property")
};

const INIT: Signature = Signature::parse("self, fget=None, fset=None, fdel=None, doc=None");

impl Property {
    /// The getter, if there is one.
    pub fn getter(&self) -> Option<Value> {
        self.fget.opt()
    }
}

fn or_none(slot: &Slot) -> Value {
    slot.opt().unwrap_or(Value::NONE)
}

fn new(t: &Thread, class: Value, _args: Args<'_>) -> R {
    let p = Property {
        header: header_of::<Property>(),
        fget: Slot::NULL,
        fset: Slot::NULL,
        fdel: Slot::NULL,
        doc: Slot::NULL,
        name: Slot::NULL,
        getter_doc: Slot::new(Value::FALSE),
    };
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, p).value())
}

fn init(t: &Thread, p: Value, args: Args<'_>) -> R<()> {
    args.with_first(t, p, |args| args.bind(t, "property", &INIT, |a| fill(t, receiver(a[0]), &a[1..])))
}

fn fill(t: &Thread, p: Ref<Property>, a: &[Value]) -> R<()> {
    let given = |v: Value| if v.is_none() { Value::NULL } else { v };
    p.fget.set(t, p, given(a[0]));
    p.fset.set(t, p, given(a[1]));
    p.fdel.set(t, p, given(a[2]));
    p.doc.set(t, p, Value::NULL);
    p.getter_doc.set(t, p, Value::FALSE);
    p.name.set(t, p, Value::NULL);
    let mut doc = given(a[3]);
    if doc.is_null()
        && let Some(getter) = p.fget.opt()
    {
        doc = attr::get_attr_opt(t, getter, names::__doc__)?.filter(|d| !d.is_none()).unwrap_or(Value::NULL);
        if !doc.is_null() {
            p.getter_doc.set(t, p, Value::TRUE);
        }
    }
    if p.value().class() == builtin::PROPERTY {
        p.doc.set(t, p, doc);
        return Ok(());
    }
    // A subclass may have a `__doc__` of its own in the class, which would hide the member: the instance gets its own.
    if doc.is_null() && p.getter_doc.get() == Value::FALSE {
        doc = Value::NONE;
    }
    match attr::set_attr(t, p.value(), names::__doc__, doc) {
        Ok(()) => Ok(()),
        // Without room for it (`__slots__`), a getter's documentation is not worth an error.
        Err(_) if p.getter_doc.get() == Value::TRUE || doc.is_none() => t.catch(crate::exc::AttributeError),
        Err(raised) => Err(raised),
    }
}

/// A copy with one of getter, setter and deleter replaced.
fn replaced(t: &Thread, p: Value, which: usize, f: Value) -> R {
    let old = receiver::<Property>(p);
    let mut parts = [or_none(&old.fget), or_none(&old.fset), or_none(&old.fdel)];
    if !f.is_none() {
        parts[which] = f;
    }
    let doc = if old.getter_doc.get() == Value::TRUE && !parts[0].is_none() { Value::NONE } else { or_none(&old.doc) };
    let new = call(t, p.class().value(), &[parts[0], parts[1], parts[2], doc])?;
    if let Some(new) = new.downcast::<Property>() {
        new.name.set(t, new, old.name.get());
    }
    Ok(new)
}

fn set_name(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "property.__set_name__")?;
    let [p, _owner, name] = args.pos() else {
        raise!(t, TypeError, "__set_name__() takes 2 positional arguments but {} were given", args.pos().len().saturating_sub(1))
    };
    let p = receiver::<Property>(*p);
    p.name.set(t, p, *name);
    Ok(Value::NONE)
}

/// The name of a property, if it has one: its own or the getter's.
fn name_of(t: &Thread, p: Ref<Property>) -> R<Option<Value>> {
    if let Some(name) = p.name.opt() {
        return Ok(Some(name));
    }
    match p.fget.opt() {
        Some(getter) => match getter.exact::<Function>() {
            Some(f) => Ok(f.name.opt()),
            None => attr::get_attr_opt(t, getter, names::__name__),
        },
        None => Ok(None),
    }
}

fn get_name(t: &Thread, p: Value) -> R {
    match name_of(t, receiver(p))? {
        Some(name) => Ok(name),
        None => Err(attr::raise_no_attribute(t, p, names::__name__)),
    }
}

fn get(t: &Thread, p: Value, object: Value, _class: Value) -> R {
    if object.is_null() || object.is_none() && _class.is_null() {
        return Ok(p);
    }
    match receiver::<Property>(p).fget.opt() {
        Some(getter) => call(t, getter, &[object]),
        None => missing(t, p, object, "getter"),
    }
}

fn set(t: &Thread, p: Value, object: Value, value: Value) -> R<()> {
    let property = receiver::<Property>(p);
    if value.is_null() {
        return match property.fdel.opt() {
            Some(deleter) => call(t, deleter, &[object]).map(|_| ()),
            None => missing(t, p, object, "deleter").map(|_| ()),
        };
    }
    match property.fset.opt() {
        Some(setter) => call(t, setter, &[object, value]).map(|_| ()),
        None => missing(t, p, object, "setter").map(|_| ()),
    }
}

#[cold]
fn missing(t: &Thread, p: Value, object: Value, what: &str) -> R {
    let qualname = text(object.class().qualname.get());
    match name_of(t, receiver(p))? {
        Some(name) => {
            let name: Ref<Str> = crate::protocol::text::repr(t, name)?;
            raise!(t, AttributeError, "property {} of '{qualname}' object has no {what}", name.to_string_lossy())
        }
        None => raise!(t, AttributeError, "property of '{qualname}' object has no {what}"),
    }
}
