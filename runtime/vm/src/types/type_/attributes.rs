//! The attributes that every class has: `__name__`, `__module__`, `__dict__`, ...

use crate::args::{GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, truth::truth};
use crate::thread::Thread;
use crate::types::descriptor::{bind, text};
use crate::types::type_::{assign, cache, native};
use crate::types::{Dict, List, MappingProxy, Str, Tuple, Type, builtin, flag, int};
use limpid_heap::Value;

pub(super) static GETSET: &[GetSet] = &[
    GetSet::getter("__basicsize__", |_, c| Ok(Value::int(class(c).basic_size as i64))).member(),
    GetSet::getter("__itemsize__", |_, c| Ok(Value::int(item_size(class(c))))).member(),
    GetSet::getter("__flags__", |t, c| Ok(int::from_u64(t, class(c).flags() & 0xFFFF_FFFF | READY))).member(),
    GetSet::getter("__weakrefoffset__", |_, c| Ok(Value::int(if class(c).has(flag::WEAK_REFERENCES) { -8 } else { 0 }))).member(),
    GetSet::getter("__base__", |_, c| Ok(class(c).base.opt().unwrap_or(Value::NONE))).member(),
    GetSet::getter("__dictoffset__", |_, c| Ok(Value::int(dict_offset(class(c))))).member(),
    GetSet::getter("__mro__", |_, c| Ok(if class(c).mro().is_empty() { Value::NONE } else { class(c).mro.get() })).member(),
    GetSet::property("__name__", |_, c| Ok(class(c).name.get()), set_name),
    GetSet::property("__qualname__", |_, c| Ok(class(c).qualname.get()), set_qualname),
    GetSet::property("__bases__", |_, c| Ok(class(c).bases.get()), assign::set_bases),
    GetSet::property("__module__", get_module, set_module),
    GetSet::property("__abstractmethods__", get_abstract_methods, set_abstract_methods),
    GetSet::getter("__dict__", |t, c| Ok(MappingProxy::new(t, class(c).dict.get()).value())),
    GetSet::property("__doc__", get_doc, set_doc),
    GetSet::getter("__text_signature__", |t, c| {
        Ok(match class(c).def.filter(|_| !class(c).has(flag::HEAP_TYPE)).and_then(|def| native::split_doc(def).0) {
            Some(signature) => Str::new(t, signature).value(),
            None => Value::NONE,
        })
    }),
    GetSet::property("__annotations__", get_annotations, set_annotations),
    GetSet::property("__annotate__", get_annotate, set_annotate),
    GetSet::property("__type_params__", get_type_params, |t, c, v| {
        check_change(t, class(c), "__type_params__", v)?;
        set_entry(t, class(c), names::__type_params__, v)
    }),
];

/// CPython's flag for a complete type.
const READY: u64 = 1 << 12;

fn class(c: Value) -> Ref<Type> {
    receiver(c)
}

fn item_size(class: Ref<Type>) -> i64 {
    if class.is_subtype(builtin::INT) {
        4
    } else if class.is_subtype(builtin::BYTES) {
        1
    } else if class.is_subtype(builtin::TUPLE) {
        8
    } else {
        0
    }
}

fn dict_offset(class: Ref<Type>) -> i64 {
    match class.attrs_offset() {
        0 => 0,
        Type::VARIABLE => -8,
        _ if class.inline_capacity() > 0 => -1,
        offset => offset as i64,
    }
}

/// `<class 'module.name'>`
pub(super) fn repr(t: &Thread, c: Value) -> R {
    let c = class(c);
    let qualname = text(c.qualname.get());
    let module = match get_module(t, c.value()) {
        Ok(m) => m.downcast::<Str>().filter(|m| !m.eq_str("builtins")).map(|m| m.to_string_lossy().into_owned()),
        Err(_) => {
            t.catch(crate::exc::AttributeError)?;
            None
        }
    };
    Ok(match module {
        Some(module) => Str::new(t, &format!("<class '{module}.{qualname}'>")).value(),
        None => Str::new(t, &format!("<class '{qualname}'>")).value(),
    })
}

/// Raises TypeError unless the attribute of this class may be changed to `v` (deleted: NULL).
fn check_change(t: &Thread, class: Ref<Type>, name: &str, v: Value) -> R<()> {
    if class.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "cannot set '{name}' attribute of immutable type '{}'", class.display_name());
    }
    if v.is_null() {
        raise!(t, TypeError, "cannot delete '{name}' attribute of immutable type '{}'", class.display_name());
    }
    Ok(())
}

