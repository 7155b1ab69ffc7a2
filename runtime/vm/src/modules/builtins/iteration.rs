//! Iterating: iter and next and their asynchronous twins, and what folds an iterable into one value.

use super::sum::sum;
use crate::args::{Args, FnDef, Signature};
use crate::exc;
use crate::object::{R, ValueExt};
use crate::protocol::{call, compare, iter, truth};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::{List, async_gen, iterators};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("aiter", "async_iterable, /", aiter).doc("Return an AsyncIterator for an AsyncIterable object."),
    FnDef::def("all", "iterable, /", |t, a| all_or_any(t, a[0], false))
        .doc("Return True if bool(x) is True for all values x in the iterable.\n\nIf the iterable is empty, return True."),
    FnDef::def("anext", "async_iterator, default=<unrepresentable>, /", anext).doc(
        "Return the next item from the async iterator.\n\nIf default is given and the async iterator is exhausted,\nit is returned \
         instead of raising StopAsyncIteration.",
    ),
    FnDef::def("any", "iterable, /", |t, a| all_or_any(t, a[0], true))
        .doc("Return True if bool(x) is True for any x in the iterable.\n\nIf the iterable is empty, return False."),
    FnDef::raw("iter", "*args", iter_).doc(
        "Get an iterator from an object.\n\nIn the first form, the argument must supply its own iterator, or be a sequence.\nIn the \
         second form, the callable is called until it returns the sentinel.",
    ),
    FnDef::raw("max", "*args, key=None, default=NULL", |t, args| extremum(t, args, "max", Compare::Gt)).doc(
        "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable \
         argument, return its biggest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable \
         is empty.\nWith two or more positional arguments, return the largest argument.",
    ),
    FnDef::raw("min", "*args, key=None, default=NULL", |t, args| extremum(t, args, "min", Compare::Lt)).doc(
        "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable \
         argument, return its smallest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable \
         is empty.\nWith two or more positional arguments, return the smallest argument.",
    ),
    FnDef::raw("next", "*args", next).doc(
        "next(iterator[, default])\n\nReturn the next item from the iterator. If default is given and the iterator\nis exhausted, it is \
         returned instead of raising StopIteration.",
    ),
    FnDef::raw("sorted", "iterable, /, *, key=None, reverse=False", sorted).doc(
        "Return a new list containing all items from the iterable in ascending order.\n\nA custom key function can be supplied to \
         customize the sort order, and the\nreverse flag can be set to request the result in descending order.",
    ),
    FnDef::def("sum", "iterable, /, start=0", sum).doc(
        "Return the sum of a 'start' value (default: 0) plus an iterable of numbers\n\nWhen the iterable is empty, return the start \
         value.\nThis function is intended specifically for use with numeric values and may\nreject non-numeric types.",
    ),
];

/// Looks for an item whose truth is `wanted`; gives whether there is one (`any`), or whether there is none (`all`).
fn all_or_any(t: &Thread, iterable: Value, wanted: bool) -> R {
    let iterator = iter::get_iter(t, iterable)?;
    let next = iter::next_function(t, iterator)?;
    loop {
        let v = next(t, iterator)?;
        if v.is_null() {
            return Ok(Value::bool(!wanted));
        }
        if truth::truth(t, v)? == wanted {
            return Ok(Value::bool(wanted));
        }
        t.poll()?;
    }
}

fn wrong_count(t: &Thread, name: &str, given: usize, min: usize, max: usize) -> crate::object::Raised {
    let (word, n) = if given < min { ("at least", min) } else { ("at most", max) };
    err!(t, TypeError, "{name} expected {word} {n} argument{}, got {given}", if n == 1 { "" } else { "s" })
}

fn iter_(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "iter")?;
    match args.pos() {
        [v] => iter::get_iter(t, *v),
        [f, sentinel] => {
            if !call::is_callable(*f) {
                raise!(t, TypeError, "iter(v, w): v must be callable")
            }
            Ok(iterators::callable_iterator(t, *f, *sentinel))
        }
        other => Err(wrong_count(t, "iter", other.len(), 1, 2)),
    }
}

