//! Recording: a list of the instructions that ran, with what is known when they have run.
//!
//! An instruction is noted before it runs, when its operands are still on the stack; its opcode and caches are read after it has run, so
//! that a form it was just specialized to is what the trace sees. A recording ends at a jump backward (its own loop's, or another's), where
//! its first frame is left, or when something happens that traces do not follow.

use crate::interp::frame::Frame;
use crate::interp::regs::Regs;
use crate::object::{Ref, ValueExt};
use crate::types::{Code, Function, Type};
use limpid_bytecode::{BinaryOperator, Opcode};
use limpid_heap::{ShapeRef, Tracer, Value};

/// How many instructions a trace may have.
pub const MAX_STEPS: usize = 1000;
/// The most cache words an instruction has.
const MAX_CACHES: usize = 10;
/// How many operands are looked at.
pub const WATCHED: usize = 4;
/// Instructions into whose operands' shapes the compiler looks.
const LOOKED_INTO: [Opcode; 16] = [
    Opcode::LOAD_ATTR,
    Opcode::LOAD_SPECIAL,
    Opcode::LOAD_SUPER_ATTR,
    Opcode::STORE_ATTR,
    Opcode::BINARY_OP,
    Opcode::STORE_SUBSCR,
    Opcode::CONTAINS_OP,
    Opcode::GET_ITER,
    Opcode::SET_ADD,
    Opcode::MAP_ADD,
    Opcode::COMPARE_OP,
    Opcode::CALL,
    Opcode::CALL_KW,
    Opcode::TO_BOOL,
    Opcode::DELETE_SUBSCR,
    Opcode::FOR_ITER,
];

/// Where a trace starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// At the header of a loop, which this jump leads to.
    Loop {
        /// The jump.
        jump: *const u16,
        /// Where it leads.
        header: *const u16,
    },
    /// Where machine code was left; the number means something to the compiler.
    Exit(usize),
    /// Where machine code was left at this instruction, with everything in memory.
    Junction(*const u16),
    /// At the `RESUME` where a function starts that Python code has called.
    Function(*const u16),
    /// Where native code starts or resumes a frame.
    Frame {
        /// The instruction.
        pc: *const u16,
        /// The `RESUME` there, or soon after.
        resume: *const u16,
    },
}

/// Why a recording has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It has not.
    Open,
    /// The loop is closed: the last step jumps to its header.
    Closed,
    /// The last step jumps to the header of another loop.
    OtherLoop,
    /// The last step leaves the first frame.
    Leaves,
    /// The last step leaves the first frame, which native code has called.
    LeavesLoop,
    /// The last step has raised an exception that has left the first frame.
    Raises,
    /// Too many steps.
    TooLong,
}

/// What kind of value an operand was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observed {
    /// No value.
    Null,
    /// An inline int from 0 up.
    Int,
    /// An inline int below 0.
    Negative,
    /// A float.
    Float,
    /// None.
    None,
    /// True or False.
    Bool,
    /// Another value that is no cell.
    Special,
    /// A cell of this shape.
    Cell(u32),
}

impl Observed {
    /// What kind of value this is.
    pub fn of(v: Value) -> Observed {
        match v {
            Value::NULL => Observed::Null,
            v if v.is_int() && v.as_int() < 0 => Observed::Negative,
            v if v.is_int() => Observed::Int,
            v if v.is_float() => Observed::Float,
            Value::NONE => Observed::None,
            v if v.is_bool() => Observed::Bool,
            v if v.is_cell() => Observed::Cell(v.shape().0),
            _ => Observed::Special,
        }
    }
}

