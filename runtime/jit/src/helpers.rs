//! Functions that machine code calls.
//!
//! The contract of the unsafe ones: the thread is the one that calls, and what the arguments refer to is live until the function returns.
//! Where a function may come to a safepoint, the thread's *registers are saved*: its `fp` and `sp` tell the frame and the end of the stack.
//! Each function adds what it expects of its own arguments.

use crate::cells;
use limpid_heap::{Header, Value};
use limpid_probes as probes;
use limpid_vm::interp::trace::line_at;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::attr;
use limpid_vm::protocol::compare::identical_or_equal_now;
use limpid_vm::protocol::hash::hash_value;
use limpid_vm::protocol::isinstance::is_instance_now;
use limpid_vm::thread::Thread;
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::iterators::pairs::next_pair_now;
use limpid_vm::types::set::Set;
use limpid_vm::types::str::Width;
use limpid_vm::types::{Code, Dict, Generator, List, Str, Tuple, Type, slice, type_};
use std::sync::atomic::AtomicU64;

mod natives;
pub use natives::*;

/// Tells the collector of a store into an old object.
///
/// # Safety
/// The [module](self)'s contract; `slot` lies inside of the cell `owner`.
pub unsafe extern "C" fn log_slot(t: *const Thread, owner: *const Header, slot: *const AtomicU64) {
    // SAFETY: by contract.
    unsafe { limpid_heap::log_slot(&(*t).mutator, owner, slot) }
}

/// Replaces item `i` of a list; 0: there is none.
///
/// # Safety
/// The [module](self)'s contract; `list` is a list, and the registers are saved.
pub unsafe extern "C" fn store_item(t: *const Thread, list: Value, i: usize, v: Value) -> u64 {
    // SAFETY: by contract.
    unsafe { Ref::<List>::from_value(list).set(&*t, i, v) as u64 }
}

/// Sets an attribute of an object whose class sets attributes as a rule does; 0: that is not possible, and nothing has happened.
///
/// # Safety
/// The [module](self)'s contract; setting the attribute runs no Python code, and the registers are saved.
pub unsafe extern "C" fn set_attribute(t: *const Thread, object: Value, name: Value, v: Value) -> u64 {
    // SAFETY: by contract.
    unsafe {
        if attr::set_attr(&*t, object, name, v).is_ok() {
            return 1;
        }
        (*t).take_exception();
    }
    0
}

/// The hash of a key that needs no Python code to be hashed.
#[inline(always)]
fn hash_now(t: &Thread, key: Value) -> Option<i64> {
    if key.is_int() || is_hashed_now(key) { hash_value(t, key).ok() } else { None }
}

/// Does hashing a value run no Python code?
fn is_hashed_now(key: Value) -> bool {
    !key.is_cell()
        || match key.shape() {
            shapes::STR => true,
            // SAFETY: the shape is a tuple's.
            shapes::TUPLE => is_tuple_hashed_now(unsafe { Ref::<Tuple>::from_value(key) }, DEEPEST),
            _ => hashes_natively(key.class()),
        }
}

/// How many tuples may be in one another: not so many that the stack could be too small for their hash.
const DEEPEST: usize = 8;

fn is_tuple_hashed_now(tuple: Ref<Tuple>, depth: usize) -> bool {
    tuple.known_hash().is_some()
        || tuple.as_slice().iter().all(|item| {
            !item.is_cell()
                || match item.shape() {
                    // Sets have the hashes of their items.
                    shapes::STR | shapes::FROZENSET => true,
                    // SAFETY: the shape is a tuple's.
                    shapes::TUPLE => depth > 0 && is_tuple_hashed_now(unsafe { Ref::<Tuple>::from_value(*item) }, depth - 1),
                    _ => hashes_natively(item.class()),
                }
        })
}

/// Have the instances of a class the hash that objects, ints or strings have?
pub fn hashes_natively(class: Ref<Type>) -> bool {
    let is_of =
        |base: Ref<Type>| class.slots().hash.zip(base.slots().hash).is_some_and(|(own, of_base)| std::ptr::fn_addr_eq(own, of_base));
    [builtin::OBJECT, builtin::INT, builtin::STR].into_iter().any(is_of)
}

/// A truth that may not be known.
const fn outcome(b: Option<bool>) -> u64 {
    match b {
        Some(b) => b as u64,
        None => UNKNOWN,
    }
}

