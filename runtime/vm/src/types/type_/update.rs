//! Which function is in which slot of a class, and keeping that so when the class changes.
//!
//! A slot of a class made in Python is, by what the MRO has for the slot's special methods:
//! * a slot wrapper of a native base (and nothing else): that base's native function, called directly;
//! * anything else: the function of [`super::python_slots`] that looks the method up and calls it;
//! * nothing at all, or None for `__hash__`: empty.

use crate::object::{Ref, ValueExt};
use crate::protocol::attr::generic_get_attr;
use crate::slots::{Binary, SLOT_METHODS, SlotId, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::WrapperDescriptor;
use crate::types::type_::{cache, python_slots, subclasses};
use crate::types::{BuiltinFunction, Type, builtin, flag};
use limpid_heap::Value;
use std::sync::OnceLock;

/// A special method of a slot.
#[derive(Clone, Copy)]
pub(super) struct SlotMethod {
    /// Its name, interned (interned strings are never freed).
    pub(super) name: Value,
    pub(super) slot: SlotId,
    /// Its index among the slot's methods.
    pub(super) which: usize,
}

static METHODS: OnceLock<Vec<SlotMethod>> = OnceLock::new();

/// The special methods of all slots, in the order of the slots.
pub(super) fn slot_methods(t: &Thread) -> &'static [SlotMethod] {
    METHODS.get_or_init(|| {
        let all = SLOT_METHODS.iter().flat_map(|(slot, names)| names.iter().enumerate().map(move |(which, name)| (*slot, which, *name)));
        all.map(|(slot, which, name)| SlotMethod { name: crate::types::str::intern(t, name), slot, which }).collect()
    })
}

macro_rules! define_slot_access {
    ($($field:ident: $signature:ident $($method:literal)+;)*) => {
        /// Is the slot filled?
        pub(super) fn is_filled(table: &SlotTable, slot: SlotId) -> bool {
            match slot { $(SlotId::$field => table.$field.is_some(),)* }
        }

        /// Makes a slot the same as in another table.
        pub(super) fn copy_slot(to: &mut SlotTable, from: &SlotTable, slot: SlotId) {
            match slot { $(SlotId::$field => to.$field = from.$field,)* }
        }
    };
}
crate::for_each_slot!(define_slot_access);

/// What a slot of a class made in Python should be, written to `table`.
fn resolve(class: Ref<Type>, slot: SlotId, methods: &[SlotMethod], table: &mut SlotTable) {
    let mut native: Option<Ref<Type>> = None;
    let mut python = false;
    for method in methods {
        let Some(v) = cache::find(class, method.name).map(|(_, v)| v) else { continue };
        if let Some(wrapper) = v.exact::<WrapperDescriptor>() {
            if wrapper.slot() != slot {
                // `__add__` of a list stands for its `concat`, not for `add`.
                python |= !shares_method(wrapper.slot(), slot);
            } else if class.is_subtype(wrapper.owner()) && native.is_none_or(|owner| owner == wrapper.owner()) {
                native = Some(wrapper.owner());
            } else {
                python = true;
            }
        } else if slot == SlotId::new
            && let Some(owner) = v.exact::<BuiltinFunction>().and_then(|f| f.constructs())
        {
            native = Some(owner);
        } else if !(slot == SlotId::hash && v.is_none()) {
            python = true;
        }
    }
    match native {
        _ if python => copy_slot(table, &python_slots::TABLE, slot),
        Some(owner) => copy_slot(table, owner.slots(), slot),
        None => copy_slot(table, &SlotTable::EMPTY, slot),
    }
}

/// Are two slots alternatives for the same special method?
fn shares_method(a: SlotId, b: SlotId) -> bool {
    use SlotId as S;
    matches!(
        (a, b),
        (S::concat, S::add)
            | (S::add, S::concat)
            | (S::repeat, S::mul)
            | (S::mul, S::repeat)
            | (S::iconcat, S::iadd)
            | (S::iadd, S::iconcat)
            | (S::irepeat, S::imul)
            | (S::imul, S::irepeat)
    )
}

