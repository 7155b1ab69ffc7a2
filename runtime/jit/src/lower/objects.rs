//! Names and containers.

use super::{Abort, Lowering, MadeSlice};
use crate::ir::{Id, Layout, Op, Ty};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::Ref;
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::dict::table::Table;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use limpid_vm::types::{Cell, Dict, Function, List, Tuple, Type};
use std::mem::offset_of;

/// Tuples and lists with more items are made by the instruction's body.
const MOST_ITEMS: u32 = 16;

impl Lowering<'_> {
    /// As [`straight`](Lowering::straight), for instructions that deal with objects.
    pub(super) fn objects(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        use Opcode::*;
        let o = step.oparg;
        match form {
            LOAD_GLOBAL_MODULE => {
                let function = self.function();
                let globals = self.load_fixed(function, offset_of!(Function, globals), Ty::Value);
                let table = self.table_of_version(globals, step.cache32(3))?;
                self.push_entry(table, step.cache(2), o & 1 != 0);
            }
            LOAD_GLOBAL_BUILTIN => {
                let function = self.function();
                let globals = self.load_fixed(function, offset_of!(Function, globals), Ty::Value);
                let builtins = self.load_fixed(function, offset_of!(Function, builtins), Ty::Value);
                self.table_of_version(globals, step.cache32(3))?;
                let table = self.table_of_version(builtins, step.cache32(5))?;
                self.push_entry(table, step.cache(2), o & 1 != 0);
            }
            COPY_FREE_VARS => {
                let function = self.function();
                let closure = self.load_fixed(function, offset_of!(Function, closure), Ty::Value);
                let first = self.top().nlocals as u32 - o;
                for i in 0..o {
                    let cell = self.load_fixed(closure, TUPLE_OVERHEAD + i as usize * 8, Ty::Value);
                    self.set_local(first + i, cell);
                }
            }
            LOAD_DEREF => {
                let cell = self.local(o)?;
                let cell = self.guard_shape(cell, shapes::CELL)?;
                let v = self.load(cell, offset_of!(Cell, content), Ty::Value);
                if self.ty(v) == Ty::Value {
                    self.guard_is_not(v, 0);
                }
                self.push(v);
            }
            STORE_DEREF => {
                let cell = self.local(o)?;
                let cell = self.guard_shape(cell, shapes::CELL)?;
                let v = self.pop()?;
                self.store_slot(cell, offset_of!(Cell, content), v);
            }
            BINARY_OP_SUBSCR_LIST_INT => {
                let (list, index) = (self.peek(2)?, self.peek(1)?);
                let index = self.int(index)?;
                let list = self.guard_shape(list, shapes::LIST)?;
                let index = self.index(step, index, |l| l.load(list, List::LEN, Ty::Word));
                let item = self.list_item(list, index);
                self.replace(2, item);
            }
            BINARY_OP_SUBSCR_TUPLE_INT => {
                let (tuple, index) = (self.peek(2)?, self.peek(1)?);
                let index = self.int(index)?;
                let tuple = self.guard_shape(tuple, shapes::TUPLE)?;
                let len = self.load_fixed(tuple, Tuple::LEN, Ty::Word);
                let index = self.index(step, index, |_| len);
                self.guard(Op::GuardBelow, &[index, len], 0);
                let item = self.load_by(Op::LoadItem, Ty::Value, &[tuple, index], TUPLE_OVERHEAD as i64);
                self.replace(2, item);
            }
            STORE_SUBSCR_LIST_INT => {
                let (v, list, index) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
                let index = self.int(index)?;
                let list = self.guard_shape(list, shapes::LIST)?;
                let index = self.emit(Op::IntToWord, Ty::Word, &[index], 0);
                let v = self.value(v);
                let exit = self.exit();
                let (fp, sp) = self.registers();
                self.emit_with(Op::StoreItem, Ty::None, &[list, index, v, fp, sp], 0, Some(exit));
                self.forget_items();
                self.drop_n(3);
            }
            BUILD_TUPLE | BUILD_LIST if o <= MOST_ITEMS => {
                let mut items = Vec::with_capacity(o as usize);
                for k in (1..=o as usize).rev() {
                    items.push(self.peek(k)?);
                }
                let v = if form == BUILD_TUPLE { self.tuple_of(items) } else { self.list_of(&items) };
                self.replace(o as usize, v);
            }
            BUILD_SLICE if !(self.at_start && self.needs_python) => self.make_slice(step)?,
            UNPACK_SEQUENCE_TWO_TUPLE | UNPACK_SEQUENCE_TUPLE => {
                let tuple = self.peek(1)?;
                if let Some(items) = self.tuples.get(&tuple).filter(|items| items.len() == o as usize).cloned() {
                    self.drop_n(1);
                    items.into_iter().rev().for_each(|item| self.push(item));
                    return Ok(true);
                }
                let tuple = self.guard_shape(tuple, shapes::TUPLE)?;
                let len = self.load_fixed(tuple, Tuple::LEN, Ty::Word);
                self.guard_is(len, o as u64);
                self.drop_n(1);
                for i in (0..o as usize).rev() {
                    // Not in front of the loop, where the length was not compared yet.
                    let item = self.load(tuple, TUPLE_OVERHEAD + i * 8, Ty::Value);
                    self.push(item);
                }
            }
            UNPACK_SEQUENCE_LIST => {
                let list = self.peek(1)?;
                let list = self.guard_shape(list, shapes::LIST)?;
                let len = self.load(list, List::LEN, Ty::Word);
                self.guard_is(len, o as u64);
                let mut items = Vec::with_capacity(o as usize);
                for i in (0..o as u64).rev() {
                    let index = self.word_constant(i);
                    items.push(self.list_item(list, index));
                }
                self.drop_n(1);
                items.into_iter().for_each(|item| self.push(item));
            }
            CALL_LIST_APPEND if o == 1 => {
                let (callable, list, v) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
                self.guard_is(callable, step.cache64(4));
                self.append(list, v)?;
                let none = self.constant(Ty::Value, Value::NONE.bits() as i64);
                self.replace(3, none);
            }
            LIST_APPEND => {
                let (list, v) = (self.peek(o as usize + 1)?, self.peek(1)?);
                self.append(list, v)?;
                self.drop_n(1);
            }
            CALL_LEN if o == 1 => return self.len(step),
            CALL_TYPE_1 => {
                let Observed::Cell(shape) = step.operands[0] else { return Ok(false) };
                let (callable, v) = (self.peek(3)?, self.peek(1)?);
                self.guard_is(callable, builtin::TYPE.value().bits());
                self.guard_shape(v, ShapeRef(shape))?;
                let shape = self.word_constant(ShapeRef(shape).ptr::<u8>() as u64);
                let class = self.load(shape, Shape::CLASS, Ty::Value);
                self.replace(3, class);
            }
            _ => return self.attributes(step, form),
        }
        Ok(true)
    }

    /// Makes a list.
    fn list_of(&mut self, items: &[Id]) -> Id {
        self.sequence_of(Op::BuildList, shapes::LIST, items)
    }

    /// Makes a list, or a tuple that takes more than a cell.
    pub(super) fn sequence_of(&mut self, op: Op, shape: ShapeRef, items: &[Id]) -> Id {
        let mut operands: Vec<Id> = items.iter().map(|item| self.value(*item)).collect();
        let exit = self.exit();
        let (fp, sp) = self.registers();
        operands.extend([fp, sp]);
        let sequence = self.emit_with(op, Ty::Value, &operands, 0, Some(exit));
        self.has_shape(sequence, shape);
        sequence
    }

    /// Makes an object with all that it holds.
    pub(super) fn make(&mut self, layout: Layout, parts: Vec<Id>) -> Id {
        let operands: Vec<Id> = parts.iter().map(|part| self.value(*part)).collect();
        let number = self.trace.layout(layout.clone()) as i64;
        let id = self.emit_with(Op::Make, Ty::Value, &operands, number, None);
        self.guarded_not_null(id);
        self.has_shape(id, ShapeRef(layout.header as u32));
        if layout.is_tuple {
            self.tuples.insert(id, parts);
        } else {
            for (offset, part) in layout.offsets.iter().zip(parts) {
                self.loaded.insert((Op::Load, vec![id], i64::from(*offset)), part);
            }
        }
        id
    }

    fn append(&mut self, list: Id, v: Id) -> Result<(), Abort> {
        let list = self.guard_shape(list, shapes::LIST)?;
        let v = self.value(v);
        let exit = self.exit();
        let (fp, sp) = self.registers();
        self.emit_with(Op::Append, Ty::None, &[list, v, fp, sp], 0, Some(exit));
        self.forget_items();
        self.loaded.retain(|(_, args, _), _| args[0] != list);
        Ok(())
    }

    fn make_slice(&mut self, step: &Instruction) -> Result<(), Abort> {
        let [a, b, c, ..] = step.operands;
        let none = self.constant(Ty::Value, Value::NONE.bits() as i64);
        let (parts, seen) = match step.oparg {
            2 => ([self.peek(2)?, self.peek(1)?, none], [Observed::None, a, b]),
            _ => ([self.peek(3)?, self.peek(2)?, self.peek(1)?], [a, b, c]),
        };
        let exit = self.exit();
        let (fp, sp) = self.registers();
        let [start, stop, by] = parts.map(|part| self.value(part));
        let slice = self.emit_with(Op::BuildSlice, Ty::Value, &[start, stop, by, fp, sp], 0, Some(exit));
        self.slice = Some(MadeSlice { slice, parts, seen, before: self.before.clone(), next: step.following() });
        self.replace(step.oparg as usize, slice);
        Ok(())
    }

    /// The table of a dict, which has this version.
    pub(super) fn table_of_version(&mut self, dict: Id, version: u32) -> Result<Id, Abort> {
        if version == 0 {
            return Err(Abort::Stale);
        }
        let table = self.load(dict, Dict::TABLE, Ty::Value);
        self.guard_is_not(table, 0);
        self.guard_version(table, Table::VERSION, version);
        Ok(table)
    }

    /// Pushes the value of an entry, and NULL if that is wanted.
    pub(super) fn push_entry(&mut self, table: Id, index: u16, with_null: bool) {
        let v = self.load(table, Table::value_offset(index as usize), Ty::Value);
        self.guard_is_not(v, 0);
        self.push(v);
        if with_null {
            let null = self.constant(Ty::Value, 0);
            self.push(null);
        }
    }

    /// An index as a word; one that has counted from the end is expected to do so again.
    pub(super) fn index(&mut self, step: &Instruction, index: Id, len: impl FnOnce(&mut Self) -> Id) -> Id {
        let word = self.emit(Op::IntToWord, Ty::Word, &[index], 0);
        if step.operands[0] != Observed::Negative {
            return word;
        }
        if self.constant_of(index).is_none() {
            let zero = self.word_constant(0);
            let from_end = self.emit(Op::Compare, Ty::Bool, &[word, zero], 1);
            self.guard(Op::GuardTrue, &[from_end], 0);
        }
        let len = len(self);
        self.emit(Op::AddFits, Ty::Word, &[len, word], 0)
    }

    fn len(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Observed::Cell(shape) = step.operands[0] else { return Ok(false) };
        let shape = ShapeRef(shape);
        let is_list = shape == shapes::LIST || has_len_of_list(shape);
        if !is_list && shape != shapes::TUPLE && shape != shapes::STR || step.operands[1] != Observed::Null {
            return Ok(false);
        }
        let (callable, container) = (self.peek(3)?, self.peek(1)?);
        self.guard_is(callable, step.cache64(4));
        let container = if is_list && shape != shapes::LIST {
            // The class may get a `__len__`.
            self.guard_class(container, Some(step.operands[0]))?.ok_or(Abort::Lost)?
        } else {
            self.guard_shape(container, shape)?
        };
        let len = if is_list {
            self.load(container, List::LEN, Ty::Word)
        } else if shape == shapes::STR {
            self.str_len(container)
        } else {
            self.load_fixed(container, Tuple::LEN, Ty::Word)
        };
        let len = self.emit(Op::WordToInt, Ty::Int, &[len], 0);
        self.replace(3, len);
        Ok(true)
    }

    /// Truth of an object whose class has neither `__bool__` nor `__len__`.
    pub(super) fn always_true(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Observed::Cell(shape) = step.operands[0] else { return Ok(false) };
        let v = self.peek(1)?;
        self.guard_shape(v, ShapeRef(shape))?;
        let shape = self.word_constant(ShapeRef(shape).ptr::<u8>() as u64);
        let class = self.load(shape, Shape::CLASS, Ty::Value);
        self.guard_version(class, Type::VERSION, step.cache32(2));
        let v = self.constant(Ty::Bool, 1);
        self.replace(1, v);
        Ok(true)
    }
}

/// Is it the shape of objects whose class derives from list and has its `__len__`?
fn has_len_of_list(shape: ShapeRef) -> bool {
    // SAFETY: the recording keeps the shapes of such instructions alive.
    let class = unsafe { Ref::<Shape>::from_shape_ref(shape) }.class();
    class.slots().len.zip(builtin::LIST.slots().len).is_some_and(|(own, of_list)| std::ptr::fn_addr_eq(own, of_list))
}
