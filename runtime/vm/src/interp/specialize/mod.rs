//! The specializer: rewrites an instruction for the types it has met.
//!
//! The general form of a family calls its function here before it does its work. The function counts the instruction's backoff counter
//! down; when that triggers it looks at the operands and writes a specialized opcode and its caches, or counts a failure and backs off.
//! Each thread specializes its own copy of the code, so nobody else reads a half-written cache; opcode bytes are atomic all the same. The
//! copy that threads have in common is not specialized.

mod attributes;
mod calls;
mod simple;

pub use attributes::{load_attr, load_global, load_special, store_attr};
pub use calls::{call, call_kw};
pub use simple::{binary_op, compare_op, contains_op, for_iter, get_iter, send, store_subscr, to_bool, unpack_sequence};

use crate::interp::backoff;
use crate::interp::regs::Regs;
use crate::stats;
use crate::thread::Thread;
use crate::types::code_copies;
use limpid_bytecode::Opcode;

/// Does this thread specialize? Not with `-X tlbc=0`.
#[inline]
pub fn is_enabled(t: &Thread) -> bool {
    t.runtime().specializes
}

/// Is it too early to specialize the instruction? Counts it then. Handlers ask before they take the long way to the specializer.
#[inline(always)]
pub fn too_early(r: &Regs, family: Opcode) -> bool {
    let counter = r.cache(1);
    if backoff::triggers(counter) {
        return false;
    }
    r.set_cache(1, backoff::advance(counter));
    stats::deferred(r.t(), r.word() as u8, family);
    true
}

/// Is it time to specialize the instruction? Counts otherwise.
#[inline]
fn due(r: &Regs) -> bool {
    let counter = r.cache(1);
    if !backoff::triggers(counter) {
        r.set_cache(1, backoff::advance(counter));
        stats::deferred(r.t(), r.word() as u8, r.opcode().family());
        return false;
    }
    let t = r.t();
    is_enabled(t) && (t.bytecode_index.get() == 0 || !code_copies::is_common(r.frame().code(), r.pc))
}

/// Has the instruction been specialized already, and missed so often that it is time for something else?
fn has_missed(r: &Regs) -> bool {
    Opcode::from_u8(r.word() as u8).is_some_and(Opcode::is_specialized)
}

/// Writes the specialized opcode.
fn success(r: &Regs, op: Opcode) {
    stats::specialized(r.t(), r.word() as u8, op.family());
    r.set_specialized(op);
    r.set_cache(1, backoff::COOL_DOWN);
}

/// Goes back to the general form and tries again later.
fn failure(r: &Regs, kind: stats::Failure) {
    let op = r.opcode();
    r.set_specialized(op.family());
    r.set_cache(1, backoff::restart(r.cache(1)));
    stats::failed(r.t(), op as u8, op.family(), kind);
}
