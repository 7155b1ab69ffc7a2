//! `Unpickler`: what it is for programs. [`load`](super::load) does the work.

use super::global;
use super::input::Input;
use super::load::Loading;
use super::memo::{self, UnpicklerMemo};
use super::{UNPICKLING_ERROR, fail};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::import;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, iter, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{BuiltinFunction, Dict, Str, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, names, raise};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct Unpickler {
    header: Header,
    /// The file's methods; NULL before `__init__`.
    read: Slot,
    readline: Slot,
    /// An iterator over out-of-band buffers, or NULL.
    pub(super) buffers: Slot,
    pub(super) encoding: Slot,
    pub(super) errors: Slot,
    /// Set by the program, NULL otherwise.
    persistent_load: Slot,
    /// The memo, a dict from places to objects; NULL while nothing is in it.
    pub(super) memo: Slot,
    pub(super) protocol: AtomicI64,
    fix_imports: AtomicBool,
    busy: AtomicBool,
}

/// `_pickle.Unpickler`
pub static UNPICKLER: TypeCell = TypeCell::new();
layout!(Unpickler, UNPICKLER.get(), Mixed);

fn empty(t: &Thread, class: Ref<Type>) -> Ref<Unpickler> {
    let fields = Unpickler {
        header: header_of::<Unpickler>(),
        read: Slot::NULL,
        readline: Slot::NULL,
        buffers: Slot::NULL,
        encoding: Slot::NULL,
        errors: Slot::NULL,
        persistent_load: Slot::NULL,
        memo: Slot::NULL,
        protocol: AtomicI64::new(0),
        fix_imports: AtomicBool::new(true),
        busy: AtomicBool::new(false),
    };
    t.alloc_instance(class, fields)
}

pub(super) fn clear(t: &Thread, this: Ref<Unpickler>) {
    this.memo.set(t, this, Value::NULL);
}

impl Unpickler {
    /// The memo, if something is in it.
    pub(super) fn memo(&self) -> Option<Ref<Dict>> {
        self.memo.opt().map(receiver)
    }
}

/// The memo, to put something into it.
pub(super) fn memo_for_writing(t: &Thread, this: Ref<Unpickler>) -> Ref<Dict> {
    this.memo().unwrap_or_else(|| {
        let memo = Dict::new(t);
        this.memo.set(t, this, memo.value());
        memo
    })
}

/// The unpickler belongs to whoever has this.
struct Busy(Ref<Unpickler>);

impl Busy {
    fn new(t: &Thread, this: Ref<Unpickler>) -> R<Busy> {
        if this.busy.swap(true, Relaxed) {
            raise!(t, RuntimeError, "Unpickler object is already used");
        }
        Ok(Busy(this))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Relaxed);
    }
}

/// Sets what all ways to unpickle have: fix_imports, encoding, errors, buffers.
fn set_up(t: &Thread, this: Ref<Unpickler>, a: &[Value]) -> R<()> {
    this.fix_imports.store(a[0].is_null() || truth::truth(t, a[0])?, Relaxed);
    for (slot, v, name, default) in [(&this.encoding, a[1], "encoding", names::ascii), (&this.errors, a[2], "errors", names::strict)] {
        let v = v.non_null().unwrap_or(default);
        if v.downcast::<Str>().is_none() {
            raise!(t, TypeError, "Unpickler() argument '{name}' must be str, not {}", v.class().display_name());
        }
        slot.set(t, this, v);
    }
    let buffers = match a[3].non_null().filter(|b| !b.is_none()) {
        Some(buffers) => iter::get_iter(t, buffers)?,
        None => Value::NULL,
    };
    this.buffers.set(t, this, buffers);
    this.protocol.store(0, Relaxed);
    Ok(())
}

fn set_file(t: &Thread, this: Ref<Unpickler>, file: Value) -> R<()> {
    let methods = (attr::get_attr_opt(t, file, names::read)?, attr::get_attr_opt(t, file, names::readline)?);
    let (Some(read), Some(readline)) = methods else {
        raise!(t, TypeError, "file must have 'read' and 'readline' attributes");
    };
    this.read.set(t, this, read);
    this.readline.set(t, this, readline);
    Ok(())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=()");
    args.bind(t, "Unpickler", &SIGNATURE, |a| {
        let this = receiver::<Unpickler>(v);
        let _busy = Busy::new(t, this)?;
        set_file(t, this, a[0])?;
        set_up(t, this, &a[1..])?;
        clear(t, this);
        Ok(())
    })
}

fn from_file(t: &Thread, this: Ref<Unpickler>) -> R {
    let input = Input::file(this.read.get(), this.readline.get());
    Loading::new(t, this, input)?.load(t)
}

fn load(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Unpickler>(a[0]);
    if this.read.opt().is_none() {
        let class = a[0].class().display_name();
        let class = class.rsplit('.').next().unwrap_or(&class);
        return fail(t, &UNPICKLING_ERROR, &format!("Unpickler.__init__() was not called by {class}.__init__()"));
    }
    let _busy = Busy::new(t, this)?;
    from_file(t, this)
}

