//! `Context`: precision, limits and rounding, which conditions have occurred and which are errors; and the current one.

use super::number::{MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding, Settings, status};
use super::signals::{self, SignalDict};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Setter, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::context::ContextVar;
use limpid_vm::types::{Dict, List, Str, Tuple, Type, TypeDef, flag, int, str};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct Context {
    header: Header,
    prec: AtomicI64,
    emin: AtomicI64,
    emax: AtomicI64,
    /// Conditions that have occurred, bits of [`status`].
    flags: AtomicU32,
    /// Conditions that are errors.
    traps: AtomicU32,
    /// A [`Rounding`].
    rounding: AtomicU8,
    capitals: AtomicBool,
    clamp: AtomicBool,
}

/// `decimal.Context`
pub static CONTEXT: TypeCell = TypeCell::new();
layout!(Context, CONTEXT.get(), Leaf);

/// The template of new contexts, and two that the specification names.
pub(super) static TEMPLATES: [InterpreterRoot; 3] = [const { InterpreterRoot::new() }; 3];

/// The context variable that holds the current context.
static CURRENT: InterpreterRoot = InterpreterRoot::new();

const DEFAULT: Settings = Settings { prec: 28, emin: -999_999, emax: 999_999, rounding: Rounding::HalfEven, capitals: true, clamp: false };
const DEFAULT_TRAPS: u32 = status::INVALID | status::DIVISION_BY_ZERO | status::OVERFLOW;

impl Context {
    fn with(header: Header, s: Settings, flags: u32, traps: u32) -> Context {
        Context {
            header,
            prec: AtomicI64::new(s.prec),
            emin: AtomicI64::new(s.emin),
            emax: AtomicI64::new(s.emax),
            flags: AtomicU32::new(flags),
            traps: AtomicU32::new(traps),
            rounding: AtomicU8::new(s.rounding as u8),
            capitals: AtomicBool::new(s.capitals),
            clamp: AtomicBool::new(s.clamp),
        }
    }

    /// What results are rounded to.
    #[inline]
    pub fn settings(&self) -> Settings {
        Settings {
            prec: self.prec.load(Relaxed),
            emin: self.emin.load(Relaxed),
            emax: self.emax.load(Relaxed),
            rounding: Rounding::ALL[self.rounding.load(Relaxed) as usize].0,
            capitals: self.capitals.load(Relaxed),
            clamp: self.clamp.load(Relaxed),
        }
    }

    pub fn flags(&self) -> u32 {
        self.flags.load(Relaxed)
    }

    pub fn traps(&self) -> u32 {
        self.traps.load(Relaxed)
    }

    /// Nearly always they are set already, and looking is a tenth of the cost of setting.
    #[inline]
    pub fn add_flags(&self, flags: u32) {
        if self.flags.load(Relaxed) & flags != flags {
            self.flags.fetch_or(flags, Relaxed);
        }
    }

    /// The word of the traps, or of the flags.
    pub fn word(&self, traps: bool) -> *const AtomicU32 {
        if traps { &self.traps } else { &self.flags }
    }

    fn rounding_name(&self) -> &'static str {
        Rounding::ALL[self.rounding.load(Relaxed) as usize].1
    }
}

/// A new context.
pub(super) fn make(t: &Thread, s: Settings, flags: u32, traps: u32) -> Ref<Context> {
    t.alloc(Context::with(header_of::<Context>(), s, flags, traps))
}

/// The context that new ones are like.
fn template(t: &Thread) -> (Settings, u32) {
    match TEMPLATES[0].opt(t) {
        Some(v) => (receiver::<Context>(v).settings(), receiver::<Context>(v).traps()),
        None => (DEFAULT, DEFAULT_TRAPS),
    }
}

/// Makes the templates and the context variable.
pub(super) fn create(t: &Thread) {
    if CURRENT.opt(t).is_none() {
        TEMPLATES[0].set(t, make(t, DEFAULT, 0, DEFAULT_TRAPS).value());
        let basic = Settings { prec: 9, rounding: Rounding::HalfUp, ..DEFAULT };
        TEMPLATES[1].set(t, make(t, basic, 0, DEFAULT_TRAPS | status::UNDERFLOW | status::CLAMPED).value());
        TEMPLATES[2].set(t, make(t, Settings { prec: 9, ..DEFAULT }, 0, 0).value());
        CURRENT.set(t, ContextVar::new(t, str::intern(t, "decimal_context"), Value::NULL).value());
    }
}

