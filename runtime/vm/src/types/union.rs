//! `typing.Union`: `int | str`.

use crate::args::{FnDef, GetSet, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{compare, hash, isinstance};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Set, Str, Tuple, TypeDef, ValueList, builtin, flag, generic_alias, typevar};
use limpid_heap::{Header, Value};

/// The layout of a union.
#[repr(C)]
pub struct Union {
    header: Header,
    /// `__args__`, a tuple of at least two.
    args: Slot,
    /// Those of them that can be hashed, a frozenset.
    hashable: Slot,
    /// The others, a tuple.
    unhashable: Slot,
    parameters: Slot,
}

layout!(Union, builtin::UNION, Slots);

/// The union of these types: nested unions are taken apart, duplicates dropped; one type is itself. What cannot be hashed is compared with
/// what cannot either.
pub fn from_args(t: &Thread, items: &[Value]) -> R {
    let mut flat = ValueList::new(t);
    for &item in items {
        match item.exact::<Union>() {
            // SAFETY: the field is a tuple.
            Some(u) => unsafe { Ref::<Tuple>::from_value(u.args.get()) }.as_slice().iter().for_each(|a| flat.push(t, *a)),
            None => flat.push(t, if item.is_none() { builtin::NONE_TYPE.value() } else { item }),
        }
    }
    let (mut args, mut unhashable) = (ValueList::new(t), ValueList::new(t));
    let hashable = Set::new_frozen(t);
    for v in flat.iter() {
        match hash::hash_value(t, v) {
            Ok(hash) => {
                if !hashable.add_hashed(t, v, hash)? {
                    continue;
                }
            }
            Err(_) => {
                t.take_exception();
                if contains_equal(t, unhashable.as_slice(), v)? {
                    continue;
                }
                unhashable.push(t, v);
            }
        }
        args.push(t, v);
    }
    if args.len() == 1 {
        return Ok(args.get(0));
    }
    let args = Tuple::from_slice(t, args.as_slice());
    let unhashable = Tuple::from_slice(t, unhashable.as_slice());
    Ok(t.alloc(Union {
        header: header_of::<Union>(),
        args: Slot::new(args.value()),
        hashable: Slot::new(hashable.value()),
        unhashable: Slot::new(unhashable.value()),
        parameters: Slot::NULL,
    })
    .value())
}

