//! Globals and attributes.

use super::{due, failure, has_missed, success};
use crate::interp::regs::Regs;
use crate::interp::uops::special_name;
use crate::object::{Ref, ValueExt};
use crate::protocol::attr::{self, ClassLoad, LoadKind, StoreKind};
use crate::shape::Shape;
use crate::stats::Failure;
use crate::types::{Dict, Function, Module, Type, flag};
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};

/// `LOAD_GLOBAL`
pub fn load_global(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let f = r.frame().function();
    let name = f.code().name_at((o >> 1) as usize);
    let (Some(globals), Some(builtins)) = (f.globals.get().exact::<Dict>(), f.builtins.get().exact::<Dict>()) else {
        return failure(r, Failure::NotADict);
    };
    let Some(table) = globals.table() else { return failure(r, Failure::OtherType) };
    let Some(version) = table.assign_version() else { return failure(r, Failure::OutOfVersions) };
    let is_live = |d: Ref<Dict>, i: usize| d.table().and_then(|t| t.value_at(i)).is_some();
    if let Some(i) = globals.index_of_name(name).filter(|&i| is_live(globals, i)) {
        if i > u16::MAX as usize {
            return failure(r, Failure::OutOfRange);
        }
        r.set_cache(2, i as u16);
        r.set_cache32(3, version);
        return success(r, Opcode::LOAD_GLOBAL_MODULE);
    }
    let Some(i) = builtins.index_of_name(name).filter(|&i| i <= u16::MAX as usize && is_live(builtins, i)) else {
        return failure(r, Failure::OtherType);
    };
    let Some(builtins_version) = builtins.table().and_then(|t| t.assign_version()) else {
        return failure(r, Failure::OutOfVersions);
    };
    r.set_cache(2, i as u16);
    r.set_cache32(3, version);
    r.set_cache32(5, builtins_version);
    success(r, Opcode::LOAD_GLOBAL_BUILTIN);
}

fn shape_of(v: Value) -> Option<Ref<Shape>> {
    // SAFETY: an object's shape is a live shape.
    v.is_cell().then(|| unsafe { Ref::from_shape_ref(v.shape()) })
}

/// Writes shape and version; false when versions have run out.
fn cache_shape(r: &Regs, shape: Ref<Shape>) -> bool {
    let Some(version) = shape.assign_version() else { return false };
    r.set_cache32(2, shape.shape_ref().0);
    r.set_cache32(4, version);
    true
}

/// `LOAD_ATTR`
pub fn load_attr(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let object = r.peek(1);
    let name = r.frame().code().name_at((o >> 1) as usize);
    let Some(shape) = shape_of(object) else { return failure(r, Failure::OtherType) };
    if let Some(module) = object.exact::<Module>() {
        return load_module_attr(r, module, name);
    }
    if let Some(class) = object.downcast::<Type>() {
        return load_class_attr(r, class, name);
    }
    let kind = attr::describe_load(shape.class(), shape, name);
    if !cache_shape(r, shape) {
        return failure(r, Failure::OutOfVersions);
    }
    let wants_method = o & 1 != 0;
    // It was specialized for another shape before: it will go on to see both.
    if has_missed(r) && matches!(kind, LoadKind::Slot(_) | LoadKind::Member(_) | LoadKind::Method(_) | LoadKind::ClassValue(_)) {
        r.set_cache64(7, name.bits());
        return success(r, Opcode::LOAD_ATTR_POLYMORPHIC);
    }
    match kind {
        LoadKind::Slot(offset) => {
            r.set_cache(6, offset);
            success(r, Opcode::LOAD_ATTR_INSTANCE_VALUE)
        }
        LoadKind::Member(offset) => {
            r.set_cache(6, offset);
            success(r, Opcode::LOAD_ATTR_SLOT)
        }
        LoadKind::Method(f) if wants_method => {
            r.set_cache64(7, f.bits());
            success(r, Opcode::LOAD_ATTR_METHOD)
        }
        LoadKind::MethodWithoutDict(f, offset) if wants_method => {
            r.set_cache(6, offset);
            r.set_cache64(7, f.bits());
            success(r, Opcode::LOAD_ATTR_METHOD_LAZY_DICT)
        }
        LoadKind::ClassValue(v) => {
            r.set_cache64(7, v.bits());
            success(r, Opcode::LOAD_ATTR_NONDESCRIPTOR)
        }
        LoadKind::Property(getter) if getter.exact::<Function>().is_some_and(|f| f.code().argcount == 1) => {
            r.set_cache64(7, getter.bits());
            success(r, Opcode::LOAD_ATTR_PROPERTY)
        }
        LoadKind::Descriptor(d) => {
            r.set_cache64(7, d.bits());
            success(r, Opcode::LOAD_ATTR_DESCRIPTOR)
        }
        LoadKind::Property(_) => failure(r, Failure::Property),
        LoadKind::Method(_) | LoadKind::MethodWithoutDict(..) => failure(r, Failure::Method),
        LoadKind::Other => failure(r, Failure::OtherType),
    }
}

