//! Iterating over several iterables at once: what `map` and `zip` have in common.

use crate::args::Args;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{iter, truth::truth};
use crate::thread::Thread;
use crate::types::{Str, Tuple, ValueList};
use limpid_heap::Value;

/// How many items fit on the native stack.
const FEW: usize = 8;

/// The iterators, and whether all of them must end at the same time.
#[repr(C)]
pub(super) struct Parallel {
    /// A tuple.
    iterators: Slot,
    /// True or False.
    strict: Slot,
}

impl Parallel {
    /// Iterators over these iterables.
    pub(super) fn new(t: &Thread, iterables: &[Value], strict: bool) -> R<Parallel> {
        let mut iterators = ValueList::with_capacity(t, iterables.len());
        for &iterable in iterables {
            iterators.push(t, iter::get_iter(t, iterable)?);
        }
        let iterators = Tuple::from_slice(t, iterators.as_slice());
        Ok(Parallel { iterators: Slot::new(iterators.value()), strict: Slot::new(Value::bool(strict)) })
    }

    /// The iterators.
    pub(super) fn iterators(&self) -> Ref<Tuple> {
        // SAFETY: the field is always a tuple.
        unsafe { Ref::from_value(self.iterators.get()) }
    }

    /// Must all end at the same time?
    pub(super) fn is_strict(&self) -> bool {
        self.strict.get() == Value::TRUE
    }

    /// `__setstate__`: `owner` is the object this is part of.
    pub(super) fn set_strict<T>(&self, t: &Thread, owner: Ref<T>, strict: Value) -> R<()> {
        self.strict.set(t, owner, Value::bool(truth(t, strict)?));
        Ok(())
    }

    /// Hands the next item of each iterator to `f`, or NULL when the first one has ended. `name` is the function's, for messages.
    #[inline]
    pub(super) fn next(&self, t: &Thread, name: &str, f: impl FnOnce(&[Value]) -> R) -> R {
        let iterators = self.iterators();
        match *iterators.as_slice() {
            [] => Ok(Value::NULL),
            [iterator] => {
                let item = iter::next(t, iterator)?;
                if item.is_null() { Ok(item) } else { f(&[item]) }
            }
            ref several if several.len() <= FEW => {
                let mut items = [Value::NULL; FEW];
                for (i, &iterator) in several.iter().enumerate() {
                    items[i] = iter::next(t, iterator)?;
                    if items[i].is_null() {
                        return self.ended(t, name, i);
                    }
                }
                f(&items[..several.len()])
            }
            ref many => {
                let mut items = ValueList::with_capacity(t, many.len());
                for (i, &iterator) in many.iter().enumerate() {
                    let item = iter::next(t, iterator)?;
                    if item.is_null() {
                        return self.ended(t, name, i);
                    }
                    items.push(t, item);
                }
                f(items.as_slice())
            }
        }
    }

    /// The next items of the two iterators that there are, or None when the first one has ended.
    #[inline]
    pub(super) fn next_pair(&self, t: &Thread, name: &str) -> R<Option<(Value, Value)>> {
        let iterators = self.iterators();
        let (a, b) = (iterators.get(0), iterators.get(1));
        let first = iter::next(t, a)?;
        if first.is_null() {
            return self.ended(t, name, 0).map(|_| None);
        }
        let second = iter::next(t, b)?;
        if second.is_null() {
            return self.ended(t, name, 1).map(|_| None);
        }
        Ok(Some((first, second)))
    }

    /// The iterator with this index has ended, those before it have not.
    #[cold]
    fn ended(&self, t: &Thread, name: &str, i: usize) -> R {
        if !self.is_strict() {
            return Ok(Value::NULL);
        }
        let others = |n: usize| if n == 1 { " ".to_owned() } else { "s 1-".to_owned() } + &n.to_string();
        if i > 0 {
            raise!(t, ValueError, "{name}() argument {} is shorter than argument{}", i + 1, others(i))
        }
        let iterators = self.iterators();
        for (i, &iterator) in iterators.as_slice().iter().enumerate().skip(1) {
            if !iter::next(t, iterator)?.is_null() {
                raise!(t, ValueError, "{name}() argument {} is longer than argument{}", i + 1, others(i))
            }
        }
        Ok(Value::NULL)
    }
}

/// The only keyword argument that `map` and `zip` take.
pub(super) fn strict_argument(t: &Thread, name: &str, args: Args<'_>) -> R<bool> {
    let mut strict = false;
    for (keyword, value) in args.keywords() {
        match keyword.downcast::<Str>() {
            Some(s) if s.eq_str("strict") => strict = truth(t, value)?,
            s => {
                let keyword = s.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                raise!(t, TypeError, "{name}() got an unexpected keyword argument '{keyword}'")
            }
        }
    }
    Ok(strict)
}
