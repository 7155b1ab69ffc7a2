//! Iterators that put items together: `accumulate`, `batched`, `chain`, `pairwise`, `starmap`, `zip_longest`

use super::{class_of, unnamed};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, iter, number, truth::truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{Str, Tuple, TypeDef, ValueList, flag, generic_alias};
use limpid_vm::{layout, raise};

/// The layout of `accumulate`.
#[repr(C)]
pub struct Accumulate {
    header: Header,
    iterator: Slot,
    /// NULL or None: addition.
    function: Slot,
    /// NULL before the first item.
    total: Slot,
    /// NULL once it was used.
    initial: Slot,
}

/// `itertools.accumulate`
pub static ACCUMULATE: TypeCell = TypeCell::new();
layout!(Accumulate, ACCUMULATE.get(), Slots);

fn accumulate_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("iterable, func=None, *, initial=None");
    args.bind(t, "accumulate", &SIGNATURE, |a| {
        let iterator = iter::get_iter(t, a[0])?;
        let fields = Accumulate {
            header: header_of::<Accumulate>(),
            iterator: Slot::new(iterator),
            function: Slot::new(a[1]),
            total: Slot::NULL,
            initial: Slot::new(if a[2].is_none() { Value::NULL } else { a[2] }),
        };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn accumulate_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Accumulate>(v);
    if let Some(initial) = this.initial.opt() {
        this.initial.set(t, this, Value::NULL);
        this.total.set(t, this, initial);
        return Ok(initial);
    }
    let item = iter::next(t, this.iterator.get())?;
    if item.is_null() {
        return Ok(item);
    }
    let total = match (this.total.opt(), this.function.opt().filter(|f| !f.is_none())) {
        (None, _) => item,
        (Some(total), None) => number::add(t, total, item)?,
        (Some(total), Some(f)) => call::call(t, f, &[total, item])?,
    };
    this.total.set(t, this, total);
    Ok(total)
}

/// `itertools.accumulate`
pub static ACCUMULATE_DEF: TypeDef = TypeDef {
    doc: "accumulate(iterable, func=None, *, initial=None)\n--\n\nReturn series of accumulated sums.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(accumulate_new), iter: Some(itself), next: Some(accumulate_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Accumulate>("itertools.accumulate")
};

/// The layout of `batched`.
#[repr(C)]
pub struct Batched {
    header: Header,
    /// NULL at the end.
    iterator: Slot,
    /// True or False.
    strict: Slot,
    size: usize,
}

/// `itertools.batched`
pub static BATCHED: TypeCell = TypeCell::new();
// The size may be any number.
layout!(Batched, BATCHED.get(), Mixed);

fn batched_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("iterable, n, *, strict=False");
    args.bind(t, "batched", &SIGNATURE, |a| {
        let size = number::index_isize(t, a[1])?;
        if size < 1 {
            raise!(t, ValueError, "n must be at least one")
        }
        let strict = !a[2].is_null() && truth(t, a[2])?;
        let iterator = iter::get_iter(t, a[0])?;
        let fields = Batched {
            header: header_of::<Batched>(),
            iterator: Slot::new(iterator),
            strict: Slot::new(Value::bool(strict)),
            size: size as usize,
        };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn batched_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Batched>(v);
    let Some(iterator) = this.iterator.opt() else { return Ok(Value::NULL) };
    let mut items = ValueList::with_capacity(t, this.size.min(1024));
    while items.len() < this.size {
        let item = match iter::next(t, iterator) {
            Ok(item) => item,
            Err(raised) => {
                this.iterator.set(t, this, Value::NULL);
                return Err(raised);
            }
        };
        if item.is_null() {
            this.iterator.set(t, this, Value::NULL);
            break;
        }
        items.push(t, item);
    }
    if items.is_empty() {
        return Ok(Value::NULL);
    }
    if items.len() < this.size && this.strict.get() == Value::TRUE {
        raise!(t, ValueError, "batched(): incomplete batch")
    }
    Ok(Tuple::try_from_slice(t, items.as_slice())?.value())
}

/// `itertools.batched`
pub static BATCHED_DEF: TypeDef = TypeDef {
    doc: "batched(iterable, n, *, strict=False)\n--\n\nBatch data into tuples of length n. The last batch may be shorter than n.\n\nLoops over the \
          input iterable and accumulates data into tuples\nup to size n.  The input is consumed lazily, just enough to\nfill a batch.  The result \
          is yielded as soon as a batch is full\nor when the input iterable is exhausted.\n\n    >>> for batch in batched('ABCDEFG', 3):\n    ...     \
          print(batch)\n    ...\n    ('A', 'B', 'C')\n    ('D', 'E', 'F')\n    ('G',)\n\nIf \"strict\" is True, raises a ValueError if the final batch \
          is shorter\nthan n.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(batched_new), iter: Some(itself), next: Some(batched_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Batched>("itertools.batched")
};

/// The layout of `chain`.
#[repr(C)]
pub struct Chain {
    header: Header,
    /// An iterator over the iterables; NULL at the end.
    source: Slot,
    /// The iterator in use, or NULL.
    active: Slot,
}

/// `itertools.chain`
pub static CHAIN: TypeCell = TypeCell::new();
layout!(Chain, CHAIN.get(), Slots);

fn make_chain(t: &Thread, class: Value, iterables: Value) -> R {
    let source = iter::get_iter(t, iterables)?;
    let fields = Chain { header: header_of::<Chain>(), source: Slot::new(source), active: Slot::NULL };
    Ok(t.alloc_instance(class_of(class), fields).value())
}

fn chain_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let args = unnamed(class, args, &CHAIN);
    args.no_keywords(t, "chain")?;
    make_chain(t, class, Tuple::from_slice(t, args.pos()).value())
}

fn chain_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Chain>(v);
    loop {
        let Some(source) = this.source.opt() else { return Ok(Value::NULL) };
        let active = match this.active.opt() {
            Some(active) => active,
            None => {
                let started = iter::next(t, source).and_then(|i| if i.is_null() { Ok(i) } else { iter::get_iter(t, i) });
                match started {
                    Ok(active) if !active.is_null() => {
                        this.active.set(t, this, active);
                        active
                    }
                    ended => {
                        this.source.set(t, this, Value::NULL);
                        return ended;
                    }
                }
            }
        };
        let item = iter::next(t, active)?;
        if !item.is_null() {
            return Ok(item);
        }
        this.active.set(t, this, Value::NULL);
        t.poll()?;
    }
}