/// The special methods, slot by slot.
fn by_slot(t: &Thread) -> impl Iterator<Item = &'static [SlotMethod]> {
    slot_methods(t).chunk_by(|a, b| a.slot == b.slot)
}

/// Fills the slots of a new class whose MRO and namespace are complete.
pub(super) fn fill(t: &Thread, class: Ref<Type>) {
    let single = class.base().filter(|b| class.mro().as_slice()[1..] == *b.mro().as_slice());
    // To a class made in Python its `__getitem__` is all there is.
    let mut table = single.map_or(SlotTable::EMPTY, |base| SlotTable { item: None, ..*base.slots() });
    let namespace = class.dict();
    for methods in by_slot(t) {
        if single.is_none() || methods.iter().any(|m| namespace.get_name(m.name).is_some()) {
            resolve(class, methods[0].slot, methods, &mut table);
        }
    }
    // SAFETY: nobody else knows the class yet.
    unsafe { class.set_slots(table) };
    update_flags(class);
}

/// Sets the flags that follow from the slots.
pub(super) fn update_flags(class: Ref<Type>) {
    let slots = class.slots();
    let plain = slots.getattribute.is_some_and(|f| std::ptr::fn_addr_eq(f, generic_get_attr as Binary));
    let (set, clear) = if plain { (flag::PLAIN_LOOKUP, 0) } else { (0, flag::PLAIN_LOOKUP) };
    class.change_flags(set, clear);
    if slots.finalize.is_some() {
        class.change_flags(flag::HAS_FINALIZER, 0);
    }
}

/// Is this one of the names that slots stand for?
pub(super) fn is_slot_name(t: &Thread, name: Value) -> bool {
    slot_methods(t).iter().any(|m| m.name == name)
}

/// A class has a special method more or less, or another one: brings its slots and its subclasses' up to date.
pub(super) fn name_changed(t: &Thread, class: Ref<Type>, name: Value) {
    if is_slot_name(t, name) {
        let affected = |methods: &&[SlotMethod]| methods.iter().any(|m| m.name == name);
        t.mutator.stop_world(c"slots of a class", |_| update_tree(class, &|| by_slot(t).filter(affected)));
    }
}

/// All slots of a class and its subclasses again: its bases have changed.
pub(super) fn bases_changed(t: &Thread, class: Ref<Type>) {
    t.mutator.stop_world(c"slots of a class", |_| update_tree(class, &|| by_slot(t)));
}

/// The world is stopped.
fn update_tree<I: Iterator<Item = &'static [SlotMethod]>>(class: Ref<Type>, affected: &dyn Fn() -> I) {
    if !class.has(flag::HEAP_TYPE) {
        return;
    }
    let mut table = *class.slots();
    for methods in affected() {
        resolve(class, methods[0].slot, methods, &mut table);
    }
    // SAFETY: the world is stopped.
    unsafe { class.set_slots(table) };
    update_flags(class);
    subclasses::each(class, |c| update_tree(c, affected));
}

/// The slots of a native type: its own, and its base's where it has none.
pub(super) fn inherit(own: &SlotTable, base: Option<Ref<Type>>) -> SlotTable {
    let mut table = *own;
    let unhashable = own.hash.is_some_and(|f| std::ptr::fn_addr_eq(f, crate::protocol::hash::unhashable as crate::slots::Hash));
    let compares = own.richcompare.is_some() || own.hash.is_some();
    let Some(base) = base else { return table };
    table.inherit(base.slots());
    // Equality and hash go together: who has one of its own does not inherit the other.
    if compares {
        table.richcompare = own.richcompare;
        table.hash = own.hash.filter(|_| !unhashable);
    }
    // A native type right below object has to say how it is made.
    if own.new.is_none() && base == builtin::OBJECT {
        table.new = None;
    }
    table
}
