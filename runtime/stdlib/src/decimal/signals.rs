//! The exceptions of decimal arithmetic, and a context's flags and traps as the mappings that programs see.

use super::context::Context;
use super::number::status;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{compare, iter, sequence, text, truth};
use limpid_vm::root::{InterpreterRoot, Root, TypeCell};
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Module, Str, Tuple, Type, TypeDef, ValueList, flag, int, type_};
use limpid_vm::{exc, layout, raise};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// An exception of this module.
struct Condition {
    name: &'static str,
    /// The bits of a context's status that mean it.
    bits: u32,
    bases: &'static [Base],
}

enum Base {
    /// The condition with this number.
    Own(usize),
    Builtin(Ref<Type>),
}

/// What flags and traps are kept for, in the order in which contexts list them.
const SIGNALS: usize = 9;
/// The base of all.
const DECIMAL_EXCEPTION: usize = 9;
const INVALID_OPERATION: usize = 0;

/// The signals first, then the base class, then the conditions that InvalidOperation stands for.
static CONDITIONS: [Condition; 14] = [
    Condition { name: "InvalidOperation", bits: status::INVALID, bases: &[Base::Own(DECIMAL_EXCEPTION)] },
    Condition {
        name: "FloatOperation",
        bits: status::FLOAT_OPERATION,
        bases: &[Base::Own(DECIMAL_EXCEPTION), Base::Builtin(exc::TypeError)],
    },
    Condition {
        name: "DivisionByZero",
        bits: status::DIVISION_BY_ZERO,
        bases: &[Base::Own(DECIMAL_EXCEPTION), Base::Builtin(exc::ZeroDivisionError)],
    },
    Condition { name: "Overflow", bits: status::OVERFLOW, bases: &[Base::Own(6), Base::Own(7)] },
    Condition { name: "Underflow", bits: status::UNDERFLOW, bases: &[Base::Own(6), Base::Own(7), Base::Own(5)] },
    Condition { name: "Subnormal", bits: status::SUBNORMAL, bases: &[Base::Own(DECIMAL_EXCEPTION)] },
    Condition { name: "Inexact", bits: status::INEXACT, bases: &[Base::Own(DECIMAL_EXCEPTION)] },
    Condition { name: "Rounded", bits: status::ROUNDED, bases: &[Base::Own(DECIMAL_EXCEPTION)] },
    Condition { name: "Clamped", bits: status::CLAMPED, bases: &[Base::Own(DECIMAL_EXCEPTION)] },
    Condition { name: "DecimalException", bits: 0, bases: &[Base::Builtin(exc::ArithmeticError)] },
    Condition { name: "ConversionSyntax", bits: status::CONVERSION_SYNTAX, bases: &[Base::Own(INVALID_OPERATION)] },
    Condition { name: "DivisionImpossible", bits: status::DIVISION_IMPOSSIBLE, bases: &[Base::Own(INVALID_OPERATION)] },
    Condition {
        name: "DivisionUndefined",
        bits: status::DIVISION_UNDEFINED,
        bases: &[Base::Own(INVALID_OPERATION), Base::Builtin(exc::ZeroDivisionError)],
    },
    Condition { name: "InvalidContext", bits: status::INVALID_CONTEXT, bases: &[Base::Own(INVALID_OPERATION)] },
];

/// In which order the classes are made: bases first.
const ORDER: [usize; 14] = [9, 0, 1, 2, 5, 6, 7, 8, 3, 4, 10, 11, 12, 13];

static CLASSES: [Root; 14] = [const { Root::new() }; 14];

