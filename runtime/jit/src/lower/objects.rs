//! Names, attributes, containers.

use super::{Abort, Lowering, MadeSlice};
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::Ref;
use limpid_vm::protocol::attr::{self, ClassLoad, LoadKind, StoreKind};
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::dict::table::Table;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;
use limpid_vm::types::{Cell, Dict, Function, List, Module, Tuple, Type, super_};
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
            LOAD_ATTR_INSTANCE_VALUE | LOAD_ATTR_SLOT if has_cached_shape(step) => {
                let object = self.object_of_cached_shape(step)?;
                let v = self.load(object, step.cache(6) as usize, Ty::Value);
                if self.ty(v) == Ty::Value {
                    self.guard_is_not(v, 0);
                }
                self.replace_attribute(v, o);
            }
            LOAD_ATTR_METHOD | LOAD_ATTR_METHOD_LAZY_DICT if has_cached_shape(step) => {
                let object = self.object_of_cached_shape(step)?;
                if step.op == LOAD_ATTR_METHOD_LAZY_DICT {
                    let dict = self.load(object, step.cache(6) as usize, Ty::Value);
                    self.guard_is(dict, 0);
                }
                let method = self.value_constant(Value::from_bits(step.cache64(7)));
                self.replace(1, method);
                self.push(object);
            }
            LOAD_ATTR_NONDESCRIPTOR if has_cached_shape(step) => {
                self.object_of_cached_shape(step)?;
                let v = self.value_constant(Value::from_bits(step.cache64(7)));
                self.replace_attribute(v, o);
            }
            LOAD_ATTR_CLASS => {
                let class = self.peek(1)?;
                let class = self.value(class);
                let address = ShapeRef(step.cache32(2)).ptr::<u8>() as u64;
                self.guard_is(class, address);
                let word = self.word_constant(address);
                self.guard_version(word, Type::VERSION, step.cache32(4));
                let v = self.value_constant(Value::from_bits(step.cache64(7)));
                self.replace_attribute(v, o);
            }
            LOAD_ATTR_MODULE => {
                let module = self.peek(1)?;
                let module = self.guard_shape(module, shapes::MODULE)?;
                let dict = self.load(module, Module::DICT, Ty::Value);
                let table = self.table_of_version(dict, step.cache32(2))?;
                self.drop_n(1);
                self.push_entry(table, step.cache(6), o & 1 != 0);
            }
            STORE_ATTR_INSTANCE_VALUE | STORE_ATTR_SLOT if has_cached_shape(step) => {
                let object = self.peek(1)?;
                self.test_again(object);
                let object = self.object_of_cached_shape(step)?;
                let offset = step.cache(6) as usize;
                if step.op == STORE_ATTR_INSTANCE_VALUE {
                    let old = self.load(object, offset, Ty::Value);
                    if self.ty(old) == Ty::Value {
                        self.guard_is_not(old, 0);
                    }
                }
                let v = self.peek(2)?;
                self.store_slot(object, offset, v);
                self.drop_n(2);
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
            _ if form.family() == LOAD_ATTR => return self.load_seen(step),
            _ if form.family() == STORE_ATTR => return self.store_seen(step),
            _ if form.family() == LOAD_SUPER_ATTR && o & 1 != 0 => return self.load_from_super(step),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn list_of(&mut self, items: &[Id]) -> Id {
        let mut operands: Vec<Id> = items.iter().map(|item| self.value(*item)).collect();
        let exit = self.exit();
        let (fp, sp) = self.registers();
        operands.extend([fp, sp]);
        let list = self.emit_with(Op::BuildList, Ty::Value, &operands, 0, Some(exit));
        self.has_shape(list, shapes::LIST);
        list
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

    /// The object on top, which has the shape in the cache.
    fn object_of_cached_shape(&mut self, step: &Instruction) -> Result<Id, Abort> {
        let object = self.peek(1)?;
        self.guard_shape_version(object, ShapeRef(step.cache32(2)), step.cache32(4))
    }

    /// An attribute of an object whose shape no cache holds: the trace expects the one it has seen.
    fn load_seen(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let o = step.oparg;
        if step.class.is_some() {
            return self.load_of_class(step);
        }
        let (Some((shape, version)), Some(code)) = (observed_shape(step), step.code) else { return Ok(false) };
        let kind = attr::describe_load(shape.class(), shape, code.name_at((o >> 1) as usize));
        if !matches!(kind, LoadKind::Slot(_) | LoadKind::Member(_) | LoadKind::Method(_) | LoadKind::ClassValue(_)) {
            return Ok(false);
        }
        let object = self.peek(1)?;
        let object = self.guard_shape_version(object, shape.shape_ref(), version)?;
        match kind {
            LoadKind::Slot(offset) | LoadKind::Member(offset) => {
                let v = self.load(object, offset as usize, Ty::Value);
                if self.ty(v) == Ty::Value {
                    self.guard_is_not(v, 0);
                }
                self.replace_attribute(v, o);
            }
            LoadKind::Method(f) if o & 1 != 0 => {
                let method = self.value_constant(f);
                self.replace(1, method);
                self.push(object);
            }
            LoadKind::ClassValue(v) => {
                let v = self.value_constant(v);
                self.replace_attribute(v, o);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// As [`load_seen`](Lowering::load_seen), of a class.
    fn load_of_class(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let o = step.oparg;
        let (Some(class), Some(code)) = (step.class, step.code) else { return Ok(false) };
        let Some(version) = class.assign_version() else { return Ok(false) };
        let loaded = attr::describe_class_load(class, code.name_at((o >> 1) as usize));
        if !matches!((loaded, o & 1), (ClassLoad::Value(_), _) | (ClassLoad::Method(_), 1)) {
            return Ok(false);
        }
        let v = self.peek(1)?;
        let v = self.value(v);
        self.guard_is(v, class.value().bits());
        let class = self.value_constant(class.value());
        self.guard_version(class, Type::VERSION, version);
        match loaded {
            ClassLoad::Method(f) => {
                let f = self.value_constant(f);
                self.replace(1, f);
                self.push(class);
            }
            ClassLoad::Value(v) => {
                let v = self.value_constant(v);
                self.replace_attribute(v, o);
            }
            ClassLoad::Descriptor | ClassLoad::Nothing | ClassLoad::Metaclass => {}
        }
        Ok(true)
    }

    /// A method behind a class in the order of an object's classes.
    fn load_from_super(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let (Some((shape, version)), Some(code), Some(class)) = (observed_shape(step), step.code, step.class) else { return Ok(false) };
        let method = super_::describe_method(class, shape.class(), code.name_at((step.oparg >> 2) as usize));
        let Some(method) = method.filter(|_| step.subject == builtin::SUPER.value()) else { return Ok(false) };
        let (global, start, object) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
        self.guard_is(global, builtin::SUPER.value().bits());
        let start = self.value(start);
        self.guard_is(start, class.value().bits());
        let object = self.guard_shape_version(object, shape.shape_ref(), version)?;
        let method = self.value_constant(method);
        self.replace(3, method);
        self.push(object);
        Ok(true)
    }

    /// As [`load_seen`](Lowering::load_seen), for a store.
    fn store_seen(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Some((shape, version)) = observed_shape(step) else { return Ok(false) };
        let Some(name) = step.code.map(|code| code.name_at(step.oparg as usize)) else { return Ok(false) };
        // Of the object it matters only that it is one with a shape, as its class is.
        let kind = attr::describe_store(self.thread, shape.class().value(), shape, name);
        if !matches!(kind, StoreKind::Slot(_) | StoreKind::AddSlot(..) | StoreKind::Member(_)) {
            return Ok(false);
        }
        let (object, v) = (self.peek(1)?, self.peek(2)?);
        self.test_again(object);
        let object = self.guard_shape_version(object, shape.shape_ref(), version)?;
        match kind {
            StoreKind::AddSlot(offset, child) => self.add_slot(object, offset as usize, v, child.shape_ref(), name),
            StoreKind::Slot(offset) | StoreKind::Member(offset) => {
                if matches!(kind, StoreKind::Slot(_)) {
                    let old = self.load(object, offset as usize, Ty::Value);
                    if self.ty(old) == Ty::Value {
                        self.guard_is_not(old, 0);
                    }
                }
                self.store_slot(object, offset as usize, v);
            }
            StoreKind::Other => {}
        }
        self.drop_n(2);
        Ok(true)
    }

    /// An attribute is added to an object of a known shape.
    fn add_slot(&mut self, object: Id, offset: usize, v: Id, shape: ShapeRef, name: Value) {
        let boxed = self.value(v);
        let name = self.value_constant(name);
        let exit = self.exit();
        let (fp, sp) = self.registers();
        let shape_and_offset = (shape.0 as i64) << 16 | offset as i64;
        self.emit_with(Op::AddSlot, Ty::None, &[object, boxed, name, fp, sp], shape_and_offset, Some(exit));
        self.stored_slot(object, offset, v);
        self.now_has_shape(object, shape);
    }

    fn replace_attribute(&mut self, v: Id, o: u32) {
        self.replace(1, v);
        if o & 1 != 0 {
            let null = self.constant(Ty::Value, 0);
            self.push(null);
        }
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
    fn push_entry(&mut self, table: Id, index: u16, with_null: bool) {
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

/// Does the cache of an attribute's instruction hold the shape of the object it has met?
fn has_cached_shape(step: &Instruction) -> bool {
    step.operands[0] == Observed::Cell(step.cache32(2))
}

/// The shape of the object on top while the trace was recorded, and the version that certifies what is found out about it from now on.
pub(super) fn observed_shape(step: &Instruction) -> Option<(Ref<Shape>, u32)> {
    let Observed::Cell(shape) = step.operands[0] else { return None };
    // SAFETY: the recording keeps the shapes of such instructions alive.
    let shape = unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) };
    Some((shape, shape.assign_version()?))
}
