//! NameError, UnboundLocalError and AttributeError: which name, in which object. The names serve suggestions.

use super::import_error::take_keywords;
use super::{Exception, base, def, member};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Dict, Tuple, Type, TypeDef};
use crate::{exc, names};
use limpid_heap::Value;

/// The layout of NameError.
#[repr(C)]
pub struct NameError {
    base: Exception,
    /// The name that was not found, or NULL.
    pub name: Slot,
}

crate::layout!(NameError, exc::NameError, Slots);

/// The layout of AttributeError.
#[repr(C)]
pub struct AttributeError {
    base: Exception,
    /// The object that was asked, or NULL.
    pub obj: Slot,
    /// The attribute that was not found, or NULL.
    pub name: Slot,
}

crate::layout!(AttributeError, exc::AttributeError, Slots);

pub(crate) const SUBCLASS: TypeDef =
    TypeDef { slots: SlotTable { new: Some(base::new), init: Some(init_name_error), ..SlotTable::EMPTY }, ..def::<NameError>() };

pub(crate) const DEF: TypeDef = TypeDef { getset: &[member!(NameError, name).doc("name")], ..SUBCLASS };

pub(crate) const ATTRIBUTE_ERROR: TypeDef = TypeDef {
    slots: SlotTable { new: Some(base::new), init: Some(init_attribute_error), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__getstate__", "self, /", getstate), FnDef::def("__reduce__", "self, /", reduce)],
    getset: &[member!(AttributeError, name).doc("attribute name"), member!(AttributeError, obj).doc("object")],
    ..def::<AttributeError>()
};

impl NameError {
    /// A new exception of `class` (NameError or a subclass) with this message, about this name.
    pub fn create(t: &Thread, class: Ref<Type>, message: Value, name: Value) -> Ref<NameError> {
        let e = Exception::allocate(t, class);
        e.set_args(t, Tuple::from_slice(t, &[message]));
        // SAFETY: callers name NameError or a subclass.
        let e = unsafe { e.cast::<NameError>() };
        e.name.set(t, e, name);
        e
    }
}

impl AttributeError {
    /// A new AttributeError with this message, about this object's attribute.
    pub fn create(t: &Thread, message: Value, obj: Value, name: Value) -> Ref<AttributeError> {
        let e = Exception::allocate(t, exc::AttributeError);
        e.set_args(t, Tuple::from_slice(t, &[message]));
        // SAFETY: `allocate` gave it the class's layout.
        let e = unsafe { e.cast::<AttributeError>() };
        e.obj.set(t, e, obj);
        e.name.set(t, e, name);
        e
    }
}

fn init_name_error(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    let [name] = take_keywords(t, "NameError", args, ["name"])?;
    base::init_args(t, e, args);
    let e = receiver::<NameError>(e);
    e.name.set(t, e, name);
    Ok(())
}

fn init_attribute_error(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    let [name, obj] = take_keywords(t, "AttributeError", args, ["name", "obj"])?;
    base::init_args(t, e, args);
    let e = receiver::<AttributeError>(e);
    e.name.set(t, e, name);
    e.obj.set(t, e, obj);
    Ok(())
}

/// The state to pickle: attributes, name and arguments. Not the object: it may be unpicklable, or big.
fn getstate(t: &Thread, a: &[Value]) -> R {
    let e = receiver::<AttributeError>(a[0]);
    let state = match base::attributes(t, a[0])? {
        Some(d) => d.copy(t)?,
        None => Dict::new(t),
    };
    if let Some(name) = e.name.opt() {
        state.set_name(t, names::name, name)?;
    }
    state.set_name(t, names::args, e.base.args.get())?;
    Ok(state.value())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let state = getstate(t, a)?;
    base::reduce_with(t, a[0], receiver::<AttributeError>(a[0]).base.args.get(), Some(state))
}
