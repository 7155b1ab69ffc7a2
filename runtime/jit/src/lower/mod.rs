//! From a recording to a trace of uops: the instructions are run once more, on ids instead of values.
//!
//! * [`state`]: variables, value stack, frames; [`build`]: adding uops; [`form`]: what an instruction is taken for;
//! * [`simple`]: numbers, jumps, variables; [`iteration`]; [`lookups`]: strings, dicts and sets; [`objects`]: names and containers;
//!   [`attributes`]; [`calls`]: calls, and instructions that are called as functions; [`arguments`]: calls that are less simple;
//!   [`binding`]: what their parameters get; [`natives`]: calls of native functions; [`builtins`]: what builtin types are asked;
//!   [`special_methods`]: operators and the like that have come down to Python functions;
//!   [`numbers`]: arrays; [`generators`].
//!
//! A round of a loop is lowered under assumptions about the values that it starts with ([`loops`]).

mod arguments;
mod attributes;
mod binding;
mod build;
mod builtins;
mod calls;
mod form;
mod generators;
mod iteration;
mod known;
mod lookups;
mod loops;
mod natives;
mod numbers;
mod objects;
mod simple;
mod special_methods;
mod state;

use crate::executor::{Entry, ExitObject, ExitState, Source};
use crate::ir::{Id, Layout, Op, Snapshot, Trace, Ty, Uop};
use build::Fact;
pub(crate) use calls::DEEPEST;
use limpid_bytecode::Opcode;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::interp::frame::Frame as VmFrame;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::Recording;
use limpid_vm::tier2::recorder::{End, Instruction, Observed};
use limpid_vm::types::Generator;
pub use loops::lower_loop;
use rustc_hash::{FxHashMap, FxHashSet};
use state::{Frame, Place};
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::mem::offset_of;

/// A loop's trace that is not closed is of use if it has at least this many instructions.
const SHORTEST: usize = 40;
/// A trace for frames that native code calls is of use if it has at least this many instructions.
const SHORTEST_FRAME: usize = 30;

macro_rules! define_aborts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why there is no trace.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Abort { $($(#[$doc])* $name,)* }

        impl Abort {
            /// In words.
            pub fn reason_c(self) -> &'static CStr {
                match self { $(Abort::$name => $text,)* }
            }
        }
    };
}

define_aborts! {
    /// Too few instructions.
    TooShort = c"too short";
    /// What was recorded contradicts itself: types change from round to round, or a cache was rewritten meanwhile.
    Contradiction = c"contradiction";
    /// A cache is not valid any more.
    Stale = c"stale cache";
    /// What was recorded is not what the uops do.
    Lost = c"unknown effect";
    /// A round of a loop has too many frames, or frames that wait for each other.
    TooDeep = c"too deep";
    /// The assumptions about a loop do not settle.
    Unstable = c"unstable types";
    /// The trace is left before the first instruction has run.
    Empty = c"empty";
    /// An exit has more values than can be handed over.
    TooBig = c"too many values";
    /// What the trace belongs to was retired while it was recorded.
    Retired = c"retired";
    /// There is no memory for more code.
    NoMemory = c"no memory for code";
}

impl Abort {
    /// In words.
    pub fn reason(self) -> &'static str {
        self.reason_c().to_str().unwrap_or_default()
    }
}

/// A trace, and what it needs to be entered.
pub struct Lowered {
    /// The trace.
    pub trace: Trace,
    /// Where the inputs come from when a loop is entered from the interpreter.
    pub entry: Vec<Entry>,
}

/// The executor of the loop that a recording ends at.
pub struct LinkTarget {
    /// Its address.
    pub executor: u64,
    /// What it takes.
    pub entry: Vec<Entry>,
}

struct Lowering<'a> {
    thread: &'a Thread,
    recording: &'a Recording,
    target: Option<&'a LinkTarget>,
    trace: Trace,
    frames: Vec<Frame>,
    /// The state before the current instruction, and its number once something leaves there.
    before: Snapshot,
    exit: Option<u32>,
    /// How many more frames the thread's depth counts than at the start.
    depth: i32,
    /// How many frames have returned that were there at the start.
    returned: i32,
    computed: FxHashMap<(Op, Ty, Vec<Id>, i64), Id>,
    loaded: FxHashMap<(Op, Vec<Id>, i64), Id>,
    facts: FxHashMap<Id, Fact>,
    settled: FxHashSet<(Id, u64, bool)>,
    /// The highest constant that was found to be below a word.
    below: FxHashMap<Id, i64>,
    /// Tuples that the trace has made, and their items.
    tuples: FxHashMap<Id, Vec<Id>>,
    /// The slice that the trace has made last.
    slice: Option<MadeSlice>,
    /// Ranges that the trace has made, whose numbers are small.
    small_ranges: FxHashSet<Id>,
    /// How many safepoints the trace has come to.
    safepoints: u32,
    /// Places of the first frame that the trace reads or writes.
    touched: BTreeSet<u32>,
    /// How far the interpreter's stack is used, in words from the first frame; how many frames are entered.
    words: i32,
    deepest: i32,
    /// Does the trace change memory in ways that its uops do not tell?
    forgets: bool,
    /// Does the trace end in another executor?
    linked: bool,
    /// The instruction that the trace starts with has left another one, for it needed Python code.
    needs_python: bool,
    /// The instruction is the first of a trace from an exit or a junction, so others lead here rather than it to them.
    at_start: bool,
    /// There are many traces already that start at this exit's instruction: this one expects nothing of it.
    is_last: bool,
}

