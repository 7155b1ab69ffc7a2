//! `isinstance` and `issubclass`.

use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, truth::truth};
use crate::thread::Thread;
use crate::types::{Tuple, Type, ValueList, builtin, flag};
use limpid_heap::Value;

/// `isinstance(v, class)`; `class` may be a tuple, a union or anything with `__instancecheck__`.
pub fn is_instance(t: &Thread, v: Value, class: Value) -> R<bool> {
    if v.class().value() == class {
        return Ok(true);
    }
    if class.class() == builtin::TYPE {
        return real_is_instance(t, v, class);
    }
    if let Some(classes) = class.downcast::<Tuple>() {
        t.check_stack("")?;
        for c in classes.as_slice() {
            if is_instance(t, v, *c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match attr::lookup_special(t, class, names::__instancecheck__)? {
        Some(check) => {
            t.check_stack("")?;
            let result = call::call(t, check, &[v])?;
            truth(t, result)
        }
        None => real_is_instance(t, v, class),
    }
}

/// As [`is_instance`], if that needs no Python code: `class` is an ordinary class, or a tuple of such.
pub fn is_instance_now(t: &Thread, v: Value, class: Value) -> Option<bool> {
    let own = v.class();
    match class.exact::<Tuple>() {
        None => is_instance_by_class(t, own, &[class]),
        Some(classes) => is_instance_by_class(t, own, classes.as_slice()),
    }
}

/// Are the instances of a class, whatever they are, instances of one of some classes, too? None: that is not certain without Python code. The
/// answer stays what it is for as long as the class keeps its version.
pub fn is_instance_by_class(t: &Thread, own: Ref<Type>, classes: &[Value]) -> Option<bool> {
    let mut found = false;
    for class in classes {
        found |= own.value() == *class || own.is_subtype(class.exact::<Type>()?);
    }
    (found || tells_true_class(t, own)).then_some(found)
}

/// `issubclass(derived, class)`; `class` may be a tuple, a union or anything with `__subclasscheck__`.
pub fn is_subclass(t: &Thread, derived: Value, class: Value) -> R<bool> {
    if class.class() == builtin::TYPE {
        return if derived == class { Ok(true) } else { real_is_subclass(t, derived, class) };
    }
    if let Some(classes) = class.downcast::<Tuple>() {
        t.check_stack("")?;
        for c in classes.as_slice() {
            if is_subclass(t, derived, *c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match attr::lookup_special(t, class, names::__subclasscheck__)? {
        Some(check) => {
            t.check_stack("")?;
            let result = call::call(t, check, &[derived])?;
            truth(t, result)
        }
        None => real_is_subclass(t, derived, class),
    }
}

/// `type.__instancecheck__`: by the class of `v`, and by what its `__class__` says.
pub fn real_is_instance(t: &Thread, v: Value, class: Value) -> R<bool> {
    let Some(c) = class.downcast::<Type>() else {
        check_class(t, class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
        return match attr::get_attr_opt(t, v, names::__class__)? {
            Some(own) => abstract_is_subclass(t, own, class),
            None => Ok(false),
        };
    };
    let own = v.class();
    if own.is_subtype(c) {
        return Ok(true);
    }
    if tells_true_class(t, own) {
        return Ok(false);
    }
    match attr::get_attr_opt(t, v, names::__class__)?.filter(|said| *said != own.value()) {
        Some(said) => Ok(said.downcast::<Type>().is_some_and(|said| said.is_subtype(c))),
        None => Ok(false),
    }
}

/// Is `__class__` of the instances `object`'s own property? Then it need not be asked. Most answers of `isinstance` that are no end here.
fn tells_true_class(t: &Thread, class: Ref<Type>) -> bool {
    class.has(flag::PLAIN_LOOKUP) && attr::lookup(t, class, names::__class__) == attr::lookup(t, builtin::OBJECT, names::__class__)
}

/// `type.__subclasscheck__`: by the MRO, or by `__bases__` for what is no class.
pub fn real_is_subclass(t: &Thread, derived: Value, class: Value) -> R<bool> {
    if let (Some(d), Some(c)) = (derived.downcast::<Type>(), class.downcast::<Type>()) {
        return Ok(d.is_subtype(c));
    }
    check_class(t, derived, "issubclass() arg 1 must be a class")?;
    check_class(t, class, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
    abstract_is_subclass(t, derived, class)
}

/// `__bases__` of something, if that is a tuple.
fn bases_of(t: &Thread, v: Value) -> R<Option<Ref<Tuple>>> {
    Ok(attr::get_attr_opt(t, v, names::__bases__)?.and_then(|b| b.downcast::<Tuple>()))
}

/// Raises TypeError unless `v` has bases.
fn check_class(t: &Thread, v: Value, message: &str) -> R<()> {
    match bases_of(t, v)? {
        Some(_) => Ok(()),
        None => raise!(t, TypeError, "{message}"),
    }
}

fn abstract_is_subclass(t: &Thread, derived: Value, class: Value) -> R<bool> {
    t.check_stack("")?;
    let mut open = ValueList::from_slice(t, &[derived]);
    while let Some(c) = open.pop() {
        if c == class {
            return Ok(true);
        }
        let Some(bases) = bases_of(t, c)? else { continue };
        if bases.len() == 1 {
            // A chain may be endless; a wide graph is left to the recursion limit.
            t.poll()?;
            open.push(t, bases.get(0));
            continue;
        }
        for base in bases.as_slice() {
            if abstract_is_subclass(t, *base, class)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
