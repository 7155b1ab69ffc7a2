//! `_abc`: what `ABCMeta` does.
//!
//! Each abstract base class has a [`Data`] with three sets of classes: those registered, those known to be subclasses, those known not to
//! be. A set is a dict from the class's address to a weak reference, so looking a class up allocates nothing; an entry whose class has
//! died does not match another class at the same address.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, isinstance, iter, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Tuple, Type, TypeDef, builtin, flag, int, set, str, type_, weakref};
use limpid_vm::{layout, names, raise};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `_abc`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: &[
        FnDef::def("get_cache_token", "", |t, _| Ok(int::from_u64(t, REGISTRATIONS.load(Relaxed)))).doc(
            "Returns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) identifying the\ncurrent version of \
             the ABC cache for virtual subclasses. The token changes\nwith every call to register() on any ABC.",
        ),
        FnDef::def("_abc_init", "self, /", abc_init).doc("Internal ABC helper for class set-up. Should be never used outside abc module."),
        FnDef::def("_abc_register", "self, subclass, /", register)
            .doc("Internal ABC helper for subclasss registration. Should be never used outside abc module."),
        FnDef::def("_abc_instancecheck", "self, instance, /", instance_check)
            .doc("Internal ABC helper for instance checks. Should be never used outside abc module."),
        FnDef::def("_abc_subclasscheck", "self, subclass, /", |t, a| subclass_check(t, a[0], a[1]).map(Value::bool))
            .doc("Internal ABC helper for subclasss checks. Should be never used outside abc module."),
        FnDef::def("_get_dump", "self, /", dump).doc(
            "Internal ABC helper for cache and registry debugging.\n\nReturn shallow copies of registry, of both caches, and\nnegative cache version. \
             Don't call this function directly,\ninstead use ABC._dump_registry() for a nice repr.",
        ),
        FnDef::def("_reset_registry", "self, /", |t, a| {
            let data = data_of(t, a[0])?;
            data.registry.set(t, data, Value::NULL);
            Ok(Value::NONE)
        })
        .doc("Internal ABC helper to reset registry of a given class.\n\nShould be only used by refleak.py"),
        FnDef::def("_reset_caches", "self, /", |t, a| {
            let data = data_of(t, a[0])?;
            data.positive.set(t, data, Value::NULL);
            data.negative.set(t, data, Value::NULL);
            Ok(Value::NONE)
        })
        .doc("Internal ABC helper to reset both caches of a given class.\n\nShould be only used by refleak.py"),
    ],
    init: |t, _| type_::create_native(t, &DATA_DEF, &DATA).map(drop),
    ..ModuleDef::named("_abc")
};

/// How many classes were registered with any abstract base class: what is known not to be a subclass holds for one number only.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// The layout of what a class has as `_abc_impl`.
#[repr(C)]
pub struct Data {
    header: Header,
    /// A set of classes or NULL, as are the next two.
    registry: Slot,
    positive: Slot,
    negative: Slot,
    /// The number that `negative` holds for. Small, so no address.
    version: AtomicU64,
}

/// `_abc._abc_data`
pub static DATA: TypeCell = TypeCell::new();
layout!(Data, DATA.get(), Slots);

/// `_abc._abc_data`
pub static DATA_DEF: TypeDef = TypeDef {
    doc: "Internal state held by ABC machinery.",
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    ..TypeDef::of::<Data>("_abc._abc_data")
};

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    let fields = Data {
        header: header_of::<Data>(),
        registry: Slot::NULL,
        positive: Slot::NULL,
        negative: Slot::NULL,
        version: AtomicU64::new(REGISTRATIONS.load(Relaxed)),
    };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn data_of(t: &Thread, class: Value) -> R<Ref<Data>> {
    match attr::get_attr(t, class, names::_abc_impl)?.exact::<Data>() {
        Some(data) => Ok(data),
        None => raise!(t, TypeError, "_abc_impl is set to a wrong type"),
    }
}

// ---- sets of classes ----

fn classes_in(slot: &Slot) -> Option<Ref<Dict>> {
    // SAFETY: the slots of a Data hold dicts or NULL.
    slot.opt().map(|v| unsafe { Ref::from_value(v) })
}

/// The address as an int.
fn class_key(class: Value) -> Value {
    Value::int(class.bits() as i64)
}