/// The current context, made if there is none.
#[inline]
pub(super) fn current(t: &Thread) -> R<Ref<Context>> {
    let variable = receiver::<ContextVar>(CURRENT.get(t));
    match variable.get(t) {
        Some(v) => Ok(receiver(v)),
        None => {
            let (settings, traps) = template(t);
            let context = make(t, settings, 0, traps);
            variable.set(t, context.value())?;
            Ok(context)
        }
    }
}

/// The context that an optional argument names.
pub(super) fn given(t: &Thread, v: Value) -> R<Ref<Context>> {
    if v.is_null() || v.is_none() {
        return current(t);
    }
    match v.downcast::<Context>() {
        Some(context) => Ok(context),
        None => raise!(t, TypeError, "optional argument must be a context"),
    }
}

/// `setcontext`: the templates themselves never become current.
pub(super) fn set_current(t: &Thread, v: Value) -> R<()> {
    let Some(mut context) = v.downcast::<Context>() else { raise!(t, TypeError, "optional argument must be a context") };
    if TEMPLATES.iter().any(|template| template.get(t) == v) {
        context = make(t, context.settings(), 0, context.traps());
    }
    receiver::<ContextVar>(CURRENT.get(t)).set(t, context.value()).map(|_| ())
}

pub(super) fn copy(t: &Thread, context: Ref<Context>) -> Ref<Context> {
    make(t, context.settings(), context.flags(), context.traps())
}

/// `IEEEContext(bits)`
pub(super) fn ieee(t: &Thread, bits: Value) -> R {
    let bits = int::to_i64(t, bits)?;
    if bits <= 0 || bits > super::IEEE_MAX_BITS || bits % 32 != 0 {
        raise!(t, ValueError, "argument must be a multiple of 32, with a maximum of {}", super::IEEE_MAX_BITS)
    }
    let emax = 3 * (1i64 << (bits / 16 + 3));
    let settings = Settings { prec: 9 * (bits / 32) - 2, emin: 1 - emax, emax, rounding: Rounding::HalfEven, capitals: true, clamp: true };
    Ok(make(t, settings, 0, 0).value())
}

// ---- attributes ----

fn undeletable(t: &Thread, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, AttributeError, "context attributes cannot be deleted")
    }
    Ok(())
}

fn set_number(t: &Thread, v: Value, range: (i64, i64), text: &str) -> R<i64> {
    undeletable(t, v)?;
    let n = int::to_i64(t, v)?;
    if n < range.0 || n > range.1 {
        raise!(t, ValueError, "valid range for {text}")
    }
    Ok(n)
}

fn set_prec(t: &Thread, c: Value, v: Value) -> R<()> {
    receiver::<Context>(c).prec.store(set_number(t, v, (1, MAX_PREC), "prec is [1, MAX_PREC]")?, Relaxed);
    Ok(())
}

fn set_emin(t: &Thread, c: Value, v: Value) -> R<()> {
    receiver::<Context>(c).emin.store(set_number(t, v, (MIN_EMIN, 0), "Emin is [MIN_EMIN, 0]")?, Relaxed);
    Ok(())
}

fn set_emax(t: &Thread, c: Value, v: Value) -> R<()> {
    receiver::<Context>(c).emax.store(set_number(t, v, (0, MAX_EMAX), "Emax is [0, MAX_EMAX]")?, Relaxed);
    Ok(())
}

/// The rounding that a program names.
pub(super) fn rounding_of(t: &Thread, v: Value) -> R<Rounding> {
    let named = v.downcast::<Str>().and_then(|s| Rounding::ALL.iter().find(|(_, name)| s.eq_str(name)));
    match named {
        Some((rounding, _)) => Ok(*rounding),
        None => raise!(
            t,
            TypeError,
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, \
             ROUND_HALF_EVEN,\n   ROUND_05UP]"
        ),
    }
}