/// Makes the exception classes, attributes of the module.
pub(super) fn create(t: &Thread, m: Ref<Module>) -> R<()> {
    for i in ORDER {
        let condition = &CONDITIONS[i];
        if CLASSES[i].opt().is_none() {
            let mut bases = ValueList::new(t);
            for base in condition.bases {
                let class = match base {
                    Base::Own(n) => CLASSES[*n].get(),
                    Base::Builtin(class) => class.value(),
                };
                bases.push(t, class);
            }
            let namespace = Dict::new(t);
            namespace.set_text(t, "__module__", Str::new(t, "decimal").value())?;
            CLASSES[i].set(type_::new_class(t, condition.name, bases.as_slice(), namespace)?.value());
        }
        m.dict().set_text(t, condition.name, CLASSES[i].get())?;
    }
    Ok(())
}

/// Makes the classes of flags and traps.
pub(super) fn create_dicts(t: &Thread) -> R<()> {
    let native = type_::create_native(t, &SIGNAL_DICT_DEF, &SIGNAL_DICT)?.value();
    let abstract_classes = limpid_vm::modules::import::import_text(t, "collections.abc")?;
    let mapping = limpid_vm::protocol::attr::get_attr_text(t, abstract_classes, "MutableMapping")?;
    let namespace = Dict::new(t);
    namespace.set_text(t, "__module__", Str::new(t, "decimal").value())?;
    let bases = Tuple::from_slice(t, &[native, mapping]).value();
    let arguments = [Str::new(t, "SignalDict").value(), bases, namespace.value()];
    // The metaclass is the abstract class's.
    SIGNAL_DICT_CLASS.set(t, limpid_vm::protocol::call::call(t, mapping.class().value(), &arguments)?);
    Ok(())
}

/// What is said of anything else.
const VALID_SIGNALS: &str = "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, \
                             Subnormal, Inexact, Rounded,\n   Clamped]";

/// The bits of a signal's class.
pub(super) fn bits_of(t: &Thread, class: Value) -> R<u32> {
    match (0..SIGNALS).find(|i| CLASSES[*i].get() == class) {
        Some(i) => Ok(CONDITIONS[i].bits),
        None => raise!(t, KeyError, "{VALID_SIGNALS}"),
    }
}

/// The bits of the signals in a list.
pub(super) fn bits_of_list(t: &Thread, list: Value) -> R<u32> {
    let mut bits = 0;
    iter::for_each(t, list, |class| {
        bits |= bits_of(t, class)?;
        Ok(())
    })?;
    Ok(bits)
}

/// The bits that a program has given in a mapping with a truth value for each signal.
pub(super) fn bits_of_object(t: &Thread, v: Value) -> R<u32> {
    if let Some(dict) = v.downcast::<SignalDict>() {
        return Ok(dict.bits());
    }
    let Some(dict) = v.downcast::<Dict>() else { raise!(t, TypeError, "argument must be a signal dict") };
    if dict.len() != SIGNALS {
        raise!(t, KeyError, "invalid signal dict")
    }
    let mut bits = 0;
    for i in 0..SIGNALS {
        match dict.get(t, CLASSES[i].get())? {
            Some(on) => bits |= if truth::truth(t, on)? { CONDITIONS[i].bits } else { 0 },
            None => raise!(t, KeyError, "invalid signal dict"),
        }
    }
    Ok(bits)
}

/// The classes of the signals, and of the conditions behind InvalidOperation, that are set.
fn list_of(t: &Thread, bits: u32) -> R<Ref<List>> {
    let list = List::new(t);
    for i in [INVALID_OPERATION].into_iter().chain(DECIMAL_EXCEPTION + 1..CONDITIONS.len()).chain(1..SIGNALS) {
        let own = if i == INVALID_OPERATION { status::INVALID_OPERATION } else { CONDITIONS[i].bits };
        if bits & own != 0 {
            list.append(t, CLASSES[i].get())?;
        }
    }
    Ok(list)
}

/// The signals that are set, for a program.
pub(super) fn signals(t: &Thread, bits: u32) -> R {
    let list = List::new(t);
    for i in (0..SIGNALS).filter(|i| bits & CONDITIONS[*i].bits != 0) {
        list.append(t, CLASSES[i].get())?;
    }
    Ok(list.value())
}

