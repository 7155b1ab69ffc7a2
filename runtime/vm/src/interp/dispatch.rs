//! From the table of instructions to machine code: one handler each, chained by tail calls.
//!
//! A handler gets the interpreter's registers in machine registers, runs the instruction's uops one after the other and jumps to the
//! next handler through the dispatch table in its last argument. LLVM turns these calls in tail position into jumps as long as nothing
//! stands in the way: no address of a local may escape, no destructor may be pending. (A test looks at the machine code.) What is rare
//! leaves through [`Flow::Slow`] and one cold trampoline.
//!
//! The mode of the interpreter is which table is in that argument. A counting table ([`crate::interp::counting`]) has a stub for every
//! instruction that counts and goes on to the plain handler; the table argument stays, so the next instruction is counted too. The
//! recording table does the same to note what a trace is made of. The monitored table is the plain one but for the start of frames, where
//! it looks whether the code has to be instrumented. Tables change where the trampoline reloads the argument from the thread: a request in the eval breaker leads there.

#![allow(non_snake_case, reason = "handlers are named as their instructions")]

use crate::instrument::callbacks;
use crate::instrument::deliver::{Rest, checked, deliver};
use crate::instrument::locations::form_underneath;
use crate::interp::counting::CountingTable;
use crate::interp::frame::Frame;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::unwind;
use crate::interp::uops::*;
use crate::thread::{Thread, request};
use crate::tier2;
use limpid_bytecode::{INSTRUMENTED, Opcode, for_each_instruction};
use limpid_heap::Value;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

/// The code of one instruction.
pub type Handler = unsafe extern "C" fn(*const u16, *mut Value, *mut Value, *const Thread, u64, *const Table);

/// A handler for each opcode.
#[repr(transparent)]
pub struct Table([Handler; 256]);

#[inline(always)]
unsafe fn fetch(pc: *const u16) -> (u8, u64) {
    // One load of both bytes. Volatile is what a relaxed atomic load would be, without the second extension to a full register that LLVM
    // gives that one.
    // SAFETY: `pc` points at an instruction, an aligned word.
    let word = unsafe { pc.read_volatile() } as u64;
    (word as u8, word >> 8)
}

#[inline(always)]
unsafe fn go(r: Regs, op: u8, o: u64, table: *const Table) {
    // SAFETY: the table has a handler for each of 256 opcodes, and the registers are those of a frame at an instruction.
    unsafe {
        let handler = *(table as *const Handler).add(op as usize);
        handler(r.pc, r.sp, r.fp, r.th, o, table)
    }
}

/// Keeps a frame pointer from being set up on the ways through a handler that need none: `push`, `mov` and `pop` were a fifth of the
/// instructions of short ones.
///
/// Frame pointers are forced, so LLVM sets one up at the start of each function, unless it has to put that off ("shrink wrapping"). It
/// does where code may come from an `asm!` with labels: the frame is set up only in the blocks from there on, and in those that call. The
/// assembly is empty and never jumps. Those who walk the stack miss nothing but the frame of the loop's entry for a sample inside of
/// a handler, as with any leaf function.
#[inline(always)]
fn put_off_frame_pointer() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: no instructions; the label is not jumped to.
    unsafe {
        std::arch::asm!(
            "# {never}",
            never = label {
                // SAFETY: nothing leads here.
                unsafe { std::hint::unreachable_unchecked() }
            },
            options(nomem, nostack, preserves_flags),
        );
    }
}

#[inline(always)]
unsafe fn finish(flow: Flow, family: Opcode, r: Regs, o: u64, table: *const Table) {
    // SAFETY: as in `go`.
    unsafe {
        match flow {
            Flow::Next | Flow::Jump => {
                let (op, o) = fetch(r.pc);
                go(r, op, o, table)
            }
            // Not through the table: a stub there would look at the instruction again and find the specialized form.
            Flow::Deopt => PLAIN.0[family as usize](r.pc, r.sp, r.fp, r.th, o, table),
            Flow::Extend => {
                let (op, low) = fetch(r.pc);
                go(r, op, o << 8 | low, table)
            }
            // The slow function travels in the place of the table, which the trampoline takes from the thread anyway.
            Flow::Slow(f) => slow(r.pc, r.sp, r.fp, r.th, o, f as *const Table),
            Flow::Exit => {}
        }
    }
}

