//! `__build_class__`: what a class statement calls.

use crate::args::{Args, FnDef};
use crate::interp::calls::run_function_in;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, sequence, text};
use crate::thread::Thread;
use crate::types::{Cell, Dict, Function, Tuple, Type, ValueList, builtin, type_};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[FnDef::raw("__build_class__", "*args, **kwds", build_class)
    .doc("__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nInternal helper function used by the class statement.")];

/// `__build_class__(func, name, /, *bases, metaclass, **kwds)`
pub fn build_class(t: &Thread, args: Args<'_>) -> R {
    let [function, name, given_bases @ ..] = args.pos() else { raise!(t, TypeError, "__build_class__: not enough arguments") };
    let Some(function) = function.exact::<Function>() else { raise!(t, TypeError, "__build_class__: func must be a function") };
    if !name.is_instance(builtin::STR) {
        raise!(t, TypeError, "__build_class__: name is not a string")
    }
    let bases = resolve_bases(t, given_bases)?;
    let changed = bases.as_slice() != given_bases;
    let bases = Tuple::from_slice(t, bases.as_slice());

    let (mut metaclass, mut keywords) = (Value::NULL, ValueList::new(t));
    let mut keyword_names = ValueList::new(t);
    for (keyword, value) in args.keywords() {
        if keyword == names::metaclass {
            metaclass = value;
        } else {
            keyword_names.push(t, keyword);
            keywords.push(t, value);
        }
    }
    if metaclass.is_null() {
        metaclass = match bases.as_slice().first() {
            Some(base) => base.class().value(),
            None => builtin::TYPE.value(),
        };
    }
    let is_class = metaclass.is_instance(builtin::TYPE);
    if let Some(class) = metaclass.downcast::<Type>() {
        metaclass = type_::calculate_metaclass(t, class, bases)?.value();
    }

    // The name, the bases, a namespace (below) and the keywords.
    let mut all = ValueList::from_slice(t, &[*name, bases.value()]);
    keywords.iter().for_each(|v| all.push(t, v));
    let keyword_names = Tuple::from_slice(t, keyword_names.as_slice()).value();
    let namespace = match attr::get_attr_opt(t, metaclass, names::__prepare__)? {
        Some(prepare) => call::call_args(t, prepare, Args::with_keywords(all.as_slice(), keyword_names))?,
        None => Dict::new(t).value(),
    };
    if !super::is_mapping(namespace) {
        let meta = match metaclass.downcast::<Type>() {
            Some(class) if is_class => class.display_name(),
            _ => "<metaclass>".into(),
        };
        raise!(t, TypeError, "{meta}.__prepare__() must return a mapping, not {}", namespace.class().display_name())
    }
    let cell = run_function_in(t, function, namespace)?;
    if changed {
        sequence::set_item(t, namespace, names::__orig_bases__, Tuple::from_slice(t, given_bases).value())?;
    }
    let mut all = ValueList::from_slice(t, &[*name, bases.value(), namespace]);
    keywords.iter().for_each(|v| all.push(t, v));
    let class = call::call_args(t, metaclass, Args::with_keywords(all.as_slice(), keyword_names))?;
    if let (Some(cell), true) = (cell.exact::<Cell>(), class.is_instance(builtin::TYPE)) {
        check_class_cell(t, cell, class, *name)?;
    }
    Ok(class)
}

/// The bases, with what is no class replaced by what its `__mro_entries__` gives.
fn resolve_bases(t: &Thread, given: &[Value]) -> R<ValueList> {
    let mut bases = ValueList::with_capacity(t, given.len());
    for base in given {
        if base.is_instance(builtin::TYPE) {
            bases.push(t, *base);
            continue;
        }
        let Some(method) = attr::get_attr_opt(t, *base, names::__mro_entries__)? else {
            bases.push(t, *base);
            continue;
        };
        let entries = call::call(t, method, &[Tuple::from_slice(t, given).value()])?;
        let Some(entries) = entries.downcast::<Tuple>() else { raise!(t, TypeError, "__mro_entries__ must return a tuple") };
        entries.as_slice().iter().for_each(|e| bases.push(t, *e));
    }
    Ok(bases)
}

/// `type.__new__` must have put the class into the cell that `super()` and `__class__` in its methods read.
fn check_class_cell(t: &Thread, cell: Ref<Cell>, class: Value, name: Value) -> R<()> {
    let found = cell.content.get();
    if found == class {
        return Ok(());
    }
    let (name, class) = (text::repr(t, name)?, text::repr(t, class)?);
    let (name, class) = (name.to_string_lossy(), class.to_string_lossy());
    if found.is_null() {
        raise!(t, RuntimeError, "__class__ not set defining {name} as {class}. Was __classcell__ propagated to type.__new__?")
    }
    let found = text::repr(t, found)?;
    raise!(t, TypeError, "__class__ set to {} defining {name} as {class}", found.to_string_lossy())
}
