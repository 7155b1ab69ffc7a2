//! `partial` and `Placeholder`

use crate::arguments::joined;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::{Root, TypeCell};
use limpid_vm::slots::{Call, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::{Dict, Method, Str, Tuple, Type, TypeDef, ValueList, flag, generic_alias, str};
use limpid_vm::{err, layout, names, raise};
use std::mem::offset_of;

// ---- Placeholder ----

/// The layout of the one placeholder.
#[repr(C)]
pub struct Placeholder(Header);

/// `functools._PlaceholderType`
pub static PLACEHOLDER_TYPE: TypeCell = TypeCell::new();
layout!(Placeholder, PLACEHOLDER_TYPE.get(), Leaf);

static PLACEHOLDER: Root = Root::new();

/// `functools.Placeholder`, made when it is first asked for.
pub(super) fn placeholder(t: &Thread) -> Value {
    if PLACEHOLDER.get().is_null() {
        PLACEHOLDER.set(t.alloc(Placeholder(header_of::<Placeholder>())).value());
    }
    PLACEHOLDER.get()
}

fn placeholder_new(t: &Thread, _: Value, args: Args<'_>) -> R {
    if !args.is_empty() {
        raise!(t, TypeError, "_PlaceholderType takes no arguments")
    }
    Ok(placeholder(t))
}

/// `functools._PlaceholderType`
pub static PLACEHOLDER_TYPE_DEF: TypeDef = TypeDef {
    doc: "The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.",
    slots: SlotTable { new: Some(placeholder_new), repr: Some(|t, _| Ok(str::intern(t, "Placeholder"))), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", |t, _| Ok(str::intern(t, "Placeholder")))],
    ..TypeDef::of::<Placeholder>("functools._PlaceholderType")
};

// ---- partial ----

/// The layout.
#[repr(C)]
pub struct Partial {
    header: Header,
    function: Slot,
    /// A tuple; placeholders in it are filled with a call's first arguments.
    args: Slot,
    /// A dict.
    keywords: Slot,
    /// Attributes.
    dict: Slot,
}

/// `functools.partial`
pub static PARTIAL: TypeCell = TypeCell::new();
layout!(Partial, PARTIAL.get(), Slots);

impl Partial {
    fn args(&self) -> Ref<Tuple> {
        // SAFETY: the slot always holds a tuple.
        unsafe { Ref::from_value(self.args.get()) }
    }

    fn keywords(&self) -> Ref<Dict> {
        // SAFETY: the slot always holds a dict.
        unsafe { Ref::from_value(self.keywords.get()) }
    }
}

fn count_holes(args: &[Value]) -> usize {
    let placeholder = PLACEHOLDER.get();
    args.iter().filter(|v| **v == placeholder).count()
}

/// `args` with its placeholders replaced by the first of `fillings`, as far as there are enough.
fn filled(t: &Thread, args: &[Value], fillings: &[Value]) -> ValueList {
    let mut fillings = fillings.iter();
    let mut list = ValueList::with_capacity(t, args.len());
    for v in args {
        list.push(t, if *v == PLACEHOLDER.get() { fillings.next().copied().unwrap_or(*v) } else { *v });
    }
    list
}

fn check_end(t: &Thread, args: &[Value]) -> R<()> {
    if args.last() == Some(&PLACEHOLDER.get()) {
        raise!(t, TypeError, "trailing Placeholders are not allowed")
    }
    Ok(())
}

/// A partial that another one of the same function can be made of: called as one, and nobody would miss its attributes.
fn simple_partial(t: &Thread, v: Value) -> R<Option<Ref<Partial>>> {
    let Some(partial) = v.downcast::<Partial>() else { return Ok(None) };
    let own_call = v.class().slots().call.is_some_and(|f| std::ptr::fn_addr_eq(f, call_partial as Call));
    let bare = attr::instance_dict_if_any(t, v)?.is_none_or(|d| d.is_empty());
    Ok((own_call && bare).then_some(partial))
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let [mut function, ref given @ ..] = *args.pos() else { raise!(t, TypeError, "type 'partial' takes at least one argument") };
    if !call::is_callable(function) {
        raise!(t, TypeError, "the first argument must be callable")
    }
    check_end(t, given)?;
    if args.keywords().any(|(_, v)| v == PLACEHOLDER.get()) {
        raise!(t, TypeError, "Placeholder cannot be passed as a keyword argument")
    }
    let (fixed, keywords) = match simple_partial(t, function)? {
        None => (Tuple::from_slice(t, given), Dict::new(t)),
        Some(inner) => {
            function = inner.function.get();
            let (old, keywords) = (inner.args(), inner.keywords().copy(t)?);
            let holes = count_holes(old.as_slice());
            if given.is_empty() {
                (old, keywords)
            } else if holes == 0 {
                (joined(t, &[old.as_slice(), given], |all| Tuple::from_slice(t, all)), keywords)
            } else {
                let old = filled(t, old.as_slice(), given);
                let rest = &given[holes.min(given.len())..];
                (joined(t, &[old.as_slice(), rest], |all| Tuple::from_slice(t, all)), keywords)
            }
        }
    };
    for (name, v) in args.keywords() {
        keywords.set_item(t, name, v)?;
    }
    let fields = Partial {
        header: header_of::<Partial>(),
        function: Slot::new(function),
        args: Slot::new(fixed.value()),
        keywords: Slot::new(keywords.value()),
        dict: Slot::NULL,
    };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn call_partial(t: &Thread, v: Value, args: Args<'_>) -> R {
    let this = receiver::<Partial>(v);
    let (fixed, keywords, given) = (this.args(), this.keywords(), args.pos());
    let holes = count_holes(fixed.as_slice());
    if given.len() < holes {
        raise!(t, TypeError, "missing positional arguments in 'partial' call; expected at least {holes}, got {}", given.len())
    }
    let full;
    let fixed = if holes == 0 {
        fixed.as_slice()
    } else {
        full = filled(t, fixed.as_slice(), given);
        full.as_slice()
    };
    if keywords.is_empty() {
        let call = |all: &[Value]| call::call_args(t, this.function.get(), Args::with_keywords(all, args.names()));
        return joined(t, &[fixed, &args.all()[holes..]], call);
    }
    let (names, values) = merge_keywords(t, keywords, args)?;
    let call = |all: &[Value]| call::call_args(t, this.function.get(), Args::with_keywords(all, names));
    joined(t, &[fixed, &given[holes..], values.as_slice()], call)
}

/// The names (a tuple) and values of the keyword arguments of a call: the call's own replace those kept.
fn merge_keywords(t: &Thread, kept: Ref<Dict>, args: Args<'_>) -> R<(Value, ValueList)> {
    let same = |a: Ref<Str>, b: Value| a.value() == b || b.downcast::<Str>().is_some_and(|b| a.equals(&b));
    let mut names = ValueList::with_capacity(t, kept.len() + args.keyword_count());
    let mut values = ValueList::with_capacity(t, kept.len() + args.keyword_count());
    for (name, v) in kept.iter() {
        let Some(text) = name.downcast::<Str>() else { raise!(t, TypeError, "keywords must be strings") };
        names.push(t, name);
        values.push(t, args.keywords().find(|(k, _)| same(text, *k)).map_or(v, |(_, v)| v));
    }
    let count = names.len();
    for (name, v) in args.keywords() {
        let known = name.downcast::<Str>().is_some_and(|text| names.iter().take(count).any(|k| same(text, k)));
        if !known {
            names.push(t, name);
            values.push(t, v);
        }
    }
    Ok((Tuple::from_slice(t, names.as_slice()).value(), values))
}

fn repr(t: &Thread, v: Value) -> R {
    let Some(_guard) = ReprGuard::enter(t, v) else { return Ok(Str::new(t, "...").value()) };
    let this = receiver::<Partial>(v);
    let mut out = ReprText::new(&crate::qualified_name(t, v.class())?);
    out.text("(");
    out.repr(t, this.function.get())?;
    for v in this.args().as_slice() {
        out.text(", ");
        out.repr(t, *v)?;
    }
    let keywords = this.keywords().copy(t)?;
    for (name, v) in keywords.iter() {
        out.text(", ");
        out.text(&limpid_vm::protocol::text::str_of(t, name)?.to_string_lossy());
        out.text("=");
        out.repr(t, v)?;
    }
    out.text(")");
    out.finish(t)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Partial>(a[0]);
    let dict = attr::instance_dict_if_any(t, a[0])?.map_or(Value::NONE, Ref::value);
    let function = this.function.get();
    let state = Tuple::from_slice(t, &[function, this.args.get(), this.keywords.get(), dict]);
    let args = Tuple::from_slice(t, &[function]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value(), state.value()]).value())
}

fn invalid_state(t: &Thread) -> Raised {
    err!(t, TypeError, "invalid partial state")
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Partial>(a[0]);
    let state = a[1].downcast::<Tuple>().ok_or_else(|| invalid_state(t))?;
    let [function, args, keywords, dict] = *state.as_slice() else { return Err(invalid_state(t)) };
    let args = args.downcast::<Tuple>().filter(|_| call::is_callable(function)).ok_or_else(|| invalid_state(t))?;
    if !dict.is_none() && dict.downcast::<Dict>().is_none() {
        return Err(invalid_state(t));
    }
    check_end(t, args.as_slice())?;
    let keywords = match keywords.downcast::<Dict>() {
        Some(keywords) if keywords.value().exact::<Dict>().is_some() => keywords,
        Some(keywords) => keywords.copy(t)?,
        None if keywords.is_none() => Dict::new(t),
        None => return Err(invalid_state(t)),
    };
    let args = if args.value().exact::<Tuple>().is_some() { args } else { Tuple::from_slice(t, args.as_slice()) };
    this.function.set(t, this, function);
    this.args.set(t, this, args.value());
    this.keywords.set(t, this, keywords.value());
    let dict = if dict.is_none() { Dict::new(t).value() } else { dict };
    attr::set_attr(t, a[0], names::__dict__, dict)?;
    Ok(Value::NONE)
}

fn bind(t: &Thread, v: Value, object: Value, _: Value) -> R {
    Ok(if object.is_null() || object.is_none() { v } else { Method::bind(t, v, object) })
}

/// `functools.partial`
pub static PARTIAL_DEF: TypeDef = TypeDef {
    doc: "partial(func, /, *args, **keywords)\n--\n\nCreate a new function with partial application of the given arguments and keywords.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), call: Some(call_partial), repr: Some(repr), descr_get: Some(bind), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", reduce),
        FnDef::def("__setstate__", "self, object, /", set_state),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("func", |_, v| Ok(receiver::<Partial>(v).function.get()))
            .member()
            .doc("function object to use in future partial calls"),
        GetSet::getter("args", |_, v| Ok(receiver::<Partial>(v).args.get())).member().doc("tuple of arguments to future partial calls"),
        GetSet::getter("keywords", |_, v| Ok(receiver::<Partial>(v).keywords.get()))
            .member()
            .doc("dictionary of keyword arguments to future partial calls"),
    ],
    dict_offset: offset_of!(Partial, dict),
    ..TypeDef::of::<Partial>("functools.partial")
};