/// Changes an entry of the namespace that is an attribute of the metaclass as well.
fn set_entry(t: &Thread, class: Ref<Type>, name: Value, v: Value) -> R<()> {
    class.dict().set_name(t, name, v)?;
    cache::invalidate(class);
    Ok(())
}

fn own(class: Ref<Type>, name: Value) -> Option<Value> {
    class.dict().get_name(name)
}

fn set_name(t: &Thread, c: Value, v: Value) -> R<()> {
    let c = class(c);
    check_change(t, c, "__name__", v)?;
    let Some(name) = v.downcast::<Str>() else {
        raise!(t, TypeError, "can only assign string to {}.__name__, not '{}'", c.display_name(), v.class().display_name());
    };
    check_class_name(t, name)?;
    c.name.set(t, c, v);
    Ok(())
}

/// Raises ValueError unless a class may be called so.
pub(super) fn check_class_name(t: &Thread, name: Ref<Str>) -> R<()> {
    if name.code_points().any(|c| c == 0) {
        raise!(t, ValueError, "type name must not contain null characters");
    }
    if name.to_utf8().is_none() {
        let at = name.code_points().position(|c| (0xD800..0xE000).contains(&c)).unwrap_or(0);
        return Err(crate::types::exceptions::raise_encode_error(t, "utf-8", name.value(), at, at + 1, "surrogates not allowed"));
    }
    Ok(())
}

fn set_qualname(t: &Thread, c: Value, v: Value) -> R<()> {
    let c = class(c);
    check_change(t, c, "__qualname__", v)?;
    if v.downcast::<Str>().is_none() {
        raise!(t, TypeError, "can only assign string to {}.__qualname__, not '{}'", c.display_name(), v.class().display_name());
    }
    c.qualname.set(t, c, v);
    Ok(())
}

fn get_module(t: &Thread, c: Value) -> R {
    let c = class(c);
    match c.def.filter(|_| !c.has(flag::HEAP_TYPE)) {
        Some(def) => Ok(crate::types::str::intern(t, native::module_name(def))),
        None => own(c, names::__module__).ok_or_else(|| attr::raise_attribute_error(t, "__module__", c.value(), names::__module__)),
    }
}

fn set_module(t: &Thread, c: Value, v: Value) -> R<()> {
    check_change(t, class(c), "__module__", v)?;
    class(c).dict().remove(t, names::__firstlineno__)?;
    set_entry(t, class(c), names::__module__, v)
}

fn get_abstract_methods(t: &Thread, c: Value) -> R {
    let c = class(c);
    // `type` itself has this descriptor under the name.
    let found = if c == builtin::TYPE { None } else { own(c, names::__abstractmethods__) };
    found.ok_or_else(|| attr::raise_attribute_error(t, "__abstractmethods__", c.value(), names::__abstractmethods__))
}

fn set_abstract_methods(t: &Thread, c: Value, v: Value) -> R<()> {
    let c = class(c);
    let mut is_abstract = false;
    if !v.is_null() {
        is_abstract = truth(t, v)?;
        c.dict().set_name(t, names::__abstractmethods__, v)?;
    } else if c.dict().remove(t, names::__abstractmethods__)?.is_none() {
        return Err(attr::raise_attribute_error(t, "__abstractmethods__", c.value(), names::__abstractmethods__));
    }
    let (set, clear) = if is_abstract { (flag::ABSTRACT, 0) } else { (0, flag::ABSTRACT) };
    c.change_flags(set, clear);
    cache::invalidate(c);
    Ok(())
}

fn get_doc(t: &Thread, c: Value) -> R {
    let c = class(c);
    match own(c, names::__doc__) {
        Some(doc) if c.has(flag::HEAP_TYPE) => bind(t, doc, Value::NULL, c.value()),
        // A native type may have a descriptor of this name for its instances.
        Some(doc) if doc.is_none() || doc.is_instance(builtin::STR) => Ok(doc),
        _ => Ok(match c.def.map(|def| native::split_doc(def).1) {
            Some(doc) if !doc.is_empty() => Str::new(t, doc).value(),
            _ => Value::NONE,
        }),
    }
}

fn set_doc(t: &Thread, c: Value, v: Value) -> R<()> {
    check_change(t, class(c), "__doc__", v)?;
    set_entry(t, class(c), names::__doc__, v)
}

