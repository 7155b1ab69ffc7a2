//! Attributes.

use super::{attempt, attempt_here, slow_uops};
use crate::interp::attribute_cache::Place;
use crate::interp::calls::push_call;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{Ref, Slot, ValueExt};
use crate::protocol::{attr, call};
use crate::shape::Shape;
use crate::types::{Function, Module, Str, Super, Type, builtin};
use crate::{exc, names};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use std::sync::atomic::Ordering::Release;

/// Words from a LOAD_ATTR to the next instruction.
const ADVANCE: isize = 1 + Opcode::LOAD_ATTR.caches() as isize;

slow_uops! {
    /// `x.y`
    LOAD_ATTR_GENERIC = load_attr;
    /// `x.y = z`
    STORE_ATTR_GENERIC = store_attr;
    /// `del x.y`
    DELETE_ATTR_GENERIC = delete_attr;
    /// `super().y`
    LOAD_SUPER_ATTR_GENERIC = load_super_attr;
    /// `super().y(...)` without making the super object.
    LOAD_SUPER_METHOD = load_super_attr;
    /// `__enter__` and the like, looked up on the class.
    LOAD_SPECIAL_METHOD = load_special;
    /// Calls a property's getter as if it were called here.
    CALL_PROPERTY = call_property;
}

unsafe fn load_attr(r: &mut Regs, o: u32) -> Step {
    specialize::load_attr(r, o);
    load_attr_plain(r, o)
}

/// An attribute of an object whose shape is one of several, of which the thread's cache knows where they have it.
#[inline(always)]
pub fn LOAD_FROM_KNOWN_PLACE(r: &mut Regs, o: u32) -> Flow {
    let object = r.peek(1);
    if !object.is_cell() {
        return Flow::Slow(load_attr_again);
    }
    // SAFETY: an object's shape is a live shape.
    let shape = unsafe { Ref::from_shape_ref(object.shape()) };
    match r.t().attribute_cache.known(shape, Value::from_bits(r.cache64(7))) {
        Some(Place::Slot(offset)) => {
            let v = slot_at(object, offset).get();
            if v.is_null() {
                return Flow::Slow(load_attr_again);
            }
            r.poke(1, v);
            if o & 1 != 0 {
                r.push(Value::NULL);
            }
            Flow::Next
        }
        Some(Place::Method(f)) if o & 1 != 0 => {
            r.poke(1, f);
            r.push(object);
            Flow::Next
        }
        _ => Flow::Slow(load_attr_again),
    }
}

/// The general form of an instruction that stays as it is.
unsafe fn load_attr_again(r: &mut Regs, o: u32) -> Step {
    load_attr_plain(r, o)
}

fn load_attr_plain(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = r.frame().code().name_at((o >> 1) as usize);
    let object = r.peek(1);
    if object.is_cell() {
        // SAFETY: an object's shape is a live shape.
        match t.attribute_cache.find(unsafe { Ref::from_shape_ref(object.shape()) }, name) {
            Place::Slot(offset) => {
                let v = slot_at(object, offset).get();
                if !v.is_null() {
                    r.poke(1, v);
                    if o & 1 != 0 {
                        r.push(Value::NULL);
                    }
                    return Step::Next;
                }
            }
            Place::Method(f) if o & 1 != 0 => {
                r.poke(1, f);
                r.push(object);
                return Step::Next;
            }
            Place::ClassValue(v) => {
                r.poke(1, v);
                if o & 1 != 0 {
                    r.push(Value::NULL);
                }
                return Step::Next;
            }
            Place::Method(_) | Place::Unknown => {}
        }
    }
    if o & 1 == 0 {
        let v = attempt!(attr::get_attr(t, object, name));
        r.poke(1, v);
    } else {
        let (f, receiver) = attempt!(attr::get_method(t, object, name));
        r.poke(1, f);
        r.push(receiver);
    }
    Step::Next
}

