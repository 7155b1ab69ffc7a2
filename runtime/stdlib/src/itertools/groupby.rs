//! `groupby`

use super::class_of;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, Signature, receiver};
use limpid_vm::layout;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, compare, iter};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{Tuple, TypeDef, flag};

/// The layout of `groupby`.
#[repr(C)]
pub struct GroupBy {
    header: Header,
    iterator: Slot,
    /// None: the items are their own keys.
    key_function: Slot,
    /// The key of the group that was given out last, or NULL.
    target_key: Slot,
    /// The key of the item taken last, or NULL.
    current_key: Slot,
    /// The item taken last, until its group gives it out.
    current_value: Slot,
    /// The group that may take items, or NULL.
    current_group: Slot,
}

/// The layout of a group.
#[repr(C)]
pub struct Grouper {
    header: Header,
    parent: Slot,
    key: Slot,
}

/// `itertools.groupby`
pub static GROUP_BY: TypeCell = TypeCell::new();
/// `itertools._grouper`
pub static GROUPER: TypeCell = TypeCell::new();
layout!(GroupBy, GROUP_BY.get(), Slots);
layout!(Grouper, GROUPER.get(), Slots);

fn groupby_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("iterable, key=None");
    args.bind(t, "groupby", &SIGNATURE, |a| {
        let iterator = iter::get_iter(t, a[0])?;
        let fields = GroupBy {
            header: header_of::<GroupBy>(),
            iterator: Slot::new(iterator),
            key_function: Slot::new(a[1].non_null().unwrap_or(Value::NONE)),
            target_key: Slot::NULL,
            current_key: Slot::NULL,
            current_value: Slot::NULL,
            current_group: Slot::NULL,
        };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

/// Takes the next item; false at the end.
fn step(t: &Thread, this: Ref<GroupBy>) -> R<bool> {
    let item = iter::next(t, this.iterator.get())?;
    if item.is_null() {
        return Ok(false);
    }
    let function = this.key_function.get();
    let key = if function.is_none() { item } else { call::call(t, function, &[item])? };
    this.current_value.set(t, this, item);
    this.current_key.set(t, this, key);
    Ok(true)
}

fn groupby_next(t: &Thread, v: Value) -> R {
    let this = receiver::<GroupBy>(v);
    this.current_group.set(t, this, Value::NULL);
    // What is left of the last group is skipped.
    let key = loop {
        if let Some(current) = this.current_key.opt() {
            match this.target_key.opt() {
                None => break current,
                Some(target) if !compare::values_equal(t, target, current)? => break current,
                Some(_) => {}
            }
        }
        if !step(t, this)? {
            return Ok(Value::NULL);
        }
        t.poll()?;
    };
    this.target_key.set(t, this, key);
    let group = t.alloc(Grouper { header: header_of::<Grouper>(), parent: Slot::new(v), key: Slot::new(key) });
    this.current_group.set(t, this, group.value());
    Ok(Tuple::try_from_slice(t, &[key, group.value()])?.value())
}

fn grouper_next(t: &Thread, v: Value) -> R {
    let group = receiver::<Grouper>(v);
    let parent = receiver::<GroupBy>(group.parent.get());
    if parent.current_group.get() != v {
        return Ok(Value::NULL);
    }
    if parent.current_value.get().is_null() && !step(t, parent)? {
        return Ok(Value::NULL);
    }
    let Some(current) = parent.current_key.opt() else { return Ok(Value::NULL) };
    if !compare::values_equal(t, group.key.get(), current)? {
        return Ok(Value::NULL);
    }
    let item = parent.current_value.get();
    parent.current_value.set(t, parent, Value::NULL);
    parent.current_key.set(t, parent, Value::NULL);
    Ok(item)
}

/// `itertools.groupby`
pub static GROUP_BY_DEF: TypeDef = TypeDef {
    doc: "groupby(iterable, key=None)\n--\n\nmake an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to \
          divide into groups according to the key function.\n  key\n    A function for computing the group category for each element.\n    If the key \
          function is not specified or is None, the element itself\n    is used for grouping.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(groupby_new), iter: Some(itself), next: Some(groupby_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<GroupBy>("itertools.groupby")
};

/// `itertools._grouper`
pub static GROUPER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(grouper_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Grouper>("itertools._grouper")
};
