//! What functions find out about strings, dicts, sets and classes without running Python code, and what they make.

use super::{Function, flags};
use crate::helpers;
use crate::ir::{Id, Op, Uop};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I32, I64};
use cranelift_codegen::ir::{Block, InstBuilder, StackSlotData, StackSlotKind, Value};
use limpid_heap::Value as Python;
use limpid_probes as probes;
use limpid_vm::modules::thread::Lock;
use limpid_vm::types::str::STR_OVERHEAD;

/// The word before a str's characters has its length above the lowest byte.
const LENGTH: i32 = STR_OVERHEAD as i32 - 8;

impl Function<'_, '_> {
    /// The uops that make a value; None: it is none of them.
    pub(super) fn lookup(&mut self, id: Id, args: &[Value]) -> Option<Value> {
        let u = self.t.trace.uop(id);
        let exit = u.exit.unwrap_or(0);
        Some(match u.op {
            Op::StrLen => {
                let word = self.b.ins().load(I64, flags(), args[0], LENGTH);
                self.shift_right_unsigned(word, 8)
            }
            Op::EqualStr => {
                let equal = self.call(helpers::equal_str as *const () as usize, args, true)?;
                self.b.ins().ireduce(I8, equal)
            }
            Op::StrItem => self.found(helpers::str_item as *const () as usize, args, exit)?,
            Op::DictItem => self.found(helpers::dict_item as *const () as usize, args, exit)?,
            Op::DictGet => self.found(helpers::dict_get as *const () as usize, args, exit)?,
            Op::InDict => self.known(helpers::in_dict as *const () as usize, args, exit)?,
            Op::InSet => self.known(helpers::in_set as *const () as usize, args, exit)?,
            Op::InSequence => {
                let truth = self.call(helpers::in_sequence as *const () as usize, args, true)?;
                self.guard_known(truth, exit)
            }
            Op::IsInstance => {
                self.save_registers(args[2], args[3]);
                self.known(helpers::is_instance as *const () as usize, &args[..2], exit)?
            }
            Op::BuildTuple => self.build(helpers::build_tuple as *const () as usize, args, exit)?,
            Op::BuildList => self.build(helpers::build_list as *const () as usize, args, exit)?,
            Op::BuildSlice => self.build(helpers::build_slice as *const () as usize, args, exit)?,
            Op::CallNative => self.call_native(args, u.imm, exit)?,
            Op::TakeLock => self.change_lock(args, u, Lock::FREE, Lock::TAKEN, Python::TRUE)?,
            Op::GiveLock => self.change_lock(args, u, Lock::TAKEN, Lock::FREE, Python::NONE)?,
            Op::NewInstance => self.new_instance(args)?,
            Op::Make => self.make(args, u.imm)?,
            Op::MakeUnless => self.make_unless(args, u.imm)?,
            Op::ConcatStr => {
                self.save_registers(args[2], args[3]);
                self.found(helpers::concat_str as *const () as usize, &args[..2], exit)?
            }
            _ => return None,
        })
    }

    fn call_native(&mut self, args: &[Value], function: i64, exit: u32) -> Option<Value> {
        let function = self.constant(function);
        self.with_items(helpers::call_native as *const () as usize, &[function], args, exit)
    }

    /// A lock's word becomes another one, if the thread is alone and nobody traces native calls; otherwise the function is called.
    fn change_lock(&mut self, args: &[Value], u: &Uop, from: u32, to: u32, result: Python) -> Option<Value> {
        self.made_while_alone(
            |f, general| {
                if let Some(semaphores) = probes::cfunction_semaphores() {
                    let address = f.constant(semaphores.as_ptr() as i64);
                    let tracers = f.b.ins().load(I32, flags(), address, 0);
                    f.go_on_if_equal(tracers, 0, general);
                }
                let word = f.b.ins().load(I32, flags(), args[0], Lock::WORD as i32);
                f.go_on_if_equal(word, from, general);
                let word = f.b.ins().iconst(I32, i64::from(to));
                f.b.ins().store(flags(), word, args[0], Lock::WORD as i32);
                Some(f.constant(result.bits() as i64))
            },
            |f| f.call_native(args, u.imm, u.exit?),
        )
    }

    /// Goes on if 32 bits are these, goes to a block otherwise.
    fn go_on_if_equal(&mut self, v: Value, constant: u32, otherwise: Block) {
        let constant = self.b.ins().iconst(I32, i64::from(constant));
        let equal = self.b.ins().icmp(IntCC::Equal, v, constant);
        self.go_on_if(equal, otherwise);
    }

    pub(super) fn call_with_thread(&mut self, helper: usize, args: &[Value]) -> Option<Value> {
        let mut all = vec![self.thread()];
        all.extend(args);
        self.call(helper, &all, true)
    }

    /// Calls a function and leaves if it gives NULL.
    fn found(&mut self, helper: usize, args: &[Value], exit: u32) -> Option<Value> {
        let v = self.call_with_thread(helper, args)?;
        self.guard(v, exit);
        Some(v)
    }

    /// Makes a container of all arguments but the last two.
    pub(super) fn build(&mut self, helper: usize, args: &[Value], exit: u32) -> Option<Value> {
        self.with_items(helper, &[], args, exit)
    }

    /// Calls a function with all arguments but the last two in a slice, and leaves if it gives NULL.
    fn with_items(&mut self, helper: usize, first: &[Value], args: &[Value], exit: u32) -> Option<Value> {
        let (items, registers) = args.split_at(args.len() - 2);
        self.save_registers(registers[0], registers[1]);
        let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, items.len() as u32 * 8, 3));
        for (i, item) in items.iter().enumerate() {
            self.b.ins().stack_store(I64, *item, slot, i as i32 * 8);
        }
        let (place, count) = (self.b.ins().stack_addr(I64, slot, 0), self.constant(items.len() as i64));
        self.found(helper, &[first, &[place, count]].concat(), exit)
    }

    /// Calls a function that gives a truth, and leaves if it is not known.
    fn known(&mut self, helper: usize, args: &[Value], exit: u32) -> Option<Value> {
        let truth = self.call_with_thread(helper, args)?;
        Some(self.guard_known(truth, exit))
    }

    fn guard_known(&mut self, truth: Value, exit: u32) -> Value {
        let known = self.compare_constant(IntCC::NotEqual, truth, helpers::UNKNOWN as i64);
        self.guard(known, exit);
        self.b.ins().ireduce(I8, truth)
    }

    /// Calls a function with all arguments but the last two, and leaves if it gives 0.
    pub(super) fn does(&mut self, helper: usize, args: &[Value], exit: u32) -> Option<()> {
        let (args, registers) = args.split_at(args.len() - 2);
        self.save_registers(registers[0], registers[1]);
        let done = self.call_with_thread(helper, args)?;
        self.guard(done, exit);
        Some(())
    }
}
