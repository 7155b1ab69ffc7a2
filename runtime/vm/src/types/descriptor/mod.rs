//! Descriptors: what the attributes of native types are in the types' namespaces, and property, classmethod, staticmethod.
//!
//! | descriptor              | made from                          | in CPython                |
//! |-------------------------|------------------------------------|---------------------------|
//! | [`MethodDescriptor`]    | an [`FnDef`](crate::args::FnDef)   | `method_descriptor`       |
//! | [`GetSetDescriptor`]    | a [`GetSet`](crate::args::GetSet)  | `getset_descriptor`       |
//! | [`MemberDescriptor`]    | a name in `__slots__`              | `member_descriptor`       |
//! | [`WrapperDescriptor`]   | a filled [slot](crate::slots)      | `wrapper_descriptor`      |
//!
//! They check the receiver's type before they call anything, so the native functions behind them need not.

pub mod getset;
pub mod member;
pub mod method;
pub mod property;
pub mod slot_wrapper;
pub mod wrappers;
mod wrapping;

pub use getset::GetSetDescriptor;
pub use member::MemberDescriptor;
pub use method::{ClassMethodDescriptor, MethodDescriptor};
pub use property::Property;
pub use slot_wrapper::{MethodWrapper, WrapperDescriptor};
pub use wrappers::{ClassMethod, StaticMethod};

use crate::args::{FnDef, GetSet};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::attr;
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type};
use limpid_heap::{Header, Value};

/// What the descriptors of native types begin with.
#[repr(C)]
struct Base {
    header: Header,
    /// The type in whose namespace it is.
    owner: Slot,
    /// Its name there, interned.
    name: Slot,
}

/// Declares that a structure begins with a [`Base`], and that the collector need not look at what follows.
macro_rules! base_layout {
    ($name:ty, $class:expr) => {
        // SAFETY: repr(C), beginning with the fields of a Base, whose two values are all there is to trace.
        unsafe impl $crate::object::Layout for $name {
            const KIND: u8 = limpid_heap::Kind::Slots as u8;
            const SLOTS: u8 = 2;
            #[inline(always)]
            fn class() -> $crate::object::Ref<$crate::types::Type> {
                $class
            }
        }
    };
}
use base_layout;

fn base(descriptor: Value) -> Ref<Base> {
    // SAFETY: called for the four types above only, whose layouts begin so.
    unsafe { Ref::from_value(descriptor) }
}

impl Base {
    fn owner(&self) -> Ref<Type> {
        // SAFETY: the field always refers to a type.
        unsafe { Ref::from_value(self.owner.get()) }
    }

    fn name_text(&self) -> String {
        text(self.name.get())
    }
}

/// A string's text for messages.
pub(crate) fn text(v: Value) -> String {
    v.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Raises TypeError unless the descriptor applies to `object`.
#[inline]
fn check_receiver(t: &Thread, descriptor: Value, object: Value) -> R<()> {
    let d = base(descriptor);
    if object.is_instance(d.owner()) { Ok(()) } else { wrong_receiver(t, d, object) }
}

#[cold]
#[inline(never)]
fn wrong_receiver(t: &Thread, d: Ref<Base>, object: Value) -> R<()> {
    raise!(
        t,
        TypeError,
        "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
        d.name_text(),
        d.owner().display_name(),
        object.class().display_name()
    )
}

fn repr(t: &Thread, descriptor: Value, kind: &str) -> R {
    let d = base(descriptor);
    let text = format!("<{kind} '{}' of '{}' objects>", d.name_text(), d.owner().display_name());
    Ok(Str::new(t, &text).value())
}

/// `__qualname__` of a descriptor: the type's, a dot, the name.
fn qualname(t: &Thread, descriptor: Value) -> R {
    let d = base(descriptor);
    Ok(Str::new(t, &format!("{}.{}", text(d.owner().qualname.get()), d.name_text())).value())
}

/// `__reduce__`: `getattr(owner, name)`.
fn reduce(t: &Thread, a: &[Value]) -> R {
    let d = base(a[0]);
    let getattr = crate::types::module::builtin(t, names::getattr)?;
    let args = Tuple::from_slice(t, &[d.owner.get(), d.name.get()]).value();
    Ok(Tuple::from_slice(t, &[getattr, args]).value())
}

const REDUCE: FnDef = FnDef::def("__reduce__", "self, /", reduce);
const OBJCLASS: GetSet = GetSet::getter("__objclass__", |_, d| Ok(base(d).owner.get())).member();
const NAME: GetSet = GetSet::getter("__name__", |_, d| Ok(base(d).name.get())).member();
const QUALNAME: GetSet = GetSet::getter("__qualname__", qualname);

/// A documentation string as an attribute: None when there is none.
pub(crate) fn doc_value(t: &Thread, doc: &str) -> Value {
    if doc.is_empty() { Value::NONE } else { Str::new(t, doc).value() }
}

/// `__text_signature__` of a native function: `($self, object, /)`.
pub(crate) fn text_signature(t: &Thread, def: &FnDef) -> Value {
    let text = def.signature.text();
    let marked = match text.strip_prefix("self").or_else(|| text.strip_prefix("$self")) {
        Some(rest) if rest.is_empty() || rest.starts_with(',') => format!("($self{rest})"),
        _ => match text.strip_prefix("cls") {
            Some(rest) if rest.is_empty() || rest.starts_with(',') => format!("($type{rest})"),
            _ => format!("({text})"),
        },
    };
    Str::new(t, &marked).value()
}

/// `descriptor.__get__(object, type(object))`, or the value itself when it is no descriptor.
pub(crate) fn bind(t: &Thread, v: Value, object: Value, class: Value) -> R {
    match v.class().slots().descr_get {
        Some(get) => get(t, v, object, class),
        None => Ok(v),
    }
}

/// `__isabstractmethod__` of what a descriptor wraps.
pub(crate) fn is_abstract(t: &Thread, v: Value) -> R<bool> {
    if v.is_null() {
        return Ok(false);
    }
    match attr::get_attr_opt(t, v, names::__isabstractmethod__)? {
        Some(flag) => crate::protocol::truth::truth(t, flag),
        None => Ok(false),
    }
}
