//! Iterators over sequences, and over what a function returns.
//!
//! An iterator that two threads use at once yields some items twice or not at all, as CPython's do; nothing worse happens.

use crate::args::Args;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::builtin::shapes;
use crate::types::{Tuple, Type, dict, int};
use limpid_heap::{ShapeRef, Value};

mod callable;
mod enumerate;
mod filter;
mod items;
mod map;
pub mod pairs;
mod parallel;
mod reversed;
mod sequence;
mod unpacked_alias;
mod zip;

pub use callable::{CALLABLE_ITERATOR_DEF, CallableIterator, callable_iterator};
pub use enumerate::{ENUMERATE_DEF, Enumerate};
pub use filter::{FILTER_DEF, Filter};
pub use items::{
    LIST_ITERATOR_DEF, LIST_REVERSE_ITERATOR_DEF, ListIterator, ListReverseIterator, TUPLE_ITERATOR_DEF, TupleIterator, list_iter,
    list_reverse_iterator, tuple_iter,
};
pub use map::{MAP_DEF, Map};
pub use reversed::{REVERSED_DEF, Reversed};
pub use sequence::{SEQUENCE_ITERATOR_DEF, SequenceIterator, sequence_iterator};

pub use unpacked_alias::{GENERIC_ALIAS_ITERATOR_DEF, UnpackedAliasIterator, unpacked_alias_iterator};
pub use zip::{ZIP_DEF, Zip};

pub(super) const HINT_DOC: &str = "Private method returning an estimate of len(list(it)).";
pub(super) const REDUCE_DOC: &str = "Return state information for pickling.";
pub(super) const SET_STATE_DOC: &str = "Set state information for unpickling.";

/// The `iter` slot of iterators.
pub fn itself(_: &Thread, v: Value) -> R {
    Ok(v)
}

/// Iterators that run no Python code and stay at their end: one that has no next item may be asked again.
pub const PLAIN: [ShapeRef; 7] = [
    shapes::LIST_ITERATOR,
    shapes::LIST_REVERSE_ITERATOR,
    shapes::TUPLE_ITERATOR,
    shapes::STR_ASCII_ITERATOR,
    shapes::BYTES_ITERATOR,
    shapes::RANGE_ITERATOR,
    shapes::SET_ITERATOR,
];
/// Those that run no Python code either, but may raise an exception at their end, and that once.
pub const OF_DICTS: [ShapeRef; 3] = [shapes::DICT_KEY_ITERATOR, shapes::DICT_VALUE_ITERATOR, shapes::DICT_ITEM_ITERATOR];

/// Does the iterator give its next item without Python code, or else may it be asked again?
pub fn is_plain(iterator: Value) -> bool {
    let shape = iterator.shape();
    PLAIN.contains(&shape) || OF_DICTS.contains(&shape) && dict::may_have_next(iterator)
}

/// Has the class an `__init__` that `base`, from which it derives, has not?
pub(crate) fn has_own_init(class: Ref<Type>, base: Ref<Type>) -> bool {
    let init = |class: Ref<Type>| class.slots().init.map(|f| f as usize);
    init(class) != init(base)
}

/// Raises TypeError for keyword arguments, unless they may be meant for a subclass's `__init__`.
fn no_keywords(t: &Thread, class: Value, base: Ref<Type>, args: Args<'_>) -> R<()> {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if has_own_init(class, base) { Ok(()) } else { args.no_keywords(t, &base.display_name()) }
}

/// A function of the module builtins, as an iterator's `__reduce__` names it.
pub fn builtin_function(t: &Thread, name: Value) -> R {
    let builtins = t.interpreter().builtins.get();
    match builtins.downcast::<crate::types::Dict>().and_then(|d| d.get_name(name)) {
        Some(f) => Ok(f),
        None => raise!(t, AttributeError, "the builtins have no iterator functions"),
    }
}

/// `(iter, (sequence,), index)`, or `(iter, (empty,))` for an exhausted iterator.
pub(crate) fn reduced(t: &Thread, function: Value, sequence: Option<Value>, empty: Value, index: i64) -> R {
    let f = builtin_function(t, function)?;
    Ok(match sequence {
        Some(sequence) => {
            let args = Tuple::from_slice(t, &[sequence]);
            Tuple::from_slice(t, &[f, args.value(), int::from_i64(t, index)]).value()
        }
        None => {
            let args = Tuple::from_slice(t, &[empty]);
            Tuple::from_slice(t, &[f, args.value()]).value()
        }
    })
}
