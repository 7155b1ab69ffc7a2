//! `object`: what every object can do.

use crate::args::{Args, FnDef, GetSet};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, hash, iter, text};
use crate::slots::{Call, Compare, Init, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::text as plain_text;
use crate::types::{BuiltinFunction, Dict, List, Str, Tuple, Type, TypeDef, builtin, flag, instance, int, type_};
use limpid_heap::{Header, Kind, Value};

/// `object`
pub static OBJECT_DEF: TypeDef = TypeDef {
    name: "object",
    doc: "object()\n--\n\nThe base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\n\
        instance that has no instance attributes and cannot be given any.\n",
    base: None,
    flags: flag::BASE_TYPE,
    size: size_of::<Header>(),
    kind: Kind::Leaf as u8,
    value_slots: 0,
    slots: SlotTable {
        repr: Some(repr),
        str: Some(|t, v| Ok(text::repr(t, v)?.value())),
        hash: Some(|_, v| Ok(hash::hash_identity(v))),
        new: Some(new),
        init: Some(init),
        getattribute: Some(attr::generic_get_attr),
        setattr: Some(attr::generic_set_attr),
        richcompare: Some(richcompare),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reduce_ex__", "self, protocol, /", reduce_ex).doc("Helper for pickle."),
        FnDef::def("__reduce__", "self, /", |t, a| common_reduce(t, a[0], 0)).doc("Helper for pickle."),
        FnDef::def("__getstate__", "self, /", |t, a| default_state(t, a[0], false)).doc("Helper for pickle."),
        FnDef::class_def("__subclasshook__", "cls, object, /", |_, _| Ok(Value::NOT_IMPLEMENTED)).doc(
            "Abstract classes can override this to customize issubclass().\n\nThis is invoked early on by abc.ABCMeta.__subclasscheck__().\n\
            It should return True, False or NotImplemented.  If it returns\nNotImplemented, the normal algorithm is used.  Otherwise, it\n\
            overrides the normal algorithm (and the outcome is cached).\n",
        ),
        FnDef { binding: crate::args::Binding::Class, ..FnDef::raw("__init_subclass__", "cls, /", init_subclass) }
            .doc("This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.\n"),
        FnDef::def("__format__", "self, format_spec, /", format).doc("Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise."),
        FnDef::def("__sizeof__", "self, /", |t, a| {
            let size = if a[0].is_cell() { limpid_heap::cell_size(a[0]) } else { size_of::<Value>() };
            Ok(int::from_usize(t, size))
        })
        .doc("Size of object in memory, in bytes."),
        FnDef::def("__dir__", "self, /", dir).doc("Default dir() implementation."),
    ],
    getset: &[GetSet::property("__class__", |_, v| Ok(v.class().value()), type_::set_instance_class).doc("the object's class")],
    dict_offset: 0,
    match_args: &[],
};

/// `<module.name object at 0x...>`
fn repr(t: &Thread, v: Value) -> R {
    let class = v.class();
    let qualname = plain_text(class.qualname.get());
    let module = attr::get_attr_opt(t, class.value(), names::__module__)?.filter(|m| m.is_instance(builtin::STR)).map(plain_text);
    let text = match module {
        Some(module) if module != "builtins" => format!("<{module}.{qualname} object at {:#x}>", v.bits()),
        _ => format!("<{qualname} object at {:#x}>", v.bits()),
    };
    Ok(Str::try_new(t, &text)?.value())
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    match op {
        Compare::Eq if a == b => Ok(Value::TRUE),
        Compare::Ne => {
            // What `==` says, the other way round.
            let equal = a.class().slots().richcompare.unwrap_or(richcompare);
            let result = equal(t, a, b, Compare::Eq)?;
            if result == Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
            Ok(Value::bool(!crate::protocol::truth::truth(t, result)?))
        }
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// `object.__new__`
pub fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if !args.is_empty() {
        if !class.slots().new.is_some_and(|f| std::ptr::fn_addr_eq(f, new as Call)) {
            raise!(t, TypeError, "object.__new__() takes exactly one argument (the type to instantiate)");
        }
        if class.slots().init.is_some_and(|f| std::ptr::fn_addr_eq(f, init as Init)) {
            raise!(t, TypeError, "{}() takes no arguments", class.display_name());
        }
    }
    if class.has(flag::ABSTRACT) {
        return refuse_abstract(t, class);
    }
    type_::alloc_instance(t, class)
}

/// `object()`
pub fn new_plain(t: &Thread) -> Value {
    t.alloc_cell(Header::with_raw_kind(builtin::shapes::OBJECT, Kind::Leaf as u8, 0)).value()
}

#[cold]
fn refuse_abstract(t: &Thread, class: Ref<Type>) -> R {
    let methods = attr::get_attr(t, class.value(), names::__abstractmethods__)?;
    let mut names: Vec<String> = iter::collect(t, methods)?.iter().map(plain_text).collect();
    names.sort();
    let listed: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    raise!(
        t,
        TypeError,
        "Can't instantiate abstract class {} without an implementation for abstract method{} {}",
        class.display_name(),
        if names.len() == 1 { "" } else { "s" },
        listed.join(", ")
    )
}

/// `object.__init__`
fn init(t: &Thread, object: Value, args: Args<'_>) -> R<()> {
    if args.is_empty() {
        return Ok(());
    }
    let class = object.class();
    if !class.slots().init.is_some_and(|f| std::ptr::fn_addr_eq(f, init as Init)) {
        raise!(t, TypeError, "object.__init__() takes exactly one argument (the instance to initialize)");
    }
    if class.slots().new.is_some_and(|f| std::ptr::fn_addr_eq(f, new as Call)) {
        raise!(t, TypeError, "{}.__init__() takes exactly one argument (the instance to initialize)", class.display_name());
    }
    Ok(())
}

fn init_subclass(t: &Thread, args: Args<'_>) -> R {
    let name = || args.all().first().and_then(|c| c.downcast::<Type>()).map(|c| c.display_name()).unwrap_or_default();
    if args.keyword_count() != 0 {
        raise!(t, TypeError, "{}.__init_subclass__() takes no keyword arguments", name());
    }
    if args.pos().len() > 1 {
        raise!(t, TypeError, "{}.__init_subclass__() takes no arguments ({} given)", name(), args.pos().len() - 1);
    }
    Ok(Value::NONE)
}

fn format(t: &Thread, a: &[Value]) -> R {
    let Some(spec) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "__format__() argument must be str, not {}", a[1].class().display_name());
    };
    if !spec.is_empty() {
        raise!(t, TypeError, "unsupported format string passed to {}.__format__", a[0].class().display_name());
    }
    Ok(text::str_of(t, a[0])?.value())
}

