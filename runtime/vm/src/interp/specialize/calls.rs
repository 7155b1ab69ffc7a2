//! Calls.

use super::{due, failure, has_missed, success};
use crate::args::{FnDef, NativeBody};
use crate::interp::frame::HEADER;
use crate::interp::regs::Regs;
use crate::interp::uops::{HAS_RECEIVER, MAX_FILLED, MOST_UNBOUND};
use crate::object::{Ref, ValueExt};
use crate::protocol::attr;
use crate::stats::Failure;
use crate::types::{BuiltinFunction, Function, MethodDescriptor, Type, builtin, type_};
use limpid_bytecode::{CodeFlags, Opcode};
use limpid_heap::Value;

/// `CALL`
pub fn call(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let n = o as usize;
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    match choose(r, f, receiver, n) {
        Ok(op) => success(r, op),
        Err(kind) => failure(r, kind),
    }
}

fn choose(r: &Regs, f: Value, receiver: Value, n: usize) -> Result<Opcode, Failure> {
    if let Some(function) = f.exact::<Function>() {
        return choose_function(r, function, receiver, n);
    }
    if f.shape() == builtin::shapes::METHOD && f.is_cell() {
        return Ok(Opcode::CALL_BOUND_METHOD);
    }
    if let Some(native) = f.exact::<BuiltinFunction>() {
        return choose_native(r, native, receiver, n);
    }
    if let Some(descriptor) = f.exact::<MethodDescriptor>() {
        return choose_descriptor(r, descriptor, receiver, n);
    }
    if let Some(class) = f.downcast::<Type>()
        && receiver.is_null()
    {
        return choose_class(r, class, n);
    }
    Ok(Opcode::CALL_NON_PY_GENERAL)
}

fn choose_function(r: &Regs, f: Ref<Function>, receiver: Value, n: usize) -> Result<Opcode, Failure> {
    let code = f.code();
    let version = f.version.load(std::sync::atomic::Ordering::Relaxed);
    let given = n + !receiver.is_null() as usize;
    // A call that missed calls now this, now that.
    if has_missed(r) || version == 0 || !code.is_positional() || code.argcount as usize != given {
        return Ok(Opcode::CALL_PY_GENERAL);
    }
    // Header, locals and stack, and the operands of the next call.
    let unbound = code.nlocalsplus as usize - given;
    let size = HEADER + code.frame_values().max(given + MOST_UNBOUND);
    if size >= HAS_RECEIVER as usize || unbound > u16::MAX as usize {
        return Ok(Opcode::CALL_PY_GENERAL);
    }
    r.set_cache32(2, version);
    // The common copy would never be left from here.
    r.set_cache64(4, code.own_entry(r.t()) as u64);
    r.set_cache(8, size as u16 | if receiver.is_null() { 0 } else { HAS_RECEIVER });
    r.set_cache(9, unbound as u16);
    Ok(match (n, receiver.is_null()) {
        _ if r.frame().is_generator() || unbound > MOST_UNBOUND => Opcode::CALL_PY_EXACT_ARGS,
        (0, true) => Opcode::CALL_PY_EXACT_ARGS_0,
        (1, true) => Opcode::CALL_PY_EXACT_ARGS_1,
        (2, true) => Opcode::CALL_PY_EXACT_ARGS_2,
        (3, true) => Opcode::CALL_PY_EXACT_ARGS_3,
        (0, false) => Opcode::CALL_METHOD_EXACT_ARGS_0,
        (1, false) => Opcode::CALL_METHOD_EXACT_ARGS_1,
        (2, false) => Opcode::CALL_METHOD_EXACT_ARGS_2,
        (3, false) => Opcode::CALL_METHOD_EXACT_ARGS_3,
        _ => Opcode::CALL_PY_EXACT_ARGS,
    })
}