fn get_type_params(t: &Thread, c: Value) -> R {
    let found = if c == builtin::TYPE.value() { None } else { own(class(c), names::__type_params__) };
    Ok(found.unwrap_or(t.empty_tuple()))
}

/// Raises AttributeError for a native type: those have no annotations.
fn check_annotated(t: &Thread, class: Ref<Type>, name: Value) -> R<()> {
    if class.has(flag::HEAP_TYPE) {
        return Ok(());
    }
    let message = format!("type object '{}' has no attribute '{}'", class.display_name(), text(name));
    Err(attr::raise_attribute_error(t, &message, class.value(), name))
}

fn get_annotate(t: &Thread, c: Value) -> R {
    let c = class(c);
    check_annotated(t, c, names::__annotate__)?;
    match own(c, names::__annotate__).or_else(|| own(c, names::__annotate_func__)) {
        Some(f) => bind(t, f, Value::NULL, c.value()),
        None => {
            c.dict().set_name(t, names::__annotate_func__, Value::NONE)?;
            Ok(Value::NONE)
        }
    }
}

fn set_annotate(t: &Thread, c: Value, v: Value) -> R<()> {
    let c = class(c);
    if v.is_null() {
        raise!(t, TypeError, "cannot delete __annotate__ attribute");
    }
    if c.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "cannot set '__annotate__' attribute of immutable type '{}'", c.display_name());
    }
    if !v.is_none() && !call::is_callable(v) {
        raise!(t, TypeError, "__annotate__ must be callable or None");
    }
    c.dict().set_name(t, names::__annotate_func__, v)?;
    if !v.is_none() {
        c.dict().remove(t, names::__annotations_cache__)?;
    }
    cache::invalidate(c);
    Ok(())
}

fn get_annotations(t: &Thread, c: Value) -> R {
    let c = class(c);
    check_annotated(t, c, names::__annotations__)?;
    if let Some(found) = own(c, names::__annotations__).or_else(|| own(c, names::__annotations_cache__)) {
        return bind(t, found, Value::NULL, c.value());
    }
    let annotate = get_annotate(t, c.value())?;
    let annotations = if call::is_callable(annotate) {
        let result = call::call(t, annotate, &[Value::int(1)])?;
        if result.downcast::<Dict>().is_none() {
            raise!(t, TypeError, "__annotate__ returned non-dict of type '{}'", result.class().display_name());
        }
        result
    } else {
        Dict::new(t).value()
    };
    c.dict().set_name(t, names::__annotations_cache__, annotations)?;
    Ok(annotations)
}

fn set_annotations(t: &Thread, c: Value, v: Value) -> R<()> {
    let c = class(c);
    if c.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "cannot set '__annotations__' attribute of immutable type '{}'", c.display_name());
    }
    let dict = c.dict();
    let stored = if own(c, names::__annotations__).is_some() { names::__annotations__ } else { names::__annotations_cache__ };
    if !v.is_null() {
        dict.set_name(t, stored, v)?;
    } else if dict.remove(t, stored)?.is_none() {
        return Err(attr::raise_attribute_error(t, "__annotations__", c.value(), names::__annotations__));
    }
    dict.remove(t, names::__annotate_func__)?;
    dict.remove(t, names::__annotate__)?;
    cache::invalidate(c);
    Ok(())
}

/// `type.__dir__`: the names in the namespaces of a class and its bases.
pub(super) fn dir(t: &Thread, a: &[Value]) -> R {
    let names = Dict::new(t);
    merge_names(t, names, a[0])?;
    let list = List::new(t);
    for (name, _) in names.iter() {
        list.append(t, name)?;
    }
    Ok(list.value())
}

/// Adds the names in the namespaces of a class and its bases, as `__dict__` and `__bases__` say.
pub(crate) fn merge_names(t: &Thread, names_found: Ref<Dict>, class: Value) -> R<()> {
    t.check_stack("")?;
    if let Some(dict) = attr::get_attr_opt(t, class, names::__dict__)? {
        names_found.update_from(t, dict)?;
    }
    let Some(bases) = attr::get_attr_opt(t, class, names::__bases__)?.and_then(|b| b.downcast::<Tuple>()) else { return Ok(()) };
    for base in bases.as_slice() {
        merge_names(t, names_found, *base)?;
    }
    Ok(())
}
