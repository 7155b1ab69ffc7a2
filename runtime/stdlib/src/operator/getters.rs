//! `itemgetter`, `attrgetter`, `methodcaller`

use crate::{arguments::joined, qualified_name};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, sequence};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::{Str, Tuple, Type, TypeDef, ValueList, str};
use limpid_vm::{layout, raise};

/// The layout of `itemgetter` and `attrgetter`.
#[repr(C)]
pub struct Getter<const ATTRIBUTES: bool> {
    header: Header,
    /// What was asked for, a tuple.
    wanted: Slot,
    /// For attributes: a tuple with an interned name, or a tuple of such names where there are dots, for each.
    paths: Slot,
}

type ItemGetter = Getter<false>;
type AttrGetter = Getter<true>;

/// `operator.itemgetter`
pub static ITEM_GETTER: TypeCell = TypeCell::new();
/// `operator.attrgetter`
pub static ATTR_GETTER: TypeCell = TypeCell::new();
layout!(ItemGetter, ITEM_GETTER.get(), Slots);
layout!(AttrGetter, ATTR_GETTER.get(), Slots);

fn tuple_in<'a>(slot: &Slot) -> &'a [Value] {
    // SAFETY: the slots that this is used with hold tuples.
    unsafe { Ref::<Tuple>::from_value(slot.get()) }.as_slice()
}

/// What `f` makes of each item: itself if there is one item, else a tuple.
fn one_or_tuple(t: &Thread, items: &[Value], mut f: impl FnMut(Value) -> R) -> R {
    if let [only] = items {
        return f(*only);
    }
    let mut results = ValueList::with_capacity(t, items.len());
    for item in items {
        results.push(t, f(*item)?);
    }
    Ok(Tuple::from_slice(t, results.as_slice()).value())
}

/// The one argument of a call of `name`.
fn only_argument(t: &Thread, name: &str, args: Args<'_>) -> R {
    args.no_keywords(t, name)?;
    match args.pos() {
        [object] => Ok(*object),
        other => raise!(t, TypeError, "{name} expected 1 argument, got {}", other.len()),
    }
}

/// The arguments of a constructor, at least one.
fn some_arguments<'a>(t: &Thread, name: &str, args: Args<'a>) -> R<&'a [Value]> {
    args.no_keywords(t, name)?;
    if args.is_empty() {
        raise!(t, TypeError, "{name} expected 1 argument, got 0")
    }
    Ok(args.pos())
}

fn new_item_getter(t: &Thread, class: Value, args: Args<'_>) -> R {
    let wanted = Tuple::from_slice(t, some_arguments(t, "itemgetter", args)?);
    let fields = ItemGetter { header: header_of::<ItemGetter>(), wanted: Slot::new(wanted.value()), paths: Slot::NULL };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn call_item_getter(t: &Thread, v: Value, args: Args<'_>) -> R {
    let object = only_argument(t, "itemgetter", args)?;
    one_or_tuple(t, tuple_in(&receiver::<ItemGetter>(v).wanted), |item| sequence::get_item(t, object, item))
}

fn new_attr_getter(t: &Thread, class: Value, args: Args<'_>) -> R {
    let wanted = some_arguments(t, "attrgetter", args)?;
    let mut paths = ValueList::with_capacity(t, wanted.len());
    for v in wanted {
        let Some(text) = v.downcast::<Str>() else { raise!(t, TypeError, "attribute name must be a string") };
        paths.push(t, path(t, text)?);
    }
    let paths = Tuple::from_slice(t, paths.as_slice());
    let wanted = Tuple::from_slice(t, wanted);
    let fields = AttrGetter { header: header_of::<AttrGetter>(), wanted: Slot::new(wanted.value()), paths: Slot::new(paths.value()) };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

/// A name, or a tuple of the names between dots.
fn path(t: &Thread, text: Ref<Str>) -> R {
    let dots: Vec<usize> = text.code_points().enumerate().filter(|(_, c)| *c == u32::from(b'.')).map(|(i, _)| i).collect();
    if dots.is_empty() {
        return str::intern_name(t, text.value());
    }
    let mut names = ValueList::with_capacity(t, dots.len() + 1);
    let mut start = 0;
    for end in dots.into_iter().chain([text.len()]) {
        names.push(t, str::intern_name(t, text.slice(t, start, end)?.value())?);
        start = end + 1;
    }
    Ok(Tuple::from_slice(t, names.as_slice()).value())
}

fn call_attr_getter(t: &Thread, v: Value, args: Args<'_>) -> R {
    let object = only_argument(t, "attrgetter", args)?;
    one_or_tuple(t, tuple_in(&receiver::<AttrGetter>(v).paths), |path| match path.exact::<Tuple>() {
        None => attr::get_attr(t, object, path),
        Some(names) => names.as_slice().iter().try_fold(object, |object, name| attr::get_attr(t, object, *name)),
    })
}

fn repr<const ATTRIBUTES: bool>(t: &Thread, v: Value) -> R
where
    Getter<ATTRIBUTES>: limpid_vm::object::Layout,
{
    let Some(_guard) = ReprGuard::enter(t, v) else { return Ok(Str::new(t, &format!("{}(...)", qualified_name(t, v.class())?)).value()) };
    let mut out = ReprText::new(&qualified_name(t, v.class())?);
    out.text("(");
    out.items(t, tuple_in(&receiver::<Getter<ATTRIBUTES>>(v).wanted).iter().copied())?;
    out.text(")");
    out.finish(t)
}

fn reduce<const ATTRIBUTES: bool>(t: &Thread, a: &[Value]) -> R
where
    Getter<ATTRIBUTES>: limpid_vm::object::Layout,
{
    Ok(Tuple::from_slice(t, &[a[0].class().value(), receiver::<Getter<ATTRIBUTES>>(a[0]).wanted.get()]).value())
}

/// `operator.itemgetter`
pub static ITEM_GETTER_DEF: TypeDef = TypeDef {
    doc: "itemgetter(item, /, *items)\n--\n\nReturn a callable object that fetches the given item(s) from its operand.\n\nAfter f = itemgetter(2), the \
          call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])",
    slots: SlotTable { new: Some(new_item_getter), call: Some(call_item_getter), repr: Some(repr::<false>), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce::<false>).doc("Return state information for pickling")],
    ..TypeDef::of::<ItemGetter>("operator.itemgetter")
};

/// `operator.attrgetter`
pub static ATTR_GETTER_DEF: TypeDef = TypeDef {
    doc: "attrgetter(attr, /, *attrs)\n--\n\nReturn a callable object that fetches the given attribute(s) from its operand.\n\nAfter f = \
          attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = \
          attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).",
    slots: SlotTable { new: Some(new_attr_getter), call: Some(call_attr_getter), repr: Some(repr::<true>), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce::<true>).doc("Return state information for pickling")],
    ..TypeDef::of::<AttrGetter>("operator.attrgetter")
};

