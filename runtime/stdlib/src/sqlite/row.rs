//! The type `Row`: a row whose columns can be asked for by name.

use super::cursor::{CURSOR, Cursor};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::exc;
use limpid_vm::layout;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{compare, hash, iter, number, sequence};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Slice, Str, Tuple, Type, TypeDef, flag, int};

/// The layout of a row.
#[repr(C)]
pub(super) struct Row {
    header: Header,
    data: Slot,
    /// The cursor's `description` when the row was made.
    description: Slot,
}

/// `sqlite3.Row`
pub(super) static ROW: TypeCell = TypeCell::new();
layout!(Row, ROW.get(), Slots);

impl Row {
    fn data(&self) -> Ref<Tuple> {
        // SAFETY: the field is a tuple.
        unsafe { Ref::from_value(self.data.get()) }
    }

    /// The names of the columns.
    fn names(&self) -> impl Iterator<Item = Value> {
        let description = self.description.get().downcast::<Tuple>();
        let columns = description.map_or(&[][..], |d| d.as_slice());
        columns.iter().filter_map(|column| column.downcast::<Tuple>()).map(|column| column.get(0))
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("cursor, data, /");
    args.bind(t, "Row", &SIGNATURE, |a| {
        let Some(cursor) = a[0].downcast::<Cursor>() else {
            raise!(t, TypeError, "Row() argument 1 must be {}, not {}", CURSOR.get().display_name(), a[0].class().display_name())
        };
        if a[1].downcast::<Tuple>().is_none() {
            raise!(t, TypeError, "Row() argument 2 must be tuple, not {}", a[1].class().display_name())
        }
        let made = Row { header: header_of::<Row>(), data: Slot::new(a[1]), description: Slot::new(cursor.description.get()) };
        // SAFETY: `__new__` is called with a class.
        Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, made).value())
    })
}

fn same_name(a: Ref<Str>, b: Ref<Str>) -> bool {
    let lower = |c: u32| if (u32::from(b'A')..=u32::from(b'Z')).contains(&c) { c + 32 } else { c };
    a.len() == b.len() && a.code_points().zip(b.code_points()).all(|(a, b)| lower(a) == lower(b))
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let row = receiver::<Row>(v);
    if int::is_int(key) {
        return sequence::get_item(t, row.data.get(), Value::int(number::index_isize_or(t, key, exc::IndexError)? as i64));
    }
    if let Some(name) = key.downcast::<Str>() {
        let found = row.names().position(|n| n.downcast::<Str>().is_some_and(|n| same_name(n, name)));
        return match found.filter(|i| *i < row.data().len()) {
            Some(i) => Ok(row.data().get(i)),
            None => raise!(t, IndexError, "No item with that key"),
        };
    }
    if key.downcast::<Slice>().is_some() {
        return sequence::get_item(t, row.data.get(), key);
    }
    raise!(t, IndexError, "Index must be int or string")
}

fn keys(t: &Thread, a: &[Value]) -> R {
    let list = List::new(t);
    for name in receiver::<Row>(a[0]).names() {
        list.append(t, name)?;
    }
    Ok(list.value())
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(left), Some(right), Compare::Eq | Compare::Ne) = (a.downcast::<Row>(), b.downcast::<Row>(), op) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let equal = compare::values_equal(t, left.description.get(), right.description.get())?
        && compare::values_equal(t, left.data.get(), right.data.get())?;
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

/// `sqlite3.Row`
pub(super) static ROW_DEF: TypeDef = TypeDef {
    doc: "Row(cursor, data, /)\n--\n\n",
    flags: flag::BASE_TYPE | flag::SEQUENCE,
    slots: SlotTable {
        new: Some(new),
        len: Some(|_, v| Ok(receiver::<Row>(v).data().len())),
        getitem: Some(get_item),
        iter: Some(|t, v| iter::get_iter(t, receiver::<Row>(v).data.get())),
        hash: Some(|t, v| {
            let row = receiver::<Row>(v);
            Ok(hash::hash_value(t, row.description.get())? ^ hash::hash_value(t, row.data.get())?)
        }),
        richcompare: Some(rich_compare),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("keys", "self, /", keys).doc("Returns the keys of the row.")],
    ..TypeDef::of::<Row>("sqlite3.Row")
};
