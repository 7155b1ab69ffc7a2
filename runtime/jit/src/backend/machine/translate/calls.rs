//! Calls: of functions of the runtime, of bodies of instructions, and of other traces.

use super::{Function, flags};
use crate::backend::code;
use crate::backend::machine::entry;
use crate::executor::BUFFER_WORDS;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, Value};
use cranelift_codegen::isa::CallConv;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::bodies;
use std::mem::offset_of;

/// So many arguments fit into registers beside what [`entry::aside`] takes.
const MOST_ASIDE: usize = 4;

impl Function<'_, '_> {
    pub(super) fn call(&mut self, function: usize, arguments: &[Value], result: bool) -> Option<Value> {
        let address = self.constant(function as i64);
        let fits = arguments.len() <= MOST_ASIDE && arguments.iter().all(|a| self.b.func.dfg.value_type(*a) == I64);
        if self.aside && fits {
            return self.call_aside(address, arguments, result);
        }
        self.call_at(address, arguments, result)
    }

    /// Calls a function where the trace hardly ever comes to: see [`entry::aside`].
    fn call_aside(&mut self, address: Value, arguments: &[Value], result: bool) -> Option<Value> {
        let place = self.constant(self.t.buffer as i64 + (BUFFER_WORDS as i64 - 1) * 8);
        let all = [&[address, place], arguments].concat();
        let mut signature = Signature::new(CallConv::PreserveAll);
        signature.params.extend(all.iter().map(|_| AbiParam::new(I64)));
        let signature = self.b.import_signature(signature);
        let aside = self.constant(entry::aside as *const () as i64);
        self.b.ins().call_indirect(signature, aside, &all);
        result.then(|| self.b.ins().load(I64, flags(), place, 0))
    }

    /// What is done in `body` is hardly ever done.
    pub(super) fn aside<T>(&mut self, aside: bool, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.aside, aside);
        let result = body(self);
        self.aside = before;
        result
    }

    pub(super) fn call_at(&mut self, address: Value, arguments: &[Value], result: bool) -> Option<Value> {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.extend(arguments.iter().map(|a| AbiParam::new(self.b.func.dfg.value_type(*a))));
        if result {
            signature.returns.push(AbiParam::new(I64));
        }
        let signature = self.b.import_signature(signature);
        let call = self.b.ins().call_indirect(signature, address, arguments);
        self.b.inst_results(call).first().copied()
    }

    pub(super) fn body(&mut self, fp: Value, number: usize) -> Option<()> {
        let call = self.t.trace.calls[number].clone();
        let pc = self.constant(call.pc as i64);
        let sp = self.add_constant(fp, call.used as i64 * 8);
        let thread = self.thread();
        let oparg = self.constant(call.oparg as i64);
        let mut function = self.constant(call.function as i64);
        if call.op.caches() > 0 {
            // The form that was recorded, or the one that it has by now.
            let now = self.b.ins().load(I8, flags(), pc, 0);
            let recorded = self.b.ins().iconst(I8, call.op as i64);
            let same = self.b.ins().icmp(IntCC::Equal, now, recorded);
            let current = self.constant(bodies::current as *const () as i64);
            function = self.b.ins().select(same, function, current);
        }
        let went_on = self.call_at(function, &[pc, sp, fp, thread, oparg], true)?;
        let elsewhere = self.b.create_block();
        self.b.set_cold_block(elsewhere);
        self.leaves.push((elsewhere, went_on, self.position));
        let as_expected = self.compare_constant(IntCC::Equal, went_on, call.expected as i64);
        self.go_on_if(as_expected, elsewhere);
        // A view of the variables may have changed them, or tools watch from now on.
        let exposed = self.b.ins().load(I8, flags(), thread, offset_of!(Thread, leave_trace) as i32);
        self.go_on_unless(exposed, elsewhere);
        Some(())
    }

    pub(super) fn link(&mut self, executor: i64, args: &[Value], exit: Option<u32>) {
        // The address of the code is in the executor's first word.
        let executor = self.constant(executor);
        let code = self.b.ins().load(I64, flags(), executor, 0);
        if let Some(exit) = exit {
            let has_none = self.compare_constant(IntCC::Equal, code, code::leave_stub() as i64);
            self.guard_not(has_none, exit);
        }
        self.count_run(self.position + 1);
        let buffer = self.constant(self.t.buffer as i64);
        for (word, v) in args[2..].iter().enumerate() {
            self.store_raw(buffer, word as i32, *v);
        }
        self.b.ins().return_call_indirect(self.signature, code, &[args[0], args[1]]);
    }
}
