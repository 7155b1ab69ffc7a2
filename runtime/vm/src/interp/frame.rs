//! Frames: where a running function keeps its variables and its value stack.
//!
//! Frames of one thread follow each other on its interpreter stack; a generator's frame lies inside the generator object and is linked
//! in while it runs. `fp` points at the first local; what the frame is about is in the words below it:
//!
//! ```text
//!   fp-5      fp-4       fp-3         fp-2        fp-1     fp              fp+nlocalsplus
//! +---------+----------+------------+-----------+--------+-------- --------+---------- -->
//! |function | previous | return to  | namespace | frame  | locals, cells,  | value stack
//! |         | fp       | (pc)       |           | object | free variables  |           sp
//! +---------+----------+------------+-----------+--------+-------- --------+---------- -->
//! ```
//!
//! * `function`: a function object; NULL for the shim under a call of `__init__` or of another special method, which has no code of its
//!   own.
//! * `return to`: the instruction after the call. The caller of an entry frame is native code: its frame returns to `INTERPRETER_EXIT`.
//! * `namespace`: the mapping of a class body or of `exec`; NULL for functions.
//! * `frame object`: made when somebody asks for it (a traceback, `sys._getframe`), else NULL.
//!
//! A call lays the callee's header over the caller's callable and receiver, so arguments move by three places only.

use crate::object::Ref;
use crate::thread::Thread;
use crate::types::{Code, Function, Generator};
use limpid_bytecode::Opcode;
use limpid_heap::Value;

/// Words before the locals.
pub const HEADER: usize = 5;

/// What a frame that native code has called returns to.
pub(crate) static EXIT_CODE: [u16; 2] = [Opcode::INTERPRETER_EXIT as u16, Opcode::INTERPRETER_EXIT as u16];
/// What `__init__`, called in place of its class, returns to: checks that it gave None, then returns the instance.
static INIT_CODE: [u16; 2] = [Opcode::EXIT_INIT_CHECK as u16, Opcode::RETURN_VALUE as u16];
/// How many values the shim under a special method has: what is needed when it has returned, such as an operator's operands and oparg.
pub const OPERATOR_PLACES: usize = 3;

/// What becomes of what a special method gives that was called in place of an instruction: the oparg of `EXIT_OPERATOR_CHECK`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// It is what an operator gives, unless the left operand's method has declined.
    Operator,
    /// Likewise of the right operand's method, the left one having declined.
    Reflected,
    /// Likewise of an operator in place: then it is tried as if it were not in place.
    InPlace,
    /// It is what a comparison gives, unless the left operand has declined.
    Comparison,
    /// The truth of an object, from `__bool__`.
    Truth,
    /// The truth of an object, from `__len__`.
    TruthOfLength,
    /// What `len` gives.
    Length,
    /// What `in` gives.
    Found,
    /// What `not in` gives.
    NotFound,
    /// The next item of a loop.
    Item,
    /// Nothing: an item was stored or deleted.
    Nothing,
}

impl Outcome {
    const ALL: [Outcome; 11] = [
        Outcome::Operator,
        Outcome::Reflected,
        Outcome::InPlace,
        Outcome::Comparison,
        Outcome::Truth,
        Outcome::TruthOfLength,
        Outcome::Length,
        Outcome::Found,
        Outcome::NotFound,
        Outcome::Item,
        Outcome::Nothing,
    ];

    /// The one with a number.
    pub fn from_oparg(o: u32) -> Outcome {
        Outcome::ALL[o as usize]
    }
}

/// What a special method, called in place of an instruction, returns to: looks at what it gives, then returns.
static OPERATOR_CODE: [[u16; 2]; Outcome::ALL.len()] = {
    let mut code = [[0; 2]; Outcome::ALL.len()];
    let mut i = 0;
    while i < code.len() {
        code[i] = [Opcode::EXIT_OPERATOR_CHECK as u16 | (i as u16) << 8, Opcode::RETURN_VALUE as u16];
        i += 1;
    }
    code
};

