//! A thread's side of the heap: allocation, and what the thread notes for the collector.
//!
//! A thread allocates the cells of each size class from a *gap*: a stretch of free cells in a block that is its own for the time being.
//! The gaps are what lies between the mark bits, so looking for the next one is the sweep. A gap is zeroed when it is found, which
//! brings its memory into the cache; within it an allocation adds to a pointer and compares.

use crate::cell::Header;
use crate::layout::*;
use crate::pool::{Demand, pool};
use crate::region::{self, Block};
use crate::registry::Registrations;
use crate::spill::keep_alive;
use crate::world::{COLLECT, DETACHED, MEMORY};
use crate::{OutOfMemory, embedder, policy, stress};
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Where a thread allocates cells of one class: the free cells from `next` to `end`. Jitted code allocates from it as
/// [`Mutator::alloc`] does.
#[repr(C)]
pub struct Cursor {
    /// The next cell.
    pub next: Cell<usize>,
    /// The end of the gap.
    pub end: Cell<usize>,
}

/// Large cells of this many blocks are given huge pages: 4 MiB, as numpy does. Smaller ones would not fill them.
const HUGE: usize = (4 << 20) / BLOCK;

/// "No block."
const NONE: u32 = u32::MAX;

/// An operating-system thread that may touch cells. The embedder makes it the first field of its own thread structure and keeps that
/// where it is. All functions are called by the thread itself; other threads touch [`Mutator::eval_breaker`] only.
#[repr(C)]
pub struct Mutator {
    /// Requests to this thread, checked at safepoints: [`crate::STOP`], [`crate::MEMORY`], [`crate::COLLECT`]; the other bits are the
    /// embedder's.
    pub eval_breaker: AtomicU32,
    /// One of the states of [`crate::world`].
    pub(crate) state: AtomicU32,
    /// One for each size class.
    pub cursors: [Cursor; CLASSES],
    /// The block each cursor is in.
    blocks: [Cell<u32>; CLASSES],
    /// While the thread is not running: the end of its stack in use.
    pub(crate) sp: AtomicUsize,
    /// The other end.
    pub(crate) stack_base: AtomicUsize,
    /// Old cells this thread stored references to since the last collection.
    remembered: UnsafeCell<Vec<usize>>,
    registrations: UnsafeCell<Registrations>,
    /// See [`policy::account`].
    counted: Cell<u32>,
    /// [`Mutator::alloc_now`] had to take from the reserve.
    is_short: Cell<bool>,
}

impl Default for Mutator {
    fn default() -> Mutator {
        Mutator::new()
    }
}

impl Mutator {
    /// A mutator that is not attached.
    pub const fn new() -> Mutator {
        Mutator {
            eval_breaker: AtomicU32::new(0),
            state: AtomicU32::new(DETACHED),
            cursors: [const { Cursor { next: Cell::new(0), end: Cell::new(0) } }; CLASSES],
            blocks: [const { Cell::new(NONE) }; CLASSES],
            sp: AtomicUsize::new(0),
            stack_base: AtomicUsize::new(0),
            remembered: UnsafeCell::new(Vec::new()),
            registrations: UnsafeCell::new(Registrations::new()),
            counted: Cell::new(0),
            is_short: Cell::new(false),
        }
    }

    /// Allocates a cell of `size` bytes, header included, at most [`MAX_SMALL`]. Bytes after the header are zero.
    ///
    /// Never fails: over the heap's limit it raises [`MEMORY`] in the eval breaker and goes on from a reserve. If that is used up too,
    /// the process ends with a message; so a loop that allocates without end polls its eval breaker.
    ///
    /// A cell whose kind is not [`Kind::Slots`](crate::Kind::Slots) gets at least one byte more than asked for, so that a pointer to the end of its contents
    /// is still inside.
    #[inline(always)]
    pub fn alloc(&self, size: usize, header: Header) -> NonNull<u8> {
        debug_assert!(size <= MAX_SMALL && size >= size_of::<Header>());
        let class = class_for(size, &header);
        match self.bump(class) {
            // SAFETY: a free cell of this thread.
            Some(cell) => unsafe { initialise(cell, header) },
            None => self.alloc_slow(class, header),
        }
    }

    /// As [`Mutator::alloc`], but None where the thread has no free cell at hand: no call, and no safepoint.
    #[inline(always)]
    pub fn alloc_at_hand(&self, size: usize, header: Header) -> Option<NonNull<u8>> {
        debug_assert!(size <= MAX_SMALL && size >= size_of::<Header>());
        let cell = self.bump(class_for(size, &header))?;
        // SAFETY: a free cell of this thread.
        Some(unsafe { initialise(cell, header) })
    }