fn contains(t: &Thread, slot: &Slot, class: Value) -> R<bool> {
    let Some(classes) = classes_in(slot) else { return Ok(false) };
    Ok(classes.get(t, class_key(class))?.and_then(weakref::referent) == Some(class))
}

fn add(t: &Thread, data: Ref<Data>, slot: &Slot, class: Value) -> R<()> {
    let classes = match classes_in(slot) {
        Some(classes) => classes,
        None => {
            slot.set(t, data, Dict::new(t).value());
            return add(t, data, slot, class);
        }
    };
    // Entries of dead classes are looked for when the number reaches a power of two.
    if classes.len() >= 8 && classes.len().is_power_of_two() {
        let dead = Dict::new(t);
        for (key, weak) in classes.iter() {
            if weakref::referent(weak).is_none() {
                dead.set_item(t, key, Value::NONE)?;
            }
        }
        for (key, _) in dead.iter() {
            classes.remove(t, key)?;
        }
    }
    classes.set_item(t, class_key(class), weakref::new_ref(t, class, Value::NULL)?)
}

// ---- making a class ----

fn is_abstract(t: &Thread, v: Value) -> R<bool> {
    match attr::get_attr_opt(t, v, str::intern(t, "__isabstractmethod__"))? {
        Some(answer) => truth::truth(t, answer),
        None => Ok(false),
    }
}

fn abc_init(t: &Thread, a: &[Value]) -> R {
    let class = a[0];
    set_abstract_methods(t, class)?;
    let data = new(t, DATA.get().value(), Args::NONE)?;
    attr::set_attr(t, class, names::_abc_impl, data)?;
    let Some(c) = class.downcast::<Type>() else { return Ok(Value::NONE) };
    if let Some(flags) = c.dict().get_text(t, "__abc_tpflags__") {
        c.dict().remove(t, str::intern(t, "__abc_tpflags__"))?;
        let flags = if int::is_exact(flags) { int::to_i64(t, flags)? as u64 & COLLECTION_FLAGS } else { 0 };
        if flags == COLLECTION_FLAGS {
            raise!(t, TypeError, "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING")
        }
        if flags != 0 {
            c.set_collection_flags(flags);
        }
    }
    Ok(Value::NONE)
}

const COLLECTION_FLAGS: u64 = flag::SEQUENCE | flag::MAPPING;

fn set_abstract_methods(t: &Thread, class: Value) -> R<()> {
    let found = set::new_set(t);
    let namespace = attr::get_attr(t, class, names::__dict__)?;
    let items = call::call_method(t, namespace, names::items, &[])?;
    for item in iter::collect(t, items)?.iter() {
        let pair = iter::to_tuple(t, item)?;
        let [name, v] = *pair.as_slice() else { raise!(t, TypeError, "Iteration over namespace didn't return pairs") };
        if is_abstract(t, v)? {
            set::add_value(t, found, name)?;
        }
    }
    let bases = attr::get_attr(t, class, names::__bases__)?;
    let Some(bases) = bases.downcast::<Tuple>() else { raise!(t, TypeError, "__bases__ is not tuple") };
    for base in bases.as_slice() {
        let Some(inherited) = attr::get_attr_opt(t, *base, names::__abstractmethods__)? else { continue };
        for name in iter::collect(t, inherited)?.iter() {
            if let Some(v) = attr::get_attr_opt(t, class, name)?
                && is_abstract(t, v)?
            {
                set::add_value(t, found, name)?;
            }
        }
    }
    let frozen = call::call(t, builtin::FROZENSET.value(), &[found])?;
    attr::set_attr(t, class, names::__abstractmethods__, frozen)
}

// ---- registration ----

fn register(t: &Thread, a: &[Value]) -> R {
    let (class, subclass) = (a[0], a[1]);
    let Some(registered) = subclass.downcast::<Type>() else { raise!(t, TypeError, "Can only register classes") };
    if isinstance::is_subclass(t, subclass, class)? {
        return Ok(subclass);
    }
    // Asked after the above, so that a class may register itself without effect.
    if isinstance::is_subclass(t, class, subclass)? {
        raise!(t, RuntimeError, "Refusing to create an inheritance cycle")
    }
    let data = data_of(t, class)?;
    add(t, data, &data.registry, subclass)?;
    REGISTRATIONS.fetch_add(1, Relaxed);
    let flags = class.downcast::<Type>().map_or(0, |c| c.flags() & COLLECTION_FLAGS);
    if flags != 0 {
        set_flags_of_family(registered, flags);
    }
    Ok(subclass)
}

