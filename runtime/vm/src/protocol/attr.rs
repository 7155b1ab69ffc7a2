//! Attributes: `x.y`, `x.y = z`, `del x.y`, special methods, and what inline caches need to know about them.

use crate::object::{R, Ref, ValueExt};
use crate::shape::Shape;
use crate::thread::Thread;
use crate::types::descriptor::{ClassMethod, MemberDescriptor, Property};
use crate::types::exceptions::AttributeError;
use crate::types::{Dict, Function, Str, Type, builtin, flag, instance, type_};
use crate::{exc, names};
use limpid_heap::Value;

// ---- reading ----

/// `object.name`
#[inline]
pub fn get_attr(t: &Thread, object: Value, name: Value) -> R {
    let class = object.class();
    if class.has(flag::PLAIN_LOOKUP) && name.class() == builtin::STR {
        return match generic_lookup(t, object, name)? {
            Some(v) => Ok(v),
            None => Err(raise_no_attribute(t, object, name)),
        };
    }
    check_name(t, name)?;
    match class.slots().getattribute {
        Some(f) => f(t, object, name),
        None => Err(raise_no_attribute(t, object, name)),
    }
}

/// `object.name`, None when there is no such attribute.
#[inline]
pub fn get_attr_opt(t: &Thread, object: Value, name: Value) -> R<Option<Value>> {
    let found = if object.class().has(flag::PLAIN_LOOKUP) && name.class() == builtin::STR {
        generic_lookup(t, object, name)
    } else {
        get_attr(t, object, name).map(Some)
    };
    match found {
        Ok(found) => Ok(found),
        Err(_) => t.catch(exc::AttributeError).map(|()| None),
    }
}

/// As [`get_attr`], the name as text.
pub fn get_attr_text(t: &Thread, object: Value, name: &str) -> R {
    get_attr(t, object, crate::types::str::intern(t, name))
}

fn check_name(t: &Thread, name: Value) -> R<()> {
    if name.is_instance(builtin::STR) {
        return Ok(());
    }
    raise!(t, TypeError, "attribute name must be string, not '{}'", name.class().display_name())
}

/// `object.__getattribute__(name)` of object itself.
pub fn generic_get_attr(t: &Thread, object: Value, name: Value) -> R {
    check_name(t, name)?;
    match generic_lookup(t, object, name)? {
        Some(v) => Ok(v),
        None => Err(raise_no_attribute(t, object, name)),
    }
}

/// As [`generic_get_attr`], None when there is no such attribute: data descriptors of the class, attributes of the instance, then
/// everything else in the class.
pub fn generic_lookup(t: &Thread, object: Value, name: Value) -> R<Option<Value>> {
    let class = object.class();
    let descriptor = lookup(t, class, name);
    let mut get = None;
    if let Some(d) = descriptor {
        let slots = d.class().slots();
        get = slots.descr_get;
        if let Some(get) = get
            && slots.descr_set.is_some()
        {
            return get(t, d, object, class.value()).map(Some);
        }
    }
    if let Some(v) = instance::get(object, name) {
        return Ok(Some(v));
    }
    match (descriptor, get) {
        (Some(d), Some(get)) => get(t, d, object, class.value()).map(Some),
        _ => Ok(descriptor),
    }
}

/// AttributeError: the object has no attribute of this name.
#[cold]
#[inline(never)]
pub fn raise_no_attribute(t: &Thread, object: Value, name: Value) -> crate::object::Raised {
    let text = name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    raise_attribute_error(t, &format!("'{}' object has no attribute '{text}'", object.class().display_name()), object, name)
}

/// AttributeError with this message, about this object's attribute.
#[cold]
#[inline(never)]
pub fn raise_attribute_error(t: &Thread, message: &str, object: Value, name: Value) -> crate::object::Raised {
    let message = Str::new(t, message).value();
    let e = AttributeError::create(t, message, object, name).value();
    crate::types::Exception::attach_context(t, e);
    t.raise_value(e)
}

// ---- classes ----

/// The attribute `name` of a class: the first found in the namespaces along its MRO.
pub fn type_lookup(class: Ref<Type>, name: Value) -> Option<Value> {
    type_::find(class, name).map(|(_, v)| v)
}

/// As [`type_lookup`], with the thread's cache.
#[inline]
pub fn lookup(t: &Thread, class: Ref<Type>, name: Value) -> Option<Value> {
    type_::cache::lookup(t, class, name)
}

/// A special method of an object: looked up on its class, bound to the object.
pub fn lookup_special(t: &Thread, object: Value, name: Value) -> R<Option<Value>> {
    let class = object.class();
    let Some(f) = lookup(t, class, name) else { return Ok(None) };
    match f.class().slots().descr_get {
        Some(get) => get(t, f, object, class.value()).map(Some),
        None => Ok(Some(f)),
    }
}

/// A special method of an object: what to call and the receiver to pass, which is NULL when it is bound already or needs none.
#[inline]
pub fn get_special_method(t: &Thread, object: Value, name: Value) -> R<Option<(Value, Value)>> {
    let class = object.class();
    match lookup(t, class, name) {
        Some(f) => bind(t, f, object, class).map(Some),
        None => Ok(None),
    }
}

