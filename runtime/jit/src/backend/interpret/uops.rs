//! What each uop does.

use super::calls::{found, known};
use super::memory::{is_new, load, load32, store};
use super::numbers::{compares, divide, fits, floor_divide, guard, power, remainder, shift_left, shift_right, unboxed};
use super::program::Instruction;
use super::run::{Done, Run};
use crate::helpers;
use crate::ir::{NOT_MADE, Op, Ty};
use crate::run::rebox;
use limpid_heap::{Header, ShapeRef, Value};
use limpid_probes as probes;
use limpid_vm::thread::Thread;
use limpid_vm::types::Code;
use limpid_vm::types::generator::state;
use limpid_vm::types::str::STR_OVERHEAD;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The word before a str's characters has its length above the lowest byte.
const LENGTH: i64 = STR_OVERHEAD as i64 - 8;

impl Run<'_> {
    /// Runs a uop.
    ///
    /// # Safety
    /// It is one of the program's, and all uops before it have led here: its operands are what it expects.
    pub unsafe fn uop(&self, i: &Instruction) -> Done {
        let (t, imm) = (self.t, i.imm);
        let operands = &self.program.operands[i.operands.0 as usize..][..i.operands.1 as usize];
        let word = |n: usize| self.registers[operands[n] as usize].get();
        let int = |n: usize| word(n) as i64;
        let float = |n: usize| f64::from_bits(word(n));
        let value = |n: usize| Value::from_bits(word(n));
        let index = |n: usize| word(n) as usize;
        let words = || -> Vec<u64> { (0..operands.len()).map(word).collect() };
        let save = |n: usize| self.save_registers(word(n), word(n + 1));
        let thread = std::ptr::from_ref::<Thread>(t) as u64;
        // SAFETY: by contract; before functions that may collect garbage the registers are saved, and values stay in the registers of the
        // program while functions run.
        Ok(unsafe {
            match i.op {
                Op::Const | Op::Frame => unreachable!("it has its value from the start"),
                Op::Input => self.input(imm as usize),
                Op::Carried => word(0),
                Op::Box => rebox(word(0), i.ty).bits(),
                Op::UnboxInt => value(0).shifted() as u64,
                Op::UnboxFloat => value(0).as_float().to_bits(),
                Op::UnboxBool => (value(0) == Value::TRUE) as u64,

                Op::GuardInt => guard(value(0).is_int())?,
                Op::GuardFloat => guard(value(0).is_float())?,
                Op::GuardBool => guard(value(0).is_bool())?,
                Op::GuardShape => guard(value(0).is_cell() && load32(word(0), 0) == imm as u32)?,
                Op::GuardIs => guard(int(0) == imm)?,
                Op::GuardIsNot => guard(int(0) != imm)?,
                Op::GuardBelow => guard(word(0) < word(1))?,
                Op::GuardTrue => guard(word(0) != 0)?,
                Op::GuardFalse => guard(word(0) == 0)?,
                Op::GuardRoom => {
                    let (frames, words) = (imm as u64 >> 32, imm as u64 & 0xFFFF_FFFF);
                    let has_depth = u64::from(t.depth.get()) + frames <= u64::from(t.depth_limit.get());
                    guard(has_depth && word(0) + words * 8 <= t.stack_limit.get() as u64)?
                }
                Op::GuardAlone => guard(limpid_heap::is_alone())?,
                Op::GuardBreaker => guard(t.mutator.eval_breaker.load(Relaxed) == 0)?,

                Op::AddInt => fits(int(0).checked_add(int(1)))?,
                Op::SubInt => fits(int(0).checked_sub(int(1)))?,
                Op::MulInt => fits(int(0).checked_mul(int(1) >> 15))?,
                Op::AddFits => word(0).wrapping_add(word(1)),
                Op::MulFits => word(0).wrapping_mul(word(1)),
                Op::And => word(0) & word(1),
                Op::Or => word(0) | word(1),
                Op::Xor => word(0) ^ word(1),
                Op::ShiftRight => shift_right(int(0), imm),
                Op::ShiftRightBy => shift_right(int(0), int(1)),
                Op::ShiftLeft => shift_left(int(0), imm)?,
                Op::ShiftLeftBy => shift_left(int(0), int(1))?,
                Op::FloorDivide => floor_divide(int(0), int(1)),
                Op::Remainder => remainder(int(0), int(1)),
                Op::Compare => compares(imm, Some(int(0).cmp(&int(1)))),
                Op::IntToWord => (int(0) >> 15) as u64,
                Op::WordToInt => word(0) << 15,
                Op::IntToFloat => ((int(0) >> 15) as f64).to_bits(),

                Op::AddFloat => (float(0) + float(1)).to_bits(),
                Op::SubFloat => (float(0) - float(1)).to_bits(),
                Op::MulFloat => (float(0) * float(1)).to_bits(),
                Op::DivFloat => divide(float(0), float(1))?,
                Op::PowFloat => power(float(0), float(1), imm != 0)?,
                Op::CompareFloat => compares(imm, float(0).partial_cmp(&float(1))),
                Op::Not => word(0) ^ 1,

                Op::LoadFixed | Op::Load => load(word(0), imm),
                Op::Load32 => u64::from(load32(word(0), imm)),
                Op::LoadItem => load(word(0).wrapping_add(word(1) << 3), imm),
                Op::LoadThread => load(thread, imm),
                Op::StoreFrame => store(word(0), imm, word(1)),
                Op::StoreThread => store(thread, imm, word(0)),
                Op::AddDepth => {
                    t.depth.set(t.depth.get().wrapping_add(imm as u32));
                    0
                }

                Op::NumberItem => {
                    save(2);
                    let v = Value::from_bits(found(helpers::number_item(t, value(0), index(1)))?);
                    if unboxed(imm) == Ty::Float { v.as_float().to_bits() } else { v.shifted() as u64 }
                }
                Op::StoreNumber => {
                    save(3);
                    guard(helpers::store_number(t, value(0), index(1), rebox(word(2), unboxed(imm))) != 0)?
                }
                Op::StrLen => load(word(0), LENGTH) >> 8,
                Op::EqualStr => helpers::equal_str(value(0), value(1)),
                Op::StrItem => found(helpers::str_item(t, value(0), index(1)))?,
                Op::ConcatStr => {
                    save(2);
                    found(helpers::concat_str(t, value(0), value(1)))?
                }
                Op::DictItem => found(helpers::dict_item(t, value(0), value(1)))?,
                Op::DictGet => found(helpers::dict_get(t, value(0), value(1), value(2)))?,
                Op::InDict => known(helpers::in_dict(t, value(0), value(1)))?,
                Op::InSet => known(helpers::in_set(t, value(0), value(1)))?,
                Op::InSequence => known(helpers::in_sequence(value(0), value(1)))?,
                Op::IsInstance => {
                    save(2);
                    known(helpers::is_instance(t, value(0), value(1)))?
                }
                Op::StoreDictItem => {
                    save(3);
                    guard(helpers::store_dict_item(t, value(0), value(1), value(2)) != 0)?
                }
                Op::NextPair => {
                    save(2);
                    guard(helpers::next_pair(t, value(0), word(1) as *mut Value) != 0)?
                }
                Op::StoreItem => {
                    save(3);
                    guard(helpers::store_item(t, value(0), index(1), value(2)) != 0)?
                }
                Op::Append => {
                    save(2);
                    guard(helpers::append(t, value(0), value(1)) != 0)?
                }
                Op::StoreSlot => {
                    let slot = word(0).wrapping_add_signed(imm) as *const AtomicU64;
                    limpid_heap::store(&t.mutator, word(0) as *const Header, slot, value(1));
                    0
                }
                Op::AddSlot if limpid_heap::is_alone() && is_new(word(0)) => {
                    // The value is there before the shape that says so.
                    store(word(0), imm & 0xFFFF, word(1));
                    limpid_heap::publish_shape(&t.mutator, word(0) as *const Header, ShapeRef((imm >> 16) as u32));
                    0
                }
                Op::AddSlot => {
                    save(3);
                    guard(helpers::set_attribute(t, value(0), value(2), value(1)) != 0)?
                }

                Op::BuildTuple => self.with_items(&words(), |items, n| helpers::build_tuple(t, items, n))?,
                Op::BuildList => self.with_items(&words(), |items, n| helpers::build_list(t, items, n))?,
                Op::BuildSlice => self.with_items(&words(), |items, n| helpers::build_slice(t, items, n))?,
                Op::CallNative | Op::TakeLock | Op::GiveLock => {
                    self.with_items(&words(), |items, n| helpers::call_native(t, imm as *const (), items, n))?
                }
                Op::NewInstance => {
                    save(1);
                    helpers::new_instance(t, value(0)).bits()
                }

                Op::Make => self.make(imm, &words()),
                Op::MakeUnless if word(0) != NOT_MADE => word(0),
                Op::MakeUnless => self.make(imm, &words()[1..]),

                Op::ProbeEntry => guard(probes::frame_tracers() == 0 || helpers::probe_entry(imm as *mut Code) == 0)?,
                Op::ProbeResume => guard(probes::frame_tracers() == 0 || helpers::probe_resume(imm as *mut Code) == 0)?,
                Op::ProbeReturn => {
                    if probes::function__return::enabled() {
                        let (code, pc) = self.program.returns[imm as usize];
                        helpers::probe_return(code as *mut Code, pc as *const u16);
                    }
                    0
                }
                Op::ProbeYield => {
                    if probes::function__return::enabled() || probes::function__yield::enabled() {
                        let (code, pc) = self.program.returns[imm as usize];
                        helpers::probe_yield(code as *mut Code, pc as *const u16);
                    }
                    0
                }

                Op::Resume => self.resume(&words(), imm as usize)?,
                Op::Suspend => self.suspend(&words(), imm, state::SUSPENDED),
                Op::SuspendInSend => self.suspend(&words(), imm, state::SUSPENDED_YIELD_FROM),
                Op::Body => self.body(word(0), imm as usize)?,
                Op::Leave => guard(false)?,
                Op::LeaveOnce => guard(!self.executor().exits[i.exit.unwrap_or(0) as usize].is_forced.get())?,
                Op::Link => return Err(self.link(imm, &words(), i.exit.is_some())),
            }
        })
    }
}