    /// As [`Mutator::alloc`], but no safepoint: nothing is collected, and nobody waited for. Where a collection is due it is asked for by
    /// [`COLLECT`] in the eval breaker; so a loop that allocates polls that.
    #[inline(always)]
    pub fn alloc_now(&self, size: usize, header: Header) -> NonNull<u8> {
        debug_assert!(size <= MAX_SMALL && size >= size_of::<Header>());
        let class = class_for(size, &header);
        let cell = self.bump(class).unwrap_or_else(|| {
            let cell = self.refill_now(class);
            tell(&header, CLASS_SIZES[class] as usize);
            cell
        });
        // SAFETY: a free cell of this thread.
        unsafe { initialise(cell, header) }
    }

    /// Takes the next cell of a gap; None at its end.
    #[inline(always)]
    fn bump(&self, class: usize) -> Option<usize> {
        // SAFETY: a size class is below CLASSES.
        let (cursor, size) = unsafe { (self.cursors.get_unchecked(class), CLASS_SIZES.get_unchecked(class)) };
        let cell = cursor.next.get();
        let next = cell + *size as usize;
        if next > cursor.end.get() {
            return None;
        }
        cursor.next.set(next);
        Some(cell)
    }

    /// Allocates a cell of any size; bytes after the header are zero. Fails if the heap would be over its limit, or the system gives
    /// no memory, even after a full collection. Same slack as [`Mutator::alloc`].
    pub fn try_alloc(&self, size: usize, header: Header) -> Result<NonNull<u8>, OutOfMemory> {
        if size > MAX_SMALL {
            let cell = keeping_shape(&header, || self.alloc_large(size, Demand::Normal))?;
            tell(&header, size);
            // SAFETY: a new cell of this thread.
            return Ok(unsafe { initialise(cell, header) });
        }
        let class = class_for(size, &header);
        let cell = match self.bump(class) {
            Some(cell) => cell,
            None => {
                let cell = keeping_shape(&header, || self.refill(class, Demand::Normal))?;
                tell(&header, CLASS_SIZES[class] as usize);
                cell
            }
        };
        // SAFETY: a free cell of this thread.
        Ok(unsafe { initialise(cell, header) })
    }

    /// As [`Mutator::alloc`], for a cell of any size. A large one may go beyond the limit by its own size, as far as the system has memory.
    pub fn alloc_any(&self, size: usize, header: Header) -> NonNull<u8> {
        if size <= MAX_SMALL {
            return self.alloc(size, header);
        }
        let cell = keeping_shape(&header, || self.alloc_large(size, Demand::Reserve));
        let cell = cell.unwrap_or_else(|OutOfMemory| exhausted());
        tell(&header, size);
        // SAFETY: a new cell of this thread.
        unsafe { initialise(cell, header) }
    }