/// One instruction that ran.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Where it is.
    pub pc: *const u16,
    /// Where it starts: at the first `EXTENDED_ARG`, if it has any.
    pub start: *const u16,
    /// Where the next one starts.
    pub next: *const u16,
    /// What it was when it had run.
    pub op: Opcode,
    /// Its whole oparg.
    pub oparg: u32,
    /// The frame it ran in.
    pub fp: *mut Value,
    /// The code of that frame; none for a shim.
    pub code: Option<Ref<Code>>,
    /// Its function, likewise.
    pub function: Option<Ref<Function>>,
    /// What it calls, being a `CALL` or `CALL_KW`; the classes that it asks `isinstance` for; what it takes an item from or stores one in;
    /// what stands for `super` in a `LOAD_SUPER_ATTR`; the positional arguments of a `CALL_FUNCTION_EX`; what a `FOR_ITER` takes items
    /// from; otherwise NULL.
    pub subject: Value,
    /// The class whose attribute it loads, or behind which it looks for one, if it does that.
    pub class: Option<Ref<Type>>,
    /// Where the function that it has entered returns to, if that is a shim; otherwise NULL.
    pub shim: *const u16,
    /// Did its frame have an object? It does once somebody has asked for it, or an exception has got there.
    pub has_object: bool,
    /// The top of the stack before it ran.
    pub sp: *mut Value,
    /// The uppermost values before it ran, the top first.
    pub operands: [Observed; WATCHED],
    caches: [u16; MAX_CACHES],
}

impl Instruction {
    /// Cache word `i`, 1 being the first.
    pub fn cache(&self, i: usize) -> u16 {
        self.caches[i - 1]
    }

    /// The 32 bits in cache words `i` and `i + 1`.
    pub fn cache32(&self, i: usize) -> u32 {
        self.cache(i) as u32 | (self.cache(i + 1) as u32) << 16
    }

    /// The 64 bits in cache words `i` to `i + 3`.
    pub fn cache64(&self, i: usize) -> u64 {
        self.cache32(i) as u64 | (self.cache32(i + 2) as u64) << 32
    }

    /// The instruction behind it.
    pub fn following(&self) -> *const u16 {
        // SAFETY: inside the code, or just behind it.
        unsafe { self.pc.add(1 + self.op.caches()) }
    }

    /// Where it leads, being a jump backward.
    pub fn jump_backward_target(&self) -> *const u16 {
        // SAFETY: inside the same code.
        unsafe { self.pc.add(1 + Opcode::JUMP_BACKWARD.caches()).sub(self.oparg as usize) }
    }

    fn refresh(&mut self) {
        let r = Regs { pc: self.pc, sp: self.sp, fp: self.fp, th: std::ptr::null() };
        self.op = Opcode::from_u8(r.word() as u8).unwrap_or(Opcode::CACHE);
        for (i, word) in self.caches.iter_mut().enumerate().take(self.op.caches()) {
            *word = r.cache(i + 1);
        }
    }
}

/// What was recorded.
pub struct Recording {
    /// Where it starts.
    pub origin: Origin,
    /// The first frame: the one it starts in, or a caller of that once it has returned.
    pub base: *mut Value,
    /// The variables and the value stack of that frame at the start.
    pub entry: Vec<Observed>,
    /// The frames that were running at the start, from the first one on.
    pub started_in: Vec<*mut Value>,
    /// The instructions. Where `end` says so, the last one has not run.
    pub steps: Vec<Instruction>,
    /// Why it has ended.
    pub end: End,
    /// The functions whose frames were met, their code, what else was called, shapes and classes: they live until the trace is compiled.
    functions: Vec<Value>,
    /// The frames that are running, from the first one on.
    frames: Vec<*mut Value>,
    /// The first frame's caller, if the first frame is about to return; otherwise NULL.
    caller: *mut Value,
    /// Where the instruction starts that is about to be noted.
    start: *const u16,
}

impl Default for Recording {
    fn default() -> Recording {
        Recording {
            origin: Origin::Exit(0),
            base: std::ptr::null_mut(),
            entry: Vec::new(),
            started_in: Vec::new(),
            steps: Vec::new(),
            end: End::Open,
            functions: Vec::new(),
            frames: Vec::new(),
            caller: std::ptr::null_mut(),
            start: std::ptr::null(),
        }
    }
}

