//! Marking: following references and setting mark bits.
//!
//! A cell is marked when it is found and scanned later. Between the mark stack and the scan lies a queue of eight cells whose memory is
//! being fetched: marking is bound by cache misses, and this lets eight of them overlap. Long arrays go to the stack of *slices* and are
//! scanned a piece at a time, so that the mark stack stays small and helpers get their share.

use crate::Value;
use crate::cell::{GRANULE, Header, Kind, ShapeRef, header};
use crate::collect::allocated_before;
use crate::embedder::embedder;
use crate::layout::*;
use crate::parallel::{self, Work};
use crate::region;
use std::ops::Range;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// How many cells are being fetched.
const QUEUE: usize = 8;
/// A mark stack of this length is worth sharing: of a tree, what lies at the bottom are its largest parts.
const SHARE_FROM: usize = 8;
/// The bytes that one prefetch brings.
const CACHE_LINE: usize = 64;
/// How many words of an array are scanned in one go.
const SLICE: usize = 1024;

/// The kind that the header of a poisoned cell has.
const POISONED_KIND: u8 = (crate::POISON >> 48) as u8;

/// What the collector does with the references it is told of. Embedders get it in [`crate::Embedder::trace_roots`] and in the functions
/// they register with [`register_tracer`].
pub struct Tracer {
    stack: Vec<usize>,
    slices: Vec<Range<usize>>,
    queue: [usize; QUEUE],
    next: usize,
    /// The bitmap that tells which cells are allocated.
    allocated: usize,
    minor: bool,
    mode: Mode,
    last_shape: u32,
}

/// What is done with a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The cell is marked and put on the stack.
    Alone,
    /// The same, while other threads mark as well.
    Shared,
    /// The cell is put on the stack, to be marked when its turn comes: see [`Tracer::mark_in_order`].
    Ordered,
    /// The cell is put on the stack even if it is marked, and that is all: see [`Tracer::references`].
    Listing,
}

/// A cell's tracing function.
pub type TraceFn = unsafe fn(*const Header, &mut Tracer);

/// The functions of kinds that embedders registered, as addresses; 0: none.
static TRACERS: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];

/// Registers how the references in cells of a kind are found, for kinds from [`Kind::FirstCustom`] on and before the first such cell.
/// The function calls [`Tracer::value`] with each of them. It must not allocate, nor read other cells than its own.
pub fn register_tracer(kind: u8, f: TraceFn) {
    let reserved = kind < Kind::FirstCustom as u8 || kind == POISONED_KIND;
    assert!(!reserved, "kind {kind} is the heap's own");
    TRACERS[kind as usize].store(f as usize, Release);
}

impl Tracer {
    pub(crate) fn new(minor: bool) -> Tracer {
        Tracer {
            stack: Vec::new(),
            slices: Vec::new(),
            queue: [0; QUEUE],
            next: 0,
            allocated: allocated_before(minor),
            minor,
            mode: Mode::Alone,
            last_shape: 0,
        }
    }

    /// A tracer for one of several threads that mark together.
    pub(crate) fn for_helper() -> Tracer {
        Tracer { mode: Mode::Shared, ..Tracer::new(false) }
    }

    /// Is this a minor collection? Then old cells need not be traced, unless they are remembered.
    pub fn is_minor(&self) -> bool {
        self.minor
    }

    /// A reference, or any other value.
    #[inline(always)]
    pub fn value(&mut self, v: Value) {
        let word = v.bits() as usize;
        if in_region(word) {
            self.visit(word);
        }
    }

    /// The value in a slot.
    #[inline(always)]
    pub fn slot(&mut self, slot: &AtomicU64) {
        self.value(Value::from_bits(slot.load(Relaxed)));
    }

    /// A reference to a shape, outside of the header.
    pub fn shape(&mut self, shape: ShapeRef) {
        if shape != ShapeRef::NONE {
            self.visit(shape.ptr::<u8>() as usize);
        }
    }

