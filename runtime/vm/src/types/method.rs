//! `method`: a callable bound to an object.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, hash, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::bind;
use crate::types::{Str, Tuple, TypeDef, builtin};
use limpid_heap::{Header, Value};

/// The layout of a bound method.
#[repr(C)]
pub struct Method {
    header: Header,
    /// What is called.
    pub function: Slot,
    /// Its first argument.
    pub receiver: Slot,
}

crate::layout!(Method, builtin::METHOD, Slots);

/// `types.MethodType`
pub static METHOD_DEF: TypeDef = TypeDef {
    doc: "method(function, instance, /)\n--\n\nCreate a bound instance method object.",
    flags: crate::types::flag::WEAK_REFERENCES,
    slots: SlotTable {
        repr: Some(repr),
        hash: Some(|t, m| {
            t.check_stack("")?;
            let m = receiver::<Method>(m);
            Ok(hash::hash_identity(m.receiver.get()) ^ hash::hash_value(t, m.function.get())?)
        }),
        richcompare: Some(compare),
        call: Some(|t, m, args| {
            let m = receiver::<Method>(m);
            call::call_with_receiver(t, m.function.get(), m.receiver.get(), args)
        }),
        new: Some(new),
        getattribute: Some(get_attribute),
        descr_get: Some(|_, m, _, _| Ok(m)),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", reduce)],
    getset: &[
        GetSet::getter("__func__", |_, m| Ok(receiver::<Method>(m).function.get())).member(),
        GetSet::getter("__self__", |_, m| Ok(receiver::<Method>(m).receiver.get())).member(),
        GetSet::getter("__doc__", |t, m| {
            t.check_stack("")?;
            attr::get_attr(t, receiver::<Method>(m).function.get(), names::__doc__)
        }),
    ],
    ..TypeDef::of::<Method>("method")
};

impl Method {
    /// A callable bound to an object.
    pub fn new(t: &Thread, function: Value, object: Value) -> Ref<Method> {
        t.alloc(Method { header: header_of::<Method>(), function: Slot::new(function), receiver: Slot::new(object) })
    }

    /// As [`Method::new`], as a value.
    pub fn bind(t: &Thread, function: Value, object: Value) -> Value {
        Method::new(t, function, object).value()
    }
}

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "method")?;
    let a = args.pos();
    if a.len() != 2 {
        raise!(t, TypeError, "method expected 2 arguments, got {}", a.len());
    }
    if !call::is_callable(a[0]) {
        raise!(t, TypeError, "first argument must be callable");
    }
    if a[1].is_none() {
        raise!(t, TypeError, "instance must not be None");
    }
    Ok(Method::bind(t, a[0], a[1]))
}

/// Attributes of the method itself come first, all others are the function's.
fn get_attribute(t: &Thread, m: Value, name: Value) -> R {
    if let Some(v) = attr::lookup(t, m.class(), name) {
        return bind(t, v, m, m.class().value());
    }
    t.check_stack("")?;
    attr::get_attr(t, receiver::<Method>(m).function.get(), name)
}

fn compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Method>(), b.exact::<Method>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if op != Compare::Eq && op != Compare::Ne {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let equal = x.receiver.get() == y.receiver.get() && crate::protocol::compare::values_equal(t, x.function.get(), y.function.get())?;
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn repr(t: &Thread, m: Value) -> R {
    let m = receiver::<Method>(m);
    let function = m.function.get();
    let mut name = attr::get_attr_opt(t, function, names::__qualname__)?;
    if name.is_none() {
        name = attr::get_attr_opt(t, function, names::__name__)?;
    }
    let name = name.and_then(|n| n.downcast::<Str>()).map_or("?".into(), |n| n.to_string_lossy().into_owned());
    let object = text::repr(t, m.receiver.get())?;
    Ok(Str::try_new(t, &format!("<bound method {name} of {}>", object.to_string_lossy()))?.value())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let m = receiver::<Method>(a[0]);
    let getattr = crate::types::module::builtin(t, names::getattr)?;
    let name = attr::get_attr(t, m.function.get(), names::__name__)?;
    let args = Tuple::from_slice(t, &[m.receiver.get(), name]).value();
    Ok(Tuple::from_slice(t, &[getattr, args]).value())
}
