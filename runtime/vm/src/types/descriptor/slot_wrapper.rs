//! `wrapper_descriptor`: a filled slot of a native type as a special method, and `method-wrapper`: one bound to an object.

use super::wrapping::{Target, invoke};
use super::{NAME, OBJCLASS, QUALNAME, REDUCE, base_layout, check_receiver, doc_value, repr, text};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash::hash_value;
use crate::slots::{Compare, SlotId, SlotTable};
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a slot wrapper.
#[repr(C)]
pub struct WrapperDescriptor {
    header: Header,
    owner: Slot,
    name: Slot,
    slot: SlotId,
    which: u8,
}

base_layout!(WrapperDescriptor, builtin::WRAPPER_DESCRIPTOR);

/// `types.WrapperDescriptorType`
pub static WRAPPER_DESCRIPTOR_DEF: TypeDef = TypeDef {
    flags: flag::METHOD_DESCRIPTOR,
    slots: SlotTable { repr: Some(|t, d| repr(t, d, "slot wrapper")), call: Some(call), descr_get: Some(get), ..SlotTable::EMPTY },
    methods: &[REDUCE],
    getset: &[
        OBJCLASS,
        NAME,
        QUALNAME,
        GetSet::getter("__doc__", |t, d| Ok(doc_value(t, help(receiver::<WrapperDescriptor>(d)).1))),
        GetSet::getter("__text_signature__", |t, d| Ok(doc_value(t, help(receiver::<WrapperDescriptor>(d)).0))),
    ],
    ..TypeDef::of::<WrapperDescriptor>("wrapper_descriptor")
};

impl WrapperDescriptor {
    /// A slot of a native type as one of the special methods it stands for.
    pub(crate) fn new(t: &Thread, owner: Ref<Type>, name: Value, slot: SlotId, which: usize) -> Ref<WrapperDescriptor> {
        t.alloc(WrapperDescriptor {
            header: header_of::<WrapperDescriptor>(),
            owner: Slot::new(owner.value()),
            name: Slot::new(name),
            slot,
            which: which as u8,
        })
    }

    /// The type whose slot it calls.
    pub fn owner(&self) -> Ref<Type> {
        // SAFETY: the field always refers to a type.
        unsafe { Ref::from_value(self.owner.get()) }
    }

    /// The slot it calls.
    pub fn slot(&self) -> SlotId {
        self.slot
    }

    fn target(&self) -> Target {
        Target { owner: self.owner(), slot: self.slot, which: self.which as usize, name: self.name.get() }
    }
}

fn call(t: &Thread, descriptor: Value, args: Args<'_>) -> R {
    let d = receiver::<WrapperDescriptor>(descriptor);
    let Some(object) = args.pos().first() else {
        raise!(t, TypeError, "descriptor '{}' of '{}' object needs an argument", text(d.name.get()), d.owner().display_name())
    };
    if !object.is_instance(d.owner()) {
        raise!(
            t,
            TypeError,
            "descriptor '{}' requires a '{}' object but received a '{}'",
            text(d.name.get()),
            d.owner().display_name(),
            object.class().display_name()
        )
    }
    invoke(t, d.target(), *object, args.skip_first())
}

fn get(t: &Thread, descriptor: Value, object: Value, _class: Value) -> R {
    if object.is_null() {
        return Ok(descriptor);
    }
    check_receiver(t, descriptor, object)?;
    Ok(MethodWrapper::new(t, receiver(descriptor), object).value())
}

/// The layout of a slot wrapper bound to an object.
#[repr(C)]
pub struct MethodWrapper {
    header: Header,
    descriptor: Slot,
    receiver: Slot,
}

crate::layout!(MethodWrapper, builtin::METHOD_WRAPPER, Slots);