/// Runs the slow function in the last argument, then goes on where it says.
#[cold]
#[inline(never)]
unsafe extern "C" fn slow(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, f: *const Table) {
    // SAFETY: as in `go`; the thread's saved registers are what `slow_call` has left there.
    unsafe {
        if slow_call(pc, sp, fp, th, o, f) {
            let t = &*th;
            let r = Regs { pc: t.pc.get(), sp: t.sp.get(), fp: t.fp.get(), th };
            let (op, o) = fetch(r.pc);
            go(r, op, o, t.table.get() as *const Table)
        }
    }
}

/// Runs the slow function; leaves the registers in the thread. False: the loop is to be left.
#[inline(never)]
pub(crate) unsafe extern "C" fn slow_call(
    pc: *const u16,
    sp: *mut Value,
    fp: *mut Value,
    th: *const Thread,
    o: u64,
    f: *const Table,
) -> bool {
    let mut r = Regs { pc, sp, fp, th };
    r.save();
    // SAFETY: `finish` gives a SlowFn.
    let f: crate::interp::regs::SlowFn = unsafe { std::mem::transmute(f) };
    // SAFETY: the registers are those of a frame at an instruction.
    let step = unsafe { f(&mut r, o as u32) };
    settle(&mut r, step)
}

/// Does what a step says; leaves the registers in the thread. False: the loop is to be left.
#[inline(always)]
fn settle(r: &mut Regs, mut step: Step) -> bool {
    if step == Step::Error {
        step = unwind::unwind(r);
    }
    if step == Step::Next {
        let op = r.word() as u8;
        let caches = if op == INSTRUMENTED { r.opcode().caches() } else { limpid_bytecode::caches_after(op) };
        r.skip(1 + caches as isize);
    }
    keep(r);
    step != Step::Exit
}

/// Leaves the registers in the thread.
#[inline(always)]
fn keep(r: &Regs) {
    // Read one by one: the compiler would load `sp` and `fp` together, which have just been stored apart, and the processor then waits until
    // both are in the cache. A sixth of the time of a program that leads through here often.
    // SAFETY: fields of a local variable.
    unsafe {
        let t = &*r.th;
        t.pc.set((&raw const r.pc).read_volatile());
        t.sp.set((&raw const r.sp).read_volatile());
        t.fp.set((&raw const r.fp).read_volatile());
    }
}

/// The instruction is done, or another is to be run first.
const DONE: u32 = 256;
/// The loop is to be left.
const LEAVE: u32 = 257;

/// An instruction that tools watch.
unsafe extern "C" fn instrumented(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
    put_off_frame_pointer();
    // SAFETY: as in `slow`.
    unsafe {
        if (*th).tracing.get() != 0
            && !Frame(fp).is_shim()
            && let Some(op) = form_underneath(&*th, Frame(fp).code(), pc)
        {
            let op = checked(op);
            return PLAIN.0[op as usize](pc, sp, fp, th, o, (*th).table.get() as *const Table);
        }
        watched(pc, sp, fp, th, o, table)
    }
}

/// Delivers the events of an instruction, then runs it in the form it had before it was instrumented.
#[inline(never)]
unsafe extern "C" fn watched(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, _table: *const Table) {
    // SAFETY: as in `slow`.
    unsafe {
        let rest = instrumented_call(pc, sp, fp, th, o);
        let (op, o) = (rest as u32, rest >> 32);
        let t = &*th;
        let r = Regs { pc: t.pc.get(), sp: t.sp.get(), fp: t.fp.get(), th };
        let table = t.table.get() as *const Table;
        match op {
            LEAVE => {}
            DONE => {
                let (op, o) = fetch(r.pc);
                go(r, op, o, table)
            }
            op => PLAIN.0[op as usize](r.pc, r.sp, r.fp, r.th, o, table),
        }
    }
}

