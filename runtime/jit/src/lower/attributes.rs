//! Attributes, of objects and of classes.

use super::natives::is_int;
use super::{Abort, Lowering};
use crate::ir::{Id, Layout, Op, Ty};
use crate::{cells, helpers};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::{Ref, ValueExt, header_of};
use limpid_vm::protocol::attr::{self, ClassLoad, LoadKind, StoreKind};
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::{self, shapes};
use limpid_vm::types::{Function, Method, Module, Type, flag, super_};
use std::mem::offset_of;

impl Lowering<'_> {
    /// As [`straight`](Lowering::straight), for instructions that load and store attributes.
    pub(super) fn attributes(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        use Opcode::*;
        let o = step.oparg;
        match form {
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
                let method = self.cached_value(step, shape_version(step))?;
                if step.op == LOAD_ATTR_METHOD_LAZY_DICT {
                    let dict = self.load(object, step.cache(6) as usize, Ty::Value);
                    self.guard_is(dict, 0);
                }
                self.replace(1, method);
                self.push(object);
            }
            LOAD_ATTR_NONDESCRIPTOR if has_cached_shape(step) => {
                self.object_of_cached_shape(step)?;
                let v = self.cached_value(step, shape_version(step))?;
                self.replace_attribute(v, o);
            }
            LOAD_ATTR_CLASS => {
                let class = self.peek(1)?;
                let class = self.value(class);
                let address = ShapeRef(step.cache32(2)).ptr::<u8>() as u64;
                let known = step.class.filter(|class| class.ptr() as u64 == address).ok_or(Abort::Stale)?;
                self.guard_is(class, address);
                let word = self.word_constant(address);
                self.guard_version(word, Type::VERSION, step.cache32(4));
                let v = self.cached_value(step, known.version())?;
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
            _ if form.family() == LOAD_SPECIAL => return self.load_special(step),
            _ if form.family() == LOAD_ATTR => return self.load_seen(step),
            _ if form.family() == STORE_ATTR => return self.store_seen(step),
            _ if form.family() == LOAD_SUPER_ATTR && o & 1 != 0 => return self.load_from_super(step),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the cache has of a class. The class keeps it alive while it has the version in the cache; `now` is the one that it has. Otherwise,
    /// for nothing stopped other threads while the trace was recorded, it may be gone.
    fn cached_value(&mut self, step: &Instruction, now: u32) -> Result<Id, Abort> {
        if now != step.cache32(4) {
            return Err(Abort::Stale);
        }
        Ok(self.value_constant(Value::from_bits(step.cache64(7))))
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
        if is_int(step.operands[0]) && o & 1 != 0 {
            return self.load_of_int(step);
        }
        let (Some((shape, version)), Some(code)) = (observed_shape(step), step.code) else { return Ok(false) };
        let kind = attr::describe_load(shape.class(), shape, code.name_at((o >> 1) as usize));
        if !matches!(kind, LoadKind::Slot(_) | LoadKind::Member(_) | LoadKind::Method(_) | LoadKind::ClassValue(_)) {
            return Ok(false);
        }
        if matches!(kind, LoadKind::Method(_)) && o & 1 == 0 && self.at_start && self.needs_python {
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
            LoadKind::Method(f) => {
                let is_function = f.exact::<Function>().is_some();
                let f = self.value_constant(f);
                let method = match is_function {
                    true => self.make(layout_of_methods(), vec![f, object]),
                    false => self.call_native(helpers::bind, vec![f, object]),
                };
                self.replace(1, method);
            }
            LoadKind::ClassValue(v) => {
                let v = self.value_constant(v);
                self.replace_attribute(v, o);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A method of an int that is called next.
    fn load_of_int(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Some(code) = step.code else { return Ok(false) };
        let method = attr::type_lookup(builtin::INT, code.name_at((step.oparg >> 1) as usize));
        let Some(method) = method.filter(|method| method.class().has(flag::METHOD_DESCRIPTOR)) else { return Ok(false) };
        let v = self.peek(1)?;
        let v = self.int(v)?;
        let method = self.value_constant(method);
        self.replace(1, method);
        self.push(v);
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

    /// `__enter__` and the like of an object that a `with` statement is about to call.
    fn load_special(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let Some((shape, version)) = observed_shape(step) else { return Ok(false) };
        let method = attr::describe_special(shape.class(), attr::special_method_name(step.oparg));
        let Some(method) = method else { return Ok(false) };
        let object = self.peek(1)?;
        let object = self.guard_shape_version(object, shape.shape_ref(), version)?;
        let method = self.value_constant(method);
        self.replace(1, method);
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
}

fn layout_of_methods() -> Layout {
    let offsets = vec![offset_of!(Method, function) as u32, offset_of!(Method, receiver) as u32];
    Layout { header: cells::with_class(header_of::<Method>(), size_of::<Method>()), is_tuple: false, offsets }
}

/// Does the cache of an attribute's instruction hold the shape of the object it has met?
fn has_cached_shape(step: &Instruction) -> bool {
    step.operands[0] == Observed::Cell(step.cache32(2))
}

/// The version that the shape in the cache, which is the one that was seen, has now.
fn shape_version(step: &Instruction) -> u32 {
    // SAFETY: the recording keeps the shapes of such instructions alive.
    unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(step.cache32(2))) }.version()
}

/// The shape of the object on top while the trace was recorded, and the version that certifies what is found out about it from now on.
pub(super) fn observed_shape(step: &Instruction) -> Option<(Ref<Shape>, u32)> {
    let Observed::Cell(shape) = step.operands[0] else { return None };
    // SAFETY: the recording keeps the shapes of such instructions alive.
    let shape = unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) };
    Some((shape, shape.assign_version()?))
}
