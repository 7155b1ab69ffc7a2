//! What a Python program sees of `list`.

use super::List;
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{compare, hash, iter, number, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::repr::{ReprGuard, ReprText};
use crate::types::slice::{Bounds, Slice};
use crate::types::{Type, TypeDef, builtin, flag, generic_alias, int, iterators};
use limpid_heap::Value;

// ---- construction ----

fn list_new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, List::empty_layout()).value())
}

fn list_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    // A subclass with a constructor of its own may have keywords of its own.
    let own_new = builtin::LIST.slots().new.map(|f| f as usize);
    if v.class().slots().new.map(|f| f as usize) == own_new {
        args.no_keywords(t, "list")?;
    }
    let iterable = match *args.pos() {
        [] => None,
        [iterable] => Some(iterable),
        ref more => raise!(t, TypeError, "list expected at most 1 argument, got {}", more.len()),
    };
    let list = receiver::<List>(v);
    if !list.is_empty() {
        list.clear(t);
    }
    match iterable {
        Some(iterable) => list.extend(t, iterable),
        None => Ok(()),
    }
}

// ---- slots ----

fn repr(t: &Thread, v: Value) -> R {
    let Some(_guard) = ReprGuard::enter(t, v) else { return ReprText::new("[...]").finish(t) };
    let mut text = ReprText::new("[");
    text.items(t, receiver::<List>(v).items())?;
    text.text("]");
    text.finish(t)
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    match (a.downcast::<List>(), b.downcast::<List>()) {
        (Some(a), Some(b)) => a.compare(t, b, op),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// The place that a subscript which is no slice names.
fn index_of(t: &Thread, list: Ref<List>, key: Value, out_of_range: &str) -> R<usize> {
    if !number::is_index(key) {
        raise!(t, TypeError, "list indices must be integers or slices, not {}", key.class().display_name())
    }
    let index = sequence::index_of_key(t, key)?;
    match sequence::resolve_index(index, list.len()) {
        Some(i) => Ok(i),
        None => raise!(t, IndexError, "{out_of_range}"),
    }
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    const OUT_OF_RANGE: &str = "list index out of range";
    let list = receiver::<List>(v);
    if let Some(slice) = key.exact::<Slice>() {
        return Ok(list.slice(t, slice.bounds(t)?)?.value());
    }
    let i = index_of(t, list, key, OUT_OF_RANGE)?;
    // Another thread may have made the list shorter.
    list.get(i).ok_or_else(|| err!(t, IndexError, "{OUT_OF_RANGE}"))
}

fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    const OUT_OF_RANGE: &str = "list assignment index out of range";
    let list = receiver::<List>(v);
    let Some(slice) = key.exact::<Slice>() else {
        let i = index_of(t, list, key, OUT_OF_RANGE)?;
        let done = if value.is_null() { list.pop(t, i as isize).is_some() } else { list.set(t, i, value) };
        return if done { Ok(()) } else { raise!(t, IndexError, "{OUT_OF_RANGE}") };
    };
    list.set_slice(t, slice.bounds(t)?, value)
}

impl Ref<List> {
    /// `list[bounds] = value`, or `del list[bounds]` for NULL.
    pub fn set_slice(self, t: &Thread, bounds: Bounds, value: Value) -> R<()> {
        if value.is_null() {
            return self.delete_slice(t, bounds);
        }
        if value.class().slots().iter.is_none() && !iter::is_sequence(value) {
            raise!(
                t,
                TypeError,
                "{}",
                if bounds.step() != 1 { "must assign iterable to extended slice" } else { "can only assign an iterable" }
            )
        }
        // Taking the items out of an iterator may change the list; then it is not this code that is surprised.
        let values = match value.exact::<List>() {
            Some(other) if other != self => other,
            Some(itself) => itself.copy(t)?,
            None => iter::to_list(t, value)?,
        };
        self.assign_slice(t, bounds, values)
    }
}

/// The index of the first item from `start` to `stop` that equals `value`, and the item.
fn find(t: &Thread, list: Ref<List>, value: Value, start: usize, stop: usize) -> R<Option<(usize, Value)>> {
    let mut i = start;
    while i < stop
        && let Some(item) = list.get(i)
    {
        if compare::values_equal(t, item, value)? {
            return Ok(Some((i, item)));
        }
        i += 1;
    }
    Ok(None)
}

fn contains(t: &Thread, v: Value, item: Value) -> R<bool> {
    Ok(find(t, receiver(v), item, 0, usize::MAX)?.is_some())
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    let Some(other) = b.downcast::<List>() else {
        raise!(t, TypeError, "can only concatenate list (not \"{}\") to list", b.class().display_name())
    };
    Ok(receiver::<List>(a).concat(t, other)?.value())
}

fn concat_in_place(t: &Thread, a: Value, b: Value) -> R {
    receiver::<List>(a).extend(t, b)?;
    Ok(a)
}

fn repeat(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    Ok(receiver::<List>(v).repeat(t, count)?.value())
}

fn repeat_in_place(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    receiver::<List>(v).repeat_in_place(t, count)?;
    Ok(v)
}

// ---- methods ----

fn append(t: &Thread, a: &[Value]) -> R {
    receiver::<List>(a[0]).append(t, a[1])?;
    Ok(Value::NONE)
}

fn clear(t: &Thread, a: &[Value]) -> R {
    receiver::<List>(a[0]).clear(t);
    Ok(Value::NONE)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    Ok(receiver::<List>(a[0]).copy(t)?.value())
}

fn count(t: &Thread, a: &[Value]) -> R {
    let list = receiver::<List>(a[0]);
    let mut n = 0;
    for item in list.items() {
        n += compare::values_equal(t, item, a[1])? as usize;
    }
    Ok(int::from_usize(t, n))
}

fn extend(t: &Thread, a: &[Value]) -> R {
    receiver::<List>(a[0]).extend(t, a[1])?;
    Ok(Value::NONE)
}

fn index(t: &Thread, a: &[Value]) -> R {
    let list = receiver::<List>(a[0]);
    let start = sequence::search_bound(t, a[2], 0, list.len())?;
    let stop = sequence::search_bound(t, a[3], isize::MAX, list.len())?;
    match find(t, list, a[1], start, stop)? {
        Some((i, _)) => Ok(int::from_usize(t, i)),
        None => raise!(t, ValueError, "list.index(x): x not in list"),
    }
}

fn insert(t: &Thread, a: &[Value]) -> R {
    let i = number::index_isize(t, a[1])?;
    receiver::<List>(a[0]).insert(t, i, a[2])?;
    Ok(Value::NONE)
}

fn pop(t: &Thread, a: &[Value]) -> R {
    let i = if a[1].is_null() { -1 } else { number::index_isize(t, a[1])? };
    let list = receiver::<List>(a[0]);
    match list.pop(t, i) {
        Some(v) => Ok(v),
        None if list.is_empty() => raise!(t, IndexError, "pop from empty list"),
        None => raise!(t, IndexError, "pop index out of range"),
    }
}

fn remove(t: &Thread, a: &[Value]) -> R {
    let list = receiver::<List>(a[0]);
    while let Some((i, item)) = find(t, list, a[1], 0, usize::MAX)? {
        // If another thread, or the comparison, has moved the item, it is looked for again.
        if list.remove_exactly(t, i, item) {
            return Ok(Value::NONE);
        }
        t.poll()?;
    }
    raise!(t, ValueError, "list.remove(x): x not in list")
}

fn reverse(t: &Thread, a: &[Value]) -> R {
    receiver::<List>(a[0]).reverse(t);
    Ok(Value::NONE)
}

fn sort(t: &Thread, a: &[Value]) -> R {
    let key = a[1].non_null().unwrap_or(Value::NONE);
    let reverse = !a[2].is_null() && crate::protocol::truth::truth(t, a[2])?;
    List::sort(receiver(a[0]), t, key, reverse)?;
    Ok(Value::NONE)
}

fn size_of(t: &Thread, a: &[Value]) -> R {
    let storage = receiver::<List>(a[0]).storage().map_or(0, |s| super::STORAGE_OVERHEAD + s.capacity() * 8);
    Ok(int::from_usize(t, a[0].class().instance_size() + storage))
}

/// The type `list`.
pub static LIST_DEF: TypeDef = TypeDef {
    doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an \
          iterable if specified.",
    flags: flag::BASE_TYPE | flag::LIST_SUBCLASS | flag::SEQUENCE | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(list_new),
        init: Some(list_init),
        repr: Some(repr),
        hash: Some(hash::unhashable),
        richcompare: Some(richcompare),
        iter: Some(iterators::list_iter),
        len: Some(|_, v| Ok(receiver::<List>(v).len())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(concat_in_place),
        irepeat: Some(repeat_in_place),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reversed__", "self, /", |t, a| Ok(iterators::list_reverse_iterator(t, receiver(a[0]))))
            .doc("Return a reverse iterator over the list."),
        FnDef::def("__sizeof__", "self, /", size_of).doc("Return the size of the list in memory, in bytes."),
        FnDef::def("append", "self, object, /", append).doc("Append object to the end of the list."),
        FnDef::def("clear", "self, /", clear).doc("Remove all items from list."),
        FnDef::def("copy", "self, /", copy).doc("Return a shallow copy of the list."),
        FnDef::def("count", "self, value, /", count).doc("Return number of occurrences of value."),
        FnDef::def("extend", "self, iterable, /", extend).doc("Extend list by appending elements from the iterable."),
        FnDef::def("index", "self, value, start=0, stop=sys.maxsize, /", index)
            .doc("Return first index of value.\n\nRaises ValueError if the value is not present."),
        FnDef::def("insert", "self, index, object, /", insert).doc("Insert object before index."),
        FnDef::def("pop", "self, index=-1, /", pop)
            .doc("Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range."),
        FnDef::def("remove", "self, value, /", remove)
            .doc("Remove first occurrence of value.\n\nRaises ValueError if the value is not present."),
        FnDef::def("reverse", "self, /", reverse).doc("Reverse *IN PLACE*."),
        FnDef::def("sort", "self, /, *, key=None, reverse=False", sort).doc(
            "Sort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and stable \
             (i.e. the\norder of two equal elements is maintained).\n\nIf a key function is given, apply it once to each list item \
             and sort them,\nascending or descending, according to their function values.\n\nThe reverse flag can be set to sort in \
             descending order.",
        ),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<List>("list")
};