/// A class's attribute as a method of an object, without making a bound method where that can be avoided.
#[inline]
fn bind(t: &Thread, f: Value, object: Value, class: Ref<Type>) -> R<(Value, Value)> {
    let kind = f.class();
    if kind.has(flag::METHOD_DESCRIPTOR) {
        return Ok((f, object));
    }
    match kind.slots().descr_get {
        Some(get) => Ok((get(t, f, object, class.value())?, Value::NULL)),
        None => Ok((f, Value::NULL)),
    }
}

/// `object.name` for a call: what to call and the receiver to pass, or NULL.
pub fn get_method(t: &Thread, object: Value, name: Value) -> R<(Value, Value)> {
    let class = object.class();
    if !class.has(flag::PLAIN_LOOKUP) {
        return Ok((get_attr(t, object, name)?, Value::NULL));
    }
    let Some(f) = lookup(t, class, name) else { return Ok((get_attr(t, object, name)?, Value::NULL)) };
    let kind = f.class();
    if kind.has(flag::METHOD_DESCRIPTOR) && instance::get(object, name).is_none() {
        return Ok((f, object));
    }
    Ok((get_attr(t, object, name)?, Value::NULL))
}

// ---- writing ----

/// `object.name = value`
#[inline]
pub fn set_attr(t: &Thread, object: Value, name: Value, value: Value) -> R<()> {
    check_name(t, name)?;
    let name = crate::types::str::intern_name(t, name)?;
    match object.class().slots().setattr {
        Some(f) => f(t, object, name, value),
        None => raise!(t, TypeError, "'{}' object has no attributes", object.class().display_name()),
    }
}

/// `del object.name`
pub fn del_attr(t: &Thread, object: Value, name: Value) -> R<()> {
    set_attr(t, object, name, Value::NULL)
}

/// `object.__setattr__(name, value)` of object itself; NULL deletes.
pub fn generic_set_attr(t: &Thread, object: Value, name: Value, value: Value) -> R<()> {
    check_name(t, name)?;
    let name = crate::types::str::intern_name(t, name)?;
    let class = object.class();
    let descriptor = lookup(t, class, name);
    if let Some(d) = descriptor
        && let Some(set) = d.class().slots().descr_set
    {
        return set(t, d, object, value);
    }
    let done = if value.is_null() { instance::delete(t, object, name)? } else { instance::set(t, object, name, value)? };
    if done {
        return Ok(());
    }
    let text = name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let class_name = class.display_name();
    let message = match descriptor {
        Some(_) if class.attrs_offset() == 0 => format!("'{class_name}' object attribute '{text}' is read-only"),
        None if class.attrs_offset() == 0 && sets_generically(class) => {
            format!("'{class_name}' object has no attribute '{text}' and no __dict__ for setting new attributes")
        }
        _ => format!("'{class_name}' object has no attribute '{text}'"),
    };
    Err(raise_attribute_error(t, &message, object, name))
}

/// Is setting attributes of the instances object's own way?
fn sets_generically(class: Ref<Type>) -> bool {
    class.slots().setattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic_set_attr as crate::slots::SetItem))
}

/// `__dict__` of an object that has attributes of its own.
pub fn instance_dict(t: &Thread, object: Value) -> R<Option<Ref<Dict>>> {
    instance::dict(t, object)
}

/// The attributes of an object if it has any right now.
pub fn instance_dict_if_any(t: &Thread, object: impl Into<Value>) -> R<Option<Ref<Dict>>> {
    instance::dict_if_any(t, object.into())
}

// ---- for inline caches ----

/// What loading an attribute of objects with a certain shape comes down to, for as long as the shape keeps its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadKind {
    /// A slot of the instance at this offset; NULL there means that the attribute was deleted.
    Slot(u16),
    /// A member of `__slots__` at this offset; NULL there means that it is not set.
    Member(u16),
    /// A function of the class, to be called with the object.
    Method(Value),
    /// Likewise, as long as the word at this offset, which is for a dict of attributes, is NULL.
    MethodWithoutDict(Value, u16),
    /// Something in the class that is no descriptor.
    ClassValue(Value),
    /// A property with this getter.
    Property(Value),
    /// Another data descriptor that comes with the runtime.
    Descriptor(Value),
    /// Anything else.
    Other,
}

/// What loading an attribute of a class comes down to, as long as the class has the same version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClassLoad {
    /// This value.
    Value(Value),
    /// The method that a class method has made of this function.
    Method(Value),
    /// Another descriptor.
    Descriptor,
    /// There is no such attribute.
    Nothing,
    /// The metaclass may have a say in it.
    Metaclass,
}

/// What storing an attribute comes down to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreKind {
    /// A slot of the instance at this offset; if it is NULL, the attribute was deleted and this does not hold.
    Slot(u16),
    /// The slot at this offset, which belongs to the attribute once the instance has the new shape.
    AddSlot(u16, Ref<Shape>),
    /// A member of `__slots__` at this offset.
    Member(u16),
    /// Anything else.
    Other,
}

