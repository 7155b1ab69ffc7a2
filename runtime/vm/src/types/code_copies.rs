//! The copies of a code object's instructions.
//!
//! The main copy is a part of the code object; the thread with the index 0 runs it. Every other thread specializes a copy of its own, at
//! its index in the list of copies. Place 0 of that list has the *common* copy: what those threads run of code without loops before they
//! have run it [`WARM`] times. Nobody specializes that one, so a thread that calls many functions a few times costs no copies.
//!
//! A copy outlives its thread, for the next thread with that index finds it warm. When there were many threads and few are left,
//! [`drop_unused`] drops those that belong to nobody; what is suspended in one of them goes on in the main copy.

use crate::instrument::locations::mark_copy;
use crate::object::{Ref, ValueExt};
use crate::runtime::Runtime;
use crate::thread::Thread;
use crate::types::builtin::shapes;
use crate::types::code::{Bytecode, unspecialize, write_constants};
use crate::types::{Code, Generator, Tuple, ValueList};
use limpid_heap::Value;
use std::cell::Cell;

/// Where the common copy is in the list, which has no place for what is underneath marks.
const COMMON: usize = 0;

/// How often a thread runs code without loops before it gets a copy.
const WARM: u8 = 8;

/// How often a thread has run code that it has no copy of: counters that unrelated code may share.
pub struct Runs([Cell<u8>; Runs::LEN]);

impl Runs {
    const LEN: usize = 512;

    /// Nothing has been run.
    pub const fn none() -> Runs {
        Runs([const { Cell::new(0) }; Runs::LEN])
    }

    /// Counts a run; is it time for a copy?
    fn count(&self, code: Ref<Code>) -> bool {
        let address = code.ptr() as usize;
        let counter = &self.0[(address >> 4 ^ address >> 13) % Runs::LEN];
        counter.set((counter.get() + 1) % WARM);
        counter.get() == 0
    }
}

impl Code {
    /// Calls a function with each copy of the instructions.
    pub fn each_copy(&self, mut f: impl FnMut(Ref<Bytecode>)) {
        f(self.bytecode());
        if let Some(list) = self.copies.opt() {
            // SAFETY: the list holds bytecode or NULL.
            ValueList::from_cell(list).iter().filter(|v| !v.is_null()).for_each(|v| f(unsafe { Ref::from_value(v) }));
        }
    }

    /// The copy at an index.
    #[inline(always)]
    pub(crate) fn existing_copy(&self, index: usize) -> Option<Ref<Bytecode>> {
        let v = ValueList::item(self.copies.opt()?, index)?.non_null()?;
        // SAFETY: the list holds bytecode.
        Some(unsafe { Ref::from_value(v) })
    }

    /// As [`Code::offset_of`], for an instruction that the thread runs: nearly always in the main copy or its own.
    #[inline]
    pub fn place_of(&self, t: &Thread, pc: *const u16) -> usize {
        let main = self.bytecode();
        if main.contains(pc) {
            return main.index_of(pc);
        }
        match self.existing_copy(t.bytecode_index.get() as usize) {
            Some(own) if own.contains(pc) => own.index_of(pc),
            _ => self.offset_of(pc),
        }
    }

    /// The copy of the instructions that contains an address.
    pub fn copy_containing(&self, pc: *const u16) -> Option<Ref<Bytecode>> {
        if self.bytecode().contains(pc) {
            return Some(self.bytecode());
        }
        let list = ValueList::from_cell(self.copies.opt()?);
        // SAFETY: the list holds bytecode or NULL.
        list.iter().filter(|v| !v.is_null()).map(|v| unsafe { Ref::<Bytecode>::from_value(v) }).find(|b| b.contains(pc))
    }
}

/// Is this an address in the common copy?
pub fn is_common(code: Ref<Code>, pc: *const u16) -> bool {
    code.existing_copy(COMMON).is_some_and(|b| b.contains(pc))
}