/// What [`in_dict`] and its like give besides 0 and 1: finding out needs Python code.
pub const UNKNOWN: u64 = 2;

/// An item of a dict; NULL: it has none, or finding out needs Python code.
///
/// # Safety
/// The [module](self)'s contract; `dict` is a dict.
pub unsafe extern "C" fn dict_item(t: *const Thread, dict: Value, key: Value) -> Value {
    // SAFETY: by contract.
    let (t, dict) = unsafe { (&*t, Ref::<Dict>::from_value(dict)) };
    hash_now(t, key).and_then(|hash| dict.get_now(key, hash)).flatten().unwrap_or(Value::NULL)
}

/// An item of a dict, or `default`; NULL: finding out needs Python code, or somebody traces native calls.
///
/// # Safety
/// The [module](self)'s contract; `dict` is a dict.
pub unsafe extern "C" fn dict_get(t: *const Thread, dict: Value, key: Value, default: Value) -> Value {
    // SAFETY: by contract.
    let (t, dict) = unsafe { (&*t, Ref::<Dict>::from_value(dict)) };
    if native_calls_are_traced() {
        return Value::NULL;
    }
    hash_now(t, key).and_then(|hash| dict.get_now(key, hash)).map_or(Value::NULL, |found| found.unwrap_or(default))
}

fn native_calls_are_traced() -> bool {
    probes::cfunction_tracers() != 0
}

/// Has a dict a key?
///
/// # Safety
/// The [module](self)'s contract; `dict` is a dict.
pub unsafe extern "C" fn in_dict(t: *const Thread, dict: Value, key: Value) -> u64 {
    // SAFETY: by contract.
    let (t, dict) = unsafe { (&*t, Ref::<Dict>::from_value(dict)) };
    outcome(hash_now(t, key).and_then(|hash| dict.get_now(key, hash)).map(|found| found.is_some()))
}

/// Has a set or frozenset a key?
///
/// # Safety
/// The [module](self)'s contract; `set` is a set or frozenset.
pub unsafe extern "C" fn in_set(t: *const Thread, set: Value, key: Value) -> u64 {
    // SAFETY: by contract.
    let (t, set) = unsafe { (&*t, Ref::<Set>::from_value(set)) };
    outcome(hash_now(t, key).and_then(|hash| set.contains_now(key, hash)))
}

/// Is a value in a list or tuple?
///
/// # Safety
/// The [module](self)'s contract; `sequence` is a list or tuple.
pub unsafe extern "C" fn in_sequence(sequence: Value, v: Value) -> u64 {
    let among = |items: &mut dyn Iterator<Item = Value>| {
        for item in items {
            match identical_or_equal_now(item, v) {
                Some(false) => {}
                known => return outcome(known),
            }
        }
        0
    };
    // SAFETY: by contract; the shape is one of these two.
    unsafe {
        match sequence.shape() {
            shapes::TUPLE => among(&mut Ref::<Tuple>::from_value(sequence).as_slice().iter().copied()),
            _ => among(&mut Ref::<List>::from_value(sequence).items()),
        }
    }
}

/// Is `v` an instance of `class`, which may be a tuple?
///
/// # Safety
/// The [module](self)'s contract; the registers are saved.
pub unsafe extern "C" fn is_instance(t: *const Thread, v: Value, class: Value) -> u64 {
    // SAFETY: by contract.
    outcome(is_instance_now(unsafe { &*t }, v, class))
}

/// Sets an item of a dict; 0: that needs Python code, or there is no memory, and nothing has happened.
///
/// # Safety
/// The [module](self)'s contract; `dict` is a dict, and the registers are saved.
pub unsafe extern "C" fn store_dict_item(t: *const Thread, dict: Value, key: Value, v: Value) -> u64 {
    // SAFETY: by contract.
    let (t, dict) = unsafe { (&*t, Ref::<Dict>::from_value(dict)) };
    let Some(hash) = hash_now(t, key) else { return 0 };
    dict.set_now(t, key, hash, v).unwrap_or_else(|_| {
        t.take_exception();
        false
    }) as u64
}

/// A number at an index among those that an object has; NULL: there is none.
///
/// # Safety
/// The [module](self)'s contract; `v` is an object with numbers, and the registers are saved.
pub unsafe extern "C" fn number_item(t: *const Thread, v: Value, i: usize) -> Value {
    // SAFETY: by contract.
    made(unsafe { &*t }, get_item(unsafe { &*t }, &[v, Value::int(i as i64 & Value::INT_MAX)]))
}