// ---- methodcaller ----

/// The layout of `methodcaller`.
#[repr(C)]
pub struct MethodCaller {
    header: Header,
    /// Interned.
    name: Slot,
    /// A tuple: the positional arguments, then the values of the keyword arguments.
    args: Slot,
    /// The names of the keyword arguments: a tuple or NULL.
    keywords: Slot,
}

/// `operator.methodcaller`
pub static METHOD_CALLER: TypeCell = TypeCell::new();
layout!(MethodCaller, METHOD_CALLER.get(), Slots);

impl MethodCaller {
    fn args(&self) -> Args<'static> {
        Args::with_keywords(tuple_in(&self.args), self.keywords.get())
    }
}

fn new_method_caller(t: &Thread, class: Value, args: Args<'_>) -> R {
    let [name, ..] = *args.pos() else { raise!(t, TypeError, "methodcaller needs at least one argument, the method name") };
    if name.downcast::<Str>().is_none() {
        raise!(t, TypeError, "method name must be a string")
    }
    let (name, rest) = (str::intern_name(t, name)?, args.skip_first());
    let values = Tuple::from_slice(t, rest.all());
    let fields = MethodCaller {
        header: header_of::<MethodCaller>(),
        name: Slot::new(name),
        args: Slot::new(values.value()),
        keywords: Slot::new(rest.names()),
    };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn call_method_caller(t: &Thread, v: Value, args: Args<'_>) -> R {
    let object = only_argument(t, "methodcaller", args)?;
    let this = receiver::<MethodCaller>(v);
    let (method, object) = attr::get_method(t, object, this.name.get())?;
    let args = this.args();
    if object.is_null() {
        return call::call_args(t, method, args);
    }
    call::call_with_receiver(t, method, object, args)
}

fn repr_method_caller(t: &Thread, v: Value) -> R {
    let Some(_guard) = ReprGuard::enter(t, v) else { return Ok(Str::new(t, &format!("{}(...)", qualified_name(t, v.class())?)).value()) };
    let this = receiver::<MethodCaller>(v);
    let mut out = ReprText::new(&qualified_name(t, v.class())?);
    out.text("(");
    out.repr(t, this.name.get())?;
    for v in this.args().pos() {
        out.text(", ");
        out.repr(t, *v)?;
    }
    for (name, v) in this.args().keywords() {
        out.text(", ");
        out.text(&name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default());
        out.text("=");
        out.repr(t, v)?;
    }
    out.text(")");
    out.finish(t)
}

/// With keyword arguments it takes a `functools.partial` to make it again.
fn reduce_method_caller(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<MethodCaller>(a[0]);
    let (class, name, args) = (a[0].class().value(), this.name.get(), this.args());
    if args.keyword_count() == 0 {
        let args = joined(t, &[&[name], args.pos()], |all| Tuple::from_slice(t, all));
        return Ok(Tuple::from_slice(t, &[class, args.value()]).value());
    }
    let functools = limpid_vm::modules::import::import_text(t, "functools")?;
    let partial = attr::get_attr_text(t, functools, "partial")?;
    let values = &args.all()[args.pos().len()..];
    let constructor = joined(t, &[&[class, name], values], |all| call::call_args(t, partial, Args::with_keywords(all, args.names())))?;
    Ok(Tuple::from_slice(t, &[constructor, Tuple::from_slice(t, args.pos()).value()]).value())
}

/// `operator.methodcaller`
pub static METHOD_CALLER_DEF: TypeDef = TypeDef {
    doc: "methodcaller(name, /, *args, **kwargs)\n--\n\nReturn a callable object that calls the given method on its operand.\n\nAfter f = \
          methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', \
          foo=1).",
    slots: SlotTable { new: Some(new_method_caller), call: Some(call_method_caller), repr: Some(repr_method_caller), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce_method_caller).doc("Return state information for pickling")],
    ..TypeDef::of::<MethodCaller>("operator.methodcaller")
};
