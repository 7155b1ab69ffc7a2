//! `types.GenericAlias`: `list[int]`, and what substitution of type variables does to it.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, compare, hash, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::iterators::{builtin_function, unpacked_alias_iterator};
use crate::types::{List, Str, Tuple, Type, TypeDef, ValueList, builtin, flag, union};
use limpid_heap::{Header, Value};

/// The layout of an alias.
#[repr(C)]
pub struct GenericAlias {
    header: Header,
    /// `__origin__`
    pub origin: Slot,
    /// `__args__`, a tuple.
    pub args: Slot,
    /// `__parameters__`, a tuple, or NULL until somebody asks.
    parameters: Slot,
    /// `*list[int]`: a number, 0 or 1.
    starred: Slot,
}

layout!(GenericAlias, builtin::GENERIC_ALIAS, Slots);

/// `__class_getitem__` of a builtin class: `cls[item]`.
pub fn class_getitem(t: &Thread, class: Value, item: Value) -> R {
    Ok(new(t, class, item, false))
}

/// An alias; `item` is a tuple of arguments or the only one.
pub fn new(t: &Thread, origin: Value, item: Value, starred: bool) -> Value {
    new_instance(t, builtin::GENERIC_ALIAS, origin, item, starred)
}

/// As [`new`], an instance of `class`.
fn new_instance(t: &Thread, class: Ref<Type>, origin: Value, item: Value, starred: bool) -> Value {
    let args = match item.exact::<Tuple>() {
        Some(args) => args,
        None => Tuple::from_slice(t, &[item]),
    };
    let alias = GenericAlias {
        header: header_of::<GenericAlias>(),
        origin: Slot::new(origin),
        args: Slot::new(args.value()),
        parameters: Slot::NULL,
        starred: Slot::new(Value::int(starred as i64)),
    };
    t.alloc_instance(class, alias).value()
}

fn alias(v: Value) -> Ref<GenericAlias> {
    receiver::<GenericAlias>(v)
}

fn args_of(v: Value) -> Ref<Tuple> {
    // SAFETY: the field is a tuple.
    unsafe { Ref::from_value(alias(v).args.get()) }
}

fn is_starred(v: Value) -> bool {
    alias(v).starred.get() == Value::int(1)
}

fn add_unique(t: &Thread, list: &mut ValueList, v: Value) {
    if !list.iter().any(|known| known == v) {
        list.push(t, v);
    }
}

/// The type variables in arguments, each once, in order.
pub fn collect_parameters(t: &Thread, args: &[Value]) -> R<Ref<Tuple>> {
    t.check_stack("")?;
    let mut list = ValueList::new(t);
    for &arg in args {
        if arg.is_instance(builtin::TYPE) {
            continue;
        }
        if let Some(inner) = arg.exact::<Tuple>() {
            for &p in collect_parameters(t, inner.as_slice())?.as_slice() {
                add_unique(t, &mut list, p);
            }
        } else if let Some(inner) = arg.exact::<List>() {
            for &p in collect_parameters(t, inner.snapshot(t).as_slice())?.as_slice() {
                add_unique(t, &mut list, p);
            }
        } else if attr::type_lookup(arg.class(), names::__typing_subst__).is_some() {
            add_unique(t, &mut list, arg);
        } else if let Some(inner) = attr::get_attr_opt(t, arg, names::__parameters__)?.and_then(|p| p.downcast::<Tuple>()) {
            for &p in inner.as_slice() {
                add_unique(t, &mut list, p);
            }
        }
    }
    Ok(Tuple::from_slice(t, list.as_slice()))
}

fn parameters_of(t: &Thread, v: Value) -> R<Ref<Tuple>> {
    let a = alias(v);
    if let Some(p) = a.parameters.opt() {
        // SAFETY: the field is a tuple.
        return Ok(unsafe { Ref::from_value(p) });
    }
    let parameters = collect_parameters(t, args_of(v).as_slice())?;
    a.parameters.set(t, a, parameters.value());
    Ok(parameters)
}