/// Delivers the events, or does what is to be done after a callback: the opcode to run with its oparg above it, or what there is to do
/// instead. Leaves the registers in the thread.
#[inline(never)]
unsafe extern "C" fn instrumented_call(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64) -> u64 {
    let mut r = Regs { pc, sp, fp, th };
    r.save();
    let o = o as u32;
    let (rest, o) = if r.frame().is_shim() { callbacks::returned(&mut r) } else { (deliver(&mut r, o), o) };
    match rest {
        Rest::Run(op) => {
            keep(&r);
            op as u64 | (o as u64) << 32
        }
        Rest::Done(step) => {
            if settle(&mut r, step) {
                DONE as u64
            } else {
                LEAVE as u64
            }
        }
    }
}

/// Where a frame starts or resumes while tools want events everywhere.
unsafe extern "C" fn monitored_resume(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
    // SAFETY: as in `go`.
    unsafe {
        // Nobody hears of a tool's own code, which is not brought up to date as long as nobody else runs it.
        if (*th).tracing.get() != 0 || crate::instrument::is_current(&*th, Frame(fp).code()) {
            return handlers::RESUME_CHECK(pc, sp, fp, th, o, table);
        }
        slow(pc, sp, fp, th, o, resume_slow as crate::interp::regs::SlowFn as *const Table)
    }
}

macro_rules! define_handlers {
    (($o:ident)
     base { $($name:ident [$caches:literal] $operand:ident ($pops:expr => $pushes:expr) = $($uop:ident)+;)* }
     specialized { $($special:ident of $family:ident = $($special_uop:ident)+;)* }) => {
        mod handlers {
            use super::*;
            $(define_handlers! { @handler $name $name $($uop)+ })*
            $(define_handlers! { @handler $special $family $($special_uop)+ })*
        }

        mod counting {
            use super::*;
            $(define_handlers! { @counting $name })*
            $(define_handlers! { @counting $special })*
        }

        /// The table that runs plain Python.
        pub static PLAIN: Table = Table(PLAIN_HANDLERS);

        const PLAIN_HANDLERS: [Handler; 256] = {
            let mut table: [Handler; 256] = [handlers::CACHE as Handler; 256];
            $(table[Opcode::$name as usize] = handlers::$name;)*
            $(table[Opcode::$special as usize] = handlers::$special;)*
            table[INSTRUMENTED as usize] = instrumented;
            table
        };

        /// What a counting table begins with.
        pub(crate) const COUNTING_HANDLERS: Table = {
            let mut table: [Handler; 256] = [counting_as_tools_want as Handler; 256];
            $(table[Opcode::$name as usize] = counting::$name;)*
            $(table[Opcode::$special as usize] = counting::$special;)*
            table[Opcode::RESUME as usize] = counting_resume;
            table[Opcode::RESUME_CHECK as usize] = counting_resume;
            table[Opcode::RESUME_CHECK_COUNTING as usize] = counting_resume;
            table[Opcode::RESUME_CHECK_JIT as usize] = counting_resume;
            Table(table)
        };
    };
    // Five instructions: the opcode is a constant here, so that the count of its pair is at a fixed distance from the row, and the row that
    // the next instruction counts in at a fixed distance from the table.
    (@counting $name:ident) => {
        pub unsafe extern "C" fn $name(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
            put_off_frame_pointer();
            // SAFETY: only counting tables have this; the registers are those of a frame at an instruction.
            unsafe {
                CountingTable::of(table).count(Opcode::$name as u8);
                handlers::$name(pc, sp, fp, th, o, table)
            }
        }
    };
    (@handler $name:ident $family:ident $($uop:ident)+) => {
        // In another handler, which goes here when it does not fit, it would bring a second `put_off_frame_pointer`, and one frame for both.
        #[inline(never)]
        pub unsafe extern "C" fn $name(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
            put_off_frame_pointer();
            // Opargs are 32 bits; without this the handler would clear the upper half of the register again.
            // SAFETY: as said.
            unsafe { std::hint::assert_unchecked(o <= u32::MAX as u64) };
            let mut r = Regs { pc, sp, fp, th };
            let flow = 'instruction: {
                $(match $uop(&mut r, o as u32) {
                    Flow::Next => {}
                    other => break 'instruction other,
                })+
                r.skip(1 + Opcode::$family.caches() as isize);
                Flow::Next
            };
            // SAFETY: the registers are those of a frame at an instruction.
            unsafe { finish(flow, Opcode::$family, r, o, table) }
        }
    };
}
for_each_instruction!(define_handlers);

