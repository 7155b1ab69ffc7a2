//! `defaultdict`

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, GetSet, receiver};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, Slot, ValueExt};
use limpid_vm::protocol::{call, iter, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::{Dict, Tuple, Type, TypeDef, builtin, flag, generic_alias};
use limpid_vm::{layout, names, raise};

/// The layout: a dict's, and what makes missing values.
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    /// NULL or None: nothing does.
    factory: Slot,
}

/// `collections.defaultdict`
pub static DEFAULT_DICT: TypeCell = TypeCell::new();
layout!(DefaultDict, DEFAULT_DICT.get(), Slots);

impl DefaultDict {
    fn factory(&self) -> Value {
        self.factory.opt().unwrap_or(Value::NONE)
    }
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let cell = t.mutator.alloc_any(class.instance_size(), class.instance_header());
    // SAFETY: a new cell of a class with this layout; zeroed, it is an empty dict without a factory.
    let made = unsafe { Ref::<DefaultDict>::from_ptr(cell.as_ptr() as *mut DefaultDict) };
    class.on_new_instance(t, made.value());
    Ok(made.value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    let this = receiver::<DefaultDict>(v);
    let (factory, rest) = match args.pos() {
        [] => (Value::NONE, args),
        [factory, ..] => (*factory, args.skip_first()),
    };
    if !factory.is_none() && !call::is_callable(factory) {
        raise!(t, TypeError, "first argument must be callable or None")
    }
    this.factory.set(t, this, factory);
    match builtin::DICT.slots().init {
        Some(init) => init(t, v, rest),
        None => Ok(()),
    }
}

fn missing(t: &Thread, a: &[Value]) -> R {
    let factory = receiver::<DefaultDict>(a[0]).factory();
    if factory.is_none() {
        return Err(exc::raise_key_error(t, a[1]));
    }
    let value = call::call(t, factory, &[])?;
    // Making the value may have set one.
    receiver::<Dict>(a[0]).set_default(t, a[1], value)
}

fn copy(t: &Thread, v: Value) -> R {
    call::call(t, v.class().value(), &[receiver::<DefaultDict>(v).factory(), v])
}

fn or(t: &Thread, a: Value, b: Value) -> R {
    if a.downcast::<Dict>().is_none() || b.downcast::<Dict>().is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    if let Some(left) = a.downcast::<DefaultDict>() {
        let made = copy(t, left.value())?;
        call::call_method(t, made, names::update, &[b])?;
        return Ok(made);
    }
    let made = call::call(t, b.class().value(), &[receiver::<DefaultDict>(b).factory(), a])?;
    call::call_method(t, made, names::update, &[b])?;
    Ok(made)
}

fn repr(t: &Thread, v: Value) -> R {
    let factory = receiver::<DefaultDict>(v).factory();
    let Some(dict_repr) = builtin::DICT.slots().repr else { return Ok(text::repr(t, factory)?.value()) };
    let content = dict_repr(t, v)?;
    let mut out = ReprText::new(super::short_name(&v.class().display_name()));
    out.text("(");
    // A factory may be a bound method of the dict itself.
    match ReprGuard::enter(t, factory) {
        Some(_guard) => out.repr(t, factory)?,
        None => out.text("..."),
    }
    out.text(", ");
    if let Some(content) = content.downcast::<limpid_vm::types::Str>() {
        out.text(&content.to_string_lossy());
    }
    out.text(")");
    out.finish(t)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let factory = receiver::<DefaultDict>(a[0]).factory();
    let args = if factory.is_none() { t.empty_tuple() } else { Tuple::from_slice(t, &[factory]).value() };
    let items = iter::get_iter(t, call::call_method(t, a[0], names::items, &[])?)?;
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args, Value::NONE, Value::NONE, items]).value())
}

/// `collections.defaultdict`
pub static DEFAULT_DICT_DEF: TypeDef = TypeDef {
    doc: "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to \
          produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll \
          remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.",
    base: Some(|| builtin::DICT),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), or: Some(or), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__missing__", "self, key, /", missing).doc(
            "__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  if self.default_factory is None: raise KeyError((key,))\n  \
             self[key] = value = self.default_factory()\n  return value",
        ),
        FnDef::def("copy", "self, /", |t, a| copy(t, a[0])).doc("D.copy() -> a shallow copy of D."),
        FnDef::def("__copy__", "self, /", |t, a| copy(t, a[0])).doc("D.copy() -> a shallow copy of D."),
        FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[GetSet::property(
        "default_factory",
        |_, v| Ok(receiver::<DefaultDict>(v).factory()),
        |t, v, factory| {
            let this = receiver::<DefaultDict>(v);
            this.factory.set(t, this, factory);
            Ok(())
        },
    )
    .member()
    .doc("Factory for default value called by __missing__().")],
    ..TypeDef::of::<DefaultDict>("collections.defaultdict")
};
