//! `type`: making classes and instances.
//!
//! Native types are made from declarations ([`native`]), others by class statements and `type(name, bases, dict)` ([`create`]). A class
//! consists of its MRO ([`mro`]), its layout ([`layout`]), its slots ([`update`], [`python_slots`]) and its namespace; caches of what
//! was found there live in [`cache`].

use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, ValueExt};
use crate::slots::{Call, SlotTable};
use crate::thread::Thread;
use crate::types::{List, Type, TypeDef, builtin, flag, object};
use limpid_heap::{MAX_SMALL, Value};

mod assign;
mod attributes;
pub mod cache;
mod create;
pub mod layout;
mod lookup;
mod mro;
pub(crate) mod native;
mod python_methods;
mod python_slots;
pub mod subclasses;
mod update;

pub use assign::set_instance_class;
pub(crate) use attributes::merge_names;
pub use cache::{MethodCache, find};
pub(crate) use create::calculate_metaclass;
pub use create::new_class;
pub(crate) use lookup::set_own;
pub use native::create_native;
pub use python_methods::{
    bool_method, comparison_method, contains_method, deletion_method, in_place_method, len_method, next_method, store_method,
};
pub(crate) use python_slots::is_python_setattr;
pub use python_slots::{Operator, checked_bool, checked_len, is_python_next, next_raising, operator};

/// `type`
pub static TYPE_DEF: TypeDef = TypeDef {
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        repr: Some(attributes::repr),
        call: Some(|t, class, args| call_class(t, receiver(class), args)),
        new: Some(create::type_new),
        init: Some(type_init),
        getattribute: Some(lookup::get_attribute),
        setattr: Some(lookup::set_attribute),
        or: Some(crate::types::union::or),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("mro", "self, /", |t, a| Ok(List::from_slice(t, mro::linearize(t, receiver(a[0]))?.as_slice())?.value()))
            .doc("Return a type's method resolution order."),
        FnDef::def("__subclasses__", "self, /", subclasses_list).doc("Return a list of immediate subclasses."),
        FnDef {
            binding: crate::args::Binding::Class,
            ..FnDef::raw("__prepare__", "cls, name, bases, /, **kwds", |t, _| Ok(crate::types::Dict::new(t).value()))
        }
        .doc("Create the namespace for the class statement"),
        FnDef::def("__instancecheck__", "self, instance, /", |t, a| {
            crate::protocol::isinstance::real_is_instance(t, a[1], a[0]).map(Value::bool)
        })
        .doc("Check if an object is an instance."),
        FnDef::def("__subclasscheck__", "self, subclass, /", |t, a| {
            crate::protocol::isinstance::real_is_subclass(t, a[1], a[0]).map(Value::bool)
        })
        .doc("Check if a class is a subclass."),
        FnDef::def("__dir__", "self, /", attributes::dir).doc("Specialized __dir__ implementation for types."),
        FnDef::def("__sizeof__", "self, /", |_, _| Ok(Value::int(size_of::<Type>() as i64)))
            .doc("Return memory consumption of the type object."),
    ],
    getset: attributes::GETSET,
    ..TypeDef::of::<Type>("type")
};

/// `class(...)`
#[inline]
pub fn call_class(t: &Thread, class: Ref<Type>, args: Args<'_>) -> R {
    if class == builtin::TYPE {
        let n = args.pos().len();
        if n == 1 && args.keyword_count() == 0 {
            return Ok(args.pos()[0].class().value());
        }
        if n != 3 {
            raise!(t, TypeError, "type() takes 1 or 3 arguments");
        }
    }
    let Some(new) = class.slots().new else {
        raise!(t, TypeError, "cannot create '{}' instances", class.display_name());
    };
    let object = new(t, class.value(), args)?;
    let made = object.class();
    if made != class && !made.is_subtype(class) {
        return Ok(object);
    }
    if let Some(init) = made.slots().init {
        init(t, object, args)?;
    }
    Ok(object)
}

/// Are instances of this class made by object's `__new__`, with nothing that has to be checked? Then [`alloc_plain`] makes them; the
/// answer holds for as long as the class keeps its version.
pub fn is_plain(class: Ref<Type>) -> bool {
    class.value().class() == builtin::TYPE && is_made_plainly(class)
}

