//! Attributes that instances have of their own.
//!
//! The two modes and who may write what when are described in [`crate::shape`]. Everything here is about the instance alone; what the
//! class has to say (descriptors, `__setattr__`) is [`crate::protocol::attr`]'s business. Names are strings; for storing they are
//! interned.

use crate::args::GetSet;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::shape::Shape;
use crate::thread::Thread;
use crate::types::{Dict, Str, Type};
use limpid_heap::{CLASS_SIZES, MAX_SMALL, ShapeRef, Value, publish_shape, size_class};

/// The most inline slots an instance gets.
const MAX_INLINE: usize = 62;

/// The shape of an object.
#[inline(always)]
pub fn shape_of(object: Value) -> Ref<Shape> {
    debug_assert!(object.is_cell());
    // SAFETY: an object's shape word names a live shape.
    unsafe { Ref::from_shape_ref(object.shape()) }
}

/// The word at an offset of an object.
///
/// # Safety
/// The object is a live cell and the offset one of its value words.
#[inline(always)]
pub unsafe fn word<'a>(object: Value, offset: usize) -> &'a Slot {
    debug_assert!(offset + size_of::<Slot>() <= limpid_heap::cell_size(object));
    // SAFETY: by contract; the slot lives as long as the object, which the caller holds.
    unsafe { &*(object.as_ptr::<u8>().add(offset) as *const Slot) }
}

#[inline(always)]
fn untyped(object: Value) -> Ref<u8> {
    // SAFETY: the objects of this module are cells.
    unsafe { Ref::from_value(object) }
}

/// The word that refers to the attribute dict; None when the object has no attributes of its own.
#[inline]
pub fn attrs_word<'a>(object: Value, class: Ref<Type>) -> Option<&'a Slot> {
    let offset = match class.attrs_offset() {
        0 => return None,
        Type::VARIABLE => limpid_heap::cell_size(object) - size_of::<Slot>(),
        offset => offset,
    };
    // SAFETY: the class's layout has the word there.
    Some(unsafe { word(object, offset) })
}

/// Where inline slot `i` of the instances of a class lies.
#[inline(always)]
pub fn slot_offset(class: Ref<Type>, i: usize) -> usize {
    class.attrs_offset() + (1 + i) * size_of::<Slot>()
}

#[inline(always)]
fn inline_slot<'a>(object: Value, class: Ref<Type>, i: usize) -> &'a Slot {
    // SAFETY: `i` is below the length of the object's shape, which never exceeds the number of its slots.
    unsafe { word(object, slot_offset(class, i)) }
}

fn dict_in(slot: &Slot) -> Option<Ref<Dict>> {
    // SAFETY: the attribute word refers to a dict or is NULL.
    slot.opt().map(|v| unsafe { Ref::from_value(v) })
}

/// The number of the slot that a name has in a shape, interned or not.
fn lookup(shape: Ref<Shape>, name: Value) -> Option<usize> {
    // SAFETY: names are strings.
    let text = unsafe { Ref::<Str>::from_value(name) };
    if text.is_interned() {
        return shape.lookup(name);
    }
    // SAFETY: keys of shapes are strings.
    (0..shape.len()).find(|&i| unsafe { Ref::<Str>::from_value(shape.key(i)) }.equals(&text))
}

/// The value of an attribute.
#[inline]
pub fn get(object: Value, name: Value) -> Option<Value> {
    if !object.is_cell() {
        return None;
    }
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        return dict_in(attrs_word(object, shape.class())?)?.get_name(name);
    }
    let i = lookup(shape, name)?;
    inline_slot(object, shape.class(), i).opt()
}

/// Sets an attribute; false when the object has none of its own. `name` is interned.
pub fn set(t: &Thread, object: Value, name: Value, value: Value) -> R<bool> {
    if !object.is_cell() {
        return Ok(false);
    }
    loop {
        let shape = shape_of(object);
        let class = shape.class();
        if shape.is_dict_mode() {
            return match dict_of(t, object)? {
                Some(dict) => dict.set_name(t, name, value).map(|()| true),
                None => Ok(false),
            };
        }
        if shape.capacity() == 0 && class.attrs_offset() == 0 {
            return Ok(false);
        }
        match shape.lookup(name) {
            Some(i) => {
                let slot = inline_slot(object, class, i);
                // An attribute that was deleted comes last when it is set again.
                if !slot.get().is_null() || i + 1 == shape.len() {
                    slot.set(t, untyped(object), value);
                    return Ok(true);
                }
                to_dict_mode(t, object)?;
            }
            None if shape.len() < shape.capacity() => {
                let Some(child) = shape.child(t, name) else {
                    to_dict_mode(t, object)?;
                    continue;
                };
                let guard = t.lock(untyped(object));
                if shape_of(object) != shape {
                    continue;
                }
                inline_slot(object, class, shape.len()).set(t, untyped(object), value);
                // SAFETY: the object is alive and has the slot that the new shape describes.
                unsafe { publish_shape(&t.mutator, untyped(object).header(), child.shape_ref()) };
                drop(guard);
                return Ok(true);
            }
            None => {
                grow_inline(t, class, shape.len() + 1);
                to_dict_mode(t, object)?;
            }
        }
    }
}

