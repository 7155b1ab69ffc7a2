//! Filling dicts from other mappings and from iterables: `dict(x)`, `d.update(x)`, `{**x}`.

use super::Dict;
use super::iterators::dict_iter;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, iter, sequence};
use crate::thread::Thread;
use crate::types::List;
use limpid_heap::Value;

/// The value as a dict whose entries may be read directly: a dict, or an instance of a subclass that iterates like one.
pub fn as_plain_dict(v: Value) -> Option<Ref<Dict>> {
    let dict = v.downcast::<Dict>()?;
    let iter = v.class().slots().iter?;
    (iter as usize == dict_iter as *const () as usize).then_some(dict)
}

impl Ref<Dict> {
    /// Takes over the entries of a mapping, or pairs that iteration yields: `d.update(v)`.
    pub fn update_from(self, t: &Thread, v: Value) -> R<()> {
        if let Some(other) = as_plain_dict(v) {
            return self.merge(t, other, true);
        }
        match attr::get_attr_opt(t, v, names::keys)? {
            Some(_) => self.update_from_mapping(t, v),
            None => self.update_from_pairs(t, v),
        }
    }

    /// Takes over the entries of a mapping: something with `keys()` and subscripts.
    pub fn update_from_mapping(self, t: &Thread, v: Value) -> R<()> {
        self.merge_mapping(t, v, true)
    }

    /// As [`Dict::merge`], from any mapping.
    pub fn merge_mapping(self, t: &Thread, v: Value, replace: bool) -> R<()> {
        if let Some(other) = as_plain_dict(v) {
            return self.merge(t, other, replace);
        }
        let keys = call::call_method(t, v, names::keys, &[])?;
        iter::for_each(t, keys, |key| {
            if !replace && self.contains(t, key)? {
                return Ok(());
            }
            let value = sequence::get_item(t, v, key)?;
            self.set_item(t, key, value)
        })
    }

    /// Takes over `(key, value)` pairs.
    pub fn update_from_pairs(self, t: &Thread, v: Value) -> R<()> {
        let mut i = 0;
        iter::for_each(t, v, |pair| {
            let pair = pair_of(t, pair, i)?;
            i += 1;
            self.set_item(t, pair[0], pair[1])
        })
    }
}

/// The two items of an element of what a dict is updated from.
fn pair_of(t: &Thread, pair: Value, i: usize) -> R<[Value; 2]> {
    if let Some(tuple) = pair.exact::<crate::types::Tuple>()
        && let [key, value] = *tuple.as_slice()
    {
        return Ok([key, value]);
    }
    let items = items_of(t, pair).inspect_err(|_| {
        if t.exception_is(crate::exc::TypeError) {
            add_note(t, &format!("Cannot convert dictionary update sequence element #{i} to a sequence"));
        }
    })?;
    match (items.get(0), items.get(1)) {
        (Some(key), Some(value)) if items.len() == 2 => Ok([key, value]),
        _ => raise!(t, ValueError, "dictionary update sequence element #{i} has length {}; 2 is required", items.len()),
    }
}

fn items_of(t: &Thread, pair: Value) -> R<Ref<List>> {
    if pair.class().slots().iter.is_none() && !iter::is_sequence(pair) {
        raise!(t, TypeError, "object is not iterable")
    }
    iter::to_list(t, pair)
}

/// Adds a note to the current exception. If that fails, the note is lost.
fn add_note(t: &Thread, note: &str) {
    let exception = t.take_exception();
    let note = crate::types::Str::new(t, note).value();
    if call::call_method_text(t, exception, "add_note", &[note]).is_err() {
        t.take_exception();
    }
    t.raise_value(exception);
}
