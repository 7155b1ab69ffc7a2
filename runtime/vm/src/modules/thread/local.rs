//! `_thread._local`: attributes that each thread has for itself.
//!
//! The attributes live in a dict per object and thread, which the object knows by the thread's serial number: so they die with the object,
//! even if they refer to it. Each thread keeps weak references to the objects in which it has such a dict, and takes its dicts out of them
//! when it ends.

use crate::args::{Args, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call};
use crate::root::TypeCell;
use crate::slots::SlotTable;
use crate::thread::{Thread, ThreadSlot};
use crate::types::{Dict, Str, Tuple, Type, TypeDef, ValueList, builtin, flag, weakref};
use limpid_heap::{Header, Value};

/// The layout of a thread-local object: what its `__init__` is called with in each thread.
#[repr(C)]
pub struct Local {
    header: Header,
    args: Slot,
    kwargs: Slot,
    /// The threads' dicts, by serial number.
    dicts: Slot,
}

/// The class `_local`.
pub static LOCAL: TypeCell = TypeCell::new();
layout!(Local, LOCAL.get(), Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let has_own_init = attr::type_lookup(class, names::__init__) != attr::type_lookup(builtin::OBJECT, names::__init__);
    if !args.is_empty() && !has_own_init {
        raise!(t, TypeError, "Initialization arguments are not supported");
    }
    let kwargs = Dict::new(t);
    for (k, v) in args.keywords() {
        kwargs.set_item(t, k, v)?;
    }
    let positional = Tuple::from_slice(t, args.pos());
    let dicts = Dict::new(t);
    let init = Local {
        header: header_of::<Local>(),
        args: Slot::new(positional.value()),
        kwargs: Slot::new(kwargs.value()),
        dicts: Slot::new(dicts.value()),
    };
    let local = t.alloc_instance(class, init);
    // The creating thread's `__init__` runs by itself.
    add_dict(t, local)?;
    Ok(local.value())
}

impl Local {
    fn dicts(&self) -> Ref<Dict> {
        // SAFETY: the field holds a dict.
        unsafe { Ref::from_value(self.dicts.get()) }
    }
}

/// How this thread's dict is found in those of an object.
fn key_of(t: &Thread) -> Value {
    Value::int(t.serial as i64)
}

/// Gives this thread a dict in an object, and remembers that it has one there.
fn add_dict(t: &Thread, local: Ref<Local>) -> R<Ref<Dict>> {
    let d = Dict::new(t);
    local.dicts().set_item(t, key_of(t), d.value())?;
    let mut known = t.slot(ThreadSlot::Locals).map_or_else(|| ValueList::new(t), ValueList::from_cell);
    // Now and then those that have died are left out.
    if known.len().is_power_of_two() && known.len() >= LEAST_PRUNED {
        let mut alive = ValueList::new(t);
        known.iter().filter(|r| weakref::referent(*r).is_some()).for_each(|r| alive.push(t, r));
        known = alive;
    }
    known.push(t, weakref::new_ref(t, local.value(), Value::NULL)?);
    t.set_slot(ThreadSlot::Locals, known.cell());
    Ok(d)
}

/// A thread that has so many thread-local objects looks whether some have died.
const LEAST_PRUNED: usize = 16;

/// A thread ends: its attributes go.
pub(super) fn forget_thread(t: &Thread) {
    let Some(known) = t.slot(ThreadSlot::Locals) else { return };
    t.set_slot(ThreadSlot::Locals, Value::NULL);
    for local in ValueList::from_cell(known).iter().filter_map(weakref::referent).filter_map(|v| v.downcast::<Local>()) {
        if local.dicts().remove(t, key_of(t)).is_err() {
            t.take_exception();
        }
    }
}

/// This thread's attributes of the object; in a thread that has not seen it yet, `__init__` runs first.
fn dict_of(t: &Thread, v: Value) -> R<Ref<Dict>> {
    let local = receiver::<Local>(v);
    if let Some(d) = local.dicts().get(t, key_of(t))? {
        // SAFETY: only dicts are stored.
        return Ok(unsafe { Ref::from_value(d) });
    }
    let d = add_dict(t, local)?;
    if let Some(init) = v.class().slots().init.filter(|_| v.class() != LOCAL.get()) {
        // SAFETY: the fields hold a tuple and a dict.
        let (args, kwargs) = unsafe { (Ref::<Tuple>::from_value(local.args.get()), Ref::<Dict>::from_value(local.kwargs.get())) };
        let mut values = ValueList::from_slice(t, args.as_slice());
        let mut keys = ValueList::new(t);
        for (k, v) in kwargs.iter() {
            keys.push(t, k);
            values.push(t, v);
        }
        let keys = if keys.is_empty() { Value::NULL } else { Tuple::from_slice(t, keys.as_slice()).value() };
        if let Err(raised) = init(t, v, Args::with_keywords(values.as_slice(), keys)) {
            local.dicts().remove(t, key_of(t))?;
            return Err(raised);
        }
    }
    Ok(d)
}

fn missing(t: &Thread, v: Value, name: Value) -> crate::object::Raised {
    let text = name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let message = format!("'{}' object has no attribute '{text}'", v.class().display_name());
    crate::exc::raise_attribute_error(t, &message, v, name)
}

fn is_dict_name(name: Value) -> bool {
    name.downcast::<Str>().is_some_and(|s| s.eq_str("__dict__"))
}

fn getattribute(t: &Thread, v: Value, name: Value) -> R {
    let d = dict_of(t, v)?;
    if is_dict_name(name) {
        return Ok(d.value());
    }
    // Data descriptors of the class first, then the thread's dict, then the rest of the class.
    let found = attr::type_lookup(v.class(), name);
    if let Some(f) = found
        && f.class().slots().descr_set.is_some()
        && let Some(get) = f.class().slots().descr_get
    {
        return get(t, f, v, v.class().value());
    }
    if let Some(value) = d.get(t, name)? {
        return Ok(value);
    }
    match found {
        Some(f) => match f.class().slots().descr_get {
            Some(get) => get(t, f, v, v.class().value()),
            None => Ok(f),
        },
        None => match attr::type_lookup(v.class(), names::__getattr__) {
            Some(f) => call::call(t, f, &[v, name]),
            None => Err(missing(t, v, name)),
        },
    }
}

fn setattr(t: &Thread, v: Value, name: Value, to: Value) -> R<()> {
    let d = dict_of(t, v)?;
    if is_dict_name(name) {
        raise!(t, AttributeError, "'{}' object attribute '__dict__' is read-only", v.class().display_name());
    }
    if let Some(f) = attr::type_lookup(v.class(), name)
        && let Some(set) = f.class().slots().descr_set
    {
        return set(t, f, v, to);
    }
    if to.is_null() {
        return match d.remove(t, name)? {
            Some(_) => Ok(()),
            None => Err(missing(t, v, name)),
        };
    }
    d.set_item(t, name, to)
}

/// `_thread._local`
pub static LOCAL_DEF: TypeDef = TypeDef {
    doc: "Thread-local data",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), getattribute: Some(getattribute), setattr: Some(setattr), ..SlotTable::EMPTY },
    ..TypeDef::of::<Local>("_thread._local")
};