/// Stores such a number; 0: there is none, or it does not fit.
///
/// # Safety
/// The [module](self)'s contract; `v` is an object with numbers, and the registers are saved.
pub unsafe extern "C" fn store_number(t: *const Thread, v: Value, i: usize, number: Value) -> u64 {
    // SAFETY: by contract.
    let done = made(unsafe { &*t }, set_item(unsafe { &*t }, &[number, v, Value::int(i as i64 & Value::INT_MAX)]));
    !done.is_null() as u64
}

/// Takes the next pair of an iterator apart; 0: there is none, or finding out needs Python code, and nothing has happened.
///
/// # Safety
/// The [module](self)'s contract; two values can be written to `to`, and the registers are saved.
pub unsafe extern "C" fn next_pair(t: *const Thread, iterator: Value, to: *mut Value) -> u64 {
    // SAFETY: by contract.
    unsafe { next_pair_now(&*t, iterator, to) as u64 }
}

/// A character of a str below 256; NULL: there is no such.
///
/// # Safety
/// The [module](self)'s contract; `s` is a str.
pub unsafe extern "C" fn str_item(t: *const Thread, s: Value, i: usize) -> Value {
    // SAFETY: by contract.
    let (t, s) = unsafe { (&*t, Ref::<Str>::from_value(s)) };
    if i >= s.len() || s.width() > Width::Latin1 {
        return Value::NULL;
    }
    t.runtime().latin1_char(s.char_at(i) as u8).value()
}

/// Have two strs the same characters?
///
/// # Safety
/// The [module](self)'s contract; both are strs.
pub unsafe extern "C" fn equal_str(a: Value, b: Value) -> u64 {
    // SAFETY: by contract.
    (a == b || unsafe { Ref::<Str>::from_value(a).equals(&Ref::<Str>::from_value(b)) }) as u64
}

/// Two strs in one; NULL: there is no memory.
///
/// # Safety
/// The [module](self)'s contract; both are strs, and the registers are saved.
pub unsafe extern "C" fn concat_str(t: *const Thread, a: Value, b: Value) -> Value {
    // SAFETY: by contract.
    unsafe { made(&*t, Str::concat(&*t, Ref::from_value(a), Ref::from_value(b)).map(|s| s.value())) }
}

/// What was made; NULL, and no exception any more, if that has failed.
fn made(t: &Thread, v: R) -> Value {
    v.unwrap_or_else(|_| {
        t.take_exception();
        Value::NULL
    })
}

/// Calls a native function with `n` values; NULL: it has raised an exception, or somebody traces such calls and nothing has happened.
///
/// # Safety
/// The [module](self)'s contract; `function` is a [`NativeFunction`] for the `n` values that `items` points to and runs no Python code with
/// them, and the registers are saved.
pub unsafe extern "C" fn call_native(t: *const Thread, function: *const (), items: *const Value, n: usize) -> Value {
    if native_calls_are_traced() {
        return Value::NULL;
    }
    // SAFETY: by contract.
    unsafe {
        let function = std::mem::transmute::<*const (), NativeFunction>(function);
        made(&*t, function(&*t, std::slice::from_raw_parts(items, n)))
    }
}

/// A native function that takes its parameters in a slice.
pub type NativeFunction = fn(&Thread, &[Value]) -> R;

/// A tuple of `n` values; NULL: there is no memory.
///
/// # Safety
/// The [module](self)'s contract; `items` points to `n` values, and the registers are saved.
pub unsafe extern "C" fn build_tuple(t: *const Thread, items: *const Value, n: usize) -> Value {
    // SAFETY: by contract.
    unsafe { made(&*t, Tuple::try_from_slice(&*t, std::slice::from_raw_parts(items, n)).map(|v| v.value())) }
}

/// A list of `n` values; NULL: there is no memory.
///
/// # Safety
/// The [module](self)'s contract; `items` points to `n` values, and the registers are saved.
pub unsafe extern "C" fn build_list(t: *const Thread, items: *const Value, n: usize) -> Value {
    // SAFETY: by contract.
    unsafe { made(&*t, List::from_slice(&*t, std::slice::from_raw_parts(items, n)).map(|v| v.value())) }
}

