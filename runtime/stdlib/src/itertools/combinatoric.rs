//! `product`, `permutations`, `combinations`, `combinations_with_replacement`
//!
//! Each holds what it picks from and the indices of what it picks next; the four differ in how they advance these, [`Advance`]. The
//! indices change under the object's lock and stay in range whatever happens.

use super::class_of;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{iter, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{Str, Tuple, TypeDef, ValueList, flag};
use limpid_vm::{layout, raise};

/// The layout of all four; `KIND` tells them apart.
#[repr(C)]
pub struct Combinatoric<const KIND: u8> {
    header: Header,
    /// `product`: a tuple of tuples. The others: a tuple.
    pool: Slot,
    /// A value list of ints: the index of each item of the next result, for `permutations` of the whole pool.
    indices: Slot,
    /// `permutations`: a value list of ints, how many exchanges are left at each place.
    cycles: Slot,
    /// How many items a result has, an int.
    width: Slot,
    /// Where it is: before the first result (None), under way (False), at the end (True).
    done: Slot,
}

const PRODUCT_KIND: u8 = 0;
const PERMUTATIONS_KIND: u8 = 1;
const COMBINATIONS_KIND: u8 = 2;
const REPLACEMENT_KIND: u8 = 3;

type Product = Combinatoric<PRODUCT_KIND>;
type Permutations = Combinatoric<PERMUTATIONS_KIND>;
type Combinations = Combinatoric<COMBINATIONS_KIND>;
type Replacement = Combinatoric<REPLACEMENT_KIND>;

/// `itertools.product`
pub static PRODUCT: TypeCell = TypeCell::new();
/// `itertools.permutations`
pub static PERMUTATIONS: TypeCell = TypeCell::new();
/// `itertools.combinations`
pub static COMBINATIONS: TypeCell = TypeCell::new();
/// `itertools.combinations_with_replacement`
pub static REPLACEMENT: TypeCell = TypeCell::new();
layout!(Product, PRODUCT.get(), Slots);
layout!(Permutations, PERMUTATIONS.get(), Slots);
layout!(Combinations, COMBINATIONS.get(), Slots);
layout!(Replacement, REPLACEMENT.get(), Slots);

/// What moves the indices on to the next result; false if there is none.
type Advance = fn(&Thread, &[Value], ValueList, Value, usize) -> bool;

fn get(list: ValueList, i: usize) -> usize {
    list.get(i).as_int() as usize
}

fn set(t: &Thread, list: ValueList, i: usize, n: usize) {
    list.set(t, i, Value::int(n as i64));
}

fn numbers(t: &Thread, items: impl ExactSizeIterator<Item = usize>) -> ValueList {
    let mut list = ValueList::with_capacity(t, items.len());
    items.for_each(|n| list.push(t, Value::int(n as i64)));
    list
}

fn make<const KIND: u8>(t: &Thread, class: Value, pool: Value, indices: ValueList, cycles: Value, width: usize, done: bool) -> R
where
    Combinatoric<KIND>: limpid_vm::object::Layout,
{
    let fields = Combinatoric::<KIND> {
        header: header_of::<Combinatoric<KIND>>(),
        pool: Slot::new(pool),
        indices: Slot::new(indices.cell()),
        cycles: Slot::new(cycles),
        width: Slot::new(Value::int(width as i64)),
        done: Slot::new(if done { Value::TRUE } else { Value::NONE }),
    };
    Ok(t.alloc_instance(class_of(class), fields).value())
}

fn next<const KIND: u8>(t: &Thread, v: Value, advance: Advance) -> R
where
    Combinatoric<KIND>: limpid_vm::object::Layout,
{
    let this = receiver::<Combinatoric<KIND>>(v);
    // SAFETY: the field is a tuple.
    let pool = unsafe { Ref::<Tuple>::from_value(this.pool.get()) }.as_slice();
    let indices = ValueList::from_cell(this.indices.get());
    let width = this.width.get().as_int() as usize;
    {
        let _lock = t.lock(this);
        if this.done.get() == Value::TRUE {
            return Ok(Value::NULL);
        }
        if this.done.get().is_none() {
            this.done.set(t, this, Value::FALSE);
        } else if !advance(t, pool, indices, this.cycles.get(), width) {
            this.done.set(t, this, Value::TRUE);
            return Ok(Value::NULL);
        }
    }
    let mut items = ValueList::with_capacity(t, width);
    for i in 0..width {
        let index = get(indices, i);
        let item = if KIND == PRODUCT_KIND {
            // SAFETY: `product`'s pool has tuples.
            unsafe { Ref::<Tuple>::from_value(pool[i]) }.get(index)
        } else {
            pool[index]
        };
        items.push(t, item);
    }
    Ok(Tuple::try_from_slice(t, items.as_slice())?.value())
}

// ---- product ----

fn product_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let mut repeat = 1;
    for (name, value) in args.keywords() {
        if !name.downcast::<Str>().is_some_and(|s| s.eq_str("repeat")) {
            raise!(t, TypeError, "product() got an unexpected keyword argument")
        }
        repeat = number::index_isize(t, value)?;
    }
    if repeat < 0 {
        raise!(t, ValueError, "repeat argument cannot be negative")
    }
    let given = args.pos();
    let count = if repeat == 0 { 0 } else { given.len() };
    let Some(width) = count.checked_mul(repeat as usize).filter(|n| *n < 1 << 40) else {
        raise!(t, OverflowError, "repeat argument too large")
    };
    let mut once = ValueList::with_capacity(t, count);
    for iterable in &given[..count] {
        once.push(t, iter::to_tuple(t, *iterable)?.value());
    }
    let mut pools = ValueList::with_capacity(t, width);
    for i in 0..width {
        pools.push(t, once.get(i % count));
    }
    // SAFETY: these are tuples.
    let empty = once.iter().any(|p| unsafe { Ref::<Tuple>::from_value(p) }.is_empty());
    let indices = numbers(t, (0..width).map(|_| 0));
    let pool = Tuple::try_from_slice(t, pools.as_slice())?.value();
    make::<PRODUCT_KIND>(t, class, pool, indices, Value::NULL, width, empty)
}