/// A slice that the trace has made. As long as only the next instruction uses it, it does not have to exist.
struct MadeSlice {
    slice: Id,
    parts: [Id; 3],
    /// What they were seen to be, the step first.
    seen: [Observed; 3],
    /// The state before it was made.
    before: Snapshot,
    /// The next instruction.
    next: *const u16,
}

/// What a trace from an exit begins with.
#[derive(Default)]
struct Inputs {
    /// What is in the buffer.
    words: FxHashMap<(u32, Ty), Id>,
    /// The objects that the exit would make.
    objects: Vec<Id>,
}

/// What comes after an instruction.
enum After {
    /// The next one.
    Next,
    /// The trace ends in front of it.
    Stop,
    /// The trace has ended.
    End,
}

/// Lowers what was recorded and is not to be closed: it starts with everything in memory. Unless it leads on, it is of use if it
/// has that many instructions.
fn lower_open(recording: &Recording, target: Option<&LinkTarget>, thread: &Thread, shortest: usize) -> Result<Lowered, Abort> {
    let mut l = Lowering::new(recording, target, thread);
    l.start_in_memory()?;
    let steps = l.run()?;
    if !l.linked && steps < shortest {
        return Err(Abort::TooShort);
    }
    Ok(l.finish(Vec::new()))
}

/// Lowers a recording that started where another trace was left. The last one of many such does not expect of the first instruction what it
/// has done meanwhile.
pub fn lower_exit(
    recording: &Recording,
    target: Option<&LinkTarget>,
    thread: &Thread,
    exit: &ExitState,
    is_last: bool,
) -> Result<Lowered, Abort> {
    let mut l = Lowering::new(recording, target, thread);
    l.is_last = is_last;
    l.needs_python = exit.needs_python;
    l.at_start = true;
    l.start_at_exit(exit)?;
    let steps = l.run()?;
    if !l.linked && steps == 0 {
        return Err(Abort::Empty);
    }
    Ok(l.finish(Vec::new()))
}

/// Lowers the way from an exit to the junction that is there.
pub fn lower_way(recording: &Recording, thread: &Thread, exit: &ExitState) -> Result<Lowered, Abort> {
    let mut l = Lowering::new(recording, None, thread);
    l.start_at_exit(exit)?;
    let first = recording.steps.first().ok_or(Abort::Empty)?;
    l.begin(first);
    l.meet(first);
    Ok(l.finish(Vec::new()))
}

/// Lowers a recording that started at a junction.
pub fn lower_junction(recording: &Recording, target: Option<&LinkTarget>, thread: &Thread) -> Result<Lowered, Abort> {
    let mut l = Lowering::new(recording, target, thread);
    l.at_start = true;
    l.start_in_memory()?;
    let steps = l.run()?;
    if !l.linked && steps < SHORTEST {
        return Err(Abort::TooShort);
    }
    Ok(l.finish(Vec::new()))
}

/// Lowers a recording that started where a function starts that Python code has called.
pub fn lower_function(recording: &Recording, target: Option<&LinkTarget>, thread: &Thread) -> Result<Lowered, Abort> {
    lower_open(recording, target, thread, SHORTEST_FRAME)
}

/// Lowers a recording that started where native code starts or resumes a frame.
pub fn lower_frame(recording: &Recording, target: Option<&LinkTarget>, thread: &Thread) -> Result<Lowered, Abort> {
    let mut l = Lowering::new(recording, target, thread);
    l.start_in_memory()?;
    // Entering it takes as long as some instructions, wherever it goes on.
    if l.run()? < SHORTEST_FRAME { Err(Abort::TooShort) } else { Ok(l.finish(Vec::new())) }
}

