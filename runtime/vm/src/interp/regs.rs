//! The registers of the interpreter and what an instruction's pieces tell the dispatcher.

use crate::instrument::locations;
use crate::interp::frame::Frame;
use crate::thread::Thread;
use limpid_bytecode::{INSTRUMENTED, Opcode};
use limpid_heap::Value;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering::Relaxed};

/// The interpreter's registers. A handler keeps them in a local variable that inlined uops take by `&mut`, so they stay in machine
/// registers; never pass `&mut Regs` to a function that is not inlined, except through [`Flow::Slow`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Regs {
    /// The instruction; it stays here until its last uop.
    pub pc: *const u16,
    /// The first free place of the value stack.
    pub sp: *mut Value,
    /// The running frame.
    pub fp: *mut Value,
    /// The running thread.
    pub th: *const Thread,
}

/// Several cache words at once. Not `read_unaligned`: where debug assertions are on, that one takes the address of a local variable, and a
/// handler with such a variable cannot end in a tail call.
#[repr(C, packed)]
struct Unaligned<T>(T);

/// A function behind a handler, for what is rare or big. It sees the instruction's state unchanged and does it all.
pub type SlowFn = unsafe fn(&mut Regs, u32) -> Step;

/// What a uop wants next.
pub enum Flow {
    /// The next uop, or after the last one the next instruction.
    Next,
    /// The instruction at `pc`, which the uop has set.
    Jump,
    /// The base form of this instruction: a guard has failed. Nothing has happened yet.
    Deopt,
    /// This function, which does the whole instruction. Nothing has happened yet.
    Slow(SlowFn),
    /// The next instruction, whose oparg gets this one's as its higher bits.
    Extend,
    /// Leaves the interpreter loop; the thread's `result` is set.
    Exit,
}

/// What a slow function has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The instruction; the next one follows.
    Next,
    /// `pc` is the instruction to go on with.
    Jump,
    /// An exception is raised.
    Error,
    /// The interpreter loop is to be left.
    Exit,
}

impl Regs {
    /// The thread.
    #[inline(always)]
    pub fn t<'a>(&self) -> &'a Thread {
        // SAFETY: the thread outlives the interpreter loop.
        unsafe { &*self.th }
    }

    /// The frame.
    #[inline(always)]
    pub fn frame(&self) -> Frame {
        Frame(self.fp)
    }

    /// Tells the rest of the runtime where we are: before anything that may allocate, raise, or look at frames.
    #[inline(always)]
    pub fn save(&self) {
        let t = self.t();
        t.pc.set(self.pc);
        t.sp.set(self.sp);
        t.fp.set(self.fp);
    }

    /// Pushes a value. The compiler has made sure that there is room.
    #[inline(always)]
    pub fn push(&mut self, v: Value) {
        // SAFETY: the frame has the code's `stacksize` places.
        unsafe {
            *self.sp = v;
            self.sp = self.sp.add(1);
        }
    }

    /// Pops a value.
    #[inline(always)]
    pub fn pop(&mut self) -> Value {
        // SAFETY: the compiler has made sure that there is one.
        unsafe {
            self.sp = self.sp.sub(1);
            *self.sp
        }
    }

    /// The value `n` places from the top, 1 being the top itself.
    #[inline(always)]
    pub fn peek(&self, n: usize) -> Value {
        // SAFETY: as in `pop`.
        unsafe { *self.sp.sub(n) }
    }

    /// Replaces the value `n` places from the top.
    #[inline(always)]
    pub fn poke(&mut self, n: usize, v: Value) {
        // SAFETY: as in `pop`.
        unsafe { *self.sp.sub(n) = v }
    }

    /// Drops `n` values.
    #[inline(always)]
    pub fn drop_n(&mut self, n: usize) {
        // SAFETY: as in `pop`.
        self.sp = unsafe { self.sp.sub(n) };
    }

    /// As [`Regs::drop_n`], and the old `sp` is not kept meanwhile: handlers have three machine registers to themselves, and one that needs a
    /// fourth saves it first, with a frame. Left alone LLVM computes the new `sp` beside the old one.
    #[inline(always)]
    #[cfg_attr(target_arch = "x86_64", expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written through it"))]
    pub fn drop_now(&mut self, n: usize) {
        self.drop_n(n);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: no instructions.
        unsafe {
            std::arch::asm!("# {sp}", sp = inout(reg) self.sp, options(pure, nomem, nostack, preserves_flags));
        }
    }