/// `*tuple[int, str]` among arguments becomes its parts.
fn unpack_args(t: &Thread, item: Value) -> R<Ref<Tuple>> {
    let items = match item.exact::<Tuple>() {
        Some(items) => items,
        None => Tuple::from_slice(t, &[item]),
    };
    let mut out = ValueList::new(t);
    for &i in items.as_slice() {
        let unpacked = if i.is_instance(builtin::TYPE) {
            None
        } else {
            attr::get_attr_opt(t, i, names::__typing_unpacked_tuple_args__)?.and_then(|u| u.downcast::<Tuple>())
        };
        match unpacked {
            Some(parts) if parts.as_slice().last() != Some(&Value::ELLIPSIS) => parts.as_slice().iter().for_each(|p| out.push(t, *p)),
            _ => out.push(t, i),
        }
    }
    Ok(Tuple::from_slice(t, out.as_slice()))
}

/// The arguments of `v[item]`: the parameters of `v` replaced by the items.
pub fn substitute(t: &Thread, v: Value, args: Ref<Tuple>, parameters: Ref<Tuple>, item: Value) -> R<Ref<Tuple>> {
    let shown = text::repr(t, v)?;
    if parameters.is_empty() {
        raise!(t, TypeError, "{} is not a generic class", shown.to_string_lossy());
    }
    let mut items = unpack_args(t, item)?;
    for &p in parameters.as_slice() {
        if let Some(prepare) = attr::get_attr_opt(t, p, names::__typing_prepare_subst__)?
            && !prepare.is_none()
        {
            let prepared = call::call(t, prepare, &[v, items.value()])?;
            items = match prepared.exact::<Tuple>() {
                Some(tuple) => tuple,
                None => Tuple::from_slice(t, &[prepared]),
            };
        }
    }
    if items.len() != parameters.len() {
        let which = if items.len() > parameters.len() { "many" } else { "few" };
        raise!(
            t,
            TypeError,
            "Too {which} arguments for {}; actual {}, expected {}",
            shown.to_string_lossy(),
            items.len(),
            parameters.len()
        );
    }
    let out = substitute_in(t, args.as_slice(), parameters, items)?;
    Ok(Tuple::from_slice(t, out.as_slice()))
}

fn substitute_in(t: &Thread, args: &[Value], parameters: Ref<Tuple>, items: Ref<Tuple>) -> R<ValueList> {
    t.check_stack("")?;
    let mut out = ValueList::with_capacity(t, args.len());
    for &arg in args {
        if arg.is_instance(builtin::TYPE) {
            out.push(t, arg);
            continue;
        }
        if let Some(inner) = arg.exact::<Tuple>() {
            let inner = substitute_in(t, inner.as_slice(), parameters, items)?;
            out.push(t, Tuple::from_slice(t, inner.as_slice()).value());
            continue;
        }
        if let Some(inner) = arg.exact::<List>() {
            let inner = substitute_in(t, inner.snapshot(t).as_slice(), parameters, items)?;
            out.push(t, List::from_slice(t, inner.as_slice())?.value());
            continue;
        }
        let unpack = attr::get_attr_opt(t, arg, names::__typing_is_unpacked_typevartuple__)?;
        let unpack = match unpack {
            Some(u) => crate::protocol::truth::truth(t, u)?,
            None => false,
        };
        let position = parameters.as_slice().iter().position(|p| *p == arg);
        let new = match (position, attr::type_lookup(arg.class(), names::__typing_subst__)) {
            (Some(i), Some(_)) => call::call_method(t, arg, names::__typing_subst__, &[items.get(i)])?,
            _ => substitute_nested(t, arg, parameters, items)?,
        };
        match new.exact::<Tuple>().filter(|_| unpack) {
            Some(parts) => parts.as_slice().iter().for_each(|p| out.push(t, *p)),
            None => out.push(t, new),
        }
    }
    Ok(out)
}