/// Where a generator that native code has resumed goes when it returns; it yields to [`exit_pc`].
#[inline(always)]
pub fn exhausted_exit_pc() -> *const u16 {
    &raw const EXIT_CODE[1]
}

/// The address native code's callees return to.
#[inline(always)]
pub fn exit_pc() -> *const u16 {
    EXIT_CODE.as_ptr()
}

/// The code of the shim frame under `__init__`.
#[inline(always)]
pub fn init_pc() -> *const u16 {
    INIT_CODE.as_ptr()
}

/// A frame, by its `fp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Frame(pub *mut Value);

/// The code of the shim frame under a special method.
#[inline(always)]
pub fn outcome_pc(outcome: Outcome) -> *const u16 {
    OPERATOR_CODE[outcome as usize].as_ptr()
}

/// What becomes of what a special method gives that returns to this instruction; None: that is no shim under one.
pub fn outcome_of(pc: *const u16) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome_pc(*outcome) == pc)
}

/// How many values the shim has whose code is this.
pub fn shim_places(pc: *const u16) -> usize {
    if pc == init_pc() { 1 } else { OPERATOR_PLACES }
}

impl Frame {
    /// The frame below which there is none.
    pub const NONE: Frame = Frame(std::ptr::null_mut());

    /// Is there no frame?
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.0.is_null()
    }

    #[inline(always)]
    fn word(self, below: usize) -> *mut Value {
        // SAFETY: every frame has its header below `fp`.
        unsafe { self.0.sub(below) }
    }

    /// The function object, NULL for a shim.
    #[inline(always)]
    pub fn function_value(self) -> Value {
        // SAFETY: as in `word`.
        unsafe { *self.word(5) }
    }

    /// The function; not for a shim.
    #[inline(always)]
    pub fn function(self) -> Ref<Function> {
        // SAFETY: a frame that is no shim has a function.
        unsafe { Ref::from_value(self.function_value()) }
    }

    /// Is it the shim under `__init__` or another special method?
    #[inline(always)]
    pub fn is_shim(self) -> bool {
        self.function_value().is_null()
    }

    /// The code it runs; not for a shim.
    #[inline(always)]
    pub fn code(self) -> Ref<Code> {
        self.function().code()
    }

    /// The frame that called it.
    #[inline(always)]
    pub fn previous(self) -> Frame {
        // SAFETY: as in `word`.
        Frame(unsafe { (*self.word(4)).bits() } as *mut Value)
    }

    /// Links the frame to its caller.
    #[inline(always)]
    pub fn set_previous(self, to: Frame) {
        // SAFETY: as in `word`.
        unsafe { *self.word(4) = Value::from_bits(to.0 as u64) }
    }

    /// The instruction it returns to.
    #[inline(always)]
    pub fn return_pc(self) -> *const u16 {
        // SAFETY: as in `word`.
        unsafe { (*self.word(3)).bits() as *const u16 }
    }

    /// Changes the instruction it returns to.
    #[inline(always)]
    pub fn set_return_pc(self, pc: *const u16) {
        // SAFETY: as in `word`.
        unsafe { *self.word(3) = Value::from_bits(pc as u64) }
    }

    /// The mapping its names live in, NULL for a function.
    #[inline(always)]
    pub fn namespace(self) -> Value {
        // SAFETY: as in `word`.
        unsafe { *self.word(2) }
    }

    /// The frame object, or NULL.
    #[inline(always)]
    pub fn object(self) -> Value {
        // SAFETY: as in `word`.
        unsafe { *self.word(1) }
    }

    /// Remembers the frame object.
    #[inline(always)]
    pub fn set_object(self, v: Value) {
        // SAFETY: as in `word`.
        unsafe { *self.word(1) = v }
    }

    /// Writes the header of a new frame.
    ///
    /// # Safety
    /// There is room for the header below `self`.
    #[inline(always)]
    pub unsafe fn init(self, function: Value, previous: Frame, return_pc: *const u16, namespace: Value) {
        // SAFETY: by contract.
        unsafe {
            *self.word(5) = function;
            *self.word(4) = Value::from_bits(previous.0 as u64);
            *self.word(3) = Value::from_bits(return_pc as u64);
            *self.word(2) = namespace;
            *self.word(1) = Value::NULL;
        }
    }

    /// Local slot `i`.
    #[inline(always)]
    pub fn local(self, i: usize) -> Value {
        // SAFETY: opargs of local instructions are below the code's number of slots.
        unsafe { *self.0.add(i) }
    }

    /// Sets local slot `i`.
    #[inline(always)]
    pub fn set_local(self, i: usize, v: Value) {
        // SAFETY: as in `local`.
        unsafe { *self.0.add(i) = v }
    }

    /// Does the frame lie in a generator?
    #[inline(always)]
    pub fn is_generator(self) -> bool {
        // It is the address of something in the heap then, as that of a cell.
        Value::from_bits(self.0 as u64).is_cell()
    }

    /// The generator the frame lies in.
    #[inline(always)]
    pub fn generator(self) -> Ref<Generator> {
        debug_assert!(self.is_generator());
        Generator::of_frame(self)
    }

    /// Where the value stack starts.
    #[inline(always)]
    pub fn stack_base(self) -> *mut Value {
        // SAFETY: the value stack follows the locals.
        unsafe { self.0.add(if self.is_shim() { 0 } else { self.code().nlocalsplus as usize }) }
    }

    /// Was it called by native code?
    #[inline(always)]
    pub fn is_entry(self) -> bool {
        self.return_pc() == exit_pc()
    }
}