/// `_pickle.load`
pub(super) fn load_file(t: &Thread, a: &[Value]) -> R {
    let this = empty(t, UNPICKLER.get());
    set_file(t, this, a[0])?;
    set_up(t, this, &a[1..])?;
    from_file(t, this)
}

/// `_pickle.loads`
pub(super) fn load_bytes(t: &Thread, a: &[Value]) -> R {
    let this = empty(t, UNPICKLER.get());
    set_up(t, this, &a[1..])?;
    let input = Input::memory(get_buffer(t, a[0])?);
    Loading::new(t, this, input)?.load(t)
}

/// The object that a pickle names.
pub(super) fn find_class(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Unpickler>(a[0]);
    let (mut module, mut name) = (a[1], a[2]);
    limpid_vm::modules::sys::audit(t, "pickle.find_class", &[module, name])?;
    let protocol = this.protocol.load(Relaxed);
    if protocol < 3 && this.fix_imports.load(Relaxed) {
        let key = Tuple::from_slice(t, &[module, name]).value();
        if let Some(new) = global::entry(t, global::NAME_MAPPING.get(t)?, key)? {
            if let Some(pair) = new.downcast::<Tuple>().filter(|p| p.len() == 2) {
                (module, name) = (pair.get(0), pair.get(1));
            }
        } else if let Some(new) = global::entry(t, global::IMPORT_MAPPING.get(t)?, module)? {
            module = new;
        }
    }
    let found = import::import_module(t, module)?;
    let dotted = name.downcast::<Str>().filter(|s| protocol >= 4 && s.code_points().any(|c| c == '.' as u32));
    let Some(path) = dotted else { return attr::get_attr(t, found, name) };
    let (name, module) = (text::repr(t, name)?, text::repr(t, module)?);
    global::get_dotted(t, found, path).or_else(|raised| {
        if !t.exception_is(exc::AttributeError) {
            return Err(raised);
        }
        let message = format!("Can't resolve path {} on module {}", name.to_string_lossy(), module.to_string_lossy());
        global::instead(t, exc::AttributeError, &message)
    })
}

/// What `persistent_load` is unless a program says otherwise.
static NO_PERSISTENT_LOAD: FnDef = FnDef::def("persistent_load", "self, pid, /", |t, _| {
    let message = "A load persistent id instruction was encountered, but no persistent_load function was specified.";
    fail(t, &UNPICKLING_ERROR, message)
});

/// The memo as `Unpickler.memo.copy()` shows it.
pub(super) fn memo_dict(t: &Thread, this: Ref<Unpickler>) -> R {
    match this.memo() {
        Some(memo) => Ok(memo.copy(t)?.value()),
        None => Ok(Dict::new(t).value()),
    }
}

fn set_memo(t: &Thread, v: Value, value: Value) -> R<()> {
    let this = receiver::<Unpickler>(v);
    if value.is_null() {
        raise!(t, TypeError, "attribute deletion is not supported");
    }
    let entries = match value.downcast::<UnpicklerMemo>() {
        Some(proxy) => memo_dict(t, receiver(proxy.owner()))?,
        None => value,
    };
    let Some(dict) = entries.downcast::<Dict>() else {
        raise!(t, TypeError, "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {}", value.class().display_name());
    };
    let memo = Dict::new(t);
    for (key, v) in dict.iter() {
        if !int::is_int(key) {
            raise!(t, TypeError, "memo key must be integers");
        }
        if int::is_negative(key) {
            raise!(t, ValueError, "memo key must be positive integers.");
        }
        memo.set_item(t, key, v)?;
    }
    this.memo.set(t, this, memo.value());
    Ok(())
}

/// `_pickle.Unpickler`
pub static UNPICKLER_DEF: TypeDef = TypeDef {
    doc: "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())\n--\n\nThis takes a binary file for reading a \
          pickle data stream.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(|t, class, _| {
            // SAFETY: `__new__` is called with a class.
            Ok(empty(t, unsafe { Ref::from_value(class) }).value())
        }),
        init: Some(init),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("load", "self, /", load).doc("Load a pickle."),
        FnDef::def("find_class", "self, module_name, global_name, /", find_class).doc("Return an object from a specified module."),
        FnDef::def("__sizeof__", "self, /", |t, _| Ok(int::from_usize(t, size_of::<Unpickler>()))).doc("Returns size in memory, in bytes."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| limpid_vm::types::generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        GetSet::property("memo", |t, v| Ok(memo::of_unpickler(t, v)), set_memo),
        GetSet::property(
            "persistent_load",
            |t, v| match receiver::<Unpickler>(v).persistent_load.opt() {
                Some(f) => Ok(f),
                None => Ok(BuiltinFunction::bound(t, &NO_PERSISTENT_LOAD, v).value()),
            },
            |t, v, value| {
                let this = receiver::<Unpickler>(v);
                this.persistent_load.set(t, this, value);
                Ok(())
            },
        ),
    ],
    ..TypeDef::of::<Unpickler>("_pickle.Unpickler")
};
