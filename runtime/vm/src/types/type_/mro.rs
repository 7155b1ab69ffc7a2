//! The method resolution order: C3 linearization.

use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, iter};
use crate::thread::Thread;
use crate::types::type_::layout::solid_base;
use crate::types::{Tuple, Type, ValueList, builtin};
use limpid_heap::Value;

/// The MRO that a class should have by its bases.
pub fn linearize(t: &Thread, class: Ref<Type>) -> R<Ref<Tuple>> {
    // SAFETY: `bases` is a tuple of types.
    let bases = unsafe { Ref::<Tuple>::from_value(class.bases.get()) };
    let mut order = ValueList::new(t);
    order.push(t, class.value());
    for base in bases.as_slice() {
        // SAFETY: as above.
        let base = unsafe { Ref::<Type>::from_value(*base) };
        if base.mro().is_empty() {
            raise!(t, TypeError, "Cannot extend an incomplete type '{}'", base.display_name());
        }
    }
    if bases.len() == 1 {
        // SAFETY: as above.
        let base = unsafe { Ref::<Type>::from_value(bases.get(0)) };
        base.mro().as_slice().iter().for_each(|c| order.push(t, *c));
        return Ok(Tuple::from_slice(t, order.as_slice()));
    }
    for (i, base) in bases.as_slice().iter().enumerate() {
        if bases.as_slice()[..i].contains(base) {
            raise!(t, TypeError, "duplicate base class {}", class_name(*base));
        }
    }
    // The sequences to merge: the bases' orders, then the bases themselves.
    let mut sequences = ValueList::new(t);
    for base in bases.as_slice() {
        // SAFETY: as above.
        sequences.push(t, unsafe { Ref::<Type>::from_value(*base) }.mro().value());
    }
    sequences.push(t, bases.value());
    merge(t, sequences, &mut order)?;
    Ok(Tuple::from_slice(t, order.as_slice()))
}

/// Appends the merged sequences to `order`.
fn merge(t: &Thread, sequences: ValueList, order: &mut ValueList) -> R<()> {
    // SAFETY: the list holds tuples.
    let sequence = |i: usize| unsafe { Ref::<Tuple>::from_value(sequences.get(i)) };
    let n = sequences.len();
    // How much of each sequence has been merged.
    let mut at = vec![0; n];
    loop {
        let mut done = true;
        let mut next = None;
        for i in 0..n {
            let Some(candidate) = sequence(i).as_slice().get(at[i]) else { continue };
            done = false;
            let blocked = (0..n).any(|j| sequence(j).as_slice().get(at[j] + 1..).is_some_and(|tail| tail.contains(candidate)));
            if !blocked {
                next = Some(*candidate);
                break;
            }
        }
        match next {
            Some(class) => {
                order.push(t, class);
                for (i, at) in at.iter_mut().enumerate() {
                    *at += (sequence(i).as_slice().get(*at) == Some(&class)) as usize;
                }
            }
            None if done => return Ok(()),
            None => {
                let mut heads: Vec<String> = Vec::new();
                for (i, at) in at.iter().enumerate() {
                    if let Some(head) = sequence(i).as_slice().get(*at) {
                        let name = class_name(*head);
                        if !heads.contains(&name) {
                            heads.push(name);
                        }
                    }
                }
                raise!(t, TypeError, "Cannot create a consistent method resolution order (MRO) for bases {}", heads.join(", "))
            }
        }
    }
}

fn class_name(class: Value) -> String {
    class.downcast::<Type>().map(|c| c.display_name()).unwrap_or_default()
}

/// The MRO of a class: what its metaclass says.
pub(super) fn compute(t: &Thread, class: Ref<Type>) -> R<Ref<Tuple>> {
    let metaclass = class.value().class();
    let own = attr::lookup(t, metaclass, names::mro);
    if metaclass == builtin::TYPE || own == attr::lookup(t, builtin::TYPE, names::mro) {
        return linearize(t, class);
    }
    let Some(method) = attr::lookup_special(t, class.value(), names::mro)? else { return linearize(t, class) };
    let result = call::call(t, method, &[])?;
    let order = iter::to_tuple(t, result)?;
    let solid = solid_base(class);
    for c in order.as_slice() {
        let Some(c) = c.downcast::<Type>() else {
            raise!(t, TypeError, "mro() returned a non-class ('{}')", c.class().display_name());
        };
        if !solid.is_subtype(solid_base(c)) {
            raise!(t, TypeError, "mro() returned base with unsuitable layout ('{}')", c.display_name());
        }
    }
    Ok(order)
}
