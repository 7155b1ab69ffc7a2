//! `Pickler`: what it is for programs. [`save`](super::save) does the work.

use super::memo::{self, PicklerMemo};
use super::output::Output;
use super::places::Places;
use super::save::Saving;
use super::{PICKLING_ERROR, fail};
use crate::owned;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, number, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{BuiltinFunction, Dict, Tuple, Type, TypeDef, ValueList, flag, int};
use limpid_vm::{layout, names, raise};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct Pickler {
    header: Header,
    /// The file's method `write`; NULL before `__init__`.
    pub(super) write: Slot,
    /// The objects that were pickled, by their place in the memo: a value list, or NULL.
    objects: Slot,
    /// Set by the program, NULL otherwise.
    pub(super) dispatch_table: Slot,
    pub(super) buffer_callback: Slot,
    pub(super) persistent_id: Slot,
    pub(super) protocol: AtomicI64,
    pub(super) binary: AtomicI64,
    pub(super) fast: AtomicI64,
    pub(super) fix_imports: AtomicBool,
    busy: AtomicBool,
    /// The places of the objects. Taken out while an object is pickled.
    places: Mutex<Places>,
}

/// `_pickle.Pickler`
pub static PICKLER: TypeCell = TypeCell::new();
layout!(Pickler, PICKLER.get(), Mixed);

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    let fields = Pickler {
        header: header_of::<Pickler>(),
        write: Slot::NULL,
        objects: Slot::NULL,
        dispatch_table: Slot::NULL,
        buffer_callback: Slot::NULL,
        persistent_id: Slot::NULL,
        protocol: AtomicI64::new(super::DEFAULT_PROTOCOL),
        binary: AtomicI64::new(1),
        fast: AtomicI64::new(0),
        fix_imports: AtomicBool::new(true),
        busy: AtomicBool::new(false),
        places: Mutex::default(),
    };
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(owned::dropped(t, t.alloc_instance(class, fields)).value())
}

/// The pickler belongs to whoever has this.
struct Busy(Ref<Pickler>);

impl Busy {
    fn new(t: &Thread, this: Ref<Pickler>) -> R<Busy> {
        if this.busy.swap(true, Relaxed) {
            raise!(t, RuntimeError, "Pickler object is already used");
        }
        Ok(Busy(this))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Relaxed);
    }
}

/// What all ways to pickle have.
pub(super) struct Settings {
    pub protocol: i64,
    pub fix_imports: bool,
    pub buffer_callback: Option<Value>,
}

impl Settings {
    /// Settings from the arguments, NULL where there is none.
    fn from_arguments(t: &Thread, protocol: Value, fix_imports: Value, callback: Value) -> R<Settings> {
        let protocol = if protocol.is_null() || protocol.is_none() {
            super::DEFAULT_PROTOCOL
        } else {
            match int::to_i64_saturating(number::index(t, protocol)?) {
                n if n < 0 => super::HIGHEST_PROTOCOL,
                n if n > super::HIGHEST_PROTOCOL => raise!(t, ValueError, "pickle protocol must be <= {}", super::HIGHEST_PROTOCOL),
                n => n,
            }
        };
        let buffer_callback = callback.non_null().filter(|c| !c.is_none());
        if buffer_callback.is_some() && protocol < 5 {
            raise!(t, ValueError, "buffer_callback needs protocol >= 5");
        }
        let fix_imports = (fix_imports.is_null() || truth::truth(t, fix_imports)?) && protocol < 3;
        Ok(Settings { protocol, fix_imports, buffer_callback })
    }
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("file, protocol=None, fix_imports=True, buffer_callback=None");
    args.bind(t, "Pickler", &SIGNATURE, |a| {
        let this = receiver::<Pickler>(v);
        let _busy = Busy::new(t, this)?;
        let settings = Settings::from_arguments(t, a[1], a[2], a[3])?;
        this.protocol.store(settings.protocol, Relaxed);
        this.binary.store((settings.protocol > 0) as i64, Relaxed);
        this.fast.store(0, Relaxed);
        this.fix_imports.store(settings.fix_imports, Relaxed);
        this.buffer_callback.set(t, this, settings.buffer_callback.unwrap_or(Value::NULL));
        let Some(write) = attr::get_attr_opt(t, a[0], names::write)? else {
            raise!(t, TypeError, "file must have a 'write' attribute");
        };
        this.write.set(t, this, write);
        clear(t, this);
        let table = attr::get_attr_text(t, v, "dispatch_table");
        match table {
            Ok(table) => this.dispatch_table.set(t, this, table),
            Err(_) => t.catch(limpid_vm::exc::AttributeError)?,
        }
        Ok(())
    })
}

