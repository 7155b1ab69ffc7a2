//! `for` over ranges, lists and tuples, which have no iterator objects: a position is on the stack.

use super::{Abort, Lowering};
use crate::helpers;
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::ValueExt;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::iterators::{OF_DICTS, PLAIN};
use limpid_vm::types::list::Storage;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use limpid_vm::types::{List, Range, Tuple};
use std::mem::offset_of;

impl Lowering<'_> {
    pub(super) fn next_of_range(&mut self, seen: &Instruction, goes_on: bool) -> Result<bool, Abort> {
        let (range, position) = (self.peek(2)?, self.peek(1)?);
        let range = self.guard_shape(range, shapes::RANGE)?;
        let position = self.int(position)?;
        // A range's fields never change, and those of one that is an iterator are inline ints.
        let [start, step, len] = [offset_of!(Range, start), offset_of!(Range, step), offset_of!(Range, len)]
            .map(|offset| self.load_fixed(range, offset, Ty::Value));
        let len = self.known_int(len);
        let more = self.emit(Op::Compare, Ty::Bool, &[position, len], 1);
        self.guard(if goes_on { Op::GuardTrue } else { Op::GuardFalse }, &[more], 0);
        if goes_on {
            let one = Value::int(1);
            let distance = if seen.subject.exact::<Range>().is_some_and(|range| range.step.get() == one) {
                self.guard_is(step, one.bits());
                position
            } else {
                let step = self.known_int(step);
                let index = self.emit(Op::IntToWord, Ty::Word, &[position], 0);
                self.emit(Op::MulFits, Ty::Int, &[step, index], 0)
            };
            let start = self.known_int(start);
            let item = self.emit(Op::AddFits, Ty::Int, &[start, distance], 0);
            self.advance_position(position);
            self.push(item);
        }
        Ok(true)
    }

    fn advance_position(&mut self, position: Id) {
        let one = self.int_constant(1);
        let following = self.emit(Op::AddFits, Ty::Int, &[position, one], 0);
        self.poke(1, following);
    }

    pub(super) fn next_of_list(&mut self, goes_on: bool) -> Result<bool, Abort> {
        let (list, position) = (self.peek(2)?, self.peek(1)?);
        let list = self.guard_shape(list, shapes::LIST)?;
        let position = self.int(position)?;
        let index = self.emit(Op::IntToWord, Ty::Word, &[position], 0);
        if goes_on {
            let item = self.list_item(list, index);
            self.advance_position(position);
            self.push(item);
        } else {
            let len = self.load(list, List::LEN, Ty::Word);
            let more = self.emit(Op::Compare, Ty::Bool, &[index, len], 1);
            self.guard(Op::GuardFalse, &[more], 0);
            // It stays at its end when the list grows.
            let end = self.int_constant(Value::INT_MAX);
            self.poke(1, end);
        }
        Ok(true)
    }

    pub(super) fn next_of_tuple(&mut self, goes_on: bool) -> Result<bool, Abort> {
        let (tuple, position) = (self.peek(2)?, self.peek(1)?);
        let tuple = self.guard_shape(tuple, shapes::TUPLE)?;
        let position = self.int(position)?;
        let index = self.emit(Op::IntToWord, Ty::Word, &[position], 0);
        let len = self.load_fixed(tuple, Tuple::LEN, Ty::Word);
        let more = self.emit(Op::Compare, Ty::Bool, &[index, len], 1);
        self.guard(if goes_on { Op::GuardTrue } else { Op::GuardFalse }, &[more], 0);
        if goes_on {
            let item = self.load_by(Op::LoadItem, Ty::Value, &[tuple, index], TUPLE_OVERHEAD as i64);
            self.advance_position(position);
            self.push(item);
        }
        Ok(true)
    }

    /// The next item of an iterator object that runs no Python code. False: this one may.
    pub(super) fn next_of_object(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let [Observed::Null, Observed::Cell(shape), ..] = step.operands else { return Ok(false) };
        let shape = ShapeRef(shape);
        // What has left the trace here, for there was no item, is not tried again.
        if !PLAIN.contains(&shape) && !OF_DICTS.contains(&shape) || self.at_start && self.needs_python {
            return Ok(false);
        }
        let (it, position) = (self.peek(2)?, self.peek(1)?);
        let it = self.guard_shape(it, shape)?;
        let position = self.value(position);
        self.guard_is(position, 0);
        let item = self.call_native(helpers::next_item, vec![it]);
        self.push(item);
        Ok(true)
    }

    /// The next pair of an iterator, which `UNPACK_SEQUENCE` takes apart. False: Python code may have to run.
    pub(super) fn next_of_pairs(&mut self, step: &Instruction) -> Result<bool, Abort> {
        // SAFETY: inside the same code.
        let behind = unsafe { step.following().add(1 + Opcode::UNPACK_SEQUENCE.caches()) };
        let [Observed::Null, Observed::Cell(shape), ..] = step.operands else { return Ok(false) };
        let shape = ShapeRef(shape);
        let is_known = shape == shapes::ENUMERATE || shape == shapes::DICT_ITEM_ITERATOR;
        if step.next != behind || !is_known || self.at_start && self.needs_python {
            return Ok(false);
        }
        let (it, position) = (self.peek(2)?, self.peek(1)?);
        let it = self.guard_shape(it, shape)?;
        let position = self.value(position);
        self.guard_is(position, 0);
        let (frame, end) = (self.frame_index(), self.top().places.len() as i64);
        let to = self.address(frame, end);
        let exit = self.exit();
        let (fp, sp) = self.registers();
        self.emit_with(Op::NextPair, Ty::None, &[it, to, fp, sp], 0, Some(exit));
        // At once, for the collector may not look there.
        for i in 0..2 {
            let base = self.base_of(frame);
            let offset = (self.frames[frame].place as i64 + end + i) * 8;
            let part = self.emit_with(Op::Load, Ty::Value, &[base], offset, None);
            self.push(part);
        }
        Ok(true)
    }

    /// Item `index` of a list whose shape was tested; leaves if there is none.
    pub(super) fn list_item(&mut self, list: Id, index: Id) -> Id {
        let storage = self.load(list, List::STORAGE, Ty::Value);
        self.guard_is_not(storage, 0);
        let capacity = self.load(storage, Storage::CAPACITY, Ty::Word);
        self.guard_below(index, capacity);
        let item = self.load_by(Op::LoadItem, Ty::Value, &[storage, index], Storage::ITEMS as i64);
        self.guard_is_not(item, 0);
        item
    }
}
