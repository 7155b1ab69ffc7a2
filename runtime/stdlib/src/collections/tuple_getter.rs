//! `_tuplegetter`: the descriptor behind a named tuple's fields.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Tuple, Type, TypeDef, int};
use limpid_vm::{layout, raise};

/// The layout.
#[repr(C)]
pub struct TupleGetter {
    header: Header,
    /// An int.
    index: Slot,
    doc: Slot,
}

/// `_collections._tuplegetter`
pub static TUPLE_GETTER: TypeCell = TypeCell::new();
layout!(TupleGetter, TUPLE_GETTER.get(), Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("index, doc, /");
    args.bind(t, "_tuplegetter", &SIGNATURE, |a| {
        let index = int::from_isize(t, number::index_isize(t, a[0])?);
        let fields = TupleGetter { header: header_of::<TupleGetter>(), index: Slot::new(index), doc: Slot::new(a[1]) };
        // SAFETY: the receiver of `__new__` is a class.
        Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
    })
}

fn get(t: &Thread, v: Value, object: Value, _: Value) -> R {
    let this = receiver::<TupleGetter>(v);
    if object.is_null() || object.is_none() {
        return Ok(v);
    }
    let index = int::to_isize(t, this.index.get())?;
    let Some(tuple) = object.downcast::<Tuple>() else {
        raise!(
            t,
            TypeError,
            "descriptor for index '{index}' for tuple subclasses doesn't apply to '{}' object",
            object.class().display_name()
        )
    };
    match usize::try_from(index).ok().filter(|i| *i < tuple.len()) {
        Some(i) => Ok(tuple.get(i)),
        None => raise!(t, IndexError, "tuple index out of range"),
    }
}

fn set(t: &Thread, _: Value, _: Value, value: Value) -> R<()> {
    raise!(t, AttributeError, "can't {} attribute", if value.is_null() { "delete" } else { "set" })
}

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<TupleGetter>(v);
    let doc = limpid_vm::protocol::text::repr(t, this.doc.get())?;
    let head = format!("{}({}, ", v.class().display_name(), int::to_isize(t, this.index.get())?);
    Ok(Str::concat_all(t, &[Str::new(t, &head).value(), doc.value(), Str::new(t, ")").value()])?.value())
}

/// `_collections._tuplegetter`
pub static TUPLE_GETTER_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(new), descr_get: Some(get), descr_set: Some(set), repr: Some(repr), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", |t, a| {
        let this = receiver::<TupleGetter>(a[0]);
        let args = Tuple::from_slice(t, &[this.index.get(), this.doc.get()]);
        Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
    })],
    getset: &[GetSet::property(
        "__doc__",
        |_, v| Ok(receiver::<TupleGetter>(v).doc.get()),
        |t, v, doc| {
            let this = receiver::<TupleGetter>(v);
            this.doc.set(t, this, doc.non_null().unwrap_or(Value::NONE));
            Ok(())
        },
    )
    .member()],
    ..TypeDef::of::<TupleGetter>("_collections._tuplegetter")
};
