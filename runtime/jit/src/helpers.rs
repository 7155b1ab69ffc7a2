//! Functions that machine code calls.

use limpid_heap::{Header, Value};
use limpid_probes as probes;
use limpid_vm::interp::trace::line_at;
use limpid_vm::object::Ref;
use limpid_vm::protocol::attr;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Code, Generator, List};
use std::sync::atomic::AtomicU64;

/// Tells the collector of a store into an old object.
pub unsafe extern "C" fn log_slot(t: *const Thread, owner: *const Header, slot: *const AtomicU64) {
    // SAFETY: machine code passes its own thread, and a slot of a live object.
    unsafe { limpid_heap::log_slot(&(*t).mutator, owner, slot) }
}

/// Replaces item `i` of a list; 0: there is none.
pub unsafe extern "C" fn store_item(t: *const Thread, list: Value, i: usize, v: Value) -> u64 {
    // SAFETY: machine code passes its own thread, and has looked at the list's shape.
    unsafe { Ref::<List>::from_value(list).set(&*t, i, v) as u64 }
}

/// Sets an attribute of an object whose class sets attributes as a rule does; 0: that is not possible, and nothing has happened.
pub unsafe extern "C" fn set_attribute(t: *const Thread, object: Value, name: Value, v: Value) -> u64 {
    // SAFETY: machine code passes its own thread, and live values.
    unsafe {
        if attr::set_attr(&*t, object, name, v).is_ok() {
            return 1;
        }
        (*t).take_exception();
    }
    0
}

/// Power of floats.
pub extern "C" fn power(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// Appends to a list; 0: there is no memory, and nothing has happened.
pub unsafe extern "C" fn append(t: *const Thread, list: Value, v: Value) -> u64 {
    // SAFETY: as in `store_item`.
    unsafe {
        if Ref::<List>::from_value(list).append(&*t, v).is_ok() {
            return 1;
        }
        (*t).take_exception();
    }
    0
}

/// A function is entered and somebody traces frames. 1: lines are traced, so the interpreter has to go on, and nothing was told.
pub unsafe extern "C" fn probe_entry(code: *mut Code) -> u64 {
    if probes::line::enabled() {
        return 1;
    }
    if probes::function__entry::enabled() {
        // SAFETY: machine code passes the code of the function that it has just called.
        let code = unsafe { Ref::from_ptr(code) };
        probes::function__entry::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
    0
}

/// A generator goes on and somebody traces frames; as [`probe_entry`].
pub unsafe extern "C" fn probe_resume(code: *mut Code) -> u64 {
    if probes::function__resume::enabled() && !probes::line::enabled() {
        // SAFETY: machine code passes the code of the generator that it has just resumed.
        let code = unsafe { Ref::from_ptr(code) };
        probes::function__resume::fire(code.file_c(), code.name_c(), code.firstlineno as i32);
    }
    // SAFETY: the same code.
    unsafe { probe_entry(code) }
}

/// A generator yields in the instruction at `pc`, and somebody traces that.
pub unsafe extern "C" fn probe_yield(code: *mut Code, pc: *const u16) {
    // SAFETY: machine code passes the code of the generator it is in.
    let code = unsafe { Ref::from_ptr(code) };
    let line = line_at(code, code.offset_of(pc));
    if probes::function__yield::enabled() {
        probes::function__yield::fire(code.file_c(), code.name_c(), line);
    }
    if probes::function__return::enabled() {
        probes::function__return::fire(code.file_c(), code.name_c(), line);
    }
}

/// Tries to become the one who runs a generator; 0: somebody else does, or it is over.
pub unsafe extern "C" fn claim(g: Value) -> u64 {
    // SAFETY: machine code has looked at the shape.
    unsafe { Ref::<Generator>::from_value(g) }.claim().is_ok() as u64
}

/// Tells the collector that an old object has changed.
pub unsafe extern "C" fn log_object(t: *const Thread, owner: *const Header) {
    // SAFETY: machine code passes its own thread, and a live object.
    unsafe { limpid_heap::write_barrier(&(*t).mutator, owner) }
}

/// A function returns from the instruction at `pc`, and somebody traces that.
pub unsafe extern "C" fn probe_return(code: *mut Code, pc: *const u16) {
    // SAFETY: machine code passes the code of the function it is in.
    let code = unsafe { Ref::from_ptr(code) };
    probes::function__return::fire(code.file_c(), code.name_c(), line_at(code, code.offset_of(pc)));
}