/// Makes a class and its subclasses match as a sequence or as a mapping, unless that is settled.
fn set_flags_of_family(class: Ref<Type>, flags: u64) {
    if class.has(flag::IMMUTABLE) || class.flags() & COLLECTION_FLAGS == flags {
        return;
    }
    class.set_collection_flags(flags);
    type_::subclasses::each(class, |subclass| set_flags_of_family(subclass, flags));
}

// ---- checks ----

fn knows_not(t: &Thread, data: Ref<Data>, class: Value) -> R<bool> {
    Ok(data.version.load(Relaxed) == REGISTRATIONS.load(Relaxed) && contains(t, &data.negative, class)?)
}

fn instance_check(t: &Thread, a: &[Value]) -> R {
    let (class, instance) = (a[0], a[1]);
    let data = data_of(t, class)?;
    let said = attr::get_attr(t, instance, names::__class__)?;
    if contains(t, &data.positive, said)? {
        return Ok(Value::TRUE);
    }
    let own = instance.class().value();
    if own == said && knows_not(t, data, said)? {
        return Ok(Value::FALSE);
    }
    let result = call::call_method(t, class, names::__subclasscheck__, &[said])?;
    if own == said || truth::truth(t, result)? {
        return Ok(result);
    }
    call::call_method(t, class, names::__subclasscheck__, &[own])
}

fn subclass_check(t: &Thread, class: Value, subclass: Value) -> R<bool> {
    let Some(derived) = subclass.downcast::<Type>() else { raise!(t, TypeError, "issubclass() arg 1 must be a class") };
    let data = data_of(t, class)?;
    if contains(t, &data.positive, subclass)? {
        return Ok(true);
    }
    let version = REGISTRATIONS.load(Relaxed);
    if data.version.load(Relaxed) < version {
        data.negative.set(t, data, Value::NULL);
        data.version.store(version, Relaxed);
    } else if contains(t, &data.negative, subclass)? {
        return Ok(false);
    }
    let answer = is_subclass(t, class, derived, data)?;
    add(t, data, if answer { &data.positive } else { &data.negative }, subclass)?;
    Ok(answer)
}

/// The answer without the caches.
fn is_subclass(t: &Thread, class: Value, derived: Ref<Type>, data: Ref<Data>) -> R<bool> {
    let hook = call::call_method(t, class, names::__subclasshook__, &[derived.value()])?;
    if hook == Value::TRUE || hook == Value::FALSE {
        return Ok(hook == Value::TRUE);
    }
    if hook != Value::NOT_IMPLEMENTED {
        raise!(t, AssertionError, "__subclasshook__ must return either False, True, or NotImplemented")
    }
    if class.downcast::<Type>().is_some_and(|c| derived.is_subtype(c)) {
        return Ok(true);
    }
    // Registered classes may come while the others are asked.
    let registered = match classes_in(&data.registry) {
        Some(registry) => registry.copy(t)?,
        None => Dict::new(t),
    };
    for (_, weak) in registered.iter() {
        if let Some(registered) = weakref::referent(weak)
            && isinstance::is_subclass(t, derived.value(), registered)?
        {
            return Ok(true);
        }
    }
    let subclasses = call::call_method_text(t, class, "__subclasses__", &[])?;
    let Some(subclasses) = subclasses.downcast::<List>() else { raise!(t, TypeError, "__subclasses__() must return a list") };
    for subclass in subclasses.items() {
        if isinstance::is_subclass(t, derived.value(), subclass)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn dump(t: &Thread, a: &[Value]) -> R {
    let data = data_of(t, a[0])?;
    let copy = |slot: &Slot| -> R {
        let found = set::new_set(t);
        let Some(classes) = classes_in(slot) else { return Ok(found) };
        for (_, weak) in classes.iter() {
            if weakref::referent(weak).is_some() {
                set::add_value(t, found, weak)?;
            }
        }
        Ok(found)
    };
    let version = int::from_u64(t, data.version.load(Relaxed));
    Ok(Tuple::from_slice(t, &[copy(&data.registry)?, copy(&data.positive)?, copy(&data.negative)?, version]).value())
}
