//! Iterators over pairs that a loop takes apart at once: it can have the two parts without the tuple around them.

use super::{enumerate, is_plain, zip};
use crate::object::{R, ValueExt};
use crate::thread::Thread;
use crate::types::{builtin, dict};
use limpid_heap::Value;

/// What has come of [`next_pair`].
pub enum NextPair {
    /// Two values.
    Pair,
    /// The iterator has ended.
    Exhausted,
    /// An exception is raised.
    Raised,
    /// The iterator yields something else.
    Unknown,
}

/// As [`next_pair`], if that runs no Python code; it changes nothing if it fails. False: there is no pair, or it cannot be told, so
/// [`next_pair`] is to be asked.
///
/// # Safety
/// Two values can be written to `to`.
pub unsafe fn next_pair_now(t: &Thread, iterator: Value, to: *mut Value) -> bool {
    let shape = iterator.shape();
    let can_tell = match shape {
        builtin::shapes::ENUMERATE => enumerate::is_plain(iterator),
        builtin::shapes::DICT_ITEM_ITERATOR => is_plain(iterator),
        _ => false,
    };
    // SAFETY: by contract.
    match can_tell.then(|| unsafe { next_pair(t, iterator, to) }) {
        Some(NextPair::Pair) => true,
        Some(NextPair::Raised) => {
            t.take_exception();
            false
        }
        _ => false,
    }
}

/// Does the iterator yield pairs that [`next_pair`] can take apart?
pub fn yields_pairs(iterator: Value) -> bool {
    let shape = iterator.shape();
    shape == builtin::shapes::ENUMERATE
        || shape == builtin::shapes::DICT_ITEM_ITERATOR
        || (shape == builtin::shapes::ZIP && zip::is_of_two(iterator))
}

/// Takes the next pair of an iterator apart: the second part comes first, as `UNPACK_SEQUENCE` leaves them on the stack. Out of line, so
/// that no result of several words is a local variable of a handler.
///
/// # Safety
/// Two values can be written to `to`.
#[inline(never)]
pub unsafe fn next_pair(t: &Thread, iterator: Value, to: *mut Value) -> NextPair {
    let shape = iterator.shape();
    let next: R<Option<(Value, Value)>> = if shape == builtin::shapes::ENUMERATE {
        enumerate::next_pair(t, iterator)
    } else if shape == builtin::shapes::DICT_ITEM_ITERATOR {
        dict::next_item(t, iterator)
    } else if shape == builtin::shapes::ZIP && zip::is_of_two(iterator) {
        zip::next_pair(t, iterator)
    } else {
        return NextPair::Unknown;
    };
    match next {
        Ok(Some((first, second))) => {
            // SAFETY: by contract.
            unsafe {
                to.write(second);
                to.add(1).write(first);
            }
            NextPair::Pair
        }
        Ok(None) => NextPair::Exhausted,
        Err(_) => NextPair::Raised,
    }
}