fn advance_product(t: &Thread, pools: &[Value], indices: ValueList, _: Value, width: usize) -> bool {
    for i in (0..width).rev() {
        // SAFETY: the pools are tuples.
        let len = unsafe { Ref::<Tuple>::from_value(pools[i]) }.len();
        let index = get(indices, i) + 1;
        if index < len {
            set(t, indices, i, index);
            return true;
        }
        set(t, indices, i, 0);
    }
    false
}

// ---- permutations ----

fn permutations_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("iterable, r=None");
    args.bind(t, "permutations", &SIGNATURE, |a| {
        let pool = iter::to_tuple(t, a[0])?;
        let n = pool.len();
        let width = match a[1].non_null().filter(|r| !r.is_none()) {
            None => n as isize,
            Some(r) if limpid_vm::types::int::is_int(r) => number::index_isize(t, r)?,
            Some(_) => raise!(t, TypeError, "Expected int as r"),
        };
        if width < 0 {
            raise!(t, ValueError, "r must be non-negative")
        }
        let width = width as usize;
        let indices = numbers(t, 0..n);
        let cycles = numbers(t, (0..width.min(n)).map(|i| n - i));
        make::<PERMUTATIONS_KIND>(t, class, pool.value(), indices, cycles.cell(), width, width > n)
    })
}

fn advance_permutations(t: &Thread, pool: &[Value], indices: ValueList, cycles: Value, width: usize) -> bool {
    let (n, cycles) = (pool.len(), ValueList::from_cell(cycles));
    for i in (0..width).rev() {
        let left = get(cycles, i) - 1;
        if left > 0 {
            set(t, cycles, i, left);
            let (a, b) = (get(indices, i), get(indices, n - left));
            set(t, indices, i, b);
            set(t, indices, n - left, a);
            return true;
        }
        // This place has had all: what it has goes to the end, and it begins again.
        let first = get(indices, i);
        for j in i..n - 1 {
            set(t, indices, j, get(indices, j + 1));
        }
        set(t, indices, n - 1, first);
        set(t, cycles, i, n - i);
    }
    false
}

