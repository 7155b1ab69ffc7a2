//! What `isocalendar()` gives: a tuple of year, week and weekday whose items have names.

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Tuple, Type, TypeDef, builtin};

/// `datetime.IsoCalendarDate`
pub static ISO_CALENDAR_DATE: TypeCell = TypeCell::new();

/// A new one.
pub(super) fn make(t: &Thread, (year, week, weekday): (i32, i32, i32)) -> R {
    let items = [year, week, weekday].map(|n| Value::int(n as i64));
    Ok(Tuple::new_instance(t, ISO_CALENDAR_DATE.get(), &items)?.value())
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("year, week, weekday");
    args.bind(t, "IsoCalendarDate", &SIGNATURE, |a| {
        let mut items = [Value::NULL; 3];
        for (item, v) in items.iter_mut().zip(a) {
            *item = Value::int(number::index_i32(t, *v)? as i64);
        }
        // SAFETY: the receiver of `__new__` is a class.
        Ok(Tuple::new_instance(t, unsafe { Ref::<Type>::from_value(class) }, &items)?.value())
    })
}

fn item(v: Value, i: usize) -> R {
    Ok(receiver::<Tuple>(v).get(i))
}

fn repr(t: &Thread, v: Value) -> R {
    let mut out = ReprText::new(&v.class().display_name());
    for (i, name) in ["(year=", ", week=", ", weekday="].into_iter().enumerate() {
        out.text(name);
        out.repr(t, item(v, i)?)?;
    }
    out.text(")");
    out.finish(t)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let plain = Tuple::from_slice(t, receiver::<Tuple>(a[0]).as_slice()).value();
    Ok(Tuple::from_slice(t, &[builtin::TUPLE.value(), Tuple::from_slice(t, &[plain]).value()]).value())
}

/// `datetime.IsoCalendarDate`
pub static ISO_CALENDAR_DATE_DEF: TypeDef = TypeDef {
    doc: "The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, \
          weekday)\nor via the object attributes as named in the above tuple.",
    base: Some(|| builtin::TUPLE),
    slots: SlotTable { new: Some(new), repr: Some(repr), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce).doc("__reduce__() -> (cls, state)")],
    getset: &[
        GetSet::getter("year", |_, v| item(v, 0)),
        GetSet::getter("week", |_, v| item(v, 1)),
        GetSet::getter("weekday", |_, v| item(v, 2)),
    ],
    ..TypeDef::of::<Tuple>("datetime.IsoCalendarDate")
};
