//! Uops to Cranelift's instructions.

mod generators;
mod lookups;
mod numbers;
mod stores;
mod tracing;

use crate::entry;
use crate::executor::{Executor, Exit};
use crate::helpers;
use crate::ir::{Effect, Id, Op, Trace, Ty, Uop};
use crate::uop_counts::{Counts, is_run};
use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I8, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, InstBuilder, MemFlagsData, SigRef, Signature, SourceLoc, Type, UserFuncName, Value,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use limpid_heap::Value as Python;
use limpid_probes as probes;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::bodies;
use limpid_vm::types::generator::state;
use std::cell::Cell;
use std::mem::offset_of;

const INT_TAG: i64 = (0xFFFEu64 << 48) as i64;
const FLOAT_OFFSET: i64 = 1 << 48;
const FLOAT_SPAN: i64 = (0xFFF1u64 << 48) as i64;
const CANONICAL_NAN: i64 = 0x7FF8 << 48;
/// The bits of a shifted int that are its payload.
const PAYLOAD: i64 = -(1 << 15);
/// Where a cell's header has the bit that the store barrier tests.
const GC_BYTE: i32 = offset_of!(limpid_heap::Header, gc) as i32;

/// A function being made.
pub struct Translation<'a> {
    trace: &'a Trace,
    /// The thread's buffer.
    buffer: usize,
    executor: &'a Executor,
    /// The values of each exit, in the order of the buffer's words.
    words: &'a [Vec<Id>],
}

struct Function<'a, 'b> {
    t: &'a Translation<'a>,
    b: FunctionBuilder<'b>,
    frame: Value,
    signature: SigRef,
    values: Vec<Option<Value>>,
    /// Blocks of exits that are not written yet, and the position of the uop that leaves.
    open_exits: Vec<(u32, Block, usize)>,
    /// Blocks that hand over to the interpreter where the saved registers say, likewise.
    leaves: Vec<(Block, Value, usize)>,
    /// The position of the uop that is being made among those that run, and of the first one of the part that it is in.
    position: usize,
    part: usize,
    /// Instances that were made here, that nothing refers to yet but the frames, and that no collection has seen.
    fresh: Vec<Id>,
}

fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl<'a> Translation<'a> {
    /// To be made from a trace.
    pub fn new(trace: &'a Trace, buffer: usize, executor: &'a Executor, words: &'a [Vec<Id>]) -> Translation<'a> {
        Translation { trace, buffer, executor, words }
    }

    /// Makes the function. None: something cannot be expressed.
    pub fn function(&self, context: &mut Context, isa: &dyn TargetIsa) -> Option<()> {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.extend([AbiParam::new(I64), AbiParam::new(I64)]);
        signature.returns.push(AbiParam::new(I64));
        context.func.signature = signature.clone();
        context.func.name = UserFuncName::default();
        let mut builders = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut context.func, &mut builders);
        let start = b.create_block();
        b.append_block_params_for_function_params(start);
        b.switch_to_block(start);
        let frame = b.block_params(start)[0];
        let signature = b.import_signature(signature);
        let values = vec![None; self.trace.uops.len()];
        let mut f = Function {
            t: self,
            b,
            frame,
            signature,
            values,
            open_exits: Vec::new(),
            leaves: Vec::new(),
            position: 0,
            part: 0,
            fresh: Vec::new(),
        };
        f.whole()?;
        f.b.seal_all_blocks();
        f.b.finalize(isa.frontend_config());
        Some(())
    }
}