/// `LOAD_SPECIAL`
pub fn load_special(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let Some(shape) = shape_of(r.peek(1)) else { return failure(r, Failure::OtherType) };
    let Some(method) = attr::describe_special(shape.class(), special_name(o)) else { return failure(r, Failure::OtherType) };
    if !cache_shape(r, shape) {
        return failure(r, Failure::OutOfVersions);
    }
    r.set_cache64(6, method.bits());
    success(r, Opcode::LOAD_SPECIAL_KNOWN);
}

fn load_module_attr(r: &Regs, module: Ref<Module>, name: Value) {
    let dict = module.dict();
    let found = dict.index_of_name(name).filter(|&i| i <= u16::MAX as usize);
    let (Some(i), Some(table)) = (found, dict.table()) else { return failure(r, Failure::NotFound) };
    if table.value_at(i).is_none() {
        return failure(r, Failure::NotFound);
    }
    let Some(version) = table.assign_version() else { return failure(r, Failure::OutOfVersions) };
    r.set_cache32(2, version);
    r.set_cache(6, i as u16);
    success(r, Opcode::LOAD_ATTR_MODULE);
}

fn load_class_attr(r: &Regs, class: Ref<Type>, name: Value) {
    let v = match attr::describe_class_load(class, name) {
        ClassLoad::Value(v) => v,
        ClassLoad::Method(_) | ClassLoad::Descriptor => return failure(r, Failure::Descriptor),
        ClassLoad::Nothing => return failure(r, Failure::NotFound),
        ClassLoad::Metaclass => return failure(r, Failure::Metaclass),
    };
    let Some(version) = class.assign_version() else { return failure(r, Failure::OutOfVersions) };
    r.set_cache32(2, ShapeRef::of(class.ptr()).0);
    r.set_cache32(4, version);
    r.set_cache64(7, v.bits());
    success(r, Opcode::LOAD_ATTR_CLASS);
}

/// `STORE_ATTR`
pub fn store_attr(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let object = r.peek(1);
    let name = r.frame().code().name_at(o as usize);
    let Some(shape) = shape_of(object) else { return failure(r, Failure::OtherType) };
    if shape.class().has(flag::TYPE_SUBCLASS) {
        return failure(r, Failure::Metaclass);
    }
    let kind = attr::describe_store(r.t(), object, shape, name);
    if !cache_shape(r, shape) {
        return failure(r, Failure::OutOfVersions);
    }
    // As for loads.
    if has_missed(r) && matches!(kind, StoreKind::Slot(_) | StoreKind::Member(_)) {
        r.set_cache64(2, name.bits());
        return success(r, Opcode::STORE_ATTR_POLYMORPHIC);
    }
    match kind {
        StoreKind::Slot(offset) => {
            r.set_cache(6, offset);
            success(r, Opcode::STORE_ATTR_INSTANCE_VALUE)
        }
        StoreKind::AddSlot(offset, child) => {
            r.set_cache(6, offset);
            r.set_cache32(7, child.shape_ref().0);
            success(r, Opcode::STORE_ATTR_ADD)
        }
        StoreKind::Member(offset) => {
            r.set_cache(6, offset);
            success(r, Opcode::STORE_ATTR_SLOT)
        }
        StoreKind::Other => failure(r, Failure::OtherType),
    }
}