    /// A word that may or may not be a pointer to a cell or into one.
    #[inline]
    pub fn word(&mut self, word: usize) {
        if let Some(cell) = region::resolve(word, self.allocated) {
            self.visit(cell);
        }
    }

    /// All words of a stretch of memory, conservatively.
    ///
    /// # Safety
    /// The memory from `low` to `high` is readable.
    pub unsafe fn range_conservative(&mut self, low: usize, high: usize) {
        for address in (low.next_multiple_of(8)..high & !7).step_by(8) {
            // SAFETY: by contract.
            self.word(unsafe { (address as *const usize).read_volatile() });
        }
    }

    /// Marks a cell and has it scanned later, unless it is marked already.
    #[inline(always)]
    fn visit(&mut self, cell: usize) {
        debug_assert!(cell.is_multiple_of(GRANULE), "a reference to the middle of a cell: {cell:#x}");
        let (word, bit) = region::bit(MARKS, cell);
        let before = word.load(Relaxed);
        if before & bit != 0 && self.mode != Mode::Listing {
            return;
        }
        match self.mode {
            Mode::Alone => word.store(before | bit, Relaxed),
            Mode::Shared if word.fetch_or(bit, Relaxed) & bit != 0 => return,
            Mode::Shared | Mode::Ordered | Mode::Listing => {}
        }
        // Half of all cells: their memory is not even fetched.
        if region::block(block_of(cell)).holds_leaves() && matches!(self.mode, Mode::Alone | Mode::Shared) {
            return;
        }
        self.stack.push(cell);
    }

    /// Has cells scanned later that are marked already.
    pub(crate) fn rescan(&mut self, cells: &mut Vec<usize>) {
        self.stack.append(cells);
    }

    /// Visits what a cell refers to.
    #[inline(always)]
    pub(crate) fn scan(&mut self, cell: usize) {
        // SAFETY: the cell is allocated, so it starts with a header.
        let header = unsafe { &*(cell as *const Header) };
        let gc = header.gc.load(Relaxed);
        if gc & Header::OLD_UNLOGGED == 0 {
            header.gc.store(gc | Header::OLD_UNLOGGED, Relaxed);
        }
        let shape = header.shape().0;
        if ShapeRef(shape).is_mortal() && shape != self.last_shape {
            if header.kind() == POISONED_KIND {
                corrupt(header);
            }
            self.last_shape = shape;
            self.visit(ShapeRef(shape).ptr::<u8>() as usize);
        }
        self.scan_contents(header);
    }

    /// Visits what the contents of a cell refer to.
    #[inline(always)]
    fn scan_contents(&mut self, header: &Header) {
        const LEAF: u8 = Kind::Leaf as u8;
        const SLOTS: u8 = Kind::Slots as u8;
        match header.kind() {
            LEAF => {}
            SLOTS => {
                let first = header as *const Header as usize + 8;
                self.words(first..first + 8 * header.slots());
            }
            _ => self.scan_other(header),
        }
    }

    #[inline(never)]
    fn scan_other(&mut self, header: &Header) {
        const ARRAY: u8 = Kind::Array as u8;
        const MIXED: u8 = Kind::Mixed as u8;
        let cell = header as *const Header as usize;
        match header.kind() {
            ARRAY => {
                // SAFETY: an array has its count after the header.
                let count = unsafe { (*((cell + 8) as *const AtomicUsize)).load(Acquire) };
                let words = cell + 16..cell + 16 + 8 * count;
                if count > SLICE {
                    self.slices.push(words);
                } else {
                    self.words(words);
                }
            }
            MIXED => {
                for address in (cell + 8..cell + region::cell_size(cell)).step_by(8) {
                    self.maybe_cell(address);
                }
            }
            kind => {
                let f = TRACERS[kind as usize].load(Acquire);
                if f == 0 {
                    corrupt(header);
                }
                // SAFETY: the table holds functions of this type only.
                let f = unsafe { std::mem::transmute::<usize, TraceFn>(f) };
                // SAFETY: it was registered for cells of this kind.
                unsafe { f(header, self) };
            }
        }
    }