impl Function<'_, '_> {
    fn whole(&mut self) -> Option<()> {
        let trace = self.t.trace;
        let thread = self.thread();
        self.b.ins().store(flags(), self.frame, thread, offset_of!(Thread, trace_frame) as i32);
        self.count(|counts| &counts.entered, 1);
        for id in &trace.entry {
            self.uop(*id)?;
        }
        let Some(next) = &trace.next else {
            if !self.t.executor.header.is_null() {
                self.count_round();
            }
            self.count(|counts| &counts.begun, 1);
            for id in &trace.body {
                self.uop(*id)?;
            }
            self.write_exits();
            return Some(());
        };
        let header = self.b.create_block();
        let changing: Vec<(Id, Id)> =
            trace.inputs.iter().copied().zip(next.iter().copied()).filter(|(input, next)| input != next).collect();
        let mut first = Vec::new();
        for (input, _) in &changing {
            let v = self.value(*input);
            first.push(BlockArg::from(v));
        }
        self.count_run(self.position);
        self.b.ins().jump(header, &first);
        // The exits so far belong to what was before the loop.
        self.write_exits();
        self.part = self.position;
        self.b.switch_to_block(header);
        for (input, _) in &changing {
            let ty = clif_type(trace.uop(*input).ty);
            let parameter = self.b.append_block_param(header, ty);
            self.values[input.0 as usize] = Some(parameter);
        }
        self.count_round();
        self.count(|counts| &counts.begun, 1);
        for id in &trace.body {
            self.uop(*id)?;
        }
        self.count_run(self.position);
        let mut again = Vec::new();
        for (_, next) in &changing {
            let v = self.value(*next);
            again.push(BlockArg::from(v));
        }
        self.b.ins().jump(header, &again);
        self.write_exits();
        Some(())
    }

    fn count_round(&mut self) {
        let watch = &self.t.executor.watch;
        if watch.counts_rounds() {
            self.add_to(&watch.rounds, 1);
        }
    }

    fn add_to(&mut self, counter: *const Cell<u64>, n: usize) {
        let place = self.constant(counter as i64);
        let count = self.b.ins().load(I64, flags(), place, 0);
        let count = self.add_constant(count, n as i64);
        self.b.ins().store(flags(), count, place, 0);
    }

    /// Adds to a counter of the statistics, if the code is to count.
    fn count(&mut self, which: impl FnOnce(&Counts) -> *const Cell<u64>, n: usize) {
        if let Some(counts) = &self.t.executor.counts {
            self.add_to(which(counts), n);
        }
    }

    /// The uops of this part have run up to the one at a position.
    fn count_run(&mut self, end: usize) {
        self.count(|counts| counts.run, end - self.part);
    }

    /// The trace is left at the uop at a position.
    fn count_left(&mut self, at: usize) {
        self.count(|counts| &counts.left[at], 1);
        self.count_run(at + 1);
    }

    // ---- values ----

    /// A value. Constants and addresses of frames are made anew for each use: they would take registers.
    fn value(&mut self, id: Id) -> Value {
        let u = self.t.trace.uop(id);
        match (u.op, u.ty) {
            (Op::Const, Ty::Float) => self.b.ins().f64const(f64::from_bits(u.imm as u64)),
            (Op::Const, Ty::Bool) => self.b.ins().iconst(I8, u.imm),
            (Op::Const, _) => self.constant(u.imm),
            (Op::Frame, _) => self.add_constant(self.frame, u.imm),
            _ => self.values[id.0 as usize].expect("a value is made before it is used"),
        }
    }

    fn constant(&mut self, v: i64) -> Value {
        self.b.ins().iconst(I64, v)
    }

    fn thread(&mut self) -> Value {
        self.b.ins().get_pinned_reg(I64)
    }

    fn compare_constant(&mut self, cc: IntCC, v: Value, c: i64) -> Value {
        let c = self.constant(c);
        self.b.ins().icmp(cc, v, c)
    }

    fn arithmetic_constant(&mut self, op: fn(&mut Self, Value, Value) -> Value, v: Value, c: i64) -> Value {
        let c = self.constant(c);
        op(self, v, c)
    }

    fn and_constant(&mut self, v: Value, c: i64) -> Value {
        self.arithmetic_constant(|f, a, b| f.b.ins().band(a, b), v, c)
    }

    fn or_constant(&mut self, v: Value, c: i64) -> Value {
        self.arithmetic_constant(|f, a, b| f.b.ins().bor(a, b), v, c)
    }

    fn add_constant(&mut self, v: Value, c: i64) -> Value {
        if c == 0 { v } else { self.arithmetic_constant(|f, a, b| f.b.ins().iadd(a, b), v, c) }
    }

    fn shift_left(&mut self, v: Value, n: i64) -> Value {
        self.arithmetic_constant(|f, a, b| f.b.ins().ishl(a, b), v, n)
    }

    fn shift_right(&mut self, v: Value, n: i64) -> Value {
        self.arithmetic_constant(|f, a, b| f.b.ins().sshr(a, b), v, n)
    }