impl Recording {
    pub(super) fn start(&mut self, origin: Origin, r: &Regs, base: *mut Value) {
        self.clear();
        self.origin = origin;
        self.base = base;
        self.end = End::Open;
        let mut frame = r.frame();
        while frame.0 != base && !frame.is_none() {
            self.frames.push(frame.0);
            frame = frame.previous();
        }
        self.frames.push(base);
        self.frames.reverse();
        self.started_in.clone_from(&self.frames);
        let count = (r.sp as usize - r.fp as usize) / 8;
        // SAFETY: the variables and the value stack of the running frame.
        self.entry.extend((0..count).map(|i| Observed::of(unsafe { *r.fp.add(i) })));
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.entry.clear();
        self.functions.clear();
        self.frames.clear();
        self.caller = std::ptr::null_mut();
        self.start = std::ptr::null();
    }

    pub(super) fn trace(&self, tracer: &mut Tracer) {
        self.functions.iter().for_each(|f| tracer.value(*f));
    }

    /// Notes the instruction that is about to run; false at the end.
    pub(super) fn add(&mut self, r: &Regs, o: u32) -> bool {
        if let Some(last) = self.steps.last_mut()
            && last.next.is_null()
        {
            last.refresh();
            last.next = r.pc;
        }
        if self.start.is_null() {
            self.start = r.pc;
        }
        let op = Opcode::from_u8(r.word() as u8).unwrap_or(Opcode::CACHE);
        let frame = r.frame();
        if op == Opcode::EXTENDED_ARG {
            return true;
        }
        if op == Opcode::INTERPRETER_EXIT && frame.0 == self.caller && !self.caller.is_null() {
            self.end = End::LeavesLoop;
            return false;
        }
        // No opcode at all: a tool wants its events.
        if matches!(op, Opcode::CACHE | Opcode::INTERPRETER_EXIT) || !self.follow(frame) {
            // A loop's round that an exception has left was its last one, and is not what the others are like.
            self.end = if op == Opcode::CACHE || self.origin.header().is_some() { End::Leaves } else { End::Raises };
            return false;
        }
        self.push(r, op, o);
        self.start = std::ptr::null();
        self.end = match op.family() {
            // SAFETY: the jump leads to an instruction of the same code.
            Opcode::JUMP_BACKWARD => match unsafe { r.pc.add(2).sub(o as usize) } {
                target if r.fp == self.base && self.origin.header() == Some(target) => End::Closed,
                // A generator that was resumed in its loop goes on to its next `yield`, which is no round.
                target if frame.is_generator() && r.fp != self.base && self.rounds(target, r.fp) == 0 => End::Open,
                // A function's loop that has no machine code, as it seldom has a second round.
                target if op == Opcode::JUMP_BACKWARD && r.fp != self.base && self.rounds(target, r.fp) == 1 => End::Open,
                _ => End::OtherLoop,
            },
            Opcode::RETURN_VALUE | Opcode::YIELD_VALUE if r.fp == self.base && self.may_go_on(frame) => {
                self.caller = frame.previous().0;
                End::Open
            }
            Opcode::RETURN_VALUE | Opcode::YIELD_VALUE | Opcode::RETURN_GENERATOR if r.fp == self.base => End::Leaves,
            _ if self.steps.len() >= MAX_STEPS => End::TooLong,
            _ => End::Open,
        };
        self.end == End::Open
    }

    /// How often has the instruction been noted already, in the same frame?
    fn rounds(&self, pc: *const u16, fp: *mut Value) -> usize {
        self.steps.iter().filter(|step| step.start == pc && step.fp == fp).count()
    }

    /// Does a trace go on when its first frame returns or yields? One from an exit does, for it may find a loop of a caller to go on in.
    fn may_go_on(&self, frame: Frame) -> bool {
        self.origin.header().is_none() && !frame.previous().is_none()
    }