fn set_rounding(t: &Thread, c: Value, v: Value) -> R<()> {
    undeletable(t, v)?;
    receiver::<Context>(c).rounding.store(rounding_of(t, v)? as u8, Relaxed);
    Ok(())
}

fn set_bool(t: &Thread, v: Value, name: &str) -> R<bool> {
    undeletable(t, v)?;
    match int::to_i64(t, v)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => raise!(t, ValueError, "valid values for {name} are 0 or 1"),
    }
}

fn set_capitals(t: &Thread, c: Value, v: Value) -> R<()> {
    receiver::<Context>(c).capitals.store(set_bool(t, v, "capitals")?, Relaxed);
    Ok(())
}

fn set_clamp(t: &Thread, c: Value, v: Value) -> R<()> {
    receiver::<Context>(c).clamp.store(set_bool(t, v, "clamp")?, Relaxed);
    Ok(())
}

fn set_flags(t: &Thread, c: Value, v: Value) -> R<()> {
    undeletable(t, v)?;
    receiver::<Context>(c).flags.store(signals::bits_of_object(t, v)?, Relaxed);
    Ok(())
}

fn set_traps(t: &Thread, c: Value, v: Value) -> R<()> {
    undeletable(t, v)?;
    receiver::<Context>(c).traps.store(signals::bits_of_object(t, v)?, Relaxed);
    Ok(())
}

/// Flags or traps: a mapping, or, where a context is made, a list.
fn signals_or_list(t: &Thread, v: Value) -> R<u32> {
    if v.downcast::<List>().is_some() { signals::bits_of_list(t, v) } else { signals::bits_of_object(t, v) }
}

/// Sets what is given of prec, rounding, Emin, Emax, capitals, clamp, flags and traps.
fn set_all(t: &Thread, context: Ref<Context>, given: &[Value]) -> R<()> {
    let setters: [Setter; 8] = [
        set_prec,
        set_rounding,
        set_emin,
        set_emax,
        set_capitals,
        set_clamp,
        |t, c, v| {
            receiver::<Context>(c).flags.store(signals_or_list(t, v)?, Relaxed);
            Ok(())
        },
        |t, c, v| {
            receiver::<Context>(c).traps.store(signals_or_list(t, v)?, Relaxed);
            Ok(())
        },
    ];
    for (set, v) in setters.iter().zip(given) {
        if !v.is_null() && !v.is_none() {
            set(t, context.value(), *v)?;
        }
    }
    Ok(())
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    let (settings, traps) = template(t);
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, Context::with(header_of::<Context>(), settings, 0, traps)).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature =
        Signature::of_constructor("prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None");
    args.bind(t, "Context", &SIGNATURE, |a| set_all(t, receiver(v), a))
}

fn repr(t: &Thread, v: Value) -> R {
    let c = receiver::<Context>(v);
    let s = c.settings();
    let text = format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
        s.prec,
        c.rounding_name(),
        s.emin,
        s.emax,
        s.capitals as u8,
        s.clamp as u8,
        signals::names(c.flags()),
        signals::names(c.traps())
    );
    Ok(Str::new(t, &text).value())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let c = receiver::<Context>(a[0]);
    let s = c.settings();
    let (flags, traps) = (signals::signals(t, c.flags())?, signals::signals(t, c.traps())?);
    let arguments = [
        int::from_i64(t, s.prec),
        str::intern(t, c.rounding_name()),
        int::from_i64(t, s.emin),
        int::from_i64(t, s.emax),
        Value::int(s.capitals as i64),
        Value::int(s.clamp as i64),
        flags,
        traps,
    ];
    let arguments = Tuple::from_slice(t, &arguments).value();
    Ok(Tuple::from_slice(t, &[a[0].class().value(), arguments]).value())
}