/// The names of the object's attributes, its class's and the class's bases'.
fn dir(t: &Thread, a: &[Value]) -> R {
    let object = a[0];
    let own = match object.class().has(flag::PLAIN_LOOKUP) {
        true => instance::snapshot(t, object)?,
        false => None,
    };
    let names = match own {
        Some(own) => own,
        None => match attr::get_attr_opt(t, object, names::__dict__)?.and_then(|d| d.downcast::<Dict>()) {
            Some(dict) => dict.copy(t)?,
            None => Dict::new(t),
        },
    };
    if let Some(class) = attr::get_attr_opt(t, object, names::__class__)? {
        type_::merge_names(t, names, class)?;
    }
    let list = List::new(t);
    for (name, _) in names.iter() {
        list.append(t, name)?;
    }
    Ok(list.value())
}

// ---- pickling ----

fn reduce_ex(t: &Thread, a: &[Value]) -> R {
    let protocol = int::to_i64(t, a[1])?;
    let reduce = attr::type_lookup(a[0].class(), names::__reduce__);
    if reduce != attr::type_lookup(builtin::OBJECT, names::__reduce__) {
        return call::call_method(t, a[0], names::__reduce__, &[]);
    }
    common_reduce(t, a[0], protocol)
}

fn copyreg(t: &Thread) -> R {
    crate::modules::import::import_text(t, "copyreg")
}

fn common_reduce(t: &Thread, object: Value, protocol: i64) -> R {
    if protocol >= 2 {
        return reduce_newobj(t, object);
    }
    let module = copyreg(t)?;
    call::call_method_text(t, module, "_reduce_ex", &[object, int::from_i64(t, protocol)])
}

fn cannot_pickle<T>(t: &Thread, object: Value) -> R<T> {
    raise!(t, TypeError, "cannot pickle '{}' object", object.class().display_name())
}

/// Positional arguments and keywords.
type NewArguments = (Ref<Tuple>, Option<Ref<Dict>>);