fn next(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "next")?;
    let (iterator, default) = match args.pos() {
        [it] => (*it, Value::NULL),
        [it, default] => (*it, *default),
        other => return Err(wrong_count(t, "next", other.len(), 1, 2)),
    };
    let Some(next) = iterator.class().slots().next else {
        raise!(t, TypeError, "'{}' object is not an iterator", iterator.class().display_name())
    };
    if default.is_null() {
        return iter::next_or_stop(t, next, iterator);
    }
    match next(t, iterator) {
        Ok(Value::NULL) => Ok(default),
        Err(_) => t.catch(exc::StopIteration).map(|()| default),
        item => item,
    }
}

fn aiter(t: &Thread, a: &[Value]) -> R {
    let Some(f) = a[0].class().slots().aiter else {
        raise!(t, TypeError, "'{}' object is not an async iterable", a[0].class().display_name())
    };
    let iterator = f(t, a[0])?;
    if iterator.class().slots().anext.is_none() {
        raise!(t, TypeError, "aiter() returned not an async iterator of type '{}'", iterator.class().display_name())
    }
    Ok(iterator)
}

fn anext(t: &Thread, a: &[Value]) -> R {
    let Some(f) = a[0].class().slots().anext else {
        raise!(t, TypeError, "'{}' object is not an async iterator", a[0].class().display_name())
    };
    let awaitable = f(t, a[0])?;
    match a[1].non_null() {
        Some(default) => Ok(async_gen::new_anext_awaitable(t, awaitable, default)),
        None => Ok(awaitable),
    }
}

fn extremum(t: &Thread, args: Args<'_>, name: &str, better: Compare) -> R {
    let (mut key, mut default) = (Value::NONE, Value::NULL);
    for (keyword, value) in args.keywords() {
        match keyword.downcast::<crate::types::Str>().map(|s| s.to_string_lossy().into_owned()).as_deref() {
            Some("key") => key = value,
            Some("default") => default = value,
            other => raise!(t, TypeError, "{name}() got an unexpected keyword argument '{}'", other.unwrap_or("")),
        }
    }
    let mut best: Option<(Value, Value)> = None;
    let mut consider = |item: Value| -> R<()> {
        let rank = if key.is_none() { item } else { call::call(t, key, &[item])? };
        if match best {
            None => true,
            Some((best_rank, _)) => compare::compare_bool(t, rank, best_rank, better)?,
        } {
            best = Some((rank, item));
        }
        Ok(())
    };
    match args.pos() {
        [] => raise!(t, TypeError, "{name} expected at least 1 argument, got 0"),
        [iterable] => iter::for_each(t, *iterable, &mut consider)?,
        items => {
            if !default.is_null() {
                raise!(t, TypeError, "Cannot specify a default for {name}() with multiple positional arguments")
            }
            items.iter().try_for_each(|item| consider(*item))?;
        }
    }
    match best {
        Some((_, item)) => Ok(item),
        None if default.is_null() => raise!(t, ValueError, "{name}() iterable argument is empty"),
        None => Ok(default),
    }
}

fn sorted(t: &Thread, args: Args<'_>) -> R {
    let [iterable] = args.pos() else { raise!(t, TypeError, "sorted expected 1 argument, got {}", args.pos().len()) };
    let list = iter::to_list(t, *iterable)?;
    static SORT: Signature = Signature::parse("*, key=None, reverse=False");
    let keywords = Args::with_keywords(&args.all()[1..], args.names());
    keywords.bind(t, "sort", &SORT, |a| {
        let reverse = match a[1].non_null() {
            Some(v) => truth::truth(t, v)?,
            None => false,
        };
        List::sort(list, t, a[0].non_null().unwrap_or(Value::NONE), reverse)
    })?;
    Ok(list.value())
}
