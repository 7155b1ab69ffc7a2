//! Arguments of a call that are put together from several places.

use limpid_heap::Value;
use limpid_vm::thread::Thread;
use limpid_vm::types::ValueList;

/// How many arguments need no list in the heap.
const FEW: usize = 16;

/// Hands `f` the values of all parts, one after the other.
pub(crate) fn joined<T>(t: &Thread, parts: &[&[Value]], f: impl FnOnce(&[Value]) -> T) -> T {
    let count = parts.iter().map(|p| p.len()).sum();
    if count <= FEW {
        let mut few = [Value::NULL; FEW];
        let mut at = 0;
        for part in parts {
            few[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        return f(&few[..count]);
    }
    let mut list = ValueList::with_capacity(t, count);
    parts.iter().flat_map(|p| p.iter()).for_each(|v| list.push(t, *v));
    f(list.as_slice())
}