/// What to call `__new__` with besides the class.
fn new_arguments(t: &Thread, object: Value) -> R<Option<NewArguments>> {
    if let Some(method) = attr::lookup_special(t, object, names::__getnewargs_ex__)? {
        let both = call::call(t, method, &[])?;
        let Some(pair) = both.downcast::<Tuple>() else {
            raise!(t, TypeError, "__getnewargs_ex__ should return a tuple, not '{}'", both.class().display_name());
        };
        if pair.len() != 2 {
            raise!(t, ValueError, "__getnewargs_ex__ should return a tuple of length 2, not {}", pair.len());
        }
        let Some(args) = pair.get(0).downcast::<Tuple>() else {
            raise!(
                t,
                TypeError,
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                pair.get(0).class().display_name()
            );
        };
        let Some(keywords) = pair.get(1).downcast::<Dict>() else {
            raise!(
                t,
                TypeError,
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                pair.get(1).class().display_name()
            );
        };
        return Ok(Some((args, Some(keywords))));
    }
    let Some(method) = attr::lookup_special(t, object, names::__getnewargs__)? else { return Ok(None) };
    let args = call::call(t, method, &[])?;
    match args.downcast::<Tuple>() {
        Some(args) => Ok(Some((args, None))),
        None => raise!(t, TypeError, "__getnewargs__ should return a tuple, not '{}'", args.class().display_name()),
    }
}

/// `(copyreg.__newobj__, (class, ...), state, items of a list, items of a dict)`
fn reduce_newobj(t: &Thread, object: Value) -> R {
    let class = object.class();
    if class.slots().new.is_none() {
        return cannot_pickle(t, object);
    }
    let arguments = new_arguments(t, object)?;
    let has_arguments = arguments.is_some();
    let copyreg = copyreg(t)?;
    let (args, keywords) = arguments.map_or((None, None), |(a, k)| (Some(a), k));
    let (function, args) = match keywords.filter(|k| !k.is_empty()) {
        Some(keywords) => {
            let args = args.map_or(t.empty_tuple(), |a| a.value());
            (names::__newobj_ex__, Tuple::from_slice(t, &[class.value(), args, keywords.value()]))
        }
        None => {
            let given = Args::positional(args.as_ref().map_or(&[], |a| a.as_slice()));
            (names::__newobj__, given.with_first(t, class.value(), |all| Tuple::from_slice(t, all.all())))
        }
    };
    let function = attr::get_attr(t, copyreg, function)?;
    let (is_list, is_dict) = (class.has(flag::LIST_SUBCLASS), class.has(flag::DICT_SUBCLASS));
    let state = state_of(t, object, !(has_arguments || is_list || is_dict))?;
    let list_items = if is_list { iter::get_iter(t, object)? } else { Value::NONE };
    let dict_items = if is_dict {
        let items = call::call_method(t, object, names::items, &[])?;
        iter::get_iter(t, items)?
    } else {
        Value::NONE
    };
    Ok(Tuple::from_slice(t, &[function, args.value(), state, list_items, dict_items]).value())
}

fn state_of(t: &Thread, object: Value, required: bool) -> R {
    let method = attr::get_attr(t, object, names::__getstate__)?;
    let default = attr::type_lookup(builtin::OBJECT, names::__getstate__);
    let is_default = attr::type_lookup(object.class(), names::__getstate__) == default
        && method.exact::<BuiltinFunction>().is_some_and(|f| f.receiver.get() == object);
    if is_default { default_state(t, object, required) } else { call::call(t, method, &[]) }
}

/// The attributes of an object, None if there are none; with the members of `__slots__` in a pair if there are any.
fn default_state(t: &Thread, object: Value, required: bool) -> R {
    let class = object.class();
    if required && has_native_state(class) {
        return cannot_pickle(t, object);
    }
    let state = match instance::snapshot(t, object)? {
        Some(dict) if !dict.is_empty() => dict.value(),
        _ => Value::NONE,
    };
    let slot_names = match class.dict().get_name(crate::types::str::intern(t, "__slotnames__")) {
        Some(names) => names,
        None => {
            let copyreg = copyreg(t)?;
            call::call_method(t, copyreg, names::_slotnames, &[class.value()])?
        }
    };
    let slots = Dict::new(t);
    if !slot_names.is_none() {
        let Some(slot_names) = slot_names.downcast::<List>() else {
            raise!(t, TypeError, "copyreg._slotnames didn't return a list or None");
        };
        for name in slot_names.snapshot(t).iter() {
            if let Some(v) = attr::get_attr_opt(t, object, name)? {
                slots.set_item(t, name, v)?;
            }
        }
    }
    if slots.is_empty() { Ok(state) } else { Ok(Tuple::from_slice(t, &[state, slots.value()]).value()) }
}

/// Is there more to instances of this class than attributes and members?
fn has_native_state(class: Ref<Type>) -> bool {
    let mut native = class;
    while let Some(base) = native.base()
        && native.has(flag::HEAP_TYPE)
    {
        native = base;
    }
    let dict_word = if native.attrs_offset() == 0 { 0 } else { size_of::<Value>() };
    native.basic_size as usize > size_of::<Header>() + dict_word
}