    fn shift_right_unsigned(&mut self, v: Value, n: i64) -> Value {
        self.arithmetic_constant(|f, a, b| f.b.ins().ushr(a, b), v, n)
    }

    // ---- leaving ----

    fn exit_block(&mut self, exit: u32) -> Block {
        // Uops that leave to the same place share a block, unless they are counted.
        let at = self.position;
        let is_counted = self.t.executor.counts.is_some();
        if let Some((_, block, _)) = self.open_exits.iter().find(|e| e.0 == exit && (e.2 == at || !is_counted)) {
            return *block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.open_exits.push((exit, block, at));
        block
    }

    /// Goes on if the condition holds, leaves otherwise.
    fn guard(&mut self, condition: Value, exit: u32) {
        let (leave, on) = (self.exit_block(exit), self.b.create_block());
        self.b.ins().brif(condition, on, &[], leave, &[]);
        self.b.switch_to_block(on);
    }

    fn guard_not(&mut self, condition: Value, exit: u32) {
        let (leave, on) = (self.exit_block(exit), self.b.create_block());
        self.b.ins().brif(condition, leave, &[], on, &[]);
        self.b.switch_to_block(on);
    }

    /// Does something rare if the condition holds.
    fn rarely(&mut self, condition: Value, body: impl FnOnce(&mut Self)) {
        let (rare, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(rare);
        self.b.ins().brif(condition, rare, &[], on, &[]);
        self.b.switch_to_block(rare);
        body(self);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// Writes the blocks of the exits that were used since the last time.
    fn write_exits(&mut self) {
        for (exit, block, at) in std::mem::take(&mut self.open_exits) {
            self.b.switch_to_block(block);
            self.count_left(at);
            let buffer = self.constant(self.t.buffer as i64);
            for (word, id) in self.t.words[exit as usize].iter().enumerate() {
                let v = self.value(*id);
                self.store_raw(buffer, word as i32, v);
            }
            let exit = self.constant(&raw const *self.t.executor.exits[exit as usize] as i64);
            let target = self.b.ins().load(I64, flags(), exit, offset_of!(Exit, target) as i32);
            self.b.ins().return_call_indirect(self.signature, target, &[self.frame, exit]);
        }
        for (block, where_to, at) in std::mem::take(&mut self.leaves) {
            self.b.switch_to_block(block);
            self.count_left(at);
            let stub = self.constant(entry::leave_stub as *const () as i64);
            self.b.ins().return_call_indirect(self.signature, stub, &[self.frame, where_to]);
        }
    }

    fn store_raw(&mut self, buffer: Value, word: i32, v: Value) {
        let v = if self.b.func.dfg.value_type(v) == I8 { self.b.ins().uextend(I64, v) } else { v };
        self.b.ins().store(flags(), v, buffer, word * 8);
    }

    fn call(&mut self, function: usize, arguments: &[Value], result: bool) -> Option<Value> {
        let address = self.constant(function as i64);
        self.call_at(address, arguments, result)
    }

    fn call_at(&mut self, address: Value, arguments: &[Value], result: bool) -> Option<Value> {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.extend(arguments.iter().map(|a| AbiParam::new(self.b.func.dfg.value_type(*a))));
        if result {
            signature.returns.push(AbiParam::new(I64));
        }
        let signature = self.b.import_signature(signature);
        let call = self.b.ins().call_indirect(signature, address, arguments);
        self.b.inst_results(call).first().copied()
    }

    // ---- uops ----

    fn uop(&mut self, id: Id) -> Option<()> {
        let trace = self.t.trace;
        let u = trace.uop(id);
        let imm = u.imm;
        if !is_run(u.op) {
            return Some(());
        }
        let args: Vec<Value> = u.args.iter().map(|a| self.value(*a)).collect();
        if !self.keeps_fresh(u) {
            self.fresh.clear();
        }
        if u.op == Op::NewInstance {
            self.fresh.push(id);
        }
        let exit = u.exit.unwrap_or(0);
        if u.exit.is_some() {
            // Tells those who look from outside which frames there are from here on.
            self.b.set_srcloc(SourceLoc::new(exit));
        }
        let result = match u.op {
            Op::Input => {
                let buffer = self.constant(self.t.buffer as i64);
                let ty = clif_type(u.ty);
                let v = self.b.ins().load(if ty == I8 { I64 } else { ty }, flags(), buffer, imm as i32 * 8);
                if ty == I8 { self.b.ins().ireduce(I8, v) } else { v }
            }
            Op::Box => {
                let v = args[0];
                self.box_value(v, trace.uop(u.args[0]).ty)
            }
            Op::UnboxInt => {
                let v = args[0];
                self.shift_left(v, 15)
            }
            Op::UnboxFloat => {
                let v = args[0];
                let bits = self.add_constant(v, -FLOAT_OFFSET);
                self.b.ins().bitcast(F64, MemFlagsData::new(), bits)
            }
            Op::UnboxBool => {
                let v = args[0];
                self.compare_constant(IntCC::Equal, v, Python::TRUE.bits() as i64)
            }
            Op::AddInt | Op::SubInt | Op::MulInt => {
                let (x, mut y) = (args[0], args[1]);
                let (v, overflow) = match u.op {
                    Op::AddInt => self.b.ins().sadd_overflow(x, y),
                    Op::SubInt => self.b.ins().ssub_overflow(x, y),
                    _ => {
                        y = self.shift_right(y, 15);
                        self.b.ins().smul_overflow(x, y)
                    }
                };
                self.guard_not(overflow, exit);
                v
            }
            Op::AddFits => self.b.ins().iadd(args[0], args[1]),
            Op::MulFits => self.b.ins().imul(args[0], args[1]),
            Op::And => self.b.ins().band(args[0], args[1]),
            Op::Or => self.b.ins().bor(args[0], args[1]),
            Op::Xor => self.b.ins().bxor(args[0], args[1]),
            Op::ShiftRight => {
                let v = args[0];
                let v = self.shift_right(v, imm);
                self.and_constant(v, PAYLOAD)
            }
            Op::ShiftLeft => {
                let v = args[0];
                let shifted = self.shift_left(v, imm);
                let back = self.shift_right(shifted, imm);
                let same = self.b.ins().icmp(IntCC::Equal, back, v);
                self.guard(same, exit);
                shifted
            }
            Op::FloorDivide | Op::Remainder => self.divide(u.op, args[0], args[1]),
            Op::Compare => self.b.ins().icmp(numbers::int_condition(imm)?, args[0], args[1]),
            Op::CompareFloat => self.b.ins().fcmp(numbers::float_condition(imm)?, args[0], args[1]),
            Op::IntToWord => {
                let v = args[0];
                self.shift_right(v, 15)
            }
            Op::WordToInt => {
                let v = args[0];
                self.shift_left(v, 15)
            }
            Op::IntToFloat => {
                let v = args[0];
                let v = self.shift_right(v, 15);
                self.b.ins().fcvt_from_sint(F64, v)
            }
            Op::AddFloat => self.b.ins().fadd(args[0], args[1]),
            Op::SubFloat => self.b.ins().fsub(args[0], args[1]),
            Op::MulFloat => self.b.ins().fmul(args[0], args[1]),
            Op::DivFloat => {
                let zero = self.b.ins().f64const(0.0);
                let is_zero = self.b.ins().fcmp(FloatCC::Equal, args[1], zero);
                self.guard_not(is_zero, exit);
                self.b.ins().fdiv(args[0], args[1])
            }
            Op::PowFloat => self.power(args[0], args[1], imm != 0, exit),
            Op::Not => {
                let one = self.b.ins().iconst(I8, 1);
                self.b.ins().bxor(args[0], one)
            }
            Op::LoadFixed | Op::Load => self.b.ins().load(I64, flags(), args[0], imm as i32),
            Op::LoadThread => {
                let thread = self.thread();
                self.b.ins().load(I64, flags(), thread, imm as i32)
            }
            Op::Load32 => self.b.ins().uload32(flags(), args[0], imm as i32),
            Op::LoadItem => {
                let offset = self.shift_left(args[1], 3);
                let address = self.b.ins().iadd(args[0], offset);
                self.b.ins().load(I64, flags(), address, imm as i32)
            }
            _ => match self.lookup(id, &args) {
                Some(v) => v,
                None => {
                    self.effect(id, &args)?;
                    self.position += 1;
                    return Some(());
                }
            },
        };
        self.values[id.0 as usize] = Some(result);
        self.position += 1;
        Some(())
    }

    /// Does a uop neither let a collection happen nor others know of an instance that was just made?
    fn keeps_fresh(&self, u: &Uop) -> bool {
        match (u.op, u.op.effect()) {
            (Op::StoreFrame | Op::StoreThread | Op::AddDepth | Op::ProbeEntry | Op::ProbeReturn, _) => true,
            (Op::AddSlot | Op::StoreSlot, _) => self.fresh.contains(&u.args[0]),
            (Op::IsInstance | Op::BuildTuple | Op::BuildList, _) => false,
            (_, effect) => effect != Effect::Writes,
        }
    }

    /// Uops that make no value.
    fn effect(&mut self, id: Id, args: &[Value]) -> Option<()> {
        let u = self.t.trace.uop(id);
        let (imm, exit) = (u.imm, u.exit.unwrap_or(0));
        match u.op {
            Op::GuardInt => {
                let is_int = self.compare_constant(IntCC::UnsignedGreaterThanOrEqual, args[0], INT_TAG);
                self.guard(is_int, exit);
            }
            Op::GuardFloat => {
                let distance = self.add_constant(args[0], -FLOAT_OFFSET);
                let is_float = self.compare_constant(IntCC::UnsignedLessThan, distance, FLOAT_SPAN);
                self.guard(is_float, exit);
            }
            Op::GuardBool => {
                let without = self.and_constant(args[0], !1);
                let is_bool = self.compare_constant(IntCC::Equal, without, Python::FALSE.bits() as i64);
                self.guard(is_bool, exit);
            }
            Op::GuardShape => {
                let distance = self.add_constant(args[0], -1);
                let is_cell = self.compare_constant(IntCC::UnsignedLessThan, distance, (1 << 48) - 1);
                self.guard(is_cell, exit);
                let shape = self.b.ins().load(I32, flags(), args[0], 0);
                let wanted = self.b.ins().iconst(I32, imm);
                let same = self.b.ins().icmp(IntCC::Equal, shape, wanted);
                self.guard(same, exit);
            }
            Op::GuardIs => {
                let same = self.compare_constant(IntCC::Equal, args[0], imm);
                self.guard(same, exit);
            }
            Op::GuardIsNot => {
                let same = self.compare_constant(IntCC::Equal, args[0], imm);
                self.guard_not(same, exit);
            }
            Op::GuardBelow => {
                let below = self.b.ins().icmp(IntCC::UnsignedLessThan, args[0], args[1]);
                self.guard(below, exit);
            }
            Op::GuardTrue => self.guard(args[0], exit),
            Op::GuardFalse => self.guard_not(args[0], exit),
            Op::GuardRoom => self.guard_room(args[0], imm, exit),
            Op::GuardBreaker => {
                let thread = self.thread();
                let requests = self.b.ins().load(I32, flags(), thread, eval_breaker_offset());
                self.guard_not(requests, exit);
            }
            Op::StoreFrame => {
                self.b.ins().store(flags(), args[1], args[0], imm as i32);
            }
            Op::StoreThread => {
                let thread = self.thread();
                self.b.ins().store(flags(), args[0], thread, imm as i32);
            }
            Op::AddDepth => {
                let (thread, offset) = (self.thread(), offset_of!(Thread, depth) as i32);
                let depth = self.b.ins().load(I32, flags(), thread, offset);
                let more = self.b.ins().iconst(I32, imm);
                let depth = self.b.ins().iadd(depth, more);
                self.b.ins().store(flags(), depth, thread, offset);
            }
            Op::StoreSlot if self.fresh.contains(&u.args[0]) => {
                self.b.ins().store(flags(), args[1], args[0], imm as i32);
            }
            Op::AddSlot if self.fresh.contains(&u.args[0]) => self.add_slot_now(args, imm),
            Op::StoreSlot => {
                self.b.ins().store(flags(), args[1], args[0], imm as i32);
                let slot = self.add_constant(args[0], imm);
                self.barrier(args[0], slot);
            }
            Op::AddSlot => self.add_slot(args, imm, exit),
            Op::StoreItem => self.store_item(args, exit),
            Op::StoreDictItem => self.store_dict_item(args, exit)?,
            Op::Append => self.append(args, exit),
            Op::ProbeEntry => self.probe_entry(helpers::probe_entry as *const () as usize, imm, exit)?,
            Op::ProbeResume => self.probe_entry(helpers::probe_resume as *const () as usize, imm, exit)?,
            Op::ProbeReturn => {
                let semaphore = probes::function__return::semaphore();
                self.probe_return(helpers::probe_return as *const () as usize, &[semaphore], imm as usize);
            }
            Op::ProbeYield => {
                let semaphores = [probes::function__return::semaphore(), probes::function__yield::semaphore()];
                self.probe_return(helpers::probe_yield as *const () as usize, &semaphores, imm as usize);
            }
            Op::Resume => self.resume(args, imm as usize, exit),
            Op::Suspend => self.suspend(args, imm, state::SUSPENDED),
            Op::SuspendInSend => self.suspend(args, imm, state::SUSPENDED_YIELD_FROM),
            Op::Body => self.body(args[0], imm as usize)?,
            Op::Leave => {
                let block = self.exit_block(exit);
                self.b.ins().jump(block, &[]);
            }
            Op::Link => {
                self.count_run(self.position + 1);
                self.link(imm, args);
            }
            _ => return None,
        }
        Some(())
    }

    fn guard_room(&mut self, free: Value, imm: i64, exit: u32) {
        let (frames, words) = (imm >> 32, imm & 0xFFFF_FFFF);
        let thread = self.thread();
        let depth = self.b.ins().uload32(flags(), thread, offset_of!(Thread, depth) as i32);
        let limit = self.b.ins().uload32(flags(), thread, offset_of!(Thread, depth_limit) as i32);
        let depth = self.add_constant(depth, frames);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, depth, limit);
        self.guard(fits, exit);
        let end = self.b.ins().load(I64, flags(), thread, offset_of!(Thread, stack_limit) as i32);
        let top = self.add_constant(free, words * 8);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, top, end);
        self.guard(fits, exit);
    }

    fn body(&mut self, fp: Value, number: usize) -> Option<()> {
        let call = self.t.trace.calls[number].clone();
        let pc = self.constant(call.pc as i64);
        let sp = self.add_constant(fp, call.used as i64 * 8);
        let thread = self.thread();
        let oparg = self.constant(call.oparg as i64);
        let mut function = self.constant(call.function as i64);
        if let Some(opcode) = call.opcode {
            // The form that was recorded, or the one that it has by now.
            let now = self.b.ins().load(I8, flags(), pc, 0);
            let recorded = self.b.ins().iconst(I8, opcode as i64);
            let same = self.b.ins().icmp(IntCC::Equal, now, recorded);
            let current = self.constant(bodies::current as *const () as i64);
            function = self.b.ins().select(same, function, current);
        }
        let went_on = self.call_at(function, &[pc, sp, fp, thread, oparg], true)?;
        let elsewhere = self.b.create_block();
        self.b.set_cold_block(elsewhere);
        self.leaves.push((elsewhere, went_on, self.position));
        let as_expected = self.compare_constant(IntCC::Equal, went_on, call.expected as i64);
        let on = self.b.create_block();
        self.b.ins().brif(as_expected, on, &[], elsewhere, &[]);
        self.b.switch_to_block(on);
        // A view of the variables may have changed them, or tools watch from now on.
        let exposed = self.b.ins().load(I8, flags(), thread, offset_of!(Thread, leave_trace) as i32);
        let on = self.b.create_block();
        self.b.ins().brif(exposed, elsewhere, &[], on, &[]);
        self.b.switch_to_block(on);
        Some(())
    }

    fn link(&mut self, executor: i64, args: &[Value]) {
        let buffer = self.constant(self.t.buffer as i64);
        for (word, v) in args[2..].iter().enumerate() {
            self.store_raw(buffer, word as i32, *v);
        }
        // The address of the code is in the executor's first word.
        let executor = self.constant(executor);
        let code = self.b.ins().load(I64, flags(), executor, 0);
        self.b.ins().return_call_indirect(self.signature, code, &[args[0], args[1]]);
    }
}

fn eval_breaker_offset() -> i32 {
    (offset_of!(Thread, mutator) + offset_of!(limpid_heap::Mutator, eval_breaker)) as i32
}

fn clif_type(ty: Ty) -> Type {
    match ty {
        Ty::Float => F64,
        Ty::Bool => I8,
        _ => I64,
    }
}
