//! `slice`: three values that say which items of a sequence are meant.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash::hash_value;
use crate::protocol::{compare, number};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::repr::ReprText;
use crate::types::tuple::TupleHash;
use crate::types::{Tuple, TypeDef, builtin};
use limpid_heap::{Header, Value};

/// The layout of a slice.
#[repr(C)]
pub struct Slice {
    header: Header,
    /// `start`, None if not given.
    pub start: Slot,
    /// `stop`, None if not given.
    pub stop: Slot,
    /// `step`, None if not given.
    pub step: Slot,
}

crate::layout!(Slice, builtin::SLICE, Slots);

/// `slice(start, stop, step)`; None for what is not given.
#[inline]
pub fn new(t: &Thread, start: Value, stop: Value, step: Value) -> Value {
    let slice = Slice { header: header_of::<Slice>(), start: Slot::new(start), stop: Slot::new(stop), step: Slot::new(step) };
    t.alloc(slice).value()
}

/// The items a slice means in a sequence of a certain length: `len` of them, from `start` on, `step` apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indices {
    /// The first item's index; where an insertion goes if there is none.
    pub start: isize,
    /// One step past the last item, or where the slice ends if it has no items.
    pub stop: isize,
    /// The distance between items, not 0.
    pub step: isize,
    /// How many items there are.
    pub len: usize,
}

impl Indices {
    /// The index of item `i` of the slice.
    #[inline(always)]
    pub fn at(&self, i: usize) -> usize {
        (self.start + i as isize * self.step) as usize
    }

    /// The same items from the lowest index to the highest: the step is positive.
    pub fn ascending(&self) -> Indices {
        if self.step > 0 || self.len == 0 {
            return Indices { step: self.step.saturating_abs(), ..*self };
        }
        let start = self.start + (self.len as isize - 1) * self.step;
        Indices { start, stop: self.start + 1, step: -self.step, len: self.len }
    }
}

/// Bounds of a slice as numbers, before a sequence's length is known: getting them may run Python code that changes the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    start: isize,
    stop: isize,
    step: isize,
}

impl Bounds {
    /// The first bound as it is given: negative from the end, possibly behind it.
    #[inline]
    pub fn start(self) -> isize {
        self.start
    }

    /// The step.
    #[inline]
    pub fn step(self) -> isize {
        self.step
    }

    /// What is meant in a sequence of `len` items.
    #[inline]
    pub fn within(self, len: usize) -> Indices {
        let len = len as isize;
        let step = self.step;
        let (lowest, highest) = if step < 0 { (-1, len - 1) } else { (0, len) };
        let clip = |i: isize| if i < 0 { (i + len).max(lowest) } else { i.min(highest) };
        let (start, stop) = (clip(self.start), clip(self.stop));
        let items = match step {
            1 => (stop - start).max(0),
            _ if step > 0 && start < stop => (stop - start - 1) / step + 1,
            _ if step < 0 && stop < start => (start - stop - 1) / -step + 1,
            _ => 0,
        };
        Indices { start, stop, step, len: items as usize }
    }
}

/// The bounds of `start:stop` (None for what is not given).
#[inline]
pub fn bounds(t: &Thread, start: Value, stop: Value, step: Value) -> R<Bounds> {
    let step = match step {
        Value::NONE => 1,
        // The negation of a step is needed, so the lowest number is left out.
        step => bound(t, step)?.max(-isize::MAX),
    };
    if step == 0 {
        raise!(t, ValueError, "slice step cannot be zero")
    }
    let start = match start {
        Value::NONE if step < 0 => isize::MAX,
        Value::NONE => 0,
        start => bound(t, start)?,
    };
    let stop = match stop {
        Value::NONE if step < 0 => isize::MIN,
        Value::NONE => isize::MAX,
        stop => bound(t, stop)?,
    };
    Ok(Bounds { start, stop, step })
}

/// One bound, big ones clipped.
#[inline]
fn bound(t: &Thread, v: Value) -> R<isize> {
    if v.is_int() {
        return Ok(v.as_int() as isize);
    }
    if v.class().slots().index.is_none() {
        return Err(not_an_index(t));
    }
    number::index_clamped(t, v)
}

#[cold]
fn not_an_index(t: &Thread) -> crate::object::Raised {
    err!(t, TypeError, "slice indices must be integers or None or have an __index__ method")
}

impl Slice {
    /// The bounds as numbers.
    #[inline]
    pub fn bounds(&self, t: &Thread) -> R<Bounds> {
        bounds(t, self.start.get(), self.stop.get(), self.step.get())
    }

    fn parts(&self) -> [Value; 3] {
        [self.start.get(), self.stop.get(), self.step.get()]
    }
}

/// What a slice means in a sequence of `len` items.
pub fn indices(t: &Thread, slice: Ref<Slice>, len: usize) -> R<Indices> {
    Ok(slice.bounds(t)?.within(len))
}