    /// The uppermost `n` values, deepest first.
    #[inline(always)]
    pub fn top_slice<'a>(&self, n: usize) -> &'a [Value] {
        // SAFETY: as in `pop`; the interpreter stack is this thread's own, and what is on it stays there while it is used.
        unsafe { std::slice::from_raw_parts(self.sp.sub(n), n) }
    }

    /// Local variable `i`.
    #[inline(always)]
    pub fn local(&self, i: u32) -> Value {
        self.frame().local(i as usize)
    }

    /// Sets local variable `i`.
    #[inline(always)]
    pub fn set_local(&mut self, i: u32, v: Value) {
        self.frame().set_local(i as usize, v)
    }

    /// Cache word `i` of the instruction (1 is the first).
    #[inline(always)]
    pub fn cache(&self, i: usize) -> u16 {
        // SAFETY: the instruction has that many cache words.
        unsafe { (*(self.pc.add(i) as *const AtomicU16)).load(Relaxed) }
    }

    /// Sets a cache word.
    #[inline(always)]
    pub fn set_cache(&self, i: usize, v: u16) {
        // SAFETY: as in `cache`.
        unsafe { (*(self.pc.add(i) as *const AtomicU16)).store(v, Relaxed) }
    }

    /// The 32 bits in cache words `i` and `i + 1`.
    #[inline(always)]
    pub fn cache32(&self, i: usize) -> u32 {
        // SAFETY: as in `cache`; written by this thread only.
        unsafe { (*(self.pc.add(i) as *const Unaligned<u32>)).0 }
    }

    /// Sets the 32 bits in cache words `i` and `i + 1`.
    #[inline(always)]
    pub fn set_cache32(&self, i: usize, v: u32) {
        // SAFETY: as in `cache`.
        unsafe { (*(self.pc.add(i) as *mut Unaligned<u32>)).0 = v }
    }

    /// The 64 bits in cache words `i` to `i + 3`.
    #[inline(always)]
    pub fn cache64(&self, i: usize) -> u64 {
        // SAFETY: as in `cache`.
        unsafe { (*(self.pc.add(i) as *const Unaligned<u64>)).0 }
    }

    /// Sets the 64 bits in cache words `i` to `i + 3`.
    #[inline(always)]
    pub fn set_cache64(&self, i: usize, v: u64) {
        // SAFETY: as in `cache`.
        unsafe { (*(self.pc.add(i) as *mut Unaligned<u64>)).0 = v }
    }

    /// Moves `pc` by `words`.
    #[inline(always)]
    pub fn skip(&mut self, words: isize) {
        // SAFETY: jumps lead to instructions of the same code.
        self.pc = unsafe { self.pc.offset(words) };
    }

    /// The opcode word at `pc`.
    #[inline(always)]
    pub fn word(&self) -> u16 {
        // SAFETY: `pc` points at an instruction.
        unsafe { (*(self.pc as *const AtomicU16)).load(Relaxed) }
    }

    /// The instruction at `pc`; of one that is instrumented, what it is underneath.
    #[inline(always)]
    pub fn opcode(&self) -> Opcode {
        Opcode::from_u8(self.word() as u8).unwrap_or_else(|| self.instrumented_opcode())
    }

    #[cold]
    #[inline(never)]
    fn instrumented_opcode(&self) -> Opcode {
        let code = self.frame().code();
        code.locations().map_or(Opcode::CACHE, |l| l.at(code.offset_of(self.pc)).opcode())
    }

    /// Replaces the opcode at `pc`, keeping its oparg; not that of an instrumented instruction.
    #[inline(always)]
    pub fn set_opcode(&self, op: Opcode) {
        // SAFETY: `pc` points at an instruction; opcode and oparg are a byte each.
        let byte = unsafe { &*(self.pc as *const AtomicU8) };
        let now = byte.load(Relaxed);
        if now != INSTRUMENTED {
            // It stays as it is if another thread instruments it this moment.
            let _ = byte.compare_exchange(now, op as u8, Relaxed, Relaxed);
        }
    }

    /// As [`Regs::set_opcode`], for the specializer: of an instrumented instruction it changes what that is underneath.
    pub fn set_specialized(&self, op: Opcode) {
        self.set_opcode(op);
        if self.word() as u8 == INSTRUMENTED {
            self.specialize_underneath(op);
        }
    }

    #[cold]
    #[inline(never)]
    fn specialize_underneath(&self, op: Opcode) {
        locations::specialize_underneath(self.t(), self.frame().code(), self.pc, op);
    }
}