/// Deletes an attribute; false when there is none of that name.
pub fn delete(t: &Thread, object: Value, name: Value) -> R<bool> {
    if !object.is_cell() {
        return Ok(false);
    }
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        let Some(dict) = attrs_word(object, shape.class()).and_then(dict_in) else { return Ok(false) };
        return Ok(dict.remove(t, name)?.is_some());
    }
    let Some(i) = lookup(shape, name) else { return Ok(false) };
    Ok(inline_slot(object, shape.class(), i).take().is_some())
}

/// Deletes all attributes.
pub fn clear(t: &Thread, object: Value) {
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        if let Some(dict) = attrs_word(object, shape.class()).and_then(dict_in) {
            dict.clear(t);
        }
        return;
    }
    for i in 0..shape.len() {
        inline_slot(object, shape.class(), i).set(t, untyped(object), Value::NULL);
    }
}

/// The dict of an instance in dict mode, made if there is none yet.
fn dict_of(t: &Thread, object: Value) -> R<Option<Ref<Dict>>> {
    let Some(word) = attrs_word(object, object.class()) else { return Ok(None) };
    if let Some(dict) = dict_in(word) {
        return Ok(Some(dict));
    }
    let new = Dict::new(t);
    match word.compare_exchange(t, untyped(object), Value::NULL, new.value()) {
        Ok(()) => Ok(Some(new)),
        Err(_) => Ok(dict_in(word)),
    }
}

/// Are the instance's attributes in slots of its own, not in a dict?
pub fn has_inline_slots(object: Value) -> bool {
    object.is_cell() && {
        let shape = shape_of(object);
        !shape.is_dict_mode() && shape.capacity() > 0
    }
}

/// `__dict__`: the instance is in dict mode from now on. None when it has no attributes of its own.
pub fn dict(t: &Thread, object: Value) -> R<Option<Ref<Dict>>> {
    if !object.is_cell() || object.class().attrs_offset() == 0 {
        return Ok(None);
    }
    to_dict_mode(t, object)?;
    dict_of(t, object)
}

/// As [`dict()`], but None instead of a new dict for an instance without any attribute.
pub fn dict_if_any(t: &Thread, object: Value) -> R<Option<Ref<Dict>>> {
    if !object.is_cell() {
        return Ok(None);
    }
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        return Ok(attrs_word(object, shape.class()).and_then(dict_in));
    }
    if shape.is_empty() { Ok(None) } else { dict(t, object) }
}

/// Replaces `__dict__`; NULL empties it. False when the object has no attributes of its own.
pub fn set_dict(t: &Thread, object: Value, dict: Value) -> R<bool> {
    if !object.is_cell() {
        return Ok(false);
    }
    let Some(word) = attrs_word(object, object.class()) else { return Ok(false) };
    to_dict_mode(t, object)?;
    word.set(t, untyped(object), dict);
    Ok(true)
}

/// A new dict with the attributes of an object, whose mode stays as it is. None when it has no attributes of its own.
pub fn snapshot(t: &Thread, object: Value) -> R<Option<Ref<Dict>>> {
    if !object.is_cell() || object.class().attrs_offset() == 0 {
        return Ok(None);
    }
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        return match dict_if_any(t, object)? {
            Some(dict) => dict.copy(t).map(Some),
            None => Ok(Some(Dict::new(t))),
        };
    }
    let copy = Dict::with_capacity(t, shape.len())?;
    copy_slots(t, object, shape, copy)?;
    Ok(Some(copy))
}

fn copy_slots(t: &Thread, object: Value, shape: Ref<Shape>, to: Ref<Dict>) -> R<()> {
    for i in 0..shape.len() {
        if let Some(v) = inline_slot(object, shape.class(), i).opt() {
            to.set_name(t, shape.key(i), v)?;
        }
    }
    Ok(())
}

/// Calls a function with each attribute, in order, until it says no.
pub fn each_name(object: Value, mut f: impl FnMut(Value)) {
    let shape = shape_of(object);
    if shape.is_dict_mode() {
        if let Some(dict) = attrs_word(object, shape.class()).and_then(dict_in) {
            dict.iter().for_each(|(k, _)| f(k));
        }
        return;
    }
    for i in 0..shape.len() {
        if inline_slot(object, shape.class(), i).opt().is_some() {
            f(shape.key(i));
        }
    }
}

/// Moves the attributes of an instance to a dict.
#[cold]
#[inline(never)]
fn to_dict_mode_slow(t: &Thread, object: Value) -> R<()> {
    loop {
        let room = shape_of(object).capacity();
        let dict = Dict::with_capacity(t, room)?;
        // Stores into slots take no lock: only while nobody runs is none of them under way.
        let moved = t.mutator.stop_world(c"attributes to dict", |_| {
            let shape = shape_of(object);
            if shape.is_dict_mode() {
                return Ok(true);
            }
            if shape.len() > room {
                return Ok(false);
            }
            let class = shape.class();
            // Nothing is allocated here: the dict has room.
            copy_slots(t, object, shape, dict)?;
            if let Some(word) = attrs_word(object, class) {
                word.set(t, untyped(object), dict.value());
            }
            // SAFETY: the object is alive, and its attributes are where the shape says.
            unsafe { publish_shape(&t.mutator, untyped(object).header(), dict_shape(class)) };
            for i in 0..shape.len() {
                inline_slot(object, class, i).set(t, untyped(object), Value::NULL);
            }
            Ok(true)
        })?;
        if moved {
            crate::stats::count(t, |s| s.objects.dict_materialized_on_request.increment());
            return Ok(());
        }
    }
}