/// `types.MethodWrapperType`
pub static METHOD_WRAPPER_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        repr: Some(wrapper_repr),
        hash: Some(wrapper_hash),
        richcompare: Some(wrapper_compare),
        call: Some(|t, w, args| {
            let w = receiver::<MethodWrapper>(w);
            invoke(t, w.descriptor().target(), w.receiver.get(), args)
        }),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", wrapper_reduce)],
    getset: &[
        GetSet::getter("__self__", |_, w| Ok(receiver::<MethodWrapper>(w).receiver.get())).member(),
        GetSet::getter("__objclass__", |_, w| Ok(receiver::<MethodWrapper>(w).descriptor().owner.get())),
        GetSet::getter("__name__", |_, w| Ok(receiver::<MethodWrapper>(w).descriptor().name.get())),
        GetSet::getter("__qualname__", |t, w| super::qualname(t, receiver::<MethodWrapper>(w).descriptor.get())),
        GetSet::getter("__doc__", |t, w| Ok(doc_value(t, help(receiver::<MethodWrapper>(w).descriptor()).1))),
        GetSet::getter("__text_signature__", |t, w| Ok(doc_value(t, help(receiver::<MethodWrapper>(w).descriptor()).0))),
    ],
    ..TypeDef::of::<MethodWrapper>("method-wrapper")
};

impl MethodWrapper {
    fn new(t: &Thread, descriptor: Ref<WrapperDescriptor>, object: Value) -> Ref<MethodWrapper> {
        t.alloc(MethodWrapper {
            header: header_of::<MethodWrapper>(),
            descriptor: Slot::new(descriptor.value()),
            receiver: Slot::new(object),
        })
    }

    fn descriptor(&self) -> Ref<WrapperDescriptor> {
        // SAFETY: the field always refers to a slot wrapper.
        unsafe { Ref::from_value(self.descriptor.get()) }
    }
}

fn wrapper_repr(t: &Thread, w: Value) -> R {
    let w = receiver::<MethodWrapper>(w);
    let object = w.receiver.get();
    let name = text(w.descriptor().name.get());
    let repr = format!("<method-wrapper '{name}' of {} object at {:#x}>", object.class().display_name(), object.bits());
    Ok(Str::new(t, &repr).value())
}

fn wrapper_hash(t: &Thread, w: Value) -> R<i64> {
    let w = receiver::<MethodWrapper>(w);
    Ok(hash_value(t, w.descriptor.get())? ^ crate::protocol::hash::hash_identity(w.receiver.get()))
}

fn wrapper_compare(_t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<MethodWrapper>(), b.exact::<MethodWrapper>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = x.descriptor.get() == y.descriptor.get() && x.receiver.get() == y.receiver.get();
    Ok(match op {
        Compare::Eq => Value::bool(same),
        Compare::Ne => Value::bool(!same),
        _ => Value::NOT_IMPLEMENTED,
    })
}

fn wrapper_reduce(t: &Thread, a: &[Value]) -> R {
    let w = receiver::<MethodWrapper>(a[0]);
    let getattr = crate::types::module::builtin(t, names::getattr)?;
    let args = Tuple::from_slice(t, &[w.receiver.get(), w.descriptor().name.get()]).value();
    Ok(Tuple::from_slice(t, &[getattr, args]).value())
}

/// Signature and documentation of a special method.
fn help(d: Ref<WrapperDescriptor>) -> (&'static str, &'static str) {
    let name = text(d.name.get());
    HELP.iter().find(|h| h.0 == name).map_or(("", ""), |h| (h.1, h.2))
}

const SELF: &str = "($self, /)";
const VALUE: &str = "($self, value, /)";
const KEY: &str = "($self, key, /)";
const ANY: &str = "($self, /, *args, **kwargs)";

