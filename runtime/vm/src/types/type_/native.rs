//! Making type objects of native types from their declarations.

use crate::args::{Binding, FnDef};
use crate::names;
use crate::object::{R, Ref};
use crate::root::TypeCell;
use crate::shape::Shape;
use crate::slots::{Call, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::{
    ClassMethodDescriptor, GetSetDescriptor, MemberDescriptor, MethodDescriptor, StaticMethod, WrapperDescriptor,
};
use crate::types::str::intern;
use crate::types::type_::{subclasses, update};
use crate::types::{BuiltinFunction, Dict, Str, Tuple, Type, TypeDef, ValueList, builtin, flag, instance, object};
use limpid_heap::{Header, Kind, Value};

impl Type {
    /// The type object of a native type that a module brings; the module keeps it in a [`TypeCell`](crate::root::TypeCell).
    pub fn from_def(t: &Thread, def: &'static TypeDef) -> Ref<Type> {
        let header = Header::new(builtin::shapes::TYPE, Kind::Mixed, 0);
        let class = t.alloc_cell(Type::new_raw(header, Some(def), SlotTable::EMPTY, 0, def.kind, def.value_slots, def.size));
        let keeps_dict = def.dict_offset != 0 || def.base.is_some_and(|base| base().attrs_offset() != 0);
        let shape = if keeps_dict { Shape::new_dict_mode(t, class) } else { Shape::new_root(t, class, 0) };
        set_root_shape(t, class, shape);
        make_ready(t, class, def);
        class
    }
}

/// Makes the type object of a native type that a module brings, and remembers it for the native code. A module that is imported afresh
/// gets the type that was made for the first: native code knows one only, and nobody can have changed it.
pub fn create_native(t: &Thread, def: &'static TypeDef, cell: &'static TypeCell) -> R<Ref<Type>> {
    if let Some(class) = cell.opt() {
        return Ok(class);
    }
    let class = Type::from_def(t, def);
    cell.set(class);
    Ok(class)
}

/// Sets the shape that exact instances have.
pub(crate) fn set_root_shape(t: &Thread, class: Ref<Type>, shape: Ref<Shape>) {
    class.shape.set(t, class, shape.value());
    if shape.is_dict_mode() {
        class.dict_shape.set(t, class, shape.value());
    }
}

/// The part of a declared name behind the last dot: `__name__`.
fn short_name(def: &TypeDef) -> &'static str {
    def.name.rsplit('.').next().unwrap_or(def.name)
}

/// The part of a declared name before the last dot: `__module__`.
pub(super) fn module_name(def: &TypeDef) -> &'static str {
    def.name.rsplit_once('.').map_or("builtins", |(module, _)| module)
}

/// Separates the constructor's signature from the text of a type's documentation.
pub(super) fn split_doc(def: &TypeDef) -> (Option<&'static str>, &'static str) {
    match def.doc.split_once("\n--\n\n") {
        Some((signature, text)) => (signature.strip_prefix(short_name(def)), text),
        None => (None, def.doc),
    }
}

/// Fills in a type object whose cell and shape exist.
pub(crate) fn make_ready(t: &Thread, class: Ref<Type>, def: &'static TypeDef) {
    let base = match def.base {
        Some(base) => Some(base()),
        None => (class != builtin::OBJECT).then_some(builtin::OBJECT),
    };
    let name = intern(t, short_name(def));
    class.name.set(t, class, name);
    class.qualname.set(t, class, name);
    let mut order = ValueList::with_capacity(t, 8);
    order.push(t, class.value());
    if let Some(base) = base {
        class.base.set(t, class, base.value());
        base.mro().as_slice().iter().for_each(|c| order.push(t, *c));
    }
    class.mro.set(t, class, Tuple::from_slice(t, order.as_slice()).value());
    let bases: &[Value] = &base.map(|b| [b.value()]).unwrap_or([Value::NULL]);
    class.bases.set(t, class, Tuple::from_slice(t, if base.is_some() { bases } else { &[] }).value());
    // SAFETY: the type is not in use yet.
    unsafe { class.set_slots(update::inherit(&def.slots, base)) };
    if def.flags & flag::DISALLOW_INSTANTIATION != 0 {
        // SAFETY: as above. What the base makes would lack this type's fields.
        unsafe { class.set_slots(SlotTable { new: None, ..*class.slots() }) };
    }
    let inherited = base.map_or(0, |b| b.flags() & flag::INHERITED);
    let no_instances = if class.slots().new.is_none() { flag::DISALLOW_INSTANTIATION } else { 0 };
    class.change_flags(def.flags | inherited | no_instances | flag::IMMUTABLE | own_flag(class), 0);
    update::update_flags(class);
    if def.dict_offset != 0 {
        class.set_native_attrs(def.dict_offset);
    } else if let Some(base) = base {
        class.set_native_attrs(base.attrs_offset());
    }
    fill_namespace(t, class, def);
    if let Some(base) = base {
        subclasses::add(t, base, class);
    }
}