fn member_offset(d: Value, class: Ref<Type>) -> Option<u16> {
    let member = d.exact::<MemberDescriptor>()?;
    if class.is_subtype(member.owner()) { member.fixed_offset() } else { None }
}

fn slot_offset(class: Ref<Type>, i: usize) -> Option<u16> {
    u16::try_from(instance::slot_offset(class, i)).ok()
}

/// The method that stands for a special name in a class, if it takes its receiver in front of the arguments: so it is for all objects of the
/// class as long as the versions of their shapes last.
pub fn describe_special(class: Ref<Type>, name: Value) -> Option<Value> {
    type_lookup(class, name).filter(|f| f.class().has(flag::METHOD_DESCRIPTOR) && f.class().has(flag::IMMUTABLE))
}

/// What loading `name` (interned) from an object of this class and shape comes down to.
pub fn describe_load(class: Ref<Type>, shape: Ref<Shape>, name: Value) -> LoadKind {
    if !class.has(flag::PLAIN_LOOKUP) {
        return LoadKind::Other;
    }
    let descriptor = type_lookup(class, name);
    let kind = descriptor.map(|d| d.class());
    if let (Some(d), Some(kind)) = (descriptor, kind)
        && kind.slots().descr_set.is_some()
        && kind.slots().descr_get.is_some()
    {
        if let Some(offset) = member_offset(d, class) {
            return LoadKind::Member(offset);
        }
        return match d.exact::<Property>().and_then(|p| p.getter()) {
            Some(getter) => LoadKind::Property(getter),
            None if kind.has(flag::HEAP_TYPE) => LoadKind::Other,
            None => LoadKind::Descriptor(d),
        };
    }
    // A descriptor whose class may change can become one that comes before the object's own attributes.
    let is_settled = kind.is_none_or(|k| k.has(flag::IMMUTABLE) || k.slots().descr_get.is_none());
    if !is_settled {
        return LoadKind::Other;
    }
    if shape.is_dict_mode() {
        return match (descriptor, kind, class.attrs_offset()) {
            (_, _, 0 | Type::VARIABLE) => LoadKind::Other,
            (Some(d), Some(kind), offset) if kind.has(flag::METHOD_DESCRIPTOR) => LoadKind::MethodWithoutDict(d, offset as u16),
            _ => LoadKind::Other,
        };
    }
    if let Some(i) = shape.lookup(name) {
        return slot_offset(class, i).map_or(LoadKind::Other, LoadKind::Slot);
    }
    match (descriptor, kind) {
        (Some(d), Some(kind)) if kind.has(flag::METHOD_DESCRIPTOR) => LoadKind::Method(d),
        (Some(d), Some(kind)) if kind.slots().descr_get.is_none() => LoadKind::ClassValue(d),
        _ => LoadKind::Other,
    }
}

/// What loading `name` (interned) from a class comes down to.
pub fn describe_class_load(class: Ref<Type>, name: Value) -> ClassLoad {
    // A metaclass may have a data descriptor of that name; only plain classes are looked into.
    if class.value().class() != builtin::TYPE || type_lookup(builtin::TYPE, name).is_some() {
        return ClassLoad::Metaclass;
    }
    let Some(v) = type_lookup(class, name) else { return ClassLoad::Nothing };
    // A function of a class is itself; other descriptors have to be asked.
    if v.class().slots().descr_get.is_none() || v.exact::<Function>().is_some() {
        return ClassLoad::Value(v);
    }
    match v.exact::<ClassMethod>().map(|m| m.callable()).filter(|f| f.exact::<Function>().is_some()) {
        Some(f) => ClassLoad::Method(f),
        None => ClassLoad::Descriptor,
    }
}

/// What storing `name` (interned) in `object`, which has this shape, comes down to.
pub fn describe_store(t: &Thread, object: Value, shape: Ref<Shape>, name: Value) -> StoreKind {
    let class = shape.class();
    if !sets_generically(class) || !object.is_cell() {
        return StoreKind::Other;
    }
    if let Some(d) = type_lookup(class, name)
        && d.class().slots().descr_set.is_some()
    {
        return member_offset(d, class).map_or(StoreKind::Other, StoreKind::Member);
    }
    if shape.is_dict_mode() {
        return StoreKind::Other;
    }
    if let Some(i) = shape.lookup(name) {
        return slot_offset(class, i).map_or(StoreKind::Other, StoreKind::Slot);
    }
    if shape.len() >= shape.capacity() {
        return StoreKind::Other;
    }
    match (shape.child(t, name), slot_offset(class, shape.len())) {
        (Some(child), Some(offset)) => StoreKind::AddSlot(offset, child),
        _ => StoreKind::Other,
    }
}

/// Does the class of this object keep `__dict__` where [`names::__dict__`] finds it? For `vars()`.
pub fn has_dict(object: Value) -> bool {
    object.class().attrs_offset() != 0 || type_lookup(object.class(), names::__dict__).is_some()
}
