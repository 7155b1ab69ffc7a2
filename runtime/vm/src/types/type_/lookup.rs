//! Attributes of classes: `C.x`, `C.x = y`, `del C.x`.

use crate::args::receiver;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::attr::{self, lookup, raise_attribute_error};
use crate::thread::Thread;
use crate::types::descriptor::{self, text};
use crate::types::str::intern_name;
use crate::types::type_::{cache, update};
use crate::types::{Type, builtin, flag};
use limpid_heap::Value;

/// `type.__getattribute__`: data descriptors of the metaclass, then the class and its bases, then everything else in the metaclass.
pub(super) fn get_attribute(t: &Thread, class: Value, name: Value) -> R {
    if !name.is_instance(builtin::STR) {
        raise!(t, TypeError, "attribute name must be string, not '{}'", name.class().display_name());
    }
    let metaclass = class.class();
    let of_metaclass = lookup(t, metaclass, name);
    let mut get = None;
    if let Some(d) = of_metaclass {
        let slots = d.class().slots();
        get = slots.descr_get;
        if let (Some(get), true) = (get, slots.descr_set.is_some()) {
            return get(t, d, class, metaclass.value());
        }
    }
    if let Some(v) = lookup(t, receiver(class), name) {
        return descriptor::bind(t, v, Value::NULL, class);
    }
    match (of_metaclass, get) {
        (Some(d), Some(get)) => get(t, d, class, metaclass.value()),
        (Some(v), None) => Ok(v),
        (None, _) => Err(no_attribute(t, receiver(class), name)),
    }
}

fn no_attribute(t: &Thread, class: Ref<Type>, name: Value) -> crate::object::Raised {
    let message = format!("type object '{}' has no attribute '{}'", class.display_name(), text(name));
    raise_attribute_error(t, &message, class.value(), name)
}

/// `type.__setattr__`; NULL deletes.
pub(super) fn set_attribute(t: &Thread, class: Value, name: Value, value: Value) -> R<()> {
    let class: Ref<Type> = receiver(class);
    if !name.is_instance(builtin::STR) {
        raise!(t, TypeError, "attribute name must be string, not '{}'", name.class().display_name());
    }
    if class.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "cannot set '{}' attribute of immutable type '{}'", text(name), class.display_name());
    }
    let name = intern_name(t, name)?;
    if let Some(d) = lookup(t, class.value().class(), name)
        && let Some(set) = d.class().slots().descr_set
    {
        return set(t, d, class.value(), value);
    }
    set_own(t, class, name, value)
}

/// Changes the namespace of a class and tells everybody who relies on it; NULL deletes.
pub(crate) fn set_own(t: &Thread, class: Ref<Type>, name: Value, value: Value) -> R<()> {
    if !value.is_null() {
        class.dict().set_name(t, name, value)?;
    } else if class.dict().remove(t, name)?.is_none() {
        return Err(no_attribute(t, class, name));
    }
    cache::invalidate(class);
    update::name_changed(t, class, name);
    Ok(())
}

/// Calls `__set_name__` of everything in a new class's namespace that has it.
pub(super) fn set_names(t: &Thread, class: Ref<Type>) -> R<()> {
    let entries = class.dict().copy(t)?;
    let mut position = 0;
    while let Some((name, v)) = entries.next_entry(&mut position) {
        let Some((f, own)) = attr::get_special_method(t, v, names::__set_name__)? else { continue };
        let args = [own, class.value(), name];
        let result = crate::protocol::call::call(t, f, if own.is_null() { &args[1..] } else { &args });
        if result.is_err() {
            let e = t.take_exception();
            let shown = crate::protocol::text::repr(t, name).map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            let note =
                format!("Error calling __set_name__ on '{}' instance {shown} in '{}'", v.class().display_name(), class.display_name());
            add_note(t, e, &note);
            return Err(t.raise_value(e));
        }
    }
    Ok(())
}

fn add_note(t: &Thread, e: Value, note: &str) {
    let note = crate::types::Str::new(t, note).value();
    if crate::protocol::call::call_method_text(t, e, "add_note", &[note]).is_err() {
        t.take_exception();
    }
}
