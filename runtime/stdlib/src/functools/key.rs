//! `cmp_to_key`: objects that compare as a function of two arguments says.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, GetSet, Signature, receiver};
use limpid_vm::object::{R, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, compare, hash};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::TypeDef;
use limpid_vm::{layout, raise};

/// The layout.
#[repr(C)]
pub struct Key {
    header: Header,
    /// The function.
    comparison: Slot,
    /// What is compared; NULL in what `cmp_to_key` returns.
    object: Slot,
}

/// `functools.KeyWrapper`
pub static KEY: TypeCell = TypeCell::new();
layout!(Key, KEY.get(), Slots);

fn create(t: &Thread, comparison: Value, object: Value) -> Value {
    t.alloc(Key { header: header_of::<Key>(), comparison: Slot::new(comparison), object: Slot::new(object) }).value()
}

pub(super) fn cmp_to_key(t: &Thread, a: &[Value]) -> R {
    Ok(create(t, a[0], Value::NULL))
}

fn call_key(t: &Thread, v: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("obj");
    args.bind(t, "K", &SIGNATURE, |a| Ok(create(t, receiver::<Key>(v).comparison.get(), a[0])))
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let this = receiver::<Key>(a);
    let Some(other) = b.exact::<Key>() else { raise!(t, TypeError, "other argument must be K instance") };
    let (Some(x), Some(y)) = (this.object.opt(), other.object.opt()) else { raise!(t, AttributeError, "object") };
    let order = call::call(t, this.comparison.get(), &[x, y])?;
    compare::rich_compare(t, order, Value::int(0), op)
}

/// `functools.KeyWrapper`
pub static KEY_DEF: TypeDef = TypeDef {
    slots: SlotTable { call: Some(call_key), richcompare: Some(rich_compare), hash: Some(hash::unhashable), ..SlotTable::EMPTY },
    getset: &[GetSet::property(
        "obj",
        |_, v| Ok(receiver::<Key>(v).object.opt().unwrap_or(Value::NONE)),
        |t, v, object| {
            let this = receiver::<Key>(v);
            this.object.set(t, this, object);
            Ok(())
        },
    )
    .member()
    .doc("Value wrapped by a key function.")],
    ..TypeDef::of::<Key>("functools.KeyWrapper")
};
