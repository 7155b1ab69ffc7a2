//! `method_descriptor` and `classmethod_descriptor`: methods of native types.

use super::{NAME, OBJCLASS, QUALNAME, REDUCE, base_layout, check_receiver, doc_value, repr, text_signature};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a method descriptor.
#[repr(C)]
pub struct MethodDescriptor {
    header: Header,
    owner: Slot,
    name: Slot,
    def: &'static FnDef,
}

base_layout!(MethodDescriptor, builtin::METHOD_DESCRIPTOR);

/// `types.MethodDescriptorType`
pub static METHOD_DESCRIPTOR_DEF: TypeDef = TypeDef {
    flags: flag::METHOD_DESCRIPTOR,
    slots: SlotTable { repr: Some(|t, d| repr(t, d, "method")), call: Some(call), descr_get: Some(get), ..SlotTable::EMPTY },
    methods: &[REDUCE],
    getset: &[
        OBJCLASS,
        NAME,
        QUALNAME,
        GetSet::getter("__doc__", |t, d| Ok(doc_value(t, receiver::<MethodDescriptor>(d).def.doc))),
        GetSet::getter("__text_signature__", |t, d| Ok(text_signature(t, receiver::<MethodDescriptor>(d).def))),
    ],
    ..TypeDef::of::<MethodDescriptor>("method_descriptor")
};

impl MethodDescriptor {
    /// The descriptor of a native type's method.
    pub fn new(t: &Thread, owner: Ref<Type>, name: Value, def: &'static FnDef) -> Ref<MethodDescriptor> {
        let header = header_of::<MethodDescriptor>();
        t.alloc(MethodDescriptor { header, owner: Slot::new(owner.value()), name: Slot::new(name), def })
    }

    /// The type whose method it is.
    #[inline(always)]
    pub fn class(&self) -> Ref<Type> {
        // SAFETY: the field always refers to a type.
        unsafe { Ref::from_value(self.owner.get()) }
    }

    /// The native function.
    #[inline(always)]
    pub fn def(&self) -> &'static FnDef {
        self.def
    }
}

#[cold]
fn no_receiver(t: &Thread, descriptor: Value) -> R {
    let d = super::base(descriptor);
    raise!(t, TypeError, "unbound method {}.{}() needs an argument", d.owner().display_name(), d.name_text())
}

fn call(t: &Thread, descriptor: Value, args: Args<'_>) -> R {
    let Some(object) = args.pos().first() else { return no_receiver(t, descriptor) };
    check_receiver(t, descriptor, *object)?;
    receiver::<MethodDescriptor>(descriptor).def.call(t, args)
}

fn get(t: &Thread, descriptor: Value, object: Value, _class: Value) -> R {
    if object.is_null() {
        return Ok(descriptor);
    }
    check_receiver(t, descriptor, object)?;
    Ok(BuiltinFunction::bound(t, receiver::<MethodDescriptor>(descriptor).def, object).value())
}

/// The layout of a class method descriptor.
#[repr(C)]
pub struct ClassMethodDescriptor {
    header: Header,
    owner: Slot,
    name: Slot,
    def: &'static FnDef,
}

base_layout!(ClassMethodDescriptor, builtin::CLASSMETHOD_DESCRIPTOR);

/// `types.ClassMethodDescriptorType`
pub static CLASSMETHOD_DESCRIPTOR_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        repr: Some(|t, d| repr(t, d, "method")),
        call: Some(call_on_class),
        descr_get: Some(get_for_class),
        ..SlotTable::EMPTY
    },
    getset: &[
        OBJCLASS,
        NAME,
        QUALNAME,
        GetSet::getter("__doc__", |t, d| Ok(doc_value(t, receiver::<ClassMethodDescriptor>(d).def.doc))),
        GetSet::getter("__text_signature__", |t, d| Ok(text_signature(t, receiver::<ClassMethodDescriptor>(d).def))),
    ],
    ..TypeDef::of::<ClassMethodDescriptor>("classmethod_descriptor")
};

impl ClassMethodDescriptor {
    /// The descriptor of a native type's class method.
    pub fn new(t: &Thread, owner: Ref<Type>, name: Value, def: &'static FnDef) -> Ref<ClassMethodDescriptor> {
        let header = header_of::<ClassMethodDescriptor>();
        t.alloc(ClassMethodDescriptor { header, owner: Slot::new(owner.value()), name: Slot::new(name), def })
    }
}

/// The class to pass, if the method applies to it.
fn check_class(t: &Thread, descriptor: Value, class: Value) -> R<()> {
    let d = super::base(descriptor);
    let Some(c) = class.downcast::<Type>() else {
        raise!(
            t,
            TypeError,
            "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
            d.name_text(),
            d.owner().display_name(),
            class.class().display_name()
        )
    };
    if c.is_subtype(d.owner()) {
        return Ok(());
    }
    raise!(
        t,
        TypeError,
        "descriptor '{}' requires a subtype of '{}' but received '{}'",
        d.name_text(),
        d.owner().display_name(),
        c.display_name()
    )
}

fn call_on_class(t: &Thread, descriptor: Value, args: Args<'_>) -> R {
    let Some(class) = args.pos().first() else {
        let d = super::base(descriptor);
        raise!(t, TypeError, "descriptor '{}' of '{}' object needs an argument", d.name_text(), d.owner().display_name())
    };
    check_class(t, descriptor, *class)?;
    receiver::<ClassMethodDescriptor>(descriptor).def.call(t, args)
}

fn get_for_class(t: &Thread, descriptor: Value, object: Value, class: Value) -> R {
    let class = match (class.is_null(), object.is_null()) {
        (false, _) => class,
        (true, false) => object.class().value(),
        (true, true) => {
            let d = super::base(descriptor);
            raise!(t, TypeError, "descriptor '{}' for type '{}' needs either an object or a type", d.name_text(), d.owner().display_name())
        }
    };
    check_class(t, descriptor, class)?;
    Ok(BuiltinFunction::bound(t, receiver::<ClassMethodDescriptor>(descriptor).def, class).value())
}