/// The names of the signals that are set, as reprs show them.
pub(super) fn names(bits: u32) -> String {
    // In the order of the bits.
    let mut set: Vec<&Condition> = CONDITIONS[..SIGNALS].iter().filter(|c| bits & c.bits != 0).collect();
    set.sort_by_key(|c| c.bits.trailing_zeros());
    let names: Vec<&str> = set.iter().map(|c| c.name).collect();
    format!("[{}]", names.join(", "))
}

/// Adds conditions to a context's flags; raises the first that is trapped.
#[inline]
pub(super) fn note(t: &Thread, context: Ref<Context>, flags: u32) -> R<()> {
    if flags == 0 {
        return Ok(());
    }
    if flags & status::NO_MEMORY != 0 {
        return Err(exc::raise_memory_error(t));
    }
    context.add_flags(flags);
    let trapped = flags & context.traps();
    if trapped == 0 { Ok(()) } else { Err(raise_signal(t, trapped)) }
}

#[cold]
fn raise_signal(t: &Thread, trapped: u32) -> Raised {
    let Some(i) = (0..SIGNALS).find(|i| trapped & CONDITIONS[*i].bits != 0) else { return t.raise(exc::RuntimeError, "no such signal") };
    let list = match list_of(t, trapped) {
        Ok(list) => list.value(),
        Err(raised) => return raised,
    };
    // SAFETY: the classes were made with the module.
    t.raise_with(unsafe { Ref::<Type>::from_value(CLASSES[i].get()) }, &[list])
}

/// The bits that a Python context's mapping of flags has set.
pub(super) fn bits_of_names(t: &Thread, flags: Value) -> R<u32> {
    let mut bits = 0;
    for class in iter::collect(t, flags)?.iter() {
        if truth::truth(t, sequence::get_item(t, flags, class)?)? {
            let name = class.downcast::<Type>().map(|class| class.name.get());
            let name = name.and_then(|name| name.downcast::<Str>()).map(|name| name.to_string_lossy().into_owned());
            let found = CONDITIONS.iter().find(|c| Some(c.name) == name.as_deref());
            bits |= found.map_or(0, |c| if c.bits == status::INVALID { status::INVALID_OPERATION } else { c.bits });
        }
    }
    Ok(bits)
}

// ---- SignalDict ----

/// The layout of a context's flags or traps. The class that programs see derives from this and from `MutableMapping`.
#[repr(C)]
pub struct SignalDict {
    header: Header,
    context: Slot,
    /// A bool: the traps, not the flags.
    traps: Slot,
}

/// `decimal.SignalDictMixin`
pub static SIGNAL_DICT: TypeCell = TypeCell::new();
/// `decimal.SignalDict`
static SIGNAL_DICT_CLASS: InterpreterRoot = InterpreterRoot::new();
layout!(SignalDict, SIGNAL_DICT.get(), Slots);

impl SignalDict {
    /// The flags or traps of a context.
    pub(super) fn of(t: &Thread, context: Value, traps: bool) -> Value {
        let header = header_of::<SignalDict>();
        // SAFETY: the class was made with the module.
        let class = unsafe { Ref::<Type>::from_value(SIGNAL_DICT_CLASS.get(t)) };
        t.alloc_instance(class, SignalDict { header, context: Slot::new(context), traps: Slot::new(Value::bool(traps)) }).value()
    }

    fn word(&self) -> &AtomicU32 {
        let context = receiver::<Context>(self.context.get());
        // SAFETY: the context lives as long as this object, which refers to it.
        unsafe { &*context.word(self.traps.get() == Value::TRUE) }
    }

    fn bits(&self) -> u32 {
        self.word().load(Relaxed)
    }
}

fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    if value.is_null() {
        raise!(t, ValueError, "signal keys cannot be deleted")
    }
    let bits = bits_of(t, key)?;
    let on = truth::truth(t, value)?;
    let this = receiver::<SignalDict>(v);
    let word = this.word();
    if on {
        word.fetch_or(bits, Relaxed);
    } else {
        word.fetch_and(!bits, Relaxed);
    }
    Ok(())
}

fn keys(t: &Thread) -> Value {
    let mut all = [Value::NULL; SIGNALS];
    all.iter_mut().zip(&CLASSES).for_each(|(v, class)| *v = class.get());
    Tuple::from_slice(t, &all).value()
}

fn repr(t: &Thread, v: Value) -> R {
    let bits = receiver::<SignalDict>(v).bits();
    let mut parts = Vec::new();
    for (i, condition) in CONDITIONS[..SIGNALS].iter().enumerate() {
        let class = text::repr(t, CLASSES[i].get())?;
        parts.push(format!("{}:{}", class.to_string_lossy(), if bits & condition.bits != 0 { "True" } else { "False" }));
    }
    Ok(Str::new(t, &format!("{{{}}}", parts.join(", "))).value())
}

fn as_dict(t: &Thread, v: Value) -> R {
    let bits = receiver::<SignalDict>(v).bits();
    let dict = Dict::new(t);
    for (i, condition) in CONDITIONS[..SIGNALS].iter().enumerate() {
        dict.set_item(t, CLASSES[i].get(), Value::bool(bits & condition.bits != 0))?;
    }
    Ok(dict.value())
}

fn compare_dicts(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    if let Some(other) = b.downcast::<SignalDict>() {
        let equal = receiver::<SignalDict>(a).bits() == other.bits();
        return Ok(Value::bool(equal == (op == Compare::Eq)));
    }
    if b.downcast::<Dict>().is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    compare::rich_compare(t, as_dict(t, a)?, b, op)
}

fn new(t: &Thread, _: Value, _: Args<'_>) -> R {
    raise!(t, TypeError, "cannot create 'decimal.SignalDict' instances")
}

/// `decimal.SignalDictMixin`
pub static SIGNAL_DICT_DEF: TypeDef = TypeDef {
    flags: flag::MAPPING | flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        richcompare: Some(compare_dicts),
        hash: Some(limpid_vm::protocol::hash::unhashable),
        iter: Some(|t, _| iter::get_iter(t, keys(t))),
        len: Some(|_, _| Ok(SIGNALS)),
        getitem: Some(|t, v, key| Ok(Value::bool(receiver::<SignalDict>(v).bits() & bits_of(t, key)? != 0))),
        setitem: Some(set_item),
        contains: Some(|_, _, key| Ok((0..SIGNALS).any(|i| CLASSES[i].get() == key))),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("copy", "self, /", |t, a| as_dict(t, a[0])),
        FnDef::def("keys", "self, /", |t, _| Ok(keys(t))),
        FnDef::def("items", "self, /", |t, a| {
            let dict = as_dict(t, a[0])?;
            limpid_vm::protocol::call::call_method(t, dict, limpid_vm::names::items, &[])
        }),
        FnDef::def("values", "self, /", |t, a| {
            let dict = as_dict(t, a[0])?;
            limpid_vm::protocol::call::call_method(t, dict, limpid_vm::names::values, &[])
        }),
        FnDef::def("get", "self, key, default=None, /", |t, a| match bits_of(t, a[1]) {
            Ok(bits) => Ok(Value::bool(receiver::<SignalDict>(a[0]).bits() & bits != 0)),
            Err(_) => {
                t.take_exception();
                Ok(a[2].non_null().unwrap_or(Value::NONE))
            }
        }),
        FnDef::def("__sizeof__", "self, /", |t, _| Ok(int::from_usize(t, size_of::<SignalDict>()))),
    ],
    ..TypeDef::of::<SignalDict>("decimal.SignalDictMixin")
};