/// Special methods with their signatures and documentation.
const HELP: &[(&str, &str, &str)] = &[
    ("__repr__", SELF, "Return repr(self)."),
    ("__str__", SELF, "Return str(self)."),
    ("__hash__", SELF, "Return hash(self)."),
    ("__call__", ANY, "Call self as a function."),
    ("__init__", ANY, "Initialize self.  See help(type(self)) for accurate signature."),
    ("__del__", SELF, "Called when the instance is about to be destroyed."),
    ("__getattribute__", "($self, name, /)", "Return getattr(self, name)."),
    ("__setattr__", "($self, name, value, /)", "Implement setattr(self, name, value)."),
    ("__delattr__", "($self, name, /)", "Implement delattr(self, name)."),
    ("__lt__", VALUE, "Return self<value."),
    ("__le__", VALUE, "Return self<=value."),
    ("__eq__", VALUE, "Return self==value."),
    ("__ne__", VALUE, "Return self!=value."),
    ("__gt__", VALUE, "Return self>value."),
    ("__ge__", VALUE, "Return self>=value."),
    ("__iter__", SELF, "Implement iter(self)."),
    ("__next__", SELF, "Implement next(self)."),
    ("__await__", SELF, "Return an iterator to be used in await expression."),
    ("__aiter__", SELF, "Return an awaitable, that resolves in asynchronous iterator."),
    ("__anext__", SELF, "Return a value or raise StopAsyncIteration."),
    ("__get__", "($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner."),
    ("__set__", "($self, instance, value, /)", "Set an attribute of instance to value."),
    ("__delete__", "($self, instance, /)", "Delete an attribute of instance."),
    ("__buffer__", "($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object."),
    ("__len__", SELF, "Return len(self)."),
    ("__getitem__", KEY, "Return self[key]."),
    ("__setitem__", "($self, key, value, /)", "Set self[key] to value."),
    ("__delitem__", KEY, "Delete self[key]."),
    ("__contains__", KEY, "Return bool(key in self)."),
    ("__bool__", SELF, "True if self else False"),
    ("__neg__", SELF, "-self"),
    ("__pos__", SELF, "+self"),
    ("__abs__", SELF, "abs(self)"),
    ("__invert__", SELF, "~self"),
    ("__int__", SELF, "int(self)"),
    ("__float__", SELF, "float(self)"),
    ("__index__", SELF, "Return self converted to an integer, if self is suitable for use as an index into a list."),
    ("__add__", VALUE, "Return self+value."),
    ("__radd__", VALUE, "Return value+self."),
    ("__sub__", VALUE, "Return self-value."),
    ("__rsub__", VALUE, "Return value-self."),
    ("__mul__", VALUE, "Return self*value."),
    ("__rmul__", VALUE, "Return value*self."),
    ("__matmul__", VALUE, "Return self@value."),
    ("__rmatmul__", VALUE, "Return value@self."),
    ("__truediv__", VALUE, "Return self/value."),
    ("__rtruediv__", VALUE, "Return value/self."),
    ("__floordiv__", VALUE, "Return self//value."),
    ("__rfloordiv__", VALUE, "Return value//self."),
    ("__mod__", VALUE, "Return self%value."),
    ("__rmod__", VALUE, "Return value%self."),
    ("__divmod__", VALUE, "Return divmod(self, value)."),
    ("__rdivmod__", VALUE, "Return divmod(value, self)."),
    ("__pow__", "($self, value, mod=None, /)", "Return pow(self, value, mod)."),
    ("__rpow__", "($self, value, mod=None, /)", "Return pow(value, self, mod)."),
    ("__lshift__", VALUE, "Return self<<value."),
    ("__rlshift__", VALUE, "Return value<<self."),
    ("__rshift__", VALUE, "Return self>>value."),
    ("__rrshift__", VALUE, "Return value>>self."),
    ("__and__", VALUE, "Return self&value."),
    ("__rand__", VALUE, "Return value&self."),
    ("__xor__", VALUE, "Return self^value."),
    ("__rxor__", VALUE, "Return value^self."),
    ("__or__", VALUE, "Return self|value."),
    ("__ror__", VALUE, "Return value|self."),
    ("__iadd__", VALUE, "Return self+=value."),
    ("__isub__", VALUE, "Return self-=value."),
    ("__imul__", VALUE, "Return self*=value."),
    ("__imatmul__", VALUE, "Return self@=value."),
    ("__itruediv__", VALUE, "Return self/=value."),
    ("__ifloordiv__", VALUE, "Return self//=value."),
    ("__imod__", VALUE, "Return self%=value."),
    ("__ipow__", VALUE, "Return self**=value."),
    ("__ilshift__", VALUE, "Return self<<=value."),
    ("__irshift__", VALUE, "Return self>>=value."),
    ("__iand__", VALUE, "Return self&=value."),
    ("__ixor__", VALUE, "Return self^=value."),
    ("__ior__", VALUE, "Return self|=value."),
];