/// A slice of three values; NULL: there is no memory.
///
/// # Safety
/// The [module](self)'s contract; `items` points to three values, and the registers are saved.
pub unsafe extern "C" fn build_slice(t: *const Thread, items: *const Value, _: usize) -> Value {
    // SAFETY: by contract.
    unsafe { slice::new(&*t, *items, *items.add(1), *items.add(2)) }
}

/// A new instance of a class that needs no more than room for it.
///
/// # Safety
/// The [module](self)'s contract; `class` is a class that [`type_::is_plain`], and the registers are saved.
pub unsafe extern "C" fn new_instance(t: *const Thread, class: Value) -> Value {
    // SAFETY: by contract.
    unsafe { type_::alloc_plain(&*t, Ref::from_value(class)) }
}

/// A new cell for an object, given its header with the size class. No safepoint.
///
/// # Safety
/// The [module](self)'s contract; what the object holds is stored before anything else is allocated.
pub unsafe extern "C" fn new_cell(t: *const Thread, header: u64) -> Value {
    // SAFETY: by contract.
    Value::cell(cells::make(unsafe { &*t }, header))
}

/// Power of floats.
pub extern "C" fn power(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// Appends to a list; 0: there is no memory, and nothing has happened.
///
/// # Safety
/// The [module](self)'s contract; `list` is a list, and the registers are saved.
pub unsafe extern "C" fn append(t: *const Thread, list: Value, v: Value) -> u64 {
    // SAFETY: by contract.
    unsafe {
        if Ref::<List>::from_value(list).append(&*t, v).is_ok() {
            return 1;
        }
        (*t).take_exception();
    }
    0
}

/// A function is entered and somebody traces frames. 1: lines are traced, so the interpreter has to go on, and nothing was told.
///
/// # Safety
/// `code` is a live code object.
pub unsafe extern "C" fn probe_entry(code: *mut Code) -> u64 {
    if probes::line::enabled() {
        return 1;
    }
    if probes::function__entry::enabled() {
        // SAFETY: by contract.
        let code = unsafe { Ref::from_ptr(code) };
        probes::function__entry::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
    0
}

/// A generator goes on and somebody traces frames; as [`probe_entry`].
///
/// # Safety
/// `code` is a live code object.
pub unsafe extern "C" fn probe_resume(code: *mut Code) -> u64 {
    if probes::function__resume::enabled() && !probes::line::enabled() {
        // SAFETY: by contract.
        let code = unsafe { Ref::from_ptr(code) };
        probes::function__resume::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
    // SAFETY: by contract.
    unsafe { probe_entry(code) }
}

/// A generator yields in the instruction at `pc`, and somebody traces that.
///
/// # Safety
/// `code` is a live code object.
pub unsafe extern "C" fn probe_yield(code: *mut Code, pc: *const u16) {
    // SAFETY: by contract.
    let code = unsafe { Ref::from_ptr(code) };
    let line = line_at(code, code.offset_of(pc));
    if probes::function__yield::enabled() {
        probes::function__yield::fire(code.file_c(), code.name_c(), line);
    }
    if probes::function__return::enabled() {
        probes::function__return::fire(code.file_c(), code.name_c(), line);
    }
}

/// Tries to become the one who runs a generator; 0: somebody else does, or it is over, or it has gone on from `pc` meanwhile.
///
/// # Safety
/// The [module](self)'s contract; `g` is a generator or coroutine.
pub unsafe extern "C" fn claim(g: Value, pc: *const u16) -> u64 {
    // SAFETY: by contract.
    let g = unsafe { Ref::<Generator>::from_value(g) };
    let Ok(before) = g.claim() else { return 0 };
    let is_there = g.pc.get() == pc;
    if !is_there {
        g.release(before);
    }
    is_there as u64
}

/// Tells the collector that an old object has changed.
///
/// # Safety
/// The [module](self)'s contract; `owner` is a cell.
pub unsafe extern "C" fn log_object(t: *const Thread, owner: *const Header) {
    // SAFETY: by contract.
    unsafe { limpid_heap::write_barrier(&(*t).mutator, owner) }
}

/// A function returns from the instruction at `pc`, and somebody traces that.
///
/// # Safety
/// `code` is a live code object.
pub unsafe extern "C" fn probe_return(code: *mut Code, pc: *const u16) {
    // SAFETY: by contract.
    let code = unsafe { Ref::from_ptr(code) };
    probes::function__return::fire(code.file_c(), code.name_c(), line_at(code, code.offset_of(pc)));
}
