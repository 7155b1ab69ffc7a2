//! `classmethod` and `staticmethod`

use super::is_abstract;
use crate::args::{Args, FnDef, GetSet, Signature};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Function, Method, Str, Type, TypeDef, builtin, flag, generic_alias, instance};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a class method.
#[repr(C)]
pub struct ClassMethod {
    header: Header,
    callable: Slot,
    dict: Slot,
}

crate::layout!(ClassMethod, builtin::CLASSMETHOD, Slots);

impl ClassMethod {
    /// What is called with the class.
    pub fn callable(&self) -> Value {
        self.callable.get()
    }
}

/// The layout of a static method: the same.
#[repr(C)]
pub struct StaticMethod {
    header: Header,
    callable: Slot,
    dict: Slot,
}

crate::layout!(StaticMethod, builtin::STATICMETHOD, Slots);

/// `classmethod`
pub static CLASSMETHOD_DEF: TypeDef = TypeDef {
    doc: "classmethod(function, /)\n--\n\nConvert a function to be a class method.\n\n\
        A class method receives the class as implicit first argument,\njust like an instance method receives the instance.\n\
        To declare a class method, use this idiom:\n\n  class C:\n      @classmethod\n      def f(cls, arg1, arg2, argN):\n          ...\n\n\
        It can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()).  The instance is ignored except for its class.\n\
        If a class method is called for a derived class, the derived class\nobject is passed as the implied first argument.\n\n\
        Class methods are different than C++ or Java static methods.\nIf you want those, see the staticmethod builtin.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        repr: Some(repr),
        new: Some(|t, class, _| {
            let m = ClassMethod { header: header_of::<ClassMethod>(), callable: Slot::new(Value::NONE), dict: Slot::NULL };
            Ok(t.alloc_instance(class_of(class), m).value())
        }),
        init: Some(init),
        descr_get: Some(|t, m, object, class| {
            let class = if class.is_null() { object.class().value() } else { class };
            Ok(Method::bind(t, callable(m).get(), class))
        }),
        ..SlotTable::EMPTY
    },
    methods: METHODS,
    getset: GETSET,
    dict_offset: offset_of!(ClassMethod, dict),
    ..TypeDef::of::<ClassMethod>("classmethod")
};

/// `staticmethod`
pub static STATICMETHOD_DEF: TypeDef = TypeDef {
    doc: "staticmethod(function, /)\n--\n\nConvert a function to be a static method.\n\n\
        A static method does not receive an implicit first argument.\nTo declare a static method, use this idiom:\n\n     class C:\n         \
        @staticmethod\n         def f(arg1, arg2, argN):\n             ...\n\nIt can be called either on the class (e.g. C.f()) or on an \
        instance\n(e.g. C().f()). Both the class and the instance are ignored, and\nneither is passed implicitly as the first argument to \
        the method.\n\nStatic methods in Python are similar to those found in Java or C++.\nFor a more advanced concept, see the \
        classmethod builtin.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        repr: Some(repr),
        call: Some(|t, m, args| call::call_args(t, callable(m).get(), args)),
        new: Some(|t, class, _| {
            let m = StaticMethod { header: header_of::<StaticMethod>(), callable: Slot::new(Value::NONE), dict: Slot::NULL };
            Ok(t.alloc_instance(class_of(class), m).value())
        }),
        init: Some(init),
        descr_get: Some(|_, m, _, _| Ok(callable(m).get())),
        ..SlotTable::EMPTY
    },
    methods: METHODS,
    getset: GETSET,
    dict_offset: offset_of!(StaticMethod, dict),
    ..TypeDef::of::<StaticMethod>("staticmethod")
};