/// An argument that has parameters of its own.
fn substitute_nested(t: &Thread, arg: Value, parameters: Ref<Tuple>, items: Ref<Tuple>) -> R {
    let Some(inner) = attr::get_attr_opt(t, arg, names::__parameters__)?.and_then(|p| p.downcast::<Tuple>()) else {
        return Ok(arg);
    };
    if inner.is_empty() {
        return Ok(arg);
    }
    let mut chosen = ValueList::new(t);
    for &p in inner.as_slice() {
        match parameters.as_slice().iter().position(|q| *q == p) {
            Some(i) => match (items.get(i).exact::<Tuple>(), p.class() == builtin::TYPE_VAR_TUPLE) {
                (Some(parts), true) => parts.as_slice().iter().for_each(|x| chosen.push(t, *x)),
                _ => chosen.push(t, items.get(i)),
            },
            None => chosen.push(t, p),
        }
    }
    let key = Tuple::from_slice(t, chosen.as_slice());
    crate::protocol::sequence::get_item(t, arg, key.value())
}

/// How an argument is shown: classes by their name, `...`, everything else by its repr.
pub fn repr_argument(t: &Thread, v: Value) -> R<String> {
    if v == Value::ELLIPSIS {
        return Ok("...".into());
    }
    if let Some(list) = v.exact::<List>() {
        let parts: Vec<String> = list.snapshot(t).iter().map(|p| repr_argument(t, p)).collect::<R<_>>()?;
        return Ok(format!("[{}]", parts.join(", ")));
    }
    let is_alias = attr::get_attr_opt(t, v, names::__origin__)?.is_some() && attr::get_attr_opt(t, v, names::__args__)?.is_some();
    if !is_alias
        && let Some(qualname) = attr::get_attr_opt(t, v, names::__qualname__)?
        && let Some(module) = attr::get_attr_opt(t, v, names::__module__)?
        && !module.is_none()
    {
        let qualname = text::str_of(t, qualname)?.to_string_lossy().into_owned();
        let module = text::str_of(t, module)?.to_string_lossy().into_owned();
        return Ok(if module == "builtins" { qualname } else { format!("{module}.{qualname}") });
    }
    Ok(text::repr(t, v)?.to_string_lossy().into_owned())
}

fn repr(t: &Thread, v: Value) -> R {
    t.check_stack("")?;
    let origin = repr_argument(t, alias(v).origin.get())?;
    let parts: Vec<String> = args_of(v).as_slice().iter().map(|a| repr_argument(t, *a)).collect::<R<_>>()?;
    let inner = if parts.is_empty() { "()".to_owned() } else { parts.join(", ") };
    let star = if is_starred(v) { "*" } else { "" };
    Ok(Str::try_new(t, &format!("{star}{origin}[{inner}]"))?.value())
}

/// Attributes that are the alias's own; all others are the origin's.
const OWN: [&str; 9] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];
/// Special attributes that are not looked up on the origin either.
const BLOCKED: [&str; 3] = ["__bases__", "__deepcopy__", "__copy__"];

fn getattribute(t: &Thread, v: Value, name: Value) -> R {
    t.check_stack("")?;
    let Some(s) = name.downcast::<Str>() else { return attr::generic_get_attr(t, v, name) };
    let own = OWN.iter().any(|n| s.eq_str(n)) || BLOCKED.iter().any(|n| s.eq_str(n));
    if own { attr::generic_get_attr(t, v, name) } else { attr::get_attr(t, alias(v).origin.get(), name) }
}

fn call_alias(t: &Thread, v: Value, args: Args<'_>) -> R {
    let object = call::call_args(t, alias(v).origin.get(), args)?;
    if attr::set_attr(t, object, names::__orig_class__, v).is_err() {
        if t.exception_is(crate::exc::AttributeError) || t.exception_is(crate::exc::TypeError) {
            t.take_exception();
        } else {
            return Err(crate::object::Raised);
        }
    }
    Ok(object)
}