    /// Visits the values in a stretch of a cell.
    #[inline(always)]
    fn words(&mut self, addresses: Range<usize>) {
        for address in addresses.step_by(8) {
            // SAFETY: inside of the cell that is being scanned.
            let word = unsafe { (*(address as *const AtomicU64)).load(Relaxed) } as usize;
            if in_region(word) {
                self.visit(word);
            }
        }
    }

    /// Visits what the word at an address refers to if that is the start of a cell.
    fn maybe_cell(&mut self, address: usize) {
        // SAFETY: inside of the cell that is being scanned.
        let word = unsafe { (*(address as *const AtomicU64)).load(Relaxed) } as usize;
        if region::resolve(word, self.allocated) == Some(word) {
            self.visit(word);
        }
    }

    /// Scans the granules of a large cell that were stored to, and forgets that they were.
    pub(crate) fn scan_cards(&mut self, first: u32, blocks: u32) {
        let cell = block_address(first);
        for number in first..first + blocks {
            for (i, word) in region::words_of(MARKS, number).iter().enumerate() {
                let mut bits = word.load(Relaxed);
                if bits == 0 {
                    continue;
                }
                // The bit of the first granule is the cell's mark.
                let mark = (number == first && i == 0) as u64;
                word.store(bits & mark, Relaxed);
                bits &= !mark;
                while bits != 0 {
                    let granule = i * 64 + bits.trailing_zeros() as usize;
                    let address = block_address(number) + granule * GRANULE;
                    debug_assert!(address > cell);
                    self.maybe_cell(address);
                    self.maybe_cell(address + 8);
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Scans until nothing is left, together with the helpers if there are any.
    pub(crate) fn drain(&mut self) {
        loop {
            while let Some(cell) = self.stack.pop() {
                prefetch(cell);
                // Many cells reach into a second line: a fifth of the time of a full collection.
                prefetch(cell + CACHE_LINE);
                let ready = std::mem::replace(&mut self.queue[self.next], cell);
                self.next = (self.next + 1) % QUEUE;
                if ready != 0 {
                    self.scan(ready);
                }
                if self.mode == Mode::Shared {
                    self.share();
                }
            }
            if self.flush_queue() {
                continue;
            }
            if let Some(slice) = self.slices.pop() {
                let (now, rest) = split(slice);
                if !rest.is_empty() {
                    self.slices.push(rest);
                }
                self.words(now);
            } else if self.mode != Mode::Shared || !self.take_work() {
                return;
            }
        }
    }

    /// Scans the cells in the queue, oldest first; tells whether there were any.
    fn flush_queue(&mut self) -> bool {
        let mut any = false;
        for i in 0..QUEUE {
            let cell = std::mem::take(&mut self.queue[(self.next + i) % QUEUE]);
            if cell != 0 {
                any = true;
                self.scan(cell);
            }
        }
        any
    }

    /// Gives half of the work to the helpers if one has none.
    #[inline(always)]
    fn share(&mut self) {
        if (self.stack.len() >= SHARE_FROM || self.slices.len() > 1) && parallel::hungry() {
            let cells = self.stack.len() / 2;
            let slices = self.slices.len() / 2;
            parallel::give(Work { cells: self.stack.drain(..cells).collect(), slices: self.slices.drain(..slices).collect() });
        }
    }

    /// Takes work from another thread; false when all threads are out of it.
    fn take_work(&mut self) -> bool {
        match parallel::take() {
            Some(work) => {
                self.stack = work.cells;
                self.slices = work.slices;
                true
            }
            None => false,
        }
    }

    /// Takes out what is waiting to be scanned, for others to do.
    pub(crate) fn take_all_work(&mut self) -> Work {
        debug_assert!(self.queue.iter().all(|cell| *cell == 0));
        Work { cells: std::mem::take(&mut self.stack), slices: std::mem::take(&mut self.slices) }
    }

    /// Goes on with somebody's work.
    pub(crate) fn add_work(&mut self, mut work: Work) {
        self.stack.append(&mut work.cells);
        self.slices.append(&mut work.slices);
    }

    /// The cells that the embedder's roots refer to; the world is stopped.
    pub(crate) fn roots() -> Vec<Value> {
        let mut tracer = Tracer { mode: Mode::Listing, minor: false, ..Tracer::new(true) };
        embedder().trace_roots(&mut tracer);
        let cells = tracer.stack.into_iter();
        cells.map(|cell| Value::cell(cell as *const Header)).collect()
    }

    /// The cells that the contents of a cell refer to; the world is stopped.
    pub(crate) fn references(cell: Value) -> Vec<Value> {
        let mut cells = Vec::new();
        Tracer::lister().list(cell, |found| cells.push(found));
        cells
    }

    /// For [`Tracer::list`], outside of collections.
    pub(crate) fn lister() -> Tracer {
        Tracer::lister_within(false)
    }

    /// The same in the middle of a collection, `full` or not: cells may be listed that it has found dead.
    pub(crate) fn lister_within(full: bool) -> Tracer {
        Tracer { mode: Mode::Listing, ..Tracer::new(!full) }
    }

    /// Calls `f` with the cells that the contents of a cell refer to. The tracer is a lister and does nothing else.
    pub(crate) fn list(&mut self, cell: Value, mut f: impl FnMut(Value)) {
        // SAFETY: a cell whose memory was not used again.
        self.scan_contents(unsafe { header(cell) });
        while let Some(slice) = self.slices.pop() {
            self.words(slice);
        }
        self.stack.drain(..).for_each(|cell| f(Value::cell(cell as *const Header)));
    }

    /// Marks everything reachable from `roots` and returns the cells among it that have [`Header::FINALIZE`] set, referring ones before
    /// those they refer to (cycles aside).
    ///
    /// This is a depth-first search proper: a cell is marked when its turn comes, and noted when all that it refers to is done.
    pub(crate) fn mark_in_order(&mut self, roots: &[usize]) -> Vec<usize> {
        /// Set in a stack entry: all that the cell refers to is done.
        const DONE: usize = 1;
        debug_assert!(self.stack.is_empty() && self.slices.is_empty());
        let mut done = Vec::new();
        self.mode = Mode::Ordered;
        for &root in roots {
            self.stack.push(root);
            while let Some(entry) = self.stack.pop() {
                if entry & DONE != 0 {
                    done.push(entry & !DONE);
                    continue;
                }
                let (word, bit) = region::bit(MARKS, entry);
                if word.fetch_or(bit, Relaxed) & bit != 0 {
                    continue;
                }
                // SAFETY: an allocated cell.
                if unsafe { (*(entry as *const Header)).gc.load(Relaxed) } & Header::FINALIZE != 0 {
                    self.stack.push(entry | DONE);
                }
                self.scan(entry);
                while let Some(slice) = self.slices.pop() {
                    self.words(slice);
                }
            }
        }
        self.mode = Mode::Alone;
        done.reverse();
        done
    }
}

/// The first piece of a slice, and the rest.
fn split(slice: Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = slice.end.min(slice.start + 8 * SLICE);
    (slice.start..middle, middle..slice.end)
}

#[inline(always)]
fn prefetch(cell: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching has no effect on the program's state.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(cell as *const i8);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: prefetching has no effect on the program's state.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) cell, options(nostack, readonly, preserves_flags));
    }
}

/// A reference led to something that is no cell: it was freed, or never initialised.
#[cold]
fn corrupt(header: &Header) -> ! {
    let address = header as *const Header as usize;
    // SAFETY: the header was read a moment ago.
    let word = unsafe { (address as *const u64).read_volatile() };
    eprintln!(
        "limpid: heap corruption: a reference leads to {address:#x}, whose header is {word:#018x}{}",
        if word == crate::POISON { " (a dead cell: a root or a store barrier is missing)" } else { "" }
    );
    std::process::abort();
}