pub(super) fn clear(t: &Thread, this: Ref<Pickler>) {
    this.objects.set(t, this, Value::NULL);
    this.places.lock().clear();
}

/// The memo as `Pickler.memo.copy()` shows it.
pub(super) fn memo_dict(t: &Thread, this: Ref<Pickler>) -> R {
    let dict = Dict::new(t);
    if let Some(objects) = this.objects.opt().map(ValueList::from_cell) {
        for (i, v) in objects.iter().enumerate() {
            let entry = Tuple::from_slice(t, &[int::from_usize(t, i), v]).value();
            dict.set_item(t, int::from_u64(t, v.bits()), entry)?;
        }
    }
    Ok(dict.value())
}

fn set_memo(t: &Thread, v: Value, value: Value) -> R<()> {
    let this = receiver::<Pickler>(v);
    if value.is_null() {
        raise!(t, TypeError, "attribute deletion is not supported");
    }
    let entries = match value.downcast::<PicklerMemo>() {
        Some(proxy) => memo_dict(t, receiver(proxy.owner()))?,
        None => value,
    };
    let Some(dict) = entries.downcast::<Dict>() else {
        raise!(t, TypeError, "'memo' attribute must be a PicklerMemoProxy object or dict, not {}", value.class().display_name());
    };
    let (mut objects, mut places) = (ValueList::new(t), Places::default());
    let mut sorted = Vec::new();
    for (key, entry) in dict.iter() {
        let Some(pair) = entry.downcast::<Tuple>().filter(|p| p.len() == 2) else {
            raise!(t, TypeError, "'memo' values must be 2-item tuples");
        };
        sorted.push((int::to_u64(t, pair.get(0))?, key, entry));
    }
    sorted.sort_by_key(|(place, ..)| *place);
    for (_, _, entry) in sorted {
        let v = receiver::<Tuple>(entry).get(1);
        places.insert(v.bits(), objects.len() as u32);
        objects.push(t, v);
    }
    this.objects.set(t, this, objects.cell());
    *this.places.lock() = places;
    Ok(())
}

fn dump(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Pickler>(a[0]);
    let Some(write) = this.write.opt() else {
        let class = a[0].class().display_name();
        let class = class.rsplit('.').next().unwrap_or(&class);
        return fail(t, &PICKLING_ERROR, &format!("Pickler.__init__() was not called by {class}.__init__()"));
    };
    let _busy = Busy::new(t, this)?;
    run(t, this, write, a[1])?;
    Ok(Value::NONE)
}

/// Pickles an object to the pickler's file.
fn run(t: &Thread, this: Ref<Pickler>, write: Value, object: Value) -> R<()> {
    let objects = this.objects.opt().map_or_else(|| ValueList::new(t), ValueList::from_cell);
    let places = std::mem::take(&mut *this.places.lock());
    let mut saving = Saving::for_pickler(t, this, Output::new(write), objects, places)?;
    let result = saving.dump(t, object);
    let (objects, places, out) = saving.end();
    this.objects.set(t, this, objects.cell());
    *this.places.lock() = places;
    result?;
    out.finish(t).map(|_| ())
}

/// Pickles an object without a pickler that a program could see.
fn run_once(t: &Thread, settings: Settings, write: Value, object: Value) -> R<Vec<u8>> {
    let mut saving = Saving::once(t, settings, Output::new(write));
    let result = saving.dump(t, object);
    let (_, places, out) = saving.end();
    places.recycle();
    result?;
    out.finish(t)
}

