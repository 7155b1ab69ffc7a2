//! Assigning to `__class__` and `__bases__`.

use crate::args::receiver;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::descriptor::text;
use crate::types::type_::{cache, layout, mro, subclasses, update};
use crate::types::{Tuple, Type, ValueList, builtin, flag, instance};
use limpid_heap::Value;

/// `object.__class__ = class`
pub fn set_instance_class(t: &Thread, object: Value, class: Value) -> R<()> {
    if class.is_null() {
        raise!(t, TypeError, "can't delete __class__ attribute");
    }
    let Some(new) = class.downcast::<Type>() else {
        raise!(t, TypeError, "__class__ must be set to a class, not '{}' object", class.class().display_name());
    };
    let old = object.class();
    let is_module = |c: Ref<Type>| c.is_subtype(builtin::MODULE);
    let mutable = |c: Ref<Type>| !c.has(flag::IMMUTABLE);
    if !(mutable(old) && mutable(new) || is_module(old) && is_module(new)) {
        raise!(t, TypeError, "__class__ assignment only supported for mutable types or ModuleType subclasses");
    }
    check_same_layout(t, old, new, "__class__")?;
    if old != new {
        // SAFETY: just checked. A class that is not a class's class is never the class of a type: those layouts differ.
        unsafe { instance::change_class(t, object, new)? };
        if new.has(flag::HAS_FINALIZER) && !old.has(flag::HAS_FINALIZER) {
            limpid_heap::register_finalizer(&t.mutator, object);
        }
    }
    Ok(())
}

/// The names of the members that a class adds to its base.
fn members(class: Ref<Type>) -> Vec<String> {
    let Some(list) = class.members.opt().and_then(|m| m.downcast::<Tuple>()) else { return Vec::new() };
    list.as_slice().iter().filter_map(|d| d.exact::<crate::types::descriptor::MemberDescriptor>()).map(|d| text(d.name())).collect()
}

/// Do instances of the two classes look the same in memory?
fn same_layout(a: Ref<Type>, b: Ref<Type>) -> bool {
    let (mut x, mut y) = (layout::solid_base(a), layout::solid_base(b));
    while x != y {
        // Classes that add the same members to the same base are alike.
        let (Some(base_x), Some(base_y)) = (x.base(), y.base()) else { return false };
        let (own_x, own_y) = (members(x), members(y));
        if own_x.is_empty() || own_x != own_y || x.basic_size != y.basic_size {
            return false;
        }
        (x, y) = (layout::solid_base(base_x), layout::solid_base(base_y));
    }
    a.attrs_offset() == b.attrs_offset() && a.tail_size() == b.tail_size() && weak(a) == weak(b)
}

fn weak(class: Ref<Type>) -> bool {
    class.has(flag::WEAK_REFERENCES)
}

fn check_same_layout(t: &Thread, old: Ref<Type>, new: Ref<Type>, attribute: &str) -> R<()> {
    if same_layout(old, new) {
        return Ok(());
    }
    if old.has(flag::HEAP_TYPE) != new.has(flag::HEAP_TYPE) {
        raise!(t, TypeError, "{attribute} assignment: '{}' deallocator differs from '{}'", new.display_name(), old.display_name());
    }
    raise!(t, TypeError, "{attribute} assignment: '{}' object layout differs from '{}'", new.display_name(), old.display_name())
}

/// `class.__bases__ = bases`
pub(super) fn set_bases(t: &Thread, class: Value, v: Value) -> R<()> {
    let class: Ref<Type> = receiver(class);
    let name = class.display_name();
    if class.has(flag::IMMUTABLE) {
        raise!(t, TypeError, "cannot set '__bases__' attribute of immutable type '{name}'");
    }
    if v.is_null() {
        raise!(t, TypeError, "cannot delete '__bases__' attribute of type '{name}'");
    }
    let Some(bases) = v.downcast::<Tuple>() else {
        raise!(t, TypeError, "can only assign tuple to {name}.__bases__, not {}", v.class().display_name());
    };
    if bases.is_empty() {
        raise!(t, TypeError, "can only assign non-empty tuple to {name}.__bases__, not ()");
    }
    for base in bases.as_slice() {
        let Some(base) = base.downcast::<Type>() else {
            raise!(t, TypeError, "{name}.__bases__ must be tuple of classes, not '{}'", base.class().display_name());
        };
        if base.is_subtype(class) || derives(base, class) {
            raise!(t, TypeError, "a __bases__ item causes an inheritance cycle");
        }
    }
    let new_base = layout::best_base(t, bases)?;
    let Some(old_base) = class.base() else { return Ok(()) };
    check_same_layout(t, old_base, new_base, "__bases__")?;
    crate::stats::count(t, |s| s.rare_events.set_bases.increment());

    // SAFETY: `bases` is a tuple of types.
    let old_bases = unsafe { Ref::<Tuple>::from_value(class.bases.get()) };
    class.bases.set(t, class, bases.value());
    class.base.set(t, class, new_base.value());
    // The orders before and after, of this class and all below it, in case one of the new ones cannot be made.
    let mut undo = ValueList::new(t);
    if let Err(raised) = recompute_mros(t, class, &mut undo) {
        for i in (0..undo.len()).step_by(3) {
            // SAFETY: every third entry is a type.
            let c = unsafe { Ref::<Type>::from_value(undo.get(i)) };
            if c.mro.get() == undo.get(i + 2) {
                c.mro.set(t, c, undo.get(i + 1));
            }
        }
        if class.bases.get() == bases.value() {
            class.bases.set(t, class, old_bases.value());
            class.base.set(t, class, old_base.value());
        }
        cache::invalidate(class);
        return Err(raised);
    }
    // An `mro()` has given the class other bases meanwhile; these count.
    if class.bases.get() != bases.value() {
        return Ok(());
    }
    for base in old_bases.as_slice() {
        // SAFETY: as above.
        subclasses::remove(t, unsafe { Ref::from_value(*base) }, class);
    }
    for base in bases.as_slice() {
        // SAFETY: tested above.
        subclasses::add(t, unsafe { Ref::from_value(*base) }, class);
    }
    cache::invalidate(class);
    update::bases_changed(t, class);
    Ok(())
}

/// Is `class` among the bases of `base`, however the MRO looks?
fn derives(base: Ref<Type>, class: Ref<Type>) -> bool {
    base == class || base.base().is_some_and(|b| derives(b, class))
}

fn recompute_mros(t: &Thread, class: Ref<Type>, undo: &mut ValueList) -> R<()> {
    t.check_stack("")?;
    let order = mro::compute(t, class)?;
    undo.push(t, class.value());
    undo.push(t, class.mro.get());
    undo.push(t, order.value());
    class.mro.set(t, class, order.value());
    let mut below = ValueList::new(t);
    subclasses::each(class, |c| below.push(t, c.value()));
    for c in below.iter() {
        // SAFETY: a list of types.
        recompute_mros(t, unsafe { Ref::from_value(c) }, undo)?;
    }
    Ok(())
}