/// As [`is_plain`], of a class that may have a metaclass without a `__call__` of its own; the answer holds for as long as that keeps its
/// version, too.
pub fn is_made_plainly(class: Ref<Type>) -> bool {
    let same_call = |own: Call, of_type: Call| std::ptr::fn_addr_eq(own, of_type);
    class.has(flag::HEAP_TYPE)
        && !class.has(flag::ABSTRACT)
        && class.value().class().slots().call.zip(builtin::TYPE.slots().call).is_some_and(|(own, of_type)| same_call(own, of_type))
        && class.slots().new.is_some_and(|f| std::ptr::fn_addr_eq(f, object::new as Call))
        && class.instance_size() <= MAX_SMALL - size_of::<Value>()
}

/// A new instance of a class that [`is_plain`], without attributes.
#[inline(always)]
pub fn alloc_plain(t: &Thread, class: Ref<Type>) -> Value {
    let cell = t.mutator.alloc_any(class.instance_size(), class.instance_header());
    let instance = Value::cell(cell.as_ptr());
    class.on_new_instance(t, instance);
    instance
}

/// As [`alloc_plain`] where that takes nothing but a cell that is at hand.
#[inline(always)]
pub fn alloc_plain_at_hand(t: &Thread, class: Ref<Type>) -> Option<Value> {
    if class.has(flag::HAS_FINALIZER) {
        return None;
    }
    let cell = t.mutator.alloc_at_hand(class.instance_size(), class.instance_header())?;
    Some(Value::cell(cell.as_ptr()))
}

/// A new zeroed instance of any class whose native part may be zero.
pub fn alloc_instance(t: &Thread, class: Ref<Type>) -> R {
    let cell = t.try_alloc_bytes(class.instance_size(), class.instance_header())?;
    let instance = Value::cell(cell.as_ptr());
    class.on_new_instance(t, instance);
    Ok(instance)
}

/// Is this `__new__` of a native type?
pub(crate) fn is_new(def: &'static FnDef) -> bool {
    std::ptr::eq(def, &native::NEW)
}

/// `__new__` of native types: the type it belongs to, the class to instantiate, the arguments.
fn construct(t: &Thread, args: Args<'_>) -> R {
    let owner = receiver::<Type>(args.all()[0]);
    let args = args.skip_first();
    let Some(first) = args.pos().first() else {
        raise!(t, TypeError, "{}.__new__(): not enough arguments", owner.display_name());
    };
    let Some(class) = first.downcast::<Type>() else {
        raise!(t, TypeError, "{}.__new__(X): X is not a type object ({})", owner.display_name(), first.class().display_name());
    };
    if !class.is_subtype(owner) {
        raise!(t, TypeError, "{0}.__new__({1}): {1} is not a subtype of {0}", owner.display_name(), class.display_name());
    }
    if class.has(flag::DISALLOW_INSTANTIATION) {
        raise!(t, TypeError, "cannot create '{}' instances", class.display_name());
    }
    // The nearest native base must be made the same way, or its native part would stay empty.
    let mut native = class;
    while let Some(base) = native.base()
        && native.has(flag::HEAP_TYPE)
    {
        native = base;
    }
    let same = match (native.slots().new, owner.slots().new) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        _ => false,
    };
    if native.has(flag::DISALLOW_INSTANTIATION) {
        raise!(t, TypeError, "cannot create '{}' instances", native.display_name());
    }
    if !same {
        raise!(
            t,
            TypeError,
            "{0}.__new__({1}) is not safe, use {2}.__new__()",
            owner.display_name(),
            class.display_name(),
            native.display_name()
        );
    }
    match owner.slots().new {
        Some(new) => new(t, class.value(), args.skip_first()),
        None => raise!(t, TypeError, "cannot create '{}' instances", class.display_name()),
    }
}

fn type_init(t: &Thread, _class: Value, args: Args<'_>) -> R<()> {
    let n = args.pos().len();
    if n == 1 && args.keyword_count() != 0 {
        raise!(t, TypeError, "type.__init__() takes no keyword arguments");
    }
    if n != 1 && n != 3 {
        raise!(t, TypeError, "type.__init__() takes 1 or 3 arguments");
    }
    Ok(())
}

fn subclasses_list(t: &Thread, a: &[Value]) -> R {
    let list = List::new(t);
    let mut result = Ok(());
    subclasses::each(receiver(a[0]), |c| {
        if result.is_ok() {
            result = list.append(t, c.value());
        }
    });
    result.map(|()| list.value())
}