    /// Keeps account of the frames from the first one on; false if this one is outside of them.
    fn follow(&mut self, frame: Frame) -> bool {
        if !self.caller.is_null() && std::mem::replace(&mut self.caller, std::ptr::null_mut()) == frame.0 {
            self.frames.clear();
            self.frames.push(frame.0);
            self.base = frame.0;
            return true;
        }
        if let Some(i) = self.frames.iter().rposition(|f| *f == frame.0) {
            self.frames.truncate(i + 1);
            return true;
        }
        // Called from the innermost one, perhaps with a shim in between.
        let previous = frame.previous();
        let Some(&top) = self.frames.last() else { return false };
        if previous.0 != top {
            if previous.is_none() || !previous.is_shim() || previous.previous().0 != top {
                return false;
            }
            self.frames.push(previous.0);
            if let Some(last) = self.steps.last_mut() {
                last.shim = frame.return_pc();
            }
        }
        self.frames.push(frame.0);
        true
    }

    fn push(&mut self, r: &Regs, op: Opcode, o: u32) {
        let frame = r.frame();
        if self.steps.last().is_none_or(|last| last.fp != r.fp) && !frame.is_shim() {
            self.functions.push(frame.function_value());
            self.functions.push(frame.code().value());
        }
        let mut operands = [Observed::Null; WATCHED];
        let depth = (r.sp as usize - r.fp as usize) / 8;
        for (i, observed) in operands.iter_mut().enumerate().take(depth) {
            *observed = Observed::of(r.peek(i + 1));
        }
        let mut class = None;
        if LOOKED_INTO.contains(&op.family()) {
            for observed in operands {
                if let Observed::Cell(shape) = observed {
                    self.functions.push(Value::cell(ShapeRef(shape).ptr::<u8>()));
                }
            }
            class = match op.family() {
                Opcode::LOAD_ATTR => r.peek(1).downcast::<Type>(),
                Opcode::LOAD_SUPER_ATTR => r.peek(2).downcast::<Type>(),
                _ => None,
            };
            self.functions.extend(class.map(|class| class.value()));
        }
        let mut subject = Value::NULL;
        if op == Opcode::CALL_ISINSTANCE && depth > 1 {
            subject = r.peek(1);
            self.functions.push(subject);
        } else if op.family() == Opcode::CALL && depth > o as usize + 1 {
            // The cache may hold one that is gone.
            subject = r.peek(o as usize + 2);
            self.functions.push(subject);
        } else if op.family() == Opcode::CALL_KW && depth > o as usize + 2 {
            subject = r.peek(o as usize + 3);
            self.functions.push(subject);
        } else if depth > 1 && (op.family() == Opcode::STORE_SUBSCR || is_subscript(op, o)) {
            subject = r.peek(2);
            self.functions.push(subject);
        } else if op.family() == Opcode::LOAD_SUPER_ATTR {
            subject = r.peek(3);
            self.functions.push(subject);
        } else if op == Opcode::CALL_FUNCTION_EX || op.family() == Opcode::FOR_ITER && depth > 1 {
            subject = r.peek(2);
            self.functions.push(subject);
        }
        let caches = [0; MAX_CACHES];
        let code = (!frame.is_shim()).then(|| frame.code());
        let function = (!frame.is_shim()).then(|| frame.function());
        let has_object = !frame.object().is_null();
        let mut step = Instruction {
            pc: r.pc,
            start: self.start,
            next: std::ptr::null(),
            op,
            oparg: o,
            fp: r.fp,
            code,
            function,
            subject,
            class,
            shim: std::ptr::null(),
            has_object,
            sp: r.sp,
            operands,
            caches,
        };
        step.refresh();
        self.steps.push(step);
    }
}

fn is_subscript(op: Opcode, o: u32) -> bool {
    op.family() == Opcode::BINARY_OP && o == BinaryOperator::Subscript as u32
}

impl Origin {
    /// The header of the loop that starts here.
    pub fn header(self) -> Option<*const u16> {
        match self {
            Origin::Loop { header, .. } => Some(header),
            Origin::Exit(_) | Origin::Junction(_) | Origin::Function(_) | Origin::Frame { .. } => None,
        }
    }
}
