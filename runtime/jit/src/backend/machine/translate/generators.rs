//! Resuming and suspending generators.

use super::{Function, flags};
use crate::helpers;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use limpid_vm::thread::{HandledException, Thread};
use limpid_vm::types::Generator;
use limpid_vm::types::generator::state;
use std::mem::offset_of;

/// Where a generator has what its caller was handling.
const OUTER_HANDLED: i32 = (offset_of!(Generator, handled) + offset_of!(HandledException, previous)) as i32;

impl Function<'_, '_> {
    /// Stores a word of the header of a generator's frame.
    fn store_header(&mut self, g: Value, below: i32, v: Value) {
        self.b.ins().store(flags(), v, g, Generator::FRAME_OFFSET as i32 - below * 8);
    }

    /// As the interpreter does it: claims the generator, links its frame and what it is handling.
    pub(super) fn resume(&mut self, args: &[Value], number: usize, exit: u32) {
        let (g, caller, caller_sp, free) = (args[0], args[1], args[2], args[3]);
        let how = self.t.trace.resumptions[number].clone();
        self.while_alone(
            |f, _| {
                let now = f.b.ins().load(I8, flags(), g, Generator::STATE as i32);
                let bound = f.b.ins().iconst(I8, state::SUSPENDED_YIELD_FROM_LOCKED as i64);
                let suspended = f.b.ins().icmp(IntCC::UnsignedLessThan, now, bound);
                f.guard(suspended, exit);
                let executing = f.b.ins().iconst(I8, state::EXECUTING as i64);
                f.b.ins().store(flags(), executing, g, Generator::STATE as i32);
            },
            |f| {
                let pc = f.constant(how.pc as i64);
                let claimed = f.call(helpers::claim as *const () as usize, &[g, pc], true).expect("it has a result");
                f.guard(claimed, exit);
            },
        );
        self.store_header(g, 4, caller);
        let return_pc = self.constant(how.return_pc as i64);
        self.store_header(g, 3, return_pc);
        let exhausted_pc = self.constant(how.exhausted_pc as i64);
        let wants_value = self.b.ins().iconst(I8, how.wants_value as i64);
        for (offset, v) in [
            (offset_of!(Generator, caller_sp), caller_sp),
            (offset_of!(Generator, stack_top), free),
            (Generator::EXHAUSTED_PC, exhausted_pc),
            (Generator::WANTS_VALUE, wants_value),
        ] {
            self.b.ins().store(flags(), v, g, offset as i32);
        }
        let (thread, handled) = (self.thread(), offset_of!(Thread, handled) as i32);
        let outer = self.b.ins().load(I64, flags(), thread, handled);
        self.b.ins().store(flags(), outer, g, OUTER_HANDLED);
        let own = self.add_constant(g, offset_of!(Generator, handled) as i64);
        self.b.ins().store(flags(), own, thread, handled);
        // The collector looks at the frames of running generators from here on.
        let frame = self.add_constant(g, Generator::FRAME_OFFSET as i64);
        self.b.ins().store(flags(), frame, thread, offset_of!(Thread, fp) as i32);
    }

    /// The other way round. What is in variables and on the stack of the generator was stored.
    pub(super) fn suspend(&mut self, args: &[Value], pc: i64, to: u8) {
        let (g, end, caller, caller_sp) = (args[0], args[1], args[2], args[3]);
        let pc = self.constant(pc);
        self.b.ins().store(flags(), pc, g, offset_of!(Generator, pc) as i32);
        self.b.ins().store(flags(), end, g, offset_of!(Generator, sp) as i32);
        let thread = self.thread();
        let outer = self.b.ins().load(I64, flags(), g, OUTER_HANDLED);
        self.b.ins().store(flags(), outer, thread, offset_of!(Thread, handled) as i32);
        self.save_registers(caller, caller_sp);
        let unlogged = self.is_unlogged(g);
        self.rarely(unlogged, |f| {
            let thread = f.thread();
            f.call(helpers::log_object as *const () as usize, &[thread, g], false);
        });
        // Stores become visible in order on this architecture.
        let to = self.b.ins().iconst(I8, to as i64);
        self.b.ins().store(flags(), to, g, Generator::STATE as i32);
    }
}