/// `start, stop, step` of a slice, clipped to a sequence of `len` items, for ints of any size.
pub(crate) fn big_indices(t: &Thread, slice: Ref<Slice>, len: Value) -> R<[Value; 3]> {
    let zero = Value::int(0);
    let negative = |v: Value| compare::compare_bool(t, v, zero, Compare::Lt);
    let index = |v: Value| match v.class().slots().index {
        Some(_) => number::index(t, v),
        None => Err(not_an_index(t)),
    };
    let step = match slice.step.get() {
        Value::NONE => Value::int(1),
        step => index(step)?,
    };
    let backwards = negative(step)?;
    if step == zero {
        raise!(t, ValueError, "slice step cannot be zero")
    }
    let lowest = if backwards { Value::int(-1) } else { zero };
    let highest = if backwards { number::sub(t, len, Value::int(1))? } else { len };
    let clip = |v: Value, default: Value| {
        if v.is_none() {
            return Ok(default);
        }
        let v = index(v)?;
        if negative(v)? {
            let v = number::add(t, v, len)?;
            Ok(if compare::compare_bool(t, v, lowest, Compare::Lt)? { lowest } else { v })
        } else {
            Ok(if compare::compare_bool(t, v, highest, Compare::Gt)? { highest } else { v })
        }
    };
    let (first, last) = if backwards { (highest, lowest) } else { (lowest, highest) };
    Ok([clip(slice.start.get(), first)?, clip(slice.stop.get(), last)?, step])
}

fn slice_new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "slice")?;
    match *args.pos() {
        [stop] => Ok(new(t, Value::NONE, stop, Value::NONE)),
        [start, stop] => Ok(new(t, start, stop, Value::NONE)),
        [start, stop, step] => Ok(new(t, start, stop, step)),
        [] => raise!(t, TypeError, "slice expected at least 1 argument, got 0"),
        ref more => raise!(t, TypeError, "slice expected at most 3 arguments, got {}", more.len()),
    }
}

fn slice_repr(t: &Thread, v: Value) -> R {
    let parts = receiver::<Slice>(v).parts();
    let mut text = ReprText::new("slice(");
    text.items(t, parts.into_iter())?;
    text.text(")");
    text.finish(t)
}

fn slice_hash(t: &Thread, v: Value) -> R<i64> {
    t.check_stack("")?;
    let mut hash = TupleHash::new();
    for part in receiver::<Slice>(v).parts() {
        hash.add(hash_value(t, part)?);
    }
    Ok(hash.finish_unsized())
}

fn slice_richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Slice>(), b.exact::<Slice>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if x == y {
        return Ok(Value::bool(matches!(op, Compare::Eq | Compare::Le | Compare::Ge)));
    }
    crate::types::tuple::compare_slices(t, &x.parts(), &y.parts(), op)
}

fn slice_indices(t: &Thread, a: &[Value]) -> R {
    let slice = receiver::<Slice>(a[0]);
    let len = number::index(t, a[1])?;
    if compare::compare_bool(t, len, Value::int(0), Compare::Lt)? {
        raise!(t, ValueError, "length should not be negative")
    }
    Ok(Tuple::from_slice(t, &big_indices(t, slice, len)?).value())
}

fn slice_reduce(t: &Thread, a: &[Value]) -> R {
    let parts = Tuple::from_slice(t, &receiver::<Slice>(a[0]).parts());
    Ok(Tuple::from_slice(t, &[builtin::SLICE.value(), parts.value()]).value())
}

/// The type `slice`.
pub static SLICE_DEF: TypeDef = TypeDef {
    doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
    slots: SlotTable {
        new: Some(slice_new),
        repr: Some(slice_repr),
        hash: Some(slice_hash),
        richcompare: Some(slice_richcompare),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("indices", "self, object, /", slice_indices).doc(
            "S.indices(len) -> (start, stop, stride)\n\nAssuming a sequence of length len, calculate the start and stop\n\
             indices, and the stride length of the extended slice described by\nS. Out of bounds indices are clipped in a manner \
             consistent with the\nhandling of normal slices.",
        ),
        FnDef::def("__reduce__", "self, /", slice_reduce).doc("Return state information for pickling."),
    ],
    getset: &[
        GetSet::getter("start", |_, v| Ok(receiver::<Slice>(v).start.get())).member(),
        GetSet::getter("stop", |_, v| Ok(receiver::<Slice>(v).stop.get())).member(),
        GetSet::getter("step", |_, v| Ok(receiver::<Slice>(v).step.get())).member(),
    ],
    ..TypeDef::of::<Slice>("slice")
};

#[cfg(test)]
mod tests {
    use super::*;

    fn within(start: isize, stop: isize, step: isize, len: usize) -> (isize, isize, usize) {
        let i = Bounds { start, stop, step }.within(len);
        (i.start, i.stop, i.len)
    }

    #[test]
    fn bounds_are_clipped_to_the_sequence() {
        assert_eq!(within(0, isize::MAX, 1, 5), (0, 5, 5));
        assert_eq!(within(-3, -1, 1, 5), (2, 4, 2));
        assert_eq!(within(-30, 30, 2, 5), (0, 5, 3));
        assert_eq!(within(4, 2, 1, 5), (4, 2, 0));
        assert_eq!(within(isize::MAX, isize::MIN, -1, 5), (4, -1, 5));
        assert_eq!(within(isize::MAX, isize::MIN, -isize::MAX, 5), (4, -1, 1));
        assert_eq!(within(0, isize::MAX, isize::MAX, 5), (0, 5, 1));
        assert_eq!(within(isize::MIN, isize::MAX, 1, 0), (0, 0, 0));
    }

    #[test]
    fn descending_slices_turn_around() {
        let down = Bounds { start: 8, stop: 1, step: -3 }.within(10);
        assert_eq!((down.at(0), down.at(2), down.len), (8, 2, 3));
        let up = down.ascending();
        assert_eq!((up.at(0), up.at(2), up.step, up.len), (2, 8, 3, 3));
    }
}
