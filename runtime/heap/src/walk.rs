//! Looking at all cells, for the `gc` module and for debugging.

use crate::cell::{Header, header};
use crate::layout::*;
use crate::mutator::Mutator;
use crate::region::{self, Use};
use crate::tracer::Tracer;
use crate::world::StoppedWorld;
use crate::{Value, immortal};
use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

/// Calls `f` with every object: all cells with a shape that were not found dead yet, immortal ones included. `f` must not allocate or
/// collect.
pub fn each_object(world: &StoppedWorld, f: &mut dyn FnMut(Value)) {
    world.each_mutator(Mutator::publish_cursors);
    let mut object = |cell: usize| {
        // SAFETY: an allocated cell, and no other thread runs.
        if unsafe { (*(cell as *const Header)).shape() } != crate::ShapeRef::NONE {
            f(Value::cell(cell as *const Header));
        }
    };
    immortal::each_cell(&mut object);
    for number in FIRST_BLOCK..region::top() {
        let block = region::block(number);
        let base = block_address(number);
        match block.usage() {
            Use::Small => {
                let class = block.class();
                let allocated = base + block.allocated.load(Relaxed) as usize;
                for cell in (base..base + usable_bytes(class)).step_by(CLASS_SIZES[class] as usize) {
                    if cell < allocated || region::is_set(MARKS, cell) {
                        object(cell);
                    }
                }
            }
            Use::Large => object(base),
            Use::Free | Use::LargeRest => {}
        }
    }
    world.each_mutator(Mutator::unpublish_cursors);
}

/// Is a cell for which `wanted` is true reachable from the embedder's roots? What only native stacks refer to is not, in contrast to what
/// a collection takes for alive. `wanted` must not allocate or collect.
pub fn reachable_from_roots(world: &StoppedWorld, wanted: &mut dyn FnMut(Value) -> bool) -> bool {
    world.each_mutator(Mutator::publish_cursors);
    // The bitmap serves full collections; between them nobody needs it. It does not cover immortal cells.
    let seen = region::bitmap_range(SNAPSHOT, FIRST_BLOCK..region::top());
    // SAFETY: committed memory of the heap's own, and no other thread runs.
    unsafe { std::ptr::write_bytes(seen.start as *mut u8, 0, seen.len()) };
    let mut seen_immortal = HashSet::new();
    let mut waiting = Tracer::roots();
    let mut lister = Tracer::lister();
    let mut found = false;
    while let Some(cell) = waiting.pop() {
        let address = cell.bits() as usize;
        let is_new = if immortal::is_immortal(address) {
            seen_immortal.insert(address)
        } else {
            let (word, bit) = region::bit(SNAPSHOT, address);
            word.fetch_or(bit, Relaxed) & bit == 0
        };
        if !is_new {
            continue;
        }
        if wanted(cell) {
            found = true;
            break;
        }
        lister.list(cell, |referent| waiting.push(referent));
    }
    world.each_mutator(Mutator::unpublish_cursors);
    found
}

/// Calls `f` once with each object that the contents of an object refer to; its shape is not among the contents. Cells that are no
/// objects, such as its arrays, are looked through. `f` must not allocate or collect.
pub fn each_referent(_world: &StoppedWorld, object: Value, f: &mut dyn FnMut(Value)) {
    let mut seen = HashSet::new();
    let mut inside = vec![object];
    while let Some(cell) = inside.pop() {
        for found in Tracer::references(cell) {
            // SAFETY: what a live cell refers to is a live cell.
            let is_object = unsafe { header(found) }.shape() != crate::ShapeRef::NONE;
            if !seen.insert(found) {
                continue;
            }
            if is_object {
                f(found);
            } else {
                inside.push(found);
            }
        }
    }
}

/// Has the cell of a reference survived a collection?
pub fn is_old(v: Value) -> bool {
    debug_assert!(v.is_cell());
    region::is_set(MARKS, v.bits() as usize)
}

/// Has the finalizer of the object in this cell been called?
pub fn is_finalized(v: Value) -> bool {
    // SAFETY: a reference is to a live cell.
    v.is_cell() && unsafe { header(v) }.gc.load(Relaxed) & Header::FINALIZED != 0
}

/// The size of a cell, header and slack included. The value is a reference.
pub fn cell_size(v: Value) -> usize {
    debug_assert!(v.is_cell());
    region::cell_size(v.bits() as usize)
}

/// Is this the address of an allocated cell? Right for all live cells; the next few that will be allocated count too.
pub fn is_cell_start(address: usize) -> bool {
    if immortal::is_immortal(address) {
        return address.is_multiple_of(crate::GRANULE) && region::is_set(MARKS, address);
    }
    region::resolve(address, MARKS) == Some(address)
}