fn getitem(t: &Thread, v: Value, item: Value) -> R {
    let args = substitute(t, v, args_of(v), parameters_of(t, v)?, item)?;
    Ok(new(t, alias(v).origin.get(), args.value(), is_starred(v)))
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<GenericAlias>(), b.downcast::<GenericAlias>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let equal = is_starred(a) == is_starred(b)
        && compare::values_equal(t, x.origin.get(), y.origin.get())?
        && compare::values_equal(t, x.args.get(), y.args.get())?;
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn alias_hash(t: &Thread, v: Value) -> R<i64> {
    Ok(hash::hash_value(t, alias(v).origin.get())? ^ hash::hash_value(t, alias(v).args.get())?)
}

/// `*list[int]`
pub fn starred(t: &Thread, v: Value) -> Value {
    new(t, alias(v).origin.get(), alias(v).args.get(), true)
}

fn make(t: &Thread, class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "GenericAlias")?;
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    match args.pos() {
        [origin, item] => Ok(new_instance(t, class, *origin, *item, false)),
        other => raise!(t, TypeError, "GenericAlias expected 2 arguments, got {}", other.len()),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let parts = Tuple::from_slice(t, &[alias(v).origin.get(), alias(v).args.get()]);
    if is_starred(v) {
        let plain = new(t, alias(v).origin.get(), alias(v).args.get(), false);
        let next = builtin_function(t, crate::types::str::intern(t, "next"))?;
        let it = unpacked_alias_iterator(t, plain);
        return Ok(Tuple::from_slice(t, &[next, Tuple::from_slice(t, &[it]).value()]).value());
    }
    Ok(Tuple::from_slice(t, &[builtin::GENERIC_ALIAS.value(), parts.value()]).value())
}

fn unpacked_tuple_args(t: &Thread, v: Value) -> R {
    let is_tuple = alias(v).origin.get() == builtin::TUPLE.value();
    debug_assert!(!t.runtime().empty_tuple.get().is_null());
    Ok(if is_starred(v) && is_tuple { alias(v).args.get() } else { Value::NONE })
}

/// `types.GenericAlias`
pub static GENERIC_ALIAS_DEF: TypeDef = TypeDef {
    doc: "GenericAlias(origin, args, /)\n--\n\nRepresent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(make),
        repr: Some(repr),
        call: Some(call_alias),
        getattribute: Some(getattribute),
        getitem: Some(getitem),
        richcompare: Some(richcompare),
        hash: Some(alias_hash),
        iter: Some(|t, v| Ok(unpacked_alias_iterator(t, v))),
        or: Some(union::or),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__mro_entries__", "self, bases, /", |t, a| Ok(Tuple::from_slice(t, &[alias(a[0]).origin.get()]).value())),
        FnDef::def("__instancecheck__", "self, instance, /", |t, _| {
            raise!(t, TypeError, "isinstance() argument 2 cannot be a parameterized generic")
        }),
        FnDef::def("__subclasscheck__", "self, cls, /", |t, _| {
            raise!(t, TypeError, "issubclass() argument 2 cannot be a parameterized generic")
        }),
        FnDef::def("__reduce__", "self, /", reduce),
        FnDef::def("__dir__", "self, /", |t, a| {
            let dir = builtin_function(t, crate::types::str::intern(t, "dir"))?;
            let list = call::call(t, dir, &[alias(a[0]).origin.get()])?;
            for name in OWN {
                let name = crate::types::str::intern(t, name);
                if !crate::protocol::sequence::contains(t, list, name)? {
                    call::call_method(t, list, names::append, &[name])?;
                }
            }
            Ok(list)
        }),
    ],
    getset: &[
        GetSet::getter("__origin__", |_, v| Ok(alias(v).origin.get())),
        GetSet::getter("__args__", |_, v| Ok(alias(v).args.get())),
        GetSet::getter("__parameters__", |t, v| Ok(parameters_of(t, v)?.value())),
        GetSet::getter("__unpacked__", |_, v| Ok(Value::bool(is_starred(v)))),
        GetSet::getter("__typing_unpacked_tuple_args__", unpacked_tuple_args),
    ],
    ..TypeDef::of::<GenericAlias>("types.GenericAlias")
};