/// Writes how many parameters a native function has, 0 if the call gives all of them. False: the arguments are not what it takes.
fn cache_parameters(r: &Regs, f: &FnDef, given: usize) -> bool {
    let signature = &f.signature;
    match f.body {
        NativeBody::Bound(_) => {}
        NativeBody::Positional(_) => {
            r.set_cache(8, 0);
            return true;
        }
        NativeBody::Raw(_) => return false,
    }
    let fits = signature.fits_with_defaults(given) && signature.len() <= MAX_FILLED;
    r.set_cache(8, if signature.fits(given) { 0 } else { signature.len() as u16 });
    fits || signature.fits(given)
}

fn choose_native(r: &Regs, f: Ref<BuiltinFunction>, receiver: Value, n: usize) -> Result<Opcode, Failure> {
    if !receiver.is_null() {
        return Ok(Opcode::CALL_NON_PY_GENERAL);
    }
    r.set_cache64(4, f.value().bits());
    let t = r.t();
    if f.value() == t.interpreter().builtin_len.get() && n == 1 {
        return Ok(Opcode::CALL_LEN);
    }
    if f.value() == t.interpreter().builtin_isinstance.get() && n == 2 {
        return Ok(Opcode::CALL_ISINSTANCE);
    }
    let given = n + f.passes_receiver() as usize;
    if !cache_parameters(r, f.def(), given) {
        return Ok(Opcode::CALL_NON_PY_GENERAL);
    }
    r.set_cache64(4, std::ptr::from_ref(f.def()) as u64);
    r.set_cache(9, f.passes_receiver() as u16);
    Ok(Opcode::CALL_BUILTIN_FAST)
}

fn choose_descriptor(r: &Regs, d: Ref<MethodDescriptor>, receiver: Value, n: usize) -> Result<Opcode, Failure> {
    if receiver.is_null() {
        return Ok(Opcode::CALL_NON_PY_GENERAL);
    }
    r.set_cache64(4, d.value().bits());
    if n == 1 && receiver.shape() == builtin::shapes::LIST && attr::type_lookup(builtin::LIST, crate::names::append) == Some(d.value()) {
        return Ok(Opcode::CALL_LIST_APPEND);
    }
    match d.def().body {
        NativeBody::Raw(_) => Ok(Opcode::CALL_METHOD_DESCRIPTOR_RAW),
        _ if cache_parameters(r, d.def(), n + 1) => Ok(Opcode::CALL_METHOD_DESCRIPTOR_FAST),
        _ => Ok(Opcode::CALL_NON_PY_GENERAL),
    }
}

fn choose_class(r: &Regs, class: Ref<Type>, n: usize) -> Result<Opcode, Failure> {
    if n == 1 {
        if class == builtin::TYPE {
            return Ok(Opcode::CALL_TYPE_1);
        }
        if class == builtin::STR {
            return Ok(Opcode::CALL_STR_1);
        }
        if class == builtin::TUPLE {
            return Ok(Opcode::CALL_TUPLE_1);
        }
    }
    if type_::is_plain(class)
        && class.value().shape() == builtin::shapes::TYPE
        && let Some(init) = attr::type_lookup(class, crate::names::__init__).and_then(|v| v.exact::<Function>())
        && !init.code().flags.has(CodeFlags::GENERATOR | CodeFlags::COROUTINE | CodeFlags::ASYNC_GENERATOR)
    {
        let version = class.assign_version().ok_or(Failure::OutOfVersions)?;
        r.set_cache32(2, version);
        r.set_cache64(4, init.value().bits());
        return Ok(Opcode::CALL_ALLOC_AND_ENTER_INIT);
    }
    r.set_cache64(4, class.value().bits());
    if class.value().class() == builtin::TYPE { Ok(Opcode::CALL_BUILTIN_CLASS) } else { Ok(Opcode::CALL_NON_PY_GENERAL) }
}

/// `CALL_KW`
pub fn call_kw(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let f = r.peek(o as usize + 3);
    success(r, if f.exact::<Function>().is_some() { Opcode::CALL_KW_PY } else { Opcode::CALL_KW_NON_PY });
}