impl<'a> Lowering<'a> {
    fn new(recording: &'a Recording, target: Option<&'a LinkTarget>, thread: &'a Thread) -> Lowering<'a> {
        Lowering {
            thread,
            recording,
            target,
            trace: Trace::default(),
            frames: Vec::new(),
            before: Snapshot { pc: 0, frames: Vec::new(), depth: 0, objects: Vec::new() },
            exit: None,
            depth: 0,
            returned: 0,
            computed: FxHashMap::default(),
            loaded: FxHashMap::default(),
            facts: FxHashMap::default(),
            settled: FxHashSet::default(),
            below: FxHashMap::default(),
            tuples: FxHashMap::default(),
            slice: None,
            small_ranges: FxHashSet::default(),
            safepoints: 0,
            touched: BTreeSet::new(),
            words: 0,
            deepest: 0,
            forgets: false,
            linked: false,
            needs_python: false,
            at_start: false,
            is_last: false,
        }
    }

    fn finish(mut self, entry: Vec<Entry>) -> Lowered {
        let room = self.trace.entry.iter().chain(&self.trace.body).find(|id| self.trace.uop(**id).op == Op::GuardRoom).copied();
        if let Some(id) = room {
            if self.deepest > 0 {
                self.trace.uops[id.0 as usize].imm = (self.deepest as i64) << 32 | self.words as i64;
            } else {
                self.trace.entry.retain(|i| *i != id);
                self.trace.body.retain(|i| *i != id);
            }
        }
        if self.forgets {
            let trace = &mut self.trace;
            trace.entry.retain(|id| trace.uops[id.0 as usize].op != Op::GuardAlone);
        }
        Lowered { trace: self.trace, entry }
    }

    // ---- starts ----

    /// The frame that was running when the recording began.
    fn base_frame(&self) -> Result<Frame, Abort> {
        let code = self.recording.steps.first().and_then(|step| step.code).ok_or(Abort::Empty)?;
        Ok(Frame {
            base: None,
            place: 0,
            extent: 0,
            recorded: *self.recording.started_in.last().ok_or(Abort::Empty)?,
            function: None,
            code: Some(code),
            nlocals: code.nlocalsplus as usize,
            return_pc: 0,
            header_in_memory: true,
            places: vec![Place::MEMORY; self.recording.entry.len()],
        })
    }

    fn start_in_memory(&mut self) -> Result<(), Abort> {
        let frame = self.base_frame()?;
        self.frames.push(frame);
        self.guard_room();
        Ok(())
    }

    fn start_at_exit(&mut self, exit: &ExitState) -> Result<(), Abort> {
        let mut inputs = Inputs::default();
        self.depth = exit.depth;
        for o in &exit.objects {
            let object = self.remake(o, &mut inputs);
            inputs.objects.push(object);
        }
        for (i, f) in exit.frames.iter().enumerate() {
            let base = f.base.map(|source| self.input(source, &mut inputs));
            let recorded = *self.recording.started_in.get(i).ok_or(Abort::Lost)?;
            let mut frame = Frame {
                base,
                place: f.place,
                extent: f.extent,
                recorded,
                function: None,
                code: None,
                nlocals: f.nlocals as usize,
                return_pc: f.return_pc,
                header_in_memory: f.header.is_none(),
                places: vec![Place::MEMORY; f.used as usize],
            };
            if let Some(function) = f.header {
                frame.function = Some(self.input(function, &mut inputs));
            }
            for (place, source) in &f.stores {
                let id = self.input(*source, &mut inputs);
                *frame.places.get_mut(*place as usize).ok_or(Abort::Lost)? = Place::of(id);
            }
            self.frames.push(frame);
        }
        self.guard_room();
        Ok(())
    }

    fn input(&mut self, source: Source, inputs: &mut Inputs) -> Id {
        match source {
            Source::Constant(bits) => self.value_constant(Value::from_bits(bits)),
            Source::Buffer(word, ty) => *inputs.words.entry((word, ty)).or_insert_with(|| {
                let id = self.trace.add(Uop { op: Op::Input, ty, args: Vec::new(), imm: word as i64, exit: None });
                self.trace.inputs.push(id);
                self.trace.entry.push(id);
                id
            }),
            Source::Object(object) => inputs.objects[object as usize],
        }
    }

    /// Makes an object that the exit would have made.
    fn remake(&mut self, object: &ExitObject, inputs: &mut Inputs) -> Id {
        let parts: Vec<Id> = object.parts.iter().map(|part| self.input(*part, inputs)).collect();
        let layout = Layout::clone(&object.layout);
        let Some(unless) = object.unless else { return self.make(layout, parts) };
        let mut operands = vec![self.input(unless, inputs)];
        for part in parts {
            operands.push(self.value(part));
        }
        let layout = self.trace.layout(layout) as i64;
        self.emit_with(Op::MakeUnless, Ty::Value, &operands, layout, None)
    }

    fn guard_room(&mut self) {
        let Some(first) = self.recording.steps.first() else { return };
        self.begin(first);
        let free = if VmFrame(self.frames[0].recorded).is_generator() {
            let base = self.base_of(0);
            let offset = offset_of!(Generator, stack_top) as i64 - Generator::FRAME_OFFSET as i64;
            self.emit_with(Op::Load, Ty::Word, &[base], offset, None)
        } else {
            self.base_of(0)
        };
        self.guard(Op::GuardRoom, &[free], 0);
    }

    // ---- the instructions ----

    fn begin(&mut self, step: &Instruction) {
        self.before = self.snapshot(step.start);
        self.exit = None;
    }

    /// Lowers what was recorded; how many instructions that are.
    fn run(&mut self) -> Result<usize, Abort> {
        let recording = self.recording;
        let count = recording.steps.len();
        for (i, step) in recording.steps.iter().enumerate() {
            let top = self.top();
            // SAFETY: both in the recorded frame.
            let depth = unsafe { step.sp.offset_from(step.fp) } as usize;
            if top.recorded != step.fp || top.places.len() != depth {
                return Err(Abort::Lost);
            }
            if top.code.is_none() {
                top.code = step.code;
            }
            self.begin(step);
            if i + 1 == count {
                self.end(step);
                return Ok(i);
            }
            match self.step(i)? {
                After::Next => self.at_start = false,
                After::End => return Ok(i),
                After::Stop => {
                    self.leave();
                    return Ok(i);
                }
            }
        }
        Err(Abort::Empty)
    }

    fn leave(&mut self) {
        self.guard(Op::Leave, &[], 0);
    }

    /// The last step, which is not part of the trace unless it is a jump, or leaves the loop or the first frame.
    fn end(&mut self, step: &Instruction) {
        let end = self.recording.end;
        if end == End::Raises && !matches!(step.op, Opcode::JUMP_BACKWARD | Opcode::JUMP_BACKWARD_JIT) {
            // Who catches the exception may be another one the next time.
            return self.go_anywhere(step);
        }
        if end == End::LeavesLoop && self.frames.len() == 1 {
            self.leave_loop(step);
        }
        let continued = end == End::Closed || end == End::OtherLoop && (self.link(step).is_some() || self.meet_at_header(step));
        if !continued {
            self.leave();
        }
    }

    /// Goes on in the executor of the loop that the step jumps to, if there is one and it takes the values as they are.
    fn link(&mut self, step: &Instruction) -> Option<()> {
        let LinkTarget { executor, entry } = self.target?;
        let frame = self.frames.len() - 1;
        let mut values = Vec::new();
        for e in entry {
            let place = self.frames[frame].places.get(e.place as usize)?.value;
            let id = match place {
                Some(id) => id,
                None => {
                    let base = self.base_of(frame);
                    let offset = (self.frames[frame].place as i64 + e.place as i64) * 8;
                    self.emit_with(Op::Load, Ty::Value, &[base], offset, None)
                }
            };
            values.push(self.convert(id, e.ty, e.shape).ok()?);
        }
        // Requests are seen to before the loop goes on.
        self.guard(Op::GuardBreaker, &[], 0);
        if frame == 0 {
            self.hand_over_variables(entry);
        }
        self.flush();
        let header = self.word_constant(step.jump_backward_target() as u64);
        values.splice(0..0, [self.address(frame, 0), header]);
        let exit = self.exit();
        self.emit_with(Op::Link, Ty::None, &values, *executor as i64, Some(exit));
        self.linked = true;
        Some(())
    }

    /// Variables of the first frame that a loop takes and has in registers from there on need not be written before. What memory has of
    /// them instead has always been a variable of this frame; of other frames, and of the value stack, it may be anything.
    fn hand_over_variables(&mut self, entry: &[Entry]) {
        let f = &mut self.frames[0];
        for e in entry.iter().filter(|e| !e.fixed && (e.place as usize) < f.nlocals) {
            f.places[e.place as usize].in_memory = true;
        }
    }

    /// A value in the representation that a loop's input has.
    fn convert(&mut self, id: Id, ty: Ty, shape: Option<ShapeRef>) -> Result<Id, Abort> {
        match ty {
            Ty::Int => self.int(id),
            Ty::Float => self.float(id),
            _ => {
                let id = self.value(id);
                match shape {
                    Some(shape) => self.guard_shape(id, shape),
                    None => Ok(id),
                }
            }
        }
    }
}