/// The table for plain running while tools want events everywhere.
pub static MONITORED: Table = Table({
    let mut table = PLAIN_HANDLERS;
    table[Opcode::RESUME as usize] = monitored_resume;
    table[Opcode::RESUME_CHECK as usize] = monitored_resume;
    table[Opcode::RESUME_CHECK_COUNTING as usize] = monitored_resume;
    table[Opcode::RESUME_CHECK_JIT as usize] = monitored_resume;
    table
});

/// Counts an instruction, then runs it as it is to be run now.
unsafe extern "C" fn counting_as_tools_want(
    pc: *const u16,
    sp: *mut Value,
    fp: *mut Value,
    th: *const Thread,
    o: u64,
    table: *const Table,
) {
    // SAFETY: as in the other counting handlers.
    unsafe {
        let (op, _) = fetch(pc);
        CountingTable::of(table).count(op);
        let base = (*th).interpreter().table.load(Acquire);
        (*base).0[op as usize](pc, sp, fp, th, o, table)
    }
}

/// A frame starts or goes on: besides, the frames that start are counted.
unsafe extern "C" fn counting_resume(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
    // SAFETY: as in the other counting handlers.
    unsafe {
        CountingTable::of(table).count_frame(o as u32);
        counting_as_tools_want(pc, sp, fp, th, o, table)
    }
}

/// Notes an instruction for the trace being recorded, then runs it.
unsafe extern "C" fn recording(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64, table: *const Table) {
    // SAFETY: as in `go`.
    unsafe {
        let goes_on = tier2::record(pc, sp, fp, th, o as u32);
        let table = if goes_on { table } else { (*th).table.get() as *const Table };
        let (op, _) = fetch(pc);
        crate::stats::recorded(&*th, op, o as u32);
        PLAIN.0[op as usize](pc, sp, fp, th, o, table)
    }
}

/// The table that records a trace.
pub static RECORDING: Table = Table([recording as Handler; 256]);

/// The table in force apart from recording: one that counts if the interpreter counts, and that fits what tools want.
pub fn usual_table(t: &Thread) -> *const Table {
    crate::stats::counting_table(t).unwrap_or_else(|| t.interpreter().table.load(Acquire))
}

/// A hot frame that native code has started or resumed runs as machine code.
unsafe fn enter_hot(r: &mut Regs, _o: u32) -> Step {
    // SAFETY: the registers are those of a frame at an instruction.
    unsafe { tier2::enter_frame(r) }
}

/// Runs the frame in the thread's saved registers until the frame that was entered by native code is left. The thread's `result` is its
/// value, NULL for an exception.
pub fn enter_loop(t: &Thread) {
    let r = Regs { pc: t.pc.get(), sp: t.sp.get(), fp: t.fp.get(), th: t };
    let table = t.table.get();
    crate::stats::entered(t, r.frame().is_generator());
    limpid_heap::with_spilled(|stack| {
        let outer = t.loop_stack.replace(stack);
        // SAFETY: the saved registers are those of a frame at an instruction.
        unsafe {
            if tier2::is_hot_frame(&r) {
                // As a slow function of the first instruction, which may do more than that one.
                slow(r.pc, r.sp, r.fp, r.th, 0, enter_hot as crate::interp::regs::SlowFn as *const Table);
                tier2::hot_frame_left(&r);
            } else {
                let (op, o) = fetch(r.pc);
                go(r, op, o, table as *const Table);
            }
        }
        t.loop_stack.set(outer);
        if t.table.get() != table {
            // The loop that has called the native code has the old one.
            t.mutator.eval_breaker.fetch_or(request::TABLE, AcqRel);
        }
    })
}