/// The flag by which a builtin type and its subclasses are told quickly.
fn own_flag(class: Ref<Type>) -> u64 {
    [
        (builtin::INT, flag::INT_SUBCLASS),
        (builtin::LIST, flag::LIST_SUBCLASS),
        (builtin::TUPLE, flag::TUPLE_SUBCLASS),
        (builtin::BYTES, flag::BYTES_SUBCLASS),
        (builtin::STR, flag::STR_SUBCLASS),
        (builtin::DICT, flag::DICT_SUBCLASS),
        (builtin::TYPE, flag::TYPE_SUBCLASS),
        (crate::exc::BaseException, flag::EXCEPTION_SUBCLASS),
    ]
    .iter()
    .find(|(c, _)| *c == class)
    .map_or(0, |(_, flag)| *flag)
}

/// `__new__` of all native types: what is called is in the slot of the type it is bound to.
pub(super) static NEW: FnDef = FnDef::raw("__new__", "*args, **kwargs", super::construct)
    .doc("Create and return a new object.  See help(type) for accurate signature.");

fn fill_namespace(t: &Thread, class: Ref<Type>, def: &'static TypeDef) {
    let room = def.methods.len() + def.getset.len() + 24;
    // There is room for namespaces at start-up.
    let dict = Dict::with_capacity(t, room).unwrap_or_else(|_| Dict::new(t));
    class.dict.set(t, class, dict.value());
    let add = |name: Value, v: Value| {
        let added = dict.set_name(t, name, v);
        debug_assert!(added.is_ok());
    };
    for method in update::slot_methods(t) {
        if !update::is_filled(&def.slots, method.slot) || !shown(method) {
            continue;
        }
        if dict.get_name(method.name).is_none() {
            add(method.name, WrapperDescriptor::new(t, class, method.name, method.slot, method.which).value());
        }
    }
    // Who is made as object makes its instances has object's `__new__`.
    let is_objects = |new| class != builtin::OBJECT && std::ptr::fn_addr_eq(new, object::new as Call);
    if def.slots.new.is_some_and(|new| !is_objects(new)) {
        add(names::__new__, BuiltinFunction::bound(t, &NEW, class.value()).value());
    }
    for f in def.methods {
        let name = intern(t, f.name);
        let v = match f.binding {
            Binding::Plain => MethodDescriptor::new(t, class, name, f).value(),
            Binding::Class => ClassMethodDescriptor::new(t, class, name, f).value(),
            Binding::Static => StaticMethod::new(t, BuiltinFunction::static_method(t, f, class).value()).value(),
        };
        add(name, v);
    }
    for attribute in def.getset {
        let name = intern(t, attribute.name);
        let v = if attribute.member {
            MemberDescriptor::native(t, class, name, attribute).value()
        } else {
            GetSetDescriptor::new(t, class, name, attribute).value()
        };
        add(name, v);
    }
    if !def.match_args.is_empty() {
        let mut fields = ValueList::with_capacity(t, def.match_args.len());
        def.match_args.iter().for_each(|name| fields.push(t, intern(t, name)));
        add(names::__match_args__, Tuple::from_slice(t, fields.as_slice()).value());
    }
    let gives_dict = def.dict_offset != 0 && class.base().is_none_or(|base| base.attrs_offset() == 0);
    if gives_dict && dict.get_name(names::__dict__).is_none() {
        add(names::__dict__, GetSetDescriptor::new(t, class, names::__dict__, &instance::NATIVE_DICT).value());
    }
    let defines_equality = def.slots.richcompare.is_some() && class.slots().hash.is_none();
    if defines_equality || class.slots().hash.is_none() && update::is_filled(&def.slots, crate::slots::SlotId::hash) {
        add(names::__hash__, Value::NONE);
    }
    if dict.get_name(names::__doc__).is_none() {
        let doc = split_doc(def).1;
        add(names::__doc__, if doc.is_empty() { Value::NONE } else { Str::new(t, doc).value() });
    }
}

/// Does a filled slot of a native type show up as this method? `__new__` is a function, the method of
/// `item` is that of `getitem`, and what only classes written in Python have is not there.
fn shown(method: &update::SlotMethod) -> bool {
    use crate::slots::SlotId as S;
    match method.slot {
        S::new | S::item => false,
        S::getattribute | S::buffer => method.which == 0,
        _ => true,
    }
}