/// `itertools.chain`
pub static CHAIN_DEF: TypeDef = TypeDef {
    doc: "chain(*iterables)\n--\n\nReturn a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, \
          then elements from the next\niterable, until all of the iterables are exhausted.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(chain_new), iter: Some(itself), next: Some(chain_next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::class_def("from_iterable", "cls, iterable, /", |t, a| make_chain(t, a[0], a[1]))
            .doc("Alternative chain() constructor taking a single iterable argument that evaluates lazily."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<Chain>("itertools.chain")
};

/// The layout of `pairwise`.
#[repr(C)]
pub struct Pairwise {
    header: Header,
    /// NULL at the end.
    iterator: Slot,
    /// The item before; NULL before the first.
    old: Slot,
}

/// `itertools.pairwise`
pub static PAIRWISE: TypeCell = TypeCell::new();
layout!(Pairwise, PAIRWISE.get(), Slots);

fn pairwise_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("iterable, /");
    unnamed(class, args, &PAIRWISE).bind(t, "pairwise", &SIGNATURE, |a| {
        let iterator = iter::get_iter(t, a[0])?;
        let fields = Pairwise { header: header_of::<Pairwise>(), iterator: Slot::new(iterator), old: Slot::NULL };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn pairwise_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Pairwise>(v);
    let take = || -> R {
        let Some(iterator) = this.iterator.opt() else { return Ok(Value::NULL) };
        let item = iter::next(t, iterator);
        if !matches!(item, Ok(item) if !item.is_null()) {
            this.iterator.set(t, this, Value::NULL);
            this.old.set(t, this, Value::NULL);
        }
        item
    };
    let old = match this.old.opt() {
        Some(old) => old,
        None => {
            let first = take()?;
            if first.is_null() {
                return Ok(first);
            }
            // Set before the second is asked for, which may use this iterator again.
            this.old.set(t, this, first);
            first
        }
    };
    let new = take()?;
    if new.is_null() {
        return Ok(new);
    }
    this.old.set(t, this, new);
    Ok(Tuple::try_from_slice(t, &[old, new])?.value())
}

/// `itertools.pairwise`
pub static PAIRWISE_DEF: TypeDef = TypeDef {
    doc: "pairwise(iterable, /)\n--\n\nReturn an iterator of overlapping pairs taken from the input iterator.\n\n    s -> (s0,s1), (s1,s2), (s2, \
          s3), ...",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(pairwise_new), iter: Some(itself), next: Some(pairwise_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Pairwise>("itertools.pairwise")
};

/// The layout of `starmap`.
#[repr(C)]
pub struct StarMap {
    header: Header,
    function: Slot,
    iterator: Slot,
}

/// `itertools.starmap`
pub static STARMAP: TypeCell = TypeCell::new();
layout!(StarMap, STARMAP.get(), Slots);

fn starmap_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("function, iterable, /");
    unnamed(class, args, &STARMAP).bind(t, "starmap", &SIGNATURE, |a| {
        let iterator = iter::get_iter(t, a[1])?;
        let fields = StarMap { header: header_of::<StarMap>(), function: Slot::new(a[0]), iterator: Slot::new(iterator) };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn starmap_next(t: &Thread, v: Value) -> R {
    let this = receiver::<StarMap>(v);
    let item = iter::next(t, this.iterator.get())?;
    if item.is_null() {
        return Ok(item);
    }
    let args = match item.exact::<Tuple>() {
        Some(args) => args,
        None => iter::to_tuple(t, item)?,
    };
    call::call(t, this.function.get(), args.as_slice())
}

/// `itertools.starmap`
pub static STARMAP_DEF: TypeDef = TypeDef {
    doc: "starmap(function, iterable, /)\n--\n\nReturn an iterator whose values are returned from the function evaluated with an argument tuple \
          taken from the given sequence.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(starmap_new), iter: Some(itself), next: Some(starmap_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<StarMap>("itertools.starmap")
};

/// The layout of `zip_longest`.
#[repr(C)]
pub struct ZipLongest {
    header: Header,
    /// A value list of the iterators; None in the place of those that have ended.
    iterators: Slot,
    fill: Slot,
}

/// `itertools.zip_longest`
pub static ZIP_LONGEST: TypeCell = TypeCell::new();
layout!(ZipLongest, ZIP_LONGEST.get(), Slots);

fn zip_longest_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let mut fill = Value::NONE;
    for (name, value) in args.keywords() {
        if !name.downcast::<Str>().is_some_and(|s| s.eq_str("fillvalue")) {
            raise!(t, TypeError, "zip_longest() got an unexpected keyword argument")
        }
        fill = value;
    }
    let mut iterators = ValueList::with_capacity(t, args.pos().len());
    for iterable in args.pos() {
        iterators.push(t, iter::get_iter(t, *iterable)?);
    }
    let fields = ZipLongest { header: header_of::<ZipLongest>(), iterators: Slot::new(iterators.cell()), fill: Slot::new(fill) };
    Ok(t.alloc_instance(class_of(class), fields).value())
}

fn zip_longest_next(t: &Thread, v: Value) -> R {
    let this = receiver::<ZipLongest>(v);
    let iterators = ValueList::from_cell(this.iterators.get());
    let mut items = ValueList::with_capacity(t, iterators.len());
    let mut any = false;
    for i in 0..iterators.len() {
        let iterator = iterators.get(i);
        let mut item = Value::NULL;
        if !iterator.is_none() {
            item = match iter::next(t, iterator) {
                Ok(item) => item,
                Err(raised) => {
                    (0..iterators.len()).for_each(|i| iterators.set(t, i, Value::NONE));
                    return Err(raised);
                }
            };
            if item.is_null() {
                iterators.set(t, i, Value::NONE);
                // It may have been the last one: then what the others gave is not wanted, and there is nothing.
                if iterators.iter().all(|i| i.is_none()) {
                    return Ok(Value::NULL);
                }
            }
        }
        any |= !item.is_null();
        items.push(t, item.non_null().unwrap_or(this.fill.get()));
    }
    if any { Ok(Tuple::try_from_slice(t, items.as_slice())?.value()) } else { Ok(Value::NULL) }
}

/// `itertools.zip_longest`
pub static ZIP_LONGEST_DEF: TypeDef = TypeDef {
    doc: "Return a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument.  The \
          .__next__()\nmethod continues until the longest iterable in the argument sequence\nis exhausted and then it raises StopIteration.  When \
          the shorter iterables\nare exhausted, the fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a \
          keyword argument.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(zip_longest_new), iter: Some(itself), next: Some(zip_longest_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<ZipLongest>("itertools.zip_longest")
};