// ---- combinations ----

/// The arguments `iterable` and `r`.
fn pool_and_width(t: &Thread, name: &str, args: Args<'_>) -> R<(Ref<Tuple>, usize)> {
    static SIGNATURE: Signature = Signature::parse("iterable, r");
    args.bind(t, name, &SIGNATURE, |a| {
        let pool = iter::to_tuple(t, a[0])?;
        match usize::try_from(number::index_isize(t, a[1])?) {
            Ok(width) => Ok((pool, width)),
            Err(_) => raise!(t, ValueError, "r must be non-negative"),
        }
    })
}

fn combinations_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let (pool, width) = pool_and_width(t, "combinations", args)?;
    let done = width > pool.len();
    let indices = numbers(t, 0..if done { 0 } else { width });
    make::<COMBINATIONS_KIND>(t, class, pool.value(), indices, Value::NULL, width, done)
}

fn advance_combinations(t: &Thread, pool: &[Value], indices: ValueList, _: Value, width: usize) -> bool {
    let highest = |i: usize| i + pool.len() - width;
    let Some(i) = (0..width).rev().find(|&i| get(indices, i) != highest(i)) else { return false };
    let first = get(indices, i) + 1;
    (i..width).for_each(|j| set(t, indices, j, first + j - i));
    true
}

fn replacement_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let (pool, width) = pool_and_width(t, "combinations_with_replacement", args)?;
    let done = pool.is_empty() && width > 0;
    if width >= 1 << 40 {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    }
    let indices = numbers(t, (0..if done { 0 } else { width }).map(|_| 0));
    make::<REPLACEMENT_KIND>(t, class, pool.value(), indices, Value::NULL, width, done)
}

fn advance_replacement(t: &Thread, pool: &[Value], indices: ValueList, _: Value, width: usize) -> bool {
    let Some(i) = (0..width).rev().find(|&i| get(indices, i) + 1 < pool.len()) else { return false };
    let index = get(indices, i) + 1;
    (i..width).for_each(|j| set(t, indices, j, index));
    true
}

/// `itertools.product`
pub static PRODUCT_DEF: TypeDef = TypeDef {
    doc: "product(*iterables, repeat=1)\n--\n\nCartesian product of input iterables.  Equivalent to nested for-loops.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(product_new),
        iter: Some(itself),
        next: Some(|t, v| next::<PRODUCT_KIND>(t, v, advance_product)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<Product>("itertools.product")
};

/// `itertools.permutations`
pub static PERMUTATIONS_DEF: TypeDef = TypeDef {
    doc: "permutations(iterable, r=None)\n--\n\nReturn successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> \
          (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(permutations_new),
        iter: Some(itself),
        next: Some(|t, v| next::<PERMUTATIONS_KIND>(t, v, advance_permutations)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<Permutations>("itertools.permutations")
};

/// `itertools.combinations`
pub static COMBINATIONS_DEF: TypeDef = TypeDef {
    doc: "combinations(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> \
          (0,1,2), (0,1,3), (0,2,3), (1,2,3)",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(combinations_new),
        iter: Some(itself),
        next: Some(|t, v| next::<COMBINATIONS_KIND>(t, v, advance_combinations)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<Combinations>("itertools.combinations")
};

/// `itertools.combinations_with_replacement`
pub static REPLACEMENT_DEF: TypeDef = TypeDef {
    doc: "combinations_with_replacement(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the iterable allowing \
          individual elements to have successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), \
          ('B','C'), ('C','C')",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(replacement_new),
        iter: Some(itself),
        next: Some(|t, v| next::<REPLACEMENT_KIND>(t, v, advance_replacement)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<Replacement>("itertools.combinations_with_replacement")
};
