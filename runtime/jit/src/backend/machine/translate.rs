//! Uops to Cranelift's instructions.

mod allocation;
mod arrays;
mod calls;
mod counting;
mod generators;
mod leaving;
mod lookups;
mod numbers;
mod stores;
mod tracing;

use crate::backend::Words;
use crate::executor::{Executor, Exit};
use crate::helpers;
use crate::ir::{Effect, Id, Op, Trace, Ty, Uop};
use crate::uop_counts::is_run;
use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I8, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, InstBuilder, MemFlagsData, SigRef, Signature, SourceLoc, Type, UserFuncName, Value,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use limpid_heap::Value as Python;
use limpid_vm::thread::Thread;
use limpid_vm::types::generator::state;
use std::mem::offset_of;
use std::ptr::NonNull;

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
    /// What each exit writes to the buffer.
    words: &'a [Words],
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
    /// Is what is being made hardly ever done?
    aside: bool,
    /// See [`tracing::semaphores`].
    semaphores: Option<NonNull<u64>>,
    /// Not 0 if somebody traces frames, as it was when the trace looked last.
    tracers: Option<Value>,
}

fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl<'a> Translation<'a> {
    /// To be made from a trace.
    pub fn new(trace: &'a Trace, buffer: usize, executor: &'a Executor, words: &'a [Words]) -> Translation<'a> {
        Translation { trace, buffer, executor, words }
    }

    /// Makes the function. None: something cannot be expressed.
    pub fn function(&self, context: &mut Context, builders: &mut FunctionBuilderContext, isa: &dyn TargetIsa) -> Option<()> {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.extend([AbiParam::new(I64), AbiParam::new(I64)]);
        signature.returns.push(AbiParam::new(I64));
        context.func.signature = signature.clone();
        context.func.name = UserFuncName::default();
        let mut b = FunctionBuilder::new(&mut context.func, builders);
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
            aside: false,
            semaphores: tracing::semaphores(self.trace),
            tracers: None,
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
        if trace.is_peeled() {
            self.count_round();
        }
        self.look_for_tracers();
        for id in &trace.entry {
            self.uop(*id)?;
        }
        let Some(next) = &trace.next else {
            if self.t.executor.header.is_null() {
                self.count_instructions();
            } else {
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
        self.fresh.clear();
        self.part = self.position;
        self.b.switch_to_block(header);
        for (input, _) in &changing {
            let ty = clif_type(trace.uop(*input).ty);
            let parameter = self.b.append_block_param(header, ty);
            self.values[input.0 as usize] = Some(parameter);
        }
        self.look_for_tracers();
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
        if matches!(u.op, Op::NewInstance | Op::Make) {
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
            Op::Carried => args[0],
            Op::Box => {
                let v = args[0];
                self.box_value(v, trace.uop(u.args[0]).ty)
            }
            Op::UnboxInt => {
                let v = args[0];
                self.shift_left(v, 15)
            }
            Op::UnboxFloat => self.unbox_float(args[0]),
            Op::UnboxBool => {
                let v = args[0];
                self.compare_constant(IntCC::Equal, v, Python::TRUE.bits() as i64)
            }
            Op::AddInt | Op::SubInt if trace.uop(u.args[1]).op == Op::Const => {
                // Comparing takes one instruction less than asking for the overflow.
                let (x, y) = (args[0], args[1]);
                let v = if u.op == Op::AddInt { self.b.ins().iadd(x, y) } else { self.b.ins().isub(x, y) };
                let is_less = (u.op == Op::AddInt) == (trace.uop(u.args[1]).imm < 0);
                let condition = if is_less { IntCC::SignedLessThanOrEqual } else { IntCC::SignedGreaterThanOrEqual };
                let fits = self.b.ins().icmp(condition, v, x);
                self.guard(fits, exit);
                v
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
            Op::ShiftRightBy => {
                let v = self.b.ins().sshr(args[0], args[1]);
                self.and_constant(v, PAYLOAD)
            }
            Op::ShiftLeftBy => {
                let shifted = self.b.ins().ishl(args[0], args[1]);
                let back = self.b.ins().sshr(shifted, args[1]);
                let same = self.b.ins().icmp(IntCC::Equal, back, args[0]);
                self.guard(same, exit);
                shifted
            }
            Op::FloorDivide | Op::Remainder => match self.constant_divisor(u.args[1]) {
                Some(divisor) => self.divide_by_constant(u.op, args[0], divisor),
                None => self.divide(u.op, args[0], args[1]),
            },
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
            Op::NumberItem => self.number_item(&args, imm, exit),
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
            (Op::IsInstance | Op::BuildTuple | Op::BuildList | Op::BuildSlice, _) => false,
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
            Op::GuardAlone => {
                let is_alone = self.is_alone();
                self.guard(is_alone, exit);
            }
            Op::GuardDistinct => {
                let same = self.b.ins().icmp(IntCC::Equal, args[0], args[1]);
                self.guard_not(same, exit);
            }
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
                self.barrier(args[0], |f| f.add_constant(args[0], imm), u.args[1]);
            }
            Op::AddSlot => self.add_slot(args, imm, exit),
            Op::StoreItem => self.store_item(args, u.args[2], exit),
            Op::StoreNumber => self.store_number(args, u, exit),
            Op::StoreDictItem => self.does(helpers::store_dict_item as *const () as usize, args, exit)?,
            Op::NextPair => self.does(helpers::next_pair as *const () as usize, args, exit)?,
            Op::Append => self.append(args, u.args[1], exit),
            Op::ProbeEntry => self.probe_entry(helpers::probe_entry as *const () as usize, imm, exit),
            Op::ProbeResume => self.probe_entry(helpers::probe_resume as *const () as usize, imm, exit),
            Op::ProbeReturn => self.probe_return(imm as usize),
            Op::ProbeYield => self.probe_yield(imm as usize),
            Op::Resume => self.resume(args, imm as usize, exit),
            Op::Suspend => self.suspend(args, imm, state::SUSPENDED),
            Op::SuspendInSend => self.suspend(args, imm, state::SUSPENDED_YIELD_FROM),
            Op::Body => {
                self.body(args[0], imm as usize)?;
                self.look_for_tracers();
            }
            Op::Leave => {
                let block = self.exit_block(exit);
                self.b.ins().jump(block, &[]);
            }
            Op::LeaveOnce => {
                let address = self.constant(&raw const *self.t.executor.exits[exit as usize] as i64);
                let is_forced = self.b.ins().load(I8, flags(), address, offset_of!(Exit, is_forced) as i32);
                self.guard_not(is_forced, exit);
            }
            Op::Link => self.link(imm, args, u.exit),
            _ => return None,
        }
        Some(())
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