/// Where the next frame of the thread may start, `sp` and `fp` being those of the running frame.
#[inline(always)]
pub fn free_stack(sp: *mut Value, fp: Frame) -> *mut Value {
    if fp.is_generator() { fp.generator().stack_top.get() } else { sp }
}

impl Thread {
    /// The innermost frame that has code, if a Python function runs.
    pub fn current_frame(&self) -> Option<Frame> {
        let mut f = Frame(self.fp.get());
        while !f.is_none() && f.is_shim() {
            f = f.previous();
        }
        (!f.is_none()).then_some(f)
    }

    /// The word of its code that a frame on this thread's stack is at: the call it is in, or the instruction that is running.
    pub fn frame_position(&self, frame: Frame) -> Option<usize> {
        let mut f = Frame(self.fp.get());
        // SAFETY: `pc` is in the code of the innermost frame.
        let mut pc = self.pc.get();
        let mut entry = self.entries.get();
        while !f.is_none() {
            if f == frame {
                return Some(f.code().offset_of(pc));
            }
            // SAFETY: the entries are alive, one for each frame that native code has called; the word before the one another frame returns to
            // belongs to the call.
            unsafe {
                if f.is_entry() && !entry.is_null() {
                    pc = (*entry).pc;
                    entry = (*entry).previous;
                } else {
                    pc = f.return_pc().sub(1);
                }
            }
            f = f.previous();
        }
        None
    }

    /// Runs native code that calls or resumes a frame. The frame returns nowhere, so where its caller stands is noted here.
    #[inline(always)]
    pub fn from_native<T>(&self, f: impl FnOnce() -> T) -> T {
        let entry = NativeEntry { pc: self.pc.get(), previous: self.entries.get() };
        self.entries.set(&entry);
        let result = f();
        self.entries.set(entry.previous);
        result
    }
}

/// A call of a frame by native code: where the frame stands from which that code was called.
#[repr(C)]
pub struct NativeEntry {
    pub(crate) pc: *const u16,
    pub(crate) previous: *const NativeEntry,
}