/// What the thread with an index other than 0 runs of this code.
#[inline(never)]
pub fn copy_for(t: &Thread, code: Ref<Code>, index: usize) -> Ref<Bytecode> {
    if let Some(copy) = code.existing_copy(index) {
        return copy;
    }
    if code.has_loops || t.runs.count(code) {
        return make(t, code, index);
    }
    code.existing_copy(COMMON).unwrap_or_else(|| make(t, code, COMMON))
}

/// As [`copy_for`], but never the common copy.
#[inline(never)]
pub fn own_copy(t: &Thread, code: Ref<Code>, index: usize) -> Ref<Bytecode> {
    code.existing_copy(index).unwrap_or_else(|| make(t, code, index))
}

/// Makes the copy with an index, unless another thread was faster with the common one.
fn make(t: &Thread, code: Ref<Code>, index: usize) -> Ref<Bytecode> {
    let mut words = code.words();
    unspecialize(&mut words);
    let Ok(copy) = Bytecode::new(t, &words, index != COMMON) else {
        // No room: run the main copy.
        t.take_exception();
        return code.bytecode();
    };
    // SAFETY: `consts` is a tuple.
    write_constants(&copy, unsafe { Ref::<Tuple>::from_value(code.consts.get()) });
    let mut room = None;
    loop {
        // Nothing is allocated under the lock: who stops the world to instrument code wants it too.
        let guard = t.lock(code);
        if let Some(copy) = code.existing_copy(index) {
            return copy;
        }
        let list = code.copies.opt().map(ValueList::from_cell);
        let len = list.map_or(0, ValueList::len);
        let (list, is_new) = match (list, room) {
            (Some(list), _) if index < len => (list, false),
            (_, Some((room, capacity))) if index.max(len) < capacity => (moved(t, list, room, index + 1), true),
            _ => {
                drop(guard);
                // Twice what is needed: threads come in numbers.
                let capacity = (index.max(len) + 1).next_power_of_two() + 1;
                room = Some((ValueList::with_capacity(t, capacity), capacity));
                continue;
            }
        };
        mark_copy(code, copy);
        list.set(t, index, copy.value());
        if is_new {
            code.copies.set(t, code, list.cell());
        }
        crate::stats::count(t, |s| s.threads.tlbc_copies.increment());
        return copy;
    }
}

/// Fills an empty list, which has room for them, with the copies of another, and with NULL up to a length.
fn moved(t: &Thread, from: Option<ValueList>, mut to: ValueList, len: usize) -> ValueList {
    if let Some(from) = from {
        from.iter().for_each(|v| to.push(t, v));
    }
    while to.len() < len.next_power_of_two() {
        to.push(t, Value::NULL);
    }
    to
}

/// Drops the copies whose index no thread has.
pub fn drop_unused(t: &Thread, runtime: &Runtime) {
    t.mutator.stop_world(c"dropping bytecode", |world| {
        let used = runtime.bytecode_indices_in_use();
        let is_used = |index: usize| index == COMMON || used.contains(&(index as u32));
        let unused = |code: &Code, f: &mut dyn FnMut(ValueList, usize, Ref<Bytecode>)| {
            let Some(list) = code.copies.opt().map(ValueList::from_cell) else { return };
            for (index, v) in list.iter().enumerate().filter(|(index, v)| !v.is_null() && !is_used(*index)) {
                // SAFETY: the list holds bytecode.
                f(list, index, unsafe { Ref::from_value(v) });
            }
        };
        limpid_heap::each_object(world, &mut |v| {
            if ![shapes::GENERATOR, shapes::COROUTINE, shapes::ASYNC_GENERATOR].contains(&v.shape()) {
                return;
            }
            // SAFETY: the three have this layout.
            let g = unsafe { Ref::<Generator>::from_value(v) };
            if !g.is_finished() {
                let code = g.frame().code();
                unused(&code, &mut |_, _, copy| g.leave_copy(copy, code.bytecode()));
            }
        });
        limpid_heap::each_object(world, &mut |v| {
            if let Some(code) = v.exact::<Code>() {
                unused(&code, &mut |list, index, _| list.set(t, index, Value::NULL));
            }
        });
    });
}
