//! Uops that call: functions of the runtime, bodies of instructions, other traces; and generators, which are resumed and suspended.

use super::run::{Done, Run, Way};
use super::{Next, leave_stub};
use crate::helpers;
use limpid_heap::Value;
use limpid_vm::interp::frame::Frame;
use limpid_vm::object::Ref;
use limpid_vm::tier2::bodies::{self, Body};
use limpid_vm::types::Generator;
use std::sync::atomic::{AtomicPtr, AtomicU16, Ordering::*};

/// Goes on with a value unless it is NULL.
pub fn found(v: Value) -> Done {
    if v.is_null() { Err(Way::Exit) } else { Ok(v.bits()) }
}

/// Goes on with a truth if it is known.
pub fn known(truth: u64) -> Done {
    if truth == helpers::UNKNOWN { Err(Way::Exit) } else { Ok(truth) }
}

impl Run<'_> {
    /// Before a function is called that may collect garbage: tells where the interpreter's stack ends.
    pub fn save_registers(&self, fp: u64, sp: u64) {
        self.t.fp.set(fp as *mut Value);
        self.t.sp.set(sp as *mut Value);
    }

    /// Calls a function with all values but the last two, which tell where the interpreter's stack ends. The registers keep the values
    /// alive.
    pub fn with_items(&self, words: &[u64], call: impl FnOnce(*const Value, usize) -> Value) -> Done {
        let (items, registers) = words.split_at(words.len() - 2);
        self.save_registers(registers[0], registers[1]);
        let items: Vec<Value> = items.iter().map(|word| Value::from_bits(*word)).collect();
        found(call(items.as_ptr(), items.len()))
    }

    /// A new object of a layout. No safepoint.
    ///
    /// # Safety
    /// The words are the values of such an object.
    pub unsafe fn make(&self, layout: i64, words: &[u64]) -> u64 {
        // SAFETY: by contract; the object is in a register before the next uop.
        unsafe { self.program.layouts[layout as usize].make(self.t, words.iter().map(|word| Value::from_bits(*word))).bits() }
    }

    /// Runs an instruction in the interpreter's words.
    ///
    /// # Safety
    /// `fp` is the frame that it is in, and the program has such a call.
    pub unsafe fn body(&self, fp: u64, number: usize) -> Done {
        let call = &self.program.calls[number];
        let (pc, fp) = (call.pc as *const u16, fp as *mut Value);
        // SAFETY: an instruction's word, and a body's address.
        let (now, recorded) =
            unsafe { ((*pc.cast::<AtomicU16>()).load(Relaxed) as u8, std::mem::transmute::<*const (), Body>(call.function as *const ())) };
        // The form that was recorded, or the one that it has by now.
        let function = if call.op.caches() == 0 || call.op as u8 == now { recorded } else { bodies::current };
        // SAFETY: by contract; the trace has written what the frame has.
        let went_on = unsafe { function(pc, fp.add(call.used as usize), fp, self.t, u64::from(call.oparg)) };
        // A view of the variables may have changed them, or tools watch from now on.
        if went_on as u64 != call.expected || self.t.leave_trace.get() != 0 { Err(Way::Interpreter(went_on)) } else { Ok(0) }
    }

    /// Goes on in the executor or junction at an address; leaves through its exit, if it has one, where there is no code.
    ///
    /// # Safety
    /// There is one, and the words are those of a link.
    pub unsafe fn link(&self, to: i64, words: &[u64], leaves: bool) -> Way {
        // SAFETY: the address of the code is in the first word of either.
        let code = unsafe { (*(to as *const AtomicPtr<u8>)).load(Acquire) };
        if leaves && std::ptr::eq(code, leave_stub()) {
            return Way::Exit;
        }
        for (word, v) in words[2..].iter().enumerate() {
            self.set_input(word, *v);
        }
        Way::Linked(Next { code, frame: words[0] as *mut Value, word: words[1] as usize })
    }

    /// Claims a generator and links its frame.
    ///
    /// # Safety
    /// The words are those of a resumption, which the program has.
    pub unsafe fn resume(&self, words: &[u64], number: usize) -> Done {
        let how = &self.program.resumptions[number];
        let v = Value::from_bits(words[0]);
        // SAFETY: by contract.
        let g = unsafe {
            if helpers::claim(v, how.pc as *const u16) == 0 {
                return Err(Way::Exit);
            }
            Ref::<Generator>::from_value(v)
        };
        let (caller, caller_sp) = (Frame(words[1] as *mut Value), words[2] as *mut Value);
        g.link(self.t, caller, caller_sp, how.return_pc as *const u16, how.exhausted_pc as *const u16, how.wants_value);
        g.stack_top.set(words[3] as *mut Value);
        // The collector looks at the frames of running generators from here on.
        self.t.fp.set(g.frame().0);
        Ok(0)
    }

    /// The other way round. What is in variables and on the stack of the generator was stored.
    ///
    /// # Safety
    /// The words are those of a generator that is suspended.
    pub unsafe fn suspend(&self, words: &[u64], pc: i64, to: u8) -> u64 {
        // SAFETY: by contract.
        let g = unsafe { Ref::<Generator>::from_value(Value::from_bits(words[0])) };
        g.pc.set(pc as *const u16);
        g.sp.set(words[1] as *mut Value);
        self.save_registers(words[2], words[3]);
        g.unlink(self.t);
        g.release(to);
        0
    }
}