/// The shape of instances of a class that keep their attributes in a dict.
fn dict_shape(class: Ref<Type>) -> ShapeRef {
    // SAFETY: a class whose instances have attributes has such a shape.
    unsafe { Ref::<Shape>::from_value(class.dict_shape.get()) }.shape_ref()
}

/// Makes an instance keep its attributes in a dict.
#[inline]
pub fn to_dict_mode(t: &Thread, object: Value) -> R<()> {
    if shape_of(object).is_dict_mode() { Ok(()) } else { to_dict_mode_slow(t, object) }
}

/// Gives an instance another class of the same layout.
///
/// # Safety
/// The layouts agree: same native part and members, and both have attributes at the same place or none.
pub unsafe fn change_class(t: &Thread, object: Value, class: Ref<Type>) -> R<()> {
    crate::stats::count(t, |s| s.rare_events.set_class.increment());
    let shape = if class.attrs_offset() == 0 {
        class.root_shape()
    } else {
        to_dict_mode(t, object)?;
        dict_shape(class)
    };
    t.mutator.stop_world(c"class of an instance", |_| {
        // SAFETY: the object is alive, and by contract the shape describes it.
        unsafe { publish_shape(&t.mutator, untyped(object).header(), shape) };
    });
    Ok(())
}

/// How many inline slots to give instances that will have `wanted` attributes: as many as fill the cell that is allocated anyway.
pub fn inline_capacity(attrs_offset: usize, wanted: usize) -> usize {
    // The collector's count of value words ends at 255.
    let most = MAX_INLINE.min((u8::MAX as usize).saturating_sub(attrs_offset / size_of::<Slot>()));
    let wanted = wanted.min(most);
    let size = attrs_offset + (1 + wanted) * size_of::<Slot>();
    if size > MAX_SMALL {
        return wanted;
    }
    let whole = CLASS_SIZES[size_class(size)] as usize;
    ((whole - attrs_offset) / size_of::<Slot>() - 1).clamp(wanted, most)
}

/// Instances of this class need more inline slots than they have: those made from now on get them.
#[cold]
fn grow_inline(t: &Thread, class: Ref<Type>, needed: usize) {
    if class.inline_capacity() == 0 || needed > MAX_INLINE {
        return;
    }
    let capacity = inline_capacity(class.attrs_offset(), (needed + needed / 2).min(MAX_INLINE));
    // Instances have as many slots as their root shape says: both change while nobody allocates.
    let old = class.shape.get();
    let new = Shape::new_root(t, class, capacity);
    // SAFETY: the field refers to a shape.
    new.succeed(t, unsafe { Ref::from_value(old) });
    t.mutator.stop_world(c"inline attributes", |_| {
        if class.shape.get() == old && class.inline_capacity() < capacity {
            class.shape.set(t, class, new.value());
            class.set_inline_capacity(capacity);
        }
    });
}

/// `__dict__` in the namespaces of classes that give their instances attributes.
pub static DICT: GetSet = GetSet::property("__dict__", get_dict, set_dict_checked).doc("dictionary for instance variables");

/// `__weakref__` in the namespaces of classes that let their instances be referred to weakly.
pub static WEAKREF: GetSet =
    GetSet::getter("__weakref__", |t, object| Ok(crate::types::weakref::weakrefs_of(t, object).iter().next().unwrap_or(Value::NONE)))
        .doc("list of weak references to the object");

/// `__dict__` of an object as an attribute.
pub fn get_dict(t: &Thread, object: Value) -> R {
    match dict(t, object)? {
        Some(dict) => Ok(dict.value()),
        None => raise!(t, AttributeError, "This object has no __dict__"),
    }
}

/// `__dict__` of a native type's instances: it cannot be deleted.
pub static NATIVE_DICT: GetSet = GetSet::property("__dict__", get_dict, |t, object, v| {
    if v.is_null() {
        raise!(t, TypeError, "cannot delete __dict__")
    }
    set_dict_checked(t, object, v)
})
.doc("dictionary for instance variables");

/// Sets `__dict__` of an object; deleting it leaves an empty one.
pub fn set_dict_checked(t: &Thread, object: Value, v: Value) -> R<()> {
    if !v.is_null() && v.downcast::<Dict>().is_none() {
        raise!(t, TypeError, "__dict__ must be set to a dictionary, not a '{}'", v.class().display_name());
    }
    if set_dict(t, object, v)? { Ok(()) } else { raise!(t, AttributeError, "This object has no __dict__") }
}