/// The object has the cached shape, and its class is as it was.
#[inline(always)]
pub fn GUARD_SHAPE(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if !v.is_cell() {
        return Flow::Deopt;
    }
    let cached = ShapeRef(r.cache32(2));
    // SAFETY: a shape whose number is cached and that an object has is alive.
    if v.shape() != cached || unsafe { Ref::<Shape>::from_shape_ref(cached) }.version() != r.cache32(4) {
        return Flow::Deopt;
    }
    Flow::Next
}

#[inline(always)]
fn slot_at<'a>(object: Value, offset: u16) -> &'a Slot {
    // SAFETY: the shape says that there is a slot at this offset.
    unsafe { &*(object.as_ptr::<u8>().add(offset as usize) as *const Slot) }
}

/// An attribute in a slot of the object.
#[inline(always)]
pub fn LOAD_SLOT(r: &mut Regs, o: u32) -> Flow {
    let v = slot_at(r.peek(1), r.cache(6)).get();
    if v.is_null() {
        return Flow::Deopt;
    }
    r.poke(1, v);
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Flow::Next
}

/// A member of `__slots__`.
#[inline(always)]
pub fn LOAD_MEMBER(r: &mut Regs, o: u32) -> Flow {
    LOAD_SLOT(r, o)
}

/// The object could keep attributes in a dict, and has none so far.
#[inline(always)]
pub fn GUARD_NO_DICT(r: &mut Regs, _o: u32) -> Flow {
    if slot_at(r.peek(1), r.cache(6)).get().is_null() { Flow::Next } else { Flow::Deopt }
}

/// A method of the class, and the object as its receiver.
#[inline(always)]
pub fn PUSH_METHOD(r: &mut Regs, o: u32) -> Flow {
    let object = r.peek(1);
    debug_assert!(o & 1 != 0);
    r.poke(1, Value::from_bits(r.cache64(7)));
    r.push(object);
    Flow::Next
}

/// A value of the class that is no descriptor.
#[inline(always)]
pub fn PUSH_CLASS_VALUE(r: &mut Regs, o: u32) -> Flow {
    r.poke(1, Value::from_bits(r.cache64(7)));
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Flow::Next
}

/// The object is the cached class, and it is as it was.
#[inline(always)]
pub fn GUARD_CLASS(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v != Value::cell(ShapeRef(r.cache32(2)).ptr::<Type>()) {
        return Flow::Deopt;
    }
    // SAFETY: the cached address was a class's. If it has died and something else is there, its version is not found there.
    if unsafe { Ref::<Type>::from_value(v) }.version() != r.cache32(4) {
        return Flow::Deopt;
    }
    Flow::Next
}