const METHODS: &[FnDef] =
    &[FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585")];

const GETSET: &[GetSet] = &[
    GetSet::getter("__func__", |_, m| Ok(callable(m).get())).member(),
    GetSet::getter("__wrapped__", |_, m| Ok(callable(m).get())).member(),
    GetSet::getter("__isabstractmethod__", |t, m| Ok(Value::bool(is_abstract(t, callable(m).get())?))),
    GetSet::property("__dict__", instance::get_dict, instance::set_dict_checked),
    GetSet::property("__annotations__", |t, m| forwarded(t, m, names::__annotations__), |t, m, v| set_own(t, m, names::__annotations__, v)),
    GetSet::property("__annotate__", |t, m| forwarded(t, m, names::__annotate__), |t, m, v| set_own(t, m, names::__annotate__, v)),
];

fn class_of(class: Value) -> Ref<Type> {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    unsafe { Ref::from_value(class) }
}

/// The wrapped callable; the two layouts are the same.
fn callable<'a>(m: Value) -> &'a Slot {
    debug_assert!(m.is_instance(builtin::CLASSMETHOD) || m.is_instance(builtin::STATICMETHOD));
    // SAFETY: the callable is the first word of either.
    unsafe { instance::word(m, std::mem::offset_of!(ClassMethod, callable)) }
}

impl ClassMethod {
    /// `classmethod(callable)`, for functions that a class statement makes class methods of.
    pub fn new(t: &Thread, callable: Value) -> Ref<ClassMethod> {
        t.alloc(ClassMethod { header: header_of::<ClassMethod>(), callable: Slot::new(callable), dict: Slot::NULL })
    }
}

impl StaticMethod {
    /// `staticmethod(callable)`
    pub fn new(t: &Thread, callable: Value) -> Ref<StaticMethod> {
        t.alloc(StaticMethod { header: header_of::<StaticMethod>(), callable: Slot::new(callable), dict: Slot::NULL })
    }

    /// What it wraps.
    pub fn callable(&self) -> Value {
        self.callable.get()
    }
}

const INIT: Signature = Signature::parse("self, function, /");

fn init(t: &Thread, m: Value, args: Args<'_>) -> R<()> {
    let name = m.class().display_name();
    args.no_keywords(t, &name)?;
    args.with_first(t, m, |args| {
        args.bind(t, &name, &INIT, |a| {
            // SAFETY: the word lies in the object.
            callable(m).set(t, unsafe { Ref::<u8>::from_value(m) }, a[1]);
            wrap_attributes(t, m, a[1])
        })
    })
}

/// Takes over what tells about the wrapped function.
fn wrap_attributes(t: &Thread, m: Value, f: Value) -> R<()> {
    for name in [names::__module__, names::__name__, names::__qualname__, names::__doc__] {
        let v = match f.exact::<Function>() {
            Some(f) => match name {
                names::__module__ => f.module.get(),
                names::__name__ => f.name.get(),
                names::__qualname__ => f.qualname.get(),
                _ => f.doc.get(),
            },
            None => attr::get_attr_opt(t, f, name)?.unwrap_or(Value::NULL),
        };
        if !v.is_null() {
            attr::set_attr(t, m, name, v)?;
        }
    }
    Ok(())
}

fn repr(t: &Thread, m: Value) -> R {
    let kind = if m.is_instance(builtin::CLASSMETHOD) { "classmethod" } else { "staticmethod" };
    let inner: Ref<Str> = text::repr(t, callable(m).get())?;
    Ok(Str::try_new(t, &format!("<{kind}({})>", inner.to_string_lossy()))?.value())
}

/// An attribute of the wrapped function, remembered once it was asked for.
fn forwarded(t: &Thread, m: Value, name: Value) -> R {
    if let Some(v) = instance::get(m, name) {
        return Ok(v);
    }
    let v = attr::get_attr(t, callable(m).get(), name)?;
    instance::set(t, m, name, v)?;
    Ok(v)
}

fn set_own(t: &Thread, m: Value, name: Value, v: Value) -> R<()> {
    if !v.is_null() {
        return instance::set(t, m, name, v).map(|_| ());
    }
    if instance::delete(t, m, name)? { Ok(()) } else { Err(attr::raise_no_attribute(t, m, name)) }
}