/// The methods of a context that are no operations.
pub(super) const METHODS: [FnDef; 8] = [
    FnDef::def("Etiny", "self, /", |t, a| Ok(int::from_i64(t, receiver::<Context>(a[0]).settings().etiny()))),
    FnDef::def("Etop", "self, /", |t, a| Ok(int::from_i64(t, receiver::<Context>(a[0]).settings().etop()))),
    FnDef::def("radix", "self, /", |t, _| super::object::from_i64(t, 10)),
    FnDef::def("clear_flags", "self, /", |_, a| {
        receiver::<Context>(a[0]).flags.store(0, Relaxed);
        Ok(Value::NONE)
    }),
    FnDef::def("clear_traps", "self, /", |_, a| {
        receiver::<Context>(a[0]).traps.store(0, Relaxed);
        Ok(Value::NONE)
    }),
    FnDef::def("copy", "self, /", |t, a| Ok(copy(t, receiver(a[0])).value())),
    FnDef::def("__copy__", "self, /", |t, a| Ok(copy(t, receiver(a[0])).value())),
    FnDef::def("__reduce__", "self, /", reduce),
];

/// `decimal.Context`
pub(super) static CONTEXT_DEF: TypeDef = TypeDef {
    doc: "Context(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)\n--\n\nThe context \
              affects almost all operations and controls rounding,\nOver/Underflow, raising of exceptions and much more.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), ..SlotTable::EMPTY },
    methods: &super::CONTEXT_METHODS,
    getset: &[
        GetSet::property("prec", |t, v| Ok(int::from_i64(t, receiver::<Context>(v).settings().prec)), set_prec),
        GetSet::property("Emin", |t, v| Ok(int::from_i64(t, receiver::<Context>(v).settings().emin)), set_emin),
        GetSet::property("Emax", |t, v| Ok(int::from_i64(t, receiver::<Context>(v).settings().emax)), set_emax),
        GetSet::property("rounding", |t, v| Ok(str::intern(t, receiver::<Context>(v).rounding_name())), set_rounding),
        GetSet::property("capitals", |_, v| Ok(Value::int(receiver::<Context>(v).settings().capitals as i64)), set_capitals),
        GetSet::property("clamp", |_, v| Ok(Value::int(receiver::<Context>(v).settings().clamp as i64)), set_clamp),
        GetSet::property("flags", |t, v| Ok(SignalDict::of(t, v, false)), set_flags),
        GetSet::property("traps", |t, v| Ok(SignalDict::of(t, v, true)), set_traps),
    ],
    ..TypeDef::of::<Context>("decimal.Context")
};

// ---- localcontext ----

/// The layout of what `localcontext` gives.
#[repr(C)]
pub struct ContextManager {
    header: Header,
    local: Slot,
    outer: Slot,
}

/// `decimal.ContextManager`
pub static CONTEXT_MANAGER: TypeCell = TypeCell::new();
layout!(ContextManager, CONTEXT_MANAGER.get(), Slots);

/// `localcontext(ctx=None, **settings)`
pub(super) fn local(t: &Thread, a: &[Value]) -> R {
    const NAMES: [&str; 8] = ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];
    let outer = current(t)?;
    let inner = copy(t, given(t, a[0])?);
    let mut settings = [Value::NULL; NAMES.len()];
    for (name, v) in receiver::<Dict>(a[1]).iter() {
        let named = name.downcast::<Str>();
        match NAMES.iter().position(|n| named.is_some_and(|s| s.eq_str(n))) {
            Some(i) => settings[i] = v,
            None => {
                let name = named.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                raise!(t, TypeError, "'{name}' is an invalid keyword argument for this function")
            }
        }
    }
    set_all(t, inner, &settings)?;
    let header = header_of::<ContextManager>();
    Ok(t.alloc(ContextManager { header, local: Slot::new(inner.value()), outer: Slot::new(outer.value()) }).value())
}

/// `decimal.ContextManager`
pub static CONTEXT_MANAGER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[
        FnDef::def("__enter__", "self, /", |t, a| {
            let local = receiver::<ContextManager>(a[0]).local.get();
            set_current(t, local)?;
            Ok(local)
        }),
        FnDef::def("__exit__", "self, *args", |t, a| {
            set_current(t, receiver::<ContextManager>(a[0]).outer.get())?;
            Ok(Value::FALSE)
        }),
    ],
    ..TypeDef::of::<ContextManager>("decimal.ContextManager")
};