    /// The highest address of the attached thread's native stack.
    pub fn stack_base(&self) -> usize {
        self.stack_base.load(Relaxed)
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(&self, class: usize, header: Header) -> NonNull<u8> {
        let cell = keeping_shape(&header, || self.refill(class, Demand::Reserve));
        let cell = cell.unwrap_or_else(|OutOfMemory| exhausted());
        tell(&header, CLASS_SIZES[class] as usize);
        // SAFETY: a free cell of this thread.
        unsafe { initialise(cell, header) }
    }

    /// Finds the next gap for a class and takes its first cell. A safepoint.
    fn refill(&self, class: usize, demand: Demand) -> Result<usize, OutOfMemory> {
        if stress::due() {
            policy::for_stress(self);
        }
        loop {
            if let Some(cell) = self.next_gap(class) {
                return Ok(cell);
            }
            self.safepoint();
            if policy::is_due() {
                policy::automatic(self);
            }
            self.begin_block(class, self.take_block(class, demand)?);
        }
    }

    /// As [`Mutator::refill`], but no safepoint.
    #[cold]
    #[inline(never)]
    fn refill_now(&self, class: usize) -> usize {
        if stress::due() {
            self.eval_breaker.fetch_or(COLLECT, Relaxed);
        }
        loop {
            if let Some(cell) = self.next_gap(class) {
                return cell;
            }
            if policy::is_due() {
                self.eval_breaker.fetch_or(COLLECT, Relaxed);
            }
            let taken = pool().take_small(class, Demand::Normal);
            let block = taken.or_else(|_| {
                self.is_short.set(true);
                self.eval_breaker.fetch_or(COLLECT, Relaxed);
                pool().take_small(class, Demand::Reserve)
            });
            self.begin_block(class, block.unwrap_or_else(|OutOfMemory| exhausted()));
        }
    }

    /// Does what [`COLLECT`] asks for. If there is no memory even then, [`MEMORY`] is raised. A safepoint.
    #[cold]
    pub fn collect_as_asked(&self) {
        const ANY: usize = 0;
        if stress::is_on() {
            policy::for_stress(self);
        }
        if policy::is_due() {
            policy::automatic(self);
        }
        if self.is_short.replace(false) {
            policy::for_memory(self);
            let mut pool = pool();
            match pool.take_small(ANY, Demand::Normal) {
                Ok(block) => pool.abandoned[ANY].push(block),
                Err(OutOfMemory) => _ = self.eval_breaker.fetch_or(MEMORY, Relaxed),
            }
        }
    }

    /// Has the cursor of a class begin with a block.
    fn begin_block(&self, class: usize, block: u32) {
        policy::hand_out(free_bytes(block));
        let start = block_address(block) + region::block(block).allocated.load(Relaxed) as usize;
        self.blocks[class].set(block);
        self.cursors[class].next.set(start);
        self.cursors[class].end.set(start);
    }

    fn take_block(&self, class: usize, demand: Demand) -> Result<u32, OutOfMemory> {
        let taken = pool().take_small(class, Demand::Normal);
        taken.or_else(|_| {
            policy::for_memory(self);
            let taken = pool().take_small(class, Demand::Normal);
            if taken.is_err() && demand == Demand::Reserve {
                self.eval_breaker.fetch_or(MEMORY, Relaxed);
                return pool().take_small(class, Demand::Reserve);
            }
            taken
        })
    }

    /// Moves the cursor of a class to the next gap in its block and takes the first cell of it. None: there is no gap or no block.
    fn next_gap(&self, class: usize) -> Option<usize> {
        let number = self.blocks[class].get();
        if number == NONE {
            return None;
        }
        let cursor = &self.cursors[class];
        let block = region::block(number);
        let base = block_address(number);
        let last = base + usable_bytes(class);
        let size = CLASS_SIZES[class] as usize;
        // The gap so far is used up.
        let mut cell = cursor.end.get();
        block.touch(cell - base);
        while cell < last && region::is_set(MARKS, cell) {
            cell += size;
        }
        if cell >= last {
            block.allocated.store((cell - base) as u32, Relaxed);
            policy::account(&self.counted, free_bytes(number));
            self.blocks[class].set(NONE);
            cursor.next.set(0);
            cursor.end.set(0);
            return None;
        }
        let end = if stress::all_slow() || embedder::watches_allocations() { cell + size } else { region::next_mark(cell, last) };
        block.allocated.store((end - base) as u32, Relaxed);
        let dirty = (base + block.touched.load(Relaxed) as usize).min(end);
        if dirty > cell {
            // SAFETY: the gap is free, and this thread's alone.
            unsafe { std::ptr::write_bytes(cell as *mut u8, 0, dirty - cell) };
        }
        cursor.next.set(cell + size);
        cursor.end.set(end);
        Some(cell)
    }

    #[cold]
    fn alloc_large(&self, size: usize, demand: Demand) -> Result<usize, OutOfMemory> {
        let blocks = size.checked_add(1).ok_or(OutOfMemory)?.div_ceil(BLOCK);
        if blocks > BLOCKS {
            return Err(OutOfMemory);
        }
        if stress::due() {
            policy::for_stress(self);
        }
        self.safepoint();
        policy::hand_out(blocks * BLOCK);
        policy::account(&self.counted, blocks * BLOCK);
        if policy::is_due() {
            policy::automatic(self);
        }
        let count = blocks as u32;
        let taken = pool().take_large(count, Demand::Normal);
        let taken = taken.or_else(|_| {
            policy::for_memory(self);
            let taken = pool().take_large(count, Demand::Normal);
            if taken.is_err() && demand == Demand::Reserve {
                self.eval_breaker.fetch_or(MEMORY, Relaxed);
                return pool().take_large(count, Demand::Reserve);
            }
            taken
        })?;
        let cell = block_address(taken.start);
        if !taken.dirty && blocks >= HUGE {
            region::prefer_huge_pages(cell..cell + blocks * BLOCK);
        }
        if taken.dirty {
            // SAFETY: the blocks are this thread's, which comes to no safepoint before it returns.
            unsafe { std::ptr::write_bytes(cell as *mut u8, 0, blocks * BLOCK) };
        }
        Ok(cell)
    }

    /// Tells the table exactly how far each block is allocated: outside of stops it says that gaps are allocated to their ends. Called
    /// while the thread stands still.
    pub(crate) fn publish_cursors(&self) {
        self.each_block(|cursor, block, base| {
            let offset = cursor.next.get() - base;
            block.allocated.store(offset as u32, Relaxed);
            block.touch(offset);
        });
    }

    /// Undoes [`Mutator::publish_cursors`].
    pub(crate) fn unpublish_cursors(&self) {
        self.each_block(|cursor, block, base| {
            block.allocated.store((cursor.end.get() - base) as u32, Relaxed);
        });
    }

    fn each_block(&self, f: impl Fn(&Cursor, &Block, usize)) {
        for (cursor, number) in self.cursors.iter().zip(&self.blocks) {
            if number.get() != NONE {
                f(cursor, region::block(number.get()), block_address(number.get()));
            }
        }
    }

    /// Makes the thread start over with other blocks: those it has are about to be swept.
    pub(crate) fn reset_cursors(&self) {
        for (cursor, number) in self.cursors.iter().zip(&self.blocks) {
            number.set(NONE);
            cursor.next.set(0);
            cursor.end.set(0);
        }
    }

    /// Hands everything that the collector will need to the pool: the thread ends, or a collection begins.
    pub(crate) fn hand_over(&self) {
        let mut pool = pool();
        // SAFETY: this is the thread itself, or it stands still.
        unsafe {
            pool.remembered.append(&mut *self.remembered.get());
            pool.registrations.take_all(&mut *self.registrations.get());
        }
    }

    /// Leaves the heap: blocks with room go to other threads.
    pub(crate) fn retire(&self) {
        self.publish_cursors();
        self.hand_over();
        let mut pool = pool();
        for (class, number) in self.blocks.iter().enumerate() {
            if number.get() != NONE {
                pool.abandoned[class].push(number.get());
            }
        }
        drop(pool);
        self.reset_cursors();
    }

    /// Notes a cell for the next minor collection.
    pub(crate) fn remember(&self, cell: *const Header) {
        // SAFETY: only the thread itself and, while it stands still, the collector touch the buffer.
        unsafe { (*self.remembered.get()).push(cell as usize) };
    }

    pub(crate) fn registrations(&self, note: impl FnOnce(&mut Registrations)) {
        // SAFETY: as in `remember`.
        note(unsafe { &mut *self.registrations.get() });
    }
}

impl Drop for Mutator {
    fn drop(&mut self) {
        // The world would keep a pointer to it.
        let state = *self.state.get_mut();
        assert!(state == DETACHED, "a mutator is dropped while it is attached");
    }
}

/// How much of a block of small cells was free after the last collection.
fn free_bytes(number: u32) -> usize {
    let block = region::block(number);
    usable_bytes(block.class()) - block.count.load(Relaxed) as usize * CLASS_SIZES[block.class()] as usize
}

/// Runs the slow path of an allocation, which may collect, and keeps the shape of the new cell alive meanwhile: in the header it is a
/// compressed reference, which the collector does not recognise on a stack.
#[inline(always)]
fn keeping_shape<R>(header: &Header, slow_path: impl FnOnce() -> R) -> R {
    let shape = header.shape().ptr::<u8>();
    let result = slow_path();
    keep_alive(shape);
    result
}

/// Tells the embedder of a slow allocation, if it wants to know.
fn tell(header: &Header, size: usize) {
    if embedder::watches_allocations() {
        embedder::embedder().allocated(header.shape(), size);
    }
}

/// Writes the header of a new cell.
///
/// # Safety
/// `cell` is free and the current thread's.
#[inline(always)]
unsafe fn initialise(cell: usize, header: Header) -> NonNull<u8> {
    // SAFETY: by contract.
    unsafe {
        (cell as *mut Header).write(header);
        NonNull::new_unchecked(cell as *mut u8)
    }
}

#[cold]
fn exhausted() -> ! {
    eprintln!("limpid: out of memory: the heap is beyond its limit and its reserve is used up");
    std::process::abort();
}