fn contains_equal(t: &Thread, values: &[Value], v: Value) -> R<bool> {
    for &known in values {
        if compare::values_equal(t, known, v)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// As [`from_args`], of what may be anything: a string is a forward reference, what is no type is refused.
fn from_unchecked(t: &Thread, items: &[Value]) -> R {
    let mut types = ValueList::with_capacity(t, items.len());
    for &item in items {
        types.push(t, if is_unionable(item) { item } else { typevar::checked_type(t, item, "Union[arg, ...]: each arg must be a type.")? });
    }
    from_args(t, types.as_slice())
}

/// May it stand on one side of `|` between types?
fn is_unionable(v: Value) -> bool {
    v.is_none()
        || v.is_instance(builtin::TYPE)
        || [builtin::GENERIC_ALIAS, builtin::TYPE_ALIAS, builtin::UNION].iter().any(|c| v.is_instance(*c))
}

/// `a | b` of types.
pub fn or(t: &Thread, a: Value, b: Value) -> R {
    if !is_unionable(a) || !is_unionable(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    from_args(t, &[a, b])
}

/// As [`or`], where one side may be anything, such as a string in an annotation: what type variables and unions do.
pub fn or_any(t: &Thread, a: Value, b: Value) -> R {
    from_unchecked(t, &[a, b])
}

fn args_of(v: Value) -> Ref<Tuple> {
    // SAFETY: the field is a tuple.
    unsafe { Ref::from_value(receiver::<Union>(v).args.get()) }
}

fn repr(t: &Thread, v: Value) -> R {
    t.check_stack("")?;
    let parts: Vec<String> = args_of(v)
        .as_slice()
        .iter()
        .map(|a| if *a == builtin::NONE_TYPE.value() { Ok("None".to_owned()) } else { generic_alias::repr_argument(t, *a) })
        .collect::<R<_>>()?;
    Ok(Str::try_new(t, &parts.join(" | "))?.value())
}

fn unhashable_of(v: Value) -> Ref<Tuple> {
    // SAFETY: the field is a tuple.
    unsafe { Ref::from_value(receiver::<Union>(v).unhashable.get()) }
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if a.exact::<Union>().is_none() || b.exact::<Union>().is_none() || !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    Ok(Value::bool(equal(t, a, b)? == (op == Compare::Eq)))
}

fn equal(t: &Thread, a: Value, b: Value) -> R<bool> {
    let (x, y) = (unhashable_of(a), unhashable_of(b));
    if x.len() != y.len() || !compare::values_equal(t, receiver::<Union>(a).hashable.get(), receiver::<Union>(b).hashable.get())? {
        return Ok(false);
    }
    for &v in x.as_slice() {
        if !contains_equal(t, y.as_slice(), v)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A union of what could not be hashed when it was made has no hash, even if that can be hashed by now.
fn hash_union(t: &Thread, v: Value) -> R<i64> {
    let unhashable = unhashable_of(v);
    for &arg in unhashable.as_slice() {
        hash::hash_value(t, arg)?;
    }
    match unhashable.len() {
        0 => hash::hash_value(t, receiver::<Union>(v).hashable.get()),
        1 => raise!(t, TypeError, "union contains 1 unhashable element"),
        n => raise!(t, TypeError, "union contains {n} unhashable elements"),
    }
}

fn parameters(t: &Thread, v: Value) -> R {
    let u = receiver::<Union>(v);
    if let Some(p) = u.parameters.opt() {
        return Ok(p);
    }
    let p = generic_alias::collect_parameters(t, args_of(v).as_slice())?.value();
    u.parameters.set(t, u, p);
    Ok(p)
}

fn getitem(t: &Thread, v: Value, item: Value) -> R {
    // SAFETY: parameters are a tuple.
    let p = unsafe { Ref::from_value(parameters(t, v)?) };
    let args = generic_alias::substitute(t, v, args_of(v), p, item)?;
    from_unchecked(t, args.as_slice())
}

fn check(t: &Thread, a: &[Value], name: &str, f: fn(&Thread, Value, Value) -> R<bool>) -> R {
    for &arg in args_of(a[0]).as_slice() {
        if arg.is_instance(builtin::GENERIC_ALIAS) {
            raise!(t, TypeError, "{name}() argument 2 cannot be a parameterized generic");
        }
        if f(t, a[1], arg)? {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}

/// `typing.Union`
pub static UNION_DEF: TypeDef = TypeDef {
    doc: "Represent a union type\n\nE.g. for int | str",
    flags: flag::WEAK_REFERENCES | flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        repr: Some(repr),
        hash: Some(hash_union),
        richcompare: Some(richcompare),
        getitem: Some(getitem),
        or: Some(or_any),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__instancecheck__", "self, instance, /", |t, a| check(t, a, "isinstance", isinstance::is_instance)),
        FnDef::def("__subclasscheck__", "self, cls, /", |t, a| check(t, a, "issubclass", isinstance::is_subclass)),
        FnDef::def("__mro_entries__", "self, bases, /", |t, a| {
            raise!(t, TypeError, "Cannot subclass {}", crate::protocol::text::repr(t, a[0])?.to_string_lossy())
        }),
        FnDef::class_def("__class_getitem__", "cls, params, /", |t, a| match a[1].exact::<Tuple>() {
            Some(items) if items.is_empty() => raise!(t, TypeError, "Cannot take a Union of no types."),
            Some(items) => from_unchecked(t, items.as_slice()),
            None => from_unchecked(t, &[a[1]]),
        }),
    ],
    getset: &[
        GetSet::getter("__args__", |_, v| Ok(args_of(v).value())),
        GetSet::getter("__parameters__", parameters),
        GetSet::getter("__origin__", |_, _| Ok(builtin::UNION.value())),
        GetSet::getter("__name__", |t, _| Ok(Str::new(t, "Union").value())),
        GetSet::getter("__qualname__", |t, _| Ok(Str::new(t, "Union").value())),
    ],
    ..TypeDef::of::<Union>("typing.Union")
};
