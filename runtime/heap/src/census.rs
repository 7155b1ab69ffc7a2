//! What programs take for garbage: which objects has a collection found dead that would not have died without it?
//!
//! Where references are counted, an object dies with the last reference to it. What is left to the collector are cycles, and what only
//! they refer to. Here everything is left to the collector; so the census takes away, again and again, what no other dead cell refers
//! to, and what remains is the garbage that a program expects to be told of.

use crate::Value;
use crate::cell::{GRANULE, Header, Kind, ShapeRef};
use crate::embedder::embedder;
use crate::layout::*;
use crate::pool::Pool;
use crate::region::{self, Use};
use crate::tracer::Tracer;
use rustc_hash::FxHashMap;
use std::sync::atomic::Ordering::Relaxed;

/// With more dead cells than this all dead objects are counted as garbage: that takes a thousandth of the time.
const EXACT: usize = 20_000;

/// How many dead objects are garbage, and if they are `wanted`, which. All that is marked is alive; nothing was swept yet.
pub(crate) fn garbage(pool: &Pool, full: bool, wanted: bool) -> (usize, Vec<Value>) {
    let most = if wanted { usize::MAX } else { EXACT };
    let (mut dead, mut objects) = (Vec::new(), 0);
    each_dead_cell(pool, full, |cell| {
        if dead.len() < most {
            dead.push(cell);
        }
        objects += usize::from(is_garbage(cell));
    });
    if dead.len() == most {
        return (objects, Vec::new());
    }
    let garbage: Vec<Value> = without_unreferenced(&dead, full).into_iter().filter(|cell| is_garbage(*cell)).map(value).collect();
    (garbage.len(), if wanted { garbage } else { Vec::new() })
}

fn value(cell: usize) -> Value {
    Value::cell(cell as *const Header)
}

/// An object that can refer to others, and that the embedder counts.
fn is_garbage(cell: usize) -> bool {
    // SAFETY: a dead cell whose memory was not used again.
    let header = unsafe { &*(cell as *const Header) };
    header.shape() != ShapeRef::NONE && header.kind() != Kind::Leaf as u8 && embedder().is_garbage(value(cell))
}

/// What remains of the cells without those that none of them refers to, the ones that none refers to then, and so on.
fn without_unreferenced(cells: &[usize], full: bool) -> Vec<usize> {
    let mut lister = Tracer::lister_within(full);
    let mut references: FxHashMap<usize, u32> = cells.iter().map(|cell| (*cell, 0)).collect();
    for cell in cells {
        lister.list(value(*cell), |found| {
            if let Some(count) = references.get_mut(&(found.bits() as usize)) {
                *count += 1;
            }
        });
    }
    let mut unreferenced: Vec<usize> = cells.iter().copied().filter(|cell| references[cell] == 0).collect();
    while let Some(cell) = unreferenced.pop() {
        references.remove(&cell);
        lister.list(value(cell), |found| {
            let found = found.bits() as usize;
            if let Some(count) = references.get_mut(&found) {
                *count -= 1;
                if *count == 0 {
                    unreferenced.push(found);
                }
            }
        });
    }
    cells.iter().copied().filter(|cell| references.contains_key(cell)).collect()
}

/// Calls `f` with the cells that are going to be swept, are not marked, and may refer to others.
fn each_dead_cell(pool: &Pool, full: bool, mut f: impl FnMut(usize)) {
    let may_refer = |number: &u32| !region::block(*number).holds_leaves();
    if full {
        let is_small = |number: &u32| region::block(*number).usage() == Use::Small;
        (FIRST_BLOCK..region::top()).filter(is_small).filter(may_refer).for_each(|number| {
            let allocated = each_dead_new_cell(number, &mut f);
            each_dead_old_cell(number, allocated, &mut f);
        });
    } else {
        pool.used.iter().copied().filter(may_refer).for_each(|number| {
            each_dead_new_cell(number, &mut f);
        });
    }
    let old = if full { pool.large_old.as_slice() } else { &[] };
    pool.large_young.iter().chain(old).map(|first| block_address(*first)).filter(|cell| !region::is_set(MARKS, *cell)).for_each(f);
}

/// Those of a block of small cells that lie below the offset up to which it was allocated from. Returns the offset.
fn each_dead_new_cell(number: u32, f: &mut impl FnMut(usize)) -> usize {
    let (block, base) = (region::block(number), block_address(number));
    let allocated = block.allocated.load(Relaxed) as usize;
    let cells = (base..base + allocated).step_by(CLASS_SIZES[block.class()] as usize);
    cells.filter(|cell| !region::is_set(MARKS, *cell)).for_each(f);
    allocated
}

/// Those of a block of small cells that lie at and after an offset and were old when the collection started: a word of marks at a time,
/// for nearly all of them are alive.
fn each_dead_old_cell(number: u32, from: usize, f: &mut impl FnMut(usize)) {
    let words = region::words_of(SNAPSHOT, number).iter().zip(region::words_of(MARKS, number));
    let first = from / GRANULE;
    for (i, (before, now)) in words.enumerate().skip(first / 64) {
        let mut dead = before.load(Relaxed) & !now.load(Relaxed);
        if i == first / 64 {
            dead &= u64::MAX << (first % 64);
        }
        while dead != 0 {
            f(block_address(number) + (i * 64 + dead.trailing_zeros() as usize) * GRANULE);
            dead &= dead - 1;
        }
    }
}