/// `_pickle.dumps`
pub(super) fn to_bytes(t: &Thread, a: &[Value]) -> R<Vec<u8>> {
    run_once(t, Settings::from_arguments(t, a[1], a[2], a[3])?, Value::NULL, a[0])
}

/// `_pickle.dump`
pub(super) fn to_file(t: &Thread, a: &[Value]) -> R {
    let settings = Settings::from_arguments(t, a[2], a[3], a[4])?;
    let Some(write) = attr::get_attr_opt(t, a[1], names::write)? else {
        raise!(t, TypeError, "file must have a 'write' attribute");
    };
    run_once(t, settings, write, a[0])?;
    Ok(Value::NONE)
}

/// What `persistent_id` is unless a program says otherwise.
static NO_PERSISTENT_ID: FnDef = FnDef::def("persistent_id", "self, obj, /", |_, _| Ok(Value::NONE));

/// The program's function for persistent ids.
pub(super) fn persistent_id(t: &Thread, v: Value) -> R<Option<Value>> {
    if v.class() == PICKLER.get() {
        // Nothing but the attribute can say otherwise.
        return Ok(receiver::<Pickler>(v).persistent_id.opt());
    }
    let f = attr::get_attr_text(t, v, "persistent_id")?;
    let own = f.downcast::<BuiltinFunction>().is_some_and(|f| std::ptr::eq(f.def(), &NO_PERSISTENT_ID));
    Ok((!own).then_some(f))
}

/// A number that programs may set.
macro_rules! number {
    ($field:ident, $name:literal) => {
        GetSet::property(
            $name,
            |t, v| Ok(int::from_i64(t, receiver::<Pickler>(v).$field.load(Relaxed))),
            |t, v, value| {
                if value.is_null() {
                    raise!(t, TypeError, "can't delete numeric/char attribute");
                }
                receiver::<Pickler>(v).$field.store(int::to_i32(t, value)? as i64, Relaxed);
                Ok(())
            },
        )
    };
}

/// `_pickle.Pickler`
pub static PICKLER_DEF: TypeDef = TypeDef {
    doc: "Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)\n--\n\nThis takes a binary file for writing a pickle data stream.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("dump", "self, obj, /", dump).doc("Write a pickled representation of the given object to the open file."),
        FnDef::def("clear_memo", "self, /", |t, a| {
            clear(t, receiver(a[0]));
            Ok(Value::NONE)
        })
        .doc("Clears the pickler's \"memo\"."),
        FnDef::def("__sizeof__", "self, /", |t, a| {
            let places = receiver::<Pickler>(a[0]).places.lock().size();
            Ok(int::from_usize(t, size_of::<Pickler>() + places))
        })
        .doc("Returns size in memory, in bytes."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| limpid_vm::types::generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        number!(binary, "bin").member(),
        number!(fast, "fast").member(),
        GetSet::property(
            "dispatch_table",
            |t, v| match receiver::<Pickler>(v).dispatch_table.opt() {
                Some(table) => Ok(table),
                None => {
                    let name = limpid_vm::types::str::intern(t, "dispatch_table");
                    Err(attr::raise_no_attribute(t, v, name))
                }
            },
            |t, v, value| {
                let this = receiver::<Pickler>(v);
                this.dispatch_table.set(t, this, value);
                Ok(())
            },
        )
        .member(),
        GetSet::property("memo", |t, v| Ok(memo::of_pickler(t, v)), set_memo),
        GetSet::property(
            "persistent_id",
            |t, v| match receiver::<Pickler>(v).persistent_id.opt() {
                Some(f) => Ok(f),
                None => Ok(BuiltinFunction::bound(t, &NO_PERSISTENT_ID, v).value()),
            },
            |t, v, value| {
                let this = receiver::<Pickler>(v);
                this.persistent_id.set(t, this, value);
                Ok(())
            },
        ),
    ],
    ..TypeDef::of::<Pickler>("_pickle.Pickler")
};