/// A variable of a module.
#[inline(always)]
pub fn LOAD_MODULE_VALUE(r: &mut Regs, o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::MODULE {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a module's.
    let dict = unsafe { Ref::<Module>::from_value(v) }.dict();
    let Some(table) = dict.table() else { return Flow::Deopt };
    if table.version() != r.cache32(2) {
        return Flow::Deopt;
    }
    match table.value_at(r.cache(6) as usize) {
        Some(v) => r.poke(1, v),
        None => return Flow::Deopt,
    }
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Flow::Next
}

unsafe fn call_property(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the specializer has cached a Python function that takes one argument.
    let f = unsafe { Ref::<Function>::from_value(Value::from_bits(r.cache64(7))) };
    let object = r.peek(1);
    if o & 1 != 0 {
        let v = attempt!(call::call(r.t(), f.value(), &[object]));
        r.poke(1, v);
        r.push(Value::NULL);
        return Step::Next;
    }
    push_call(r, f, &[object], Value::NULL, 1, ADVANCE)
}

/// What a data descriptor of the class, which is in the cache, says.
#[inline(always)]
pub fn ASK_DESCRIPTOR(r: &mut Regs, o: u32) -> Flow {
    let (object, descriptor) = (r.peek(1), Value::from_bits(r.cache64(7)));
    let Some(get) = descriptor.class().slots().descr_get else { return Flow::Deopt };
    r.save();
    let v = attempt_here!(get(r.t(), descriptor, object, object.class().value()));
    r.poke(1, v);
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Flow::Next
}

unsafe fn store_attr(r: &mut Regs, o: u32) -> Step {
    specialize::store_attr(r, o);
    let name = r.frame().code().name_at(o as usize);
    attempt!(attr::set_attr(r.t(), r.peek(1), name, r.peek(2)));
    r.drop_n(2);
    Step::Next
}

/// Stores an attribute of an object whose shape is one of several, as [`LOAD_FROM_KNOWN_PLACE`] loads it.
#[inline(always)]
pub fn STORE_TO_KNOWN_PLACE(r: &mut Regs, _o: u32) -> Flow {
    let (object, v) = (r.peek(1), r.peek(2));
    if !object.is_cell() {
        return Flow::Slow(store_attr_again);
    }
    // SAFETY: an object's shape is a live shape.
    let shape = unsafe { Ref::from_shape_ref(object.shape()) };
    let Some(offset) = r.t().attribute_cache.known_to_store(shape, Value::from_bits(r.cache64(2))) else {
        return Flow::Slow(store_attr_again);
    };
    let slot = slot_at(object, offset);
    // SAFETY: just tested.
    if slot.get().is_null() || unsafe { limpid_heap::cell::header(object) }.is_unlogged() {
        return Flow::Slow(store_attr_again);
    }
    slot.word().store(v.bits(), Release);
    r.drop_n(2);
    Flow::Next
}

/// The general form of an instruction that stays as it is.
unsafe fn store_attr_again(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = r.frame().code().name_at(o as usize);
    let object = r.peek(1);
    if object.is_cell() {
        // Only to be found the next time.
        // SAFETY: an object's shape is a live shape.
        t.attribute_cache.find_to_store(t, object, unsafe { Ref::from_shape_ref(object.shape()) }, name);
    }
    attempt!(attr::set_attr(t, object, name, r.peek(2)));
    r.drop_n(2);
    Step::Next
}

/// The object stored to has the cached shape, and its class is as it was.
#[inline(always)]
pub fn GUARD_STORE_SHAPE(r: &mut Regs, o: u32) -> Flow {
    GUARD_SHAPE(r, o)
}

/// Stores an attribute that has a slot. Takes no lock: the slot belongs to this attribute for ever.
#[inline(always)]
pub fn STORE_SLOT(r: &mut Regs, _o: u32) -> Flow {
    let object = r.peek(1);
    let slot = slot_at(object, r.cache(6));
    if slot.get().is_null() {
        // Deleted, so storing it may change the order.
        return Flow::Deopt;
    }
    store(r, object, slot, r.peek(2))
}

/// Stores a value in the slot of the instruction's cache. The object is noted for the collector, which is rare, out of line: a handler
/// that calls something saves six registers first.
#[inline(always)]
fn store(r: &mut Regs, object: Value, slot: &Slot, v: Value) -> Flow {
    slot.word().store(v.bits(), Release);
    // SAFETY: the callers have tested that it is a cell.
    if unsafe { limpid_heap::cell::header(object) }.is_unlogged() {
        return Flow::Slow(log_store);
    }
    r.drop_n(2);
    Flow::Next
}

unsafe fn log_store(r: &mut Regs, _o: u32) -> Step {
    let object = r.peek(1);
    let slot = slot_at(object, r.cache(6));
    // SAFETY: the slot lies in the object.
    unsafe { limpid_heap::log_slot(&r.t().mutator, object.as_ptr(), slot.word()) };
    r.drop_n(2);
    Step::Next
}

/// Stores a member of `__slots__`.
#[inline(always)]
pub fn STORE_MEMBER(r: &mut Regs, _o: u32) -> Flow {
    let (object, v) = (r.peek(1), r.peek(2));
    store(r, object, slot_at(object, r.cache(6)), v)
}

/// Adds an attribute: takes the object's lock, stores the value, then publishes the shape that has it.
#[inline(always)]
pub fn ADD_SLOT(r: &mut Regs, _o: u32) -> Flow {
    let (object, v) = (r.peek(1), r.peek(2));
    // SAFETY: GUARD_STORE_SHAPE has tested that it is a cell.
    let header = unsafe { limpid_heap::cell::header(object) };
    // What gets its attributes is young, as a rule.
    if header.is_unlogged() {
        return Flow::Slow(add_slot);
    }
    let Some(guard) = limpid_heap::try_lock(header) else { return Flow::Slow(add_slot) };
    if header.shape() != ShapeRef(r.cache32(2)) {
        return if guard.try_unlock() { Flow::Deopt } else { Flow::Slow(unlock_and_add_slot) };
    }
    slot_at(object, r.cache(6)).word().store(v.bits(), Release);
    header.publish_shape_of_logged(ShapeRef(r.cache32(7)));
    if !guard.try_unlock() {
        return Flow::Slow(unlock_added);
    }
    r.drop_n(2);
    Flow::Next
}

unsafe fn add_slot(r: &mut Regs, o: u32) -> Step {
    let name = r.frame().code().name_at(o as usize);
    attempt!(attr::set_attr(r.t(), r.peek(1), name, r.peek(2)));
    r.drop_n(2);
    Step::Next
}

unsafe fn unlock_and_add_slot(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the handler holds the lock of its object.
    unsafe {
        limpid_heap::lock::unlock_contended(limpid_heap::cell::header(r.peek(1)));
        add_slot(r, o)
    }
}

unsafe fn unlock_added(r: &mut Regs, _o: u32) -> Step {
    // SAFETY: the handler holds the lock of its object.
    unsafe { limpid_heap::lock::unlock_contended(limpid_heap::cell::header(r.peek(1))) };
    r.drop_n(2);
    Step::Next
}

unsafe fn delete_attr(r: &mut Regs, o: u32) -> Step {
    let name = r.frame().code().name_at(o as usize);
    attempt!(attr::del_attr(r.t(), r.peek(1), name));
    r.drop_n(1);
    Step::Next
}

unsafe fn load_super_attr(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let (global, class, object) = (r.peek(3), r.peek(2), r.peek(1));
    let name = r.frame().code().name_at((o >> 2) as usize);
    let (f, receiver) = if global == builtin::SUPER.value() {
        attempt!(Super::lookup(t, class, object, name, o & 1 != 0))
    } else {
        let args: &[Value] = if o & 2 != 0 { &[class, object] } else { &[] };
        let s = attempt!(call::call(t, global, args));
        if o & 1 != 0 { attempt!(attr::get_method(t, s, name)) } else { (attempt!(attr::get_attr(t, s, name)), Value::NULL) }
    };
    r.drop_n(3);
    r.push(f);
    if o & 1 != 0 {
        r.push(receiver);
    }
    Step::Next
}

/// The name of the method that a LOAD_SPECIAL wants.
pub fn special_name(o: u32) -> Value {
    [names::__enter__, names::__exit__, names::__aenter__, names::__aexit__][(o & 3) as usize]
}

/// The method in the cache, and the object as its receiver.
#[inline(always)]
pub fn PUSH_SPECIAL(r: &mut Regs, _o: u32) -> Flow {
    let object = r.peek(1);
    r.poke(1, Value::from_bits(r.cache64(6)));
    r.push(object);
    Flow::Next
}

unsafe fn load_special(r: &mut Regs, o: u32) -> Step {
    specialize::load_special(r, o);
    let t = r.t();
    let object = r.peek(1);
    let name = special_name(o);
    match attempt!(attr::get_special_method(t, object, name)) {
        Some((f, receiver)) => {
            r.poke(1, f);
            r.push(receiver);
            Step::Next
        }
        None => {
            let class = object.class();
            let asynchronous = o >= 2;
            let protocol = if asynchronous { "asynchronous context manager" } else { "context manager" };
            // SAFETY: names are strings.
            let missing = unsafe { Ref::<Str>::from_value(name) };
            let other = if asynchronous { names::__enter__ } else { names::__aenter__ };
            let hint = match (attr::type_lookup(class, other), asynchronous) {
                (Some(_), false) => " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?",
                (Some(_), true) => " but it supports the context manager protocol. Did you mean to use 'with'?",
                _ => "",
            };
            let missing = missing.to_string_lossy();
            t.raise(
                exc::TypeError,
                &format!("'{}' object does not support the {protocol} protocol (missed {missing} method){hint}", class.display_name()),
            );
            Step::Error
        }
    }
}
