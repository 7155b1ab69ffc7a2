//! The side table of an instrumented code object: what each instruction was, and which tools want which of its events.
//!
//! Everything in it is atomic: a thread may deliver events while another changes what is wanted. Changes are made under the code
//! object's lock. An original opcode never changes, so whoever has met the mark finds it there.

use crate::instrument::events::{Event, EventSet};
use crate::instrument::{TOOLS, ToolSet};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::tier2;
use crate::types::code::{Bytecode, each_instruction};
use crate::types::{Bytes, Code};
use limpid_bytecode::{ExceptionTable, INSTRUMENTED, LineTable, Opcode};
use limpid_heap::{Header, Kind, ShapeRef};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, Ordering::*};

/// An instruction's events.
#[repr(C)]
pub struct Location {
    opcode: AtomicU8,
    flags: AtomicU8,
    /// What the instruction is in the main copy underneath its mark, see [`with_form`].
    form: AtomicU8,
    /// Who wants the one event that the instruction has by its nature; of a conditional jump, that it was not taken.
    pub event: AtomicU16,
    /// Who wants to hear that a conditional jump was taken, or that an `async for` loop has ended.
    pub right: AtomicU16,
    /// Who wants to hear that the generator of a `for` loop, or what was awaited, has returned.
    pub stop: AtomicU16,
    /// Who wants to hear that a line starts here.
    pub line: AtomicU16,
    /// Who wants to hear of every instruction.
    pub instruction: AtomicU16,
    /// The number of the line, -1 for none: the line table has to be gone through for it.
    number: AtomicI32,
}

/// Coming from the instruction before, a line starts here.
const STARTS_LINE: u8 = 1;
/// Whether a line starts here depends on where one comes from: it is the target of jumps.
const JUMP_TARGET: u8 = 2;
/// The instruction jumps to one where that has to be known.
const NOTES_JUMP: u8 = 4;
/// The `END_SEND` that gives an `async for` loop its next value.
const ASYNC_NEXT: u8 = 8;

/// The side table, a cell without references.
#[repr(C)]
pub struct Locations {
    header: Header,
    len: usize,
    /// What each tool wants in this code object alone.
    local: [AtomicU32; TOOLS],
    /// The tool's generation at which it wanted that.
    generation: [AtomicU32; TOOLS],
    /// What each tool wanted when the locations were brought up to date.
    applied: [AtomicU32; TOOLS],
    has_lines: AtomicBool,
    locations: [Location; 0],
}

impl Locations {
    fn new(t: &Thread, code: Ref<Code>, words: &[u16]) -> R<Ref<Locations>> {
        let size = size_of::<Locations>() + words.len() * size_of::<Location>();
        let p = t.try_alloc_bytes(size, Header::new(ShapeRef::NONE, Kind::Leaf, 0))?.as_ptr() as *mut Locations;
        // SAFETY: a new, zeroed cell with room for the locations; zero is a valid value of every field.
        let l = unsafe {
            (*p).len = words.len();
            Ref::from_ptr(p)
        };
        each_instruction(words, |i, op, _| l.at(i).opcode.store(op.family() as u8, Relaxed));
        async_loops(code, words).for_each(|(next, _)| l.at(next).flags.store(ASYNC_NEXT, Relaxed));
        line_of_words(code, words.len()).into_iter().enumerate().for_each(|(i, line)| l.at(i).number.store(line, Relaxed));
        Ok(l)
    }

    /// The events of the instruction at a word.
    #[inline(always)]
    pub fn at(&self, i: usize) -> &Location {
        assert!(i < self.len);
        // SAFETY: in range.
        unsafe { &*self.locations.as_ptr().add(i) }
    }

    /// The line of a word.
    pub fn line_at(&self, i: usize) -> i32 {
        if i < self.len { self.at(i).number.load(Relaxed) } else { -1 }
    }

    /// What a tool wants in this code object alone.
    pub fn local(&self, t: &Thread, tool: usize) -> EventSet {
        let current = t.interpreter().instrumentation.generation[tool].load(Acquire);
        if self.generation[tool].load(Acquire) == current { self.local[tool].load(Acquire) } else { 0 }
    }

    /// Does anybody want lines?
    pub fn has_lines(&self) -> bool {
        self.has_lines.load(Relaxed)
    }
}

impl Location {
    /// What the instruction is.
    #[inline(always)]
    pub fn opcode(&self) -> Opcode {
        Opcode::from_u8(self.opcode.load(Relaxed)).unwrap_or(Opcode::NOP)
    }

    /// Does a line start here for who comes from the instruction before?
    pub fn starts_line(&self) -> bool {
        self.flags.load(Relaxed) & STARTS_LINE != 0
    }

    /// Has a jump from here to be noted, for whether a line starts at its target?
    pub fn notes_jump(&self) -> bool {
        self.flags.load(Relaxed) & NOTES_JUMP != 0
    }

    /// Does this give an `async for` loop its next value, which is a branch?
    pub fn is_async_next(&self) -> bool {
        self.flags.load(Relaxed) & ASYNC_NEXT != 0
    }

    fn is_watched(&self) -> bool {
        let masks = [&self.event, &self.right, &self.stop, &self.line, &self.instruction];
        self.notes_jump() || masks.iter().any(|m| m.load(Relaxed) != 0)
    }

    /// Where the tools are that want an event of this instruction.
    pub fn tools(&self, event: Event) -> &AtomicU16 {
        match event {
            Event::LINE => &self.line,
            Event::INSTRUCTION => &self.instruction,
            Event::BRANCH_RIGHT => &self.right,
            Event::STOP_ITERATION => &self.stop,
            _ => &self.event,
        }
    }
}

/// What a marked instruction is underneath, specialized by the thread that runs this copy of it; 0 where that is not known. It goes with the
/// caches there, which that thread writes too. None: what is at this address is nobody's to specialize.
#[inline]
fn with_form<T>(t: &Thread, code: Ref<Code>, pc: *const u16, f: impl FnOnce(&AtomicU8) -> T) -> Option<T> {
    let main = code.bytecode();
    if main.contains(pc) {
        return Some(f(&code.locations()?.at(main.index_of(pc)).form));
    }
    let own = code.existing_copy(t.bytecode_index.get() as usize).filter(|copy| copy.contains(pc))?;
    own.form(own.index_of(pc)).map(f)
}

/// The specialized form of the marked instruction at an address, if it has one that this thread may run.
#[inline]
pub fn form_underneath(t: &Thread, code: Ref<Code>, pc: *const u16) -> Option<u8> {
    with_form(t, code, pc, |form| form.load(Relaxed)).filter(|op| *op != 0)
}

/// The thread specializes the marked instruction at an address in its copy.
pub fn specialize_underneath(t: &Thread, code: Ref<Code>, pc: *const u16, op: Opcode) {
    with_form(t, code, pc, |form| form.store(op as u8, Relaxed));
}

/// Marks an instruction, and notes what it was in a form. Its thread may specialize it at this moment: what that writes counts.
fn mark_and_note(byte: &AtomicU8, form: &AtomicU8) {
    form.store(0, Relaxed);
    let before = byte.swap(INSTRUMENTED, AcqRel);
    // Machine code is not watched.
    if before != Opcode::JUMP_BACKWARD_JIT as u8 && before != Opcode::RESUME_CHECK_JIT as u8 {
        let _ = form.compare_exchange(0, before, Relaxed, Relaxed);
    }
}

/// The events an instruction has by its nature.
fn own_events(op: Opcode, oparg: u32, is_async_next: bool) -> &'static [Event] {
    use Event::*;
    match op {
        Opcode::RESUME if oparg & 3 == 0 => &[PY_START],
        Opcode::RESUME => &[PY_RESUME],
        Opcode::RETURN_VALUE => &[PY_RETURN],
        Opcode::YIELD_VALUE => &[PY_YIELD],
        Opcode::CALL | Opcode::CALL_KW | Opcode::CALL_FUNCTION_EX | Opcode::LOAD_SUPER_ATTR => &[CALL],
        Opcode::JUMP_FORWARD | Opcode::JUMP_BACKWARD => &[JUMP],
        Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE => {
            &[BRANCH_LEFT, BRANCH_RIGHT]
        }
        Opcode::FOR_ITER => &[BRANCH_LEFT, BRANCH_RIGHT, STOP_ITERATION],
        Opcode::END_SEND if is_async_next => &[STOP_ITERATION, BRANCH_LEFT],
        Opcode::END_SEND => &[STOP_ITERATION],
        Opcode::END_ASYNC_FOR => &[BRANCH_RIGHT],
        _ => &[],
    }
}

/// Where an instruction may jump to.
pub fn jump_target(i: usize, op: Opcode, oparg: u32) -> Option<usize> {
    use limpid_bytecode::Operand;
    let next = i + 1 + op.caches();
    match op.operand() {
        Operand::JumpForward => Some(next + oparg as usize),
        Operand::JumpBackward => next.checked_sub(oparg as usize),
        _ => None,
    }
}

/// The `async for` loops of a code object: the `END_SEND` that gives the next value, and the `END_ASYNC_FOR`, which is the handler of the
/// exceptions raised there.
pub fn async_loops(code: Ref<Code>, words: &[u16]) -> impl Iterator<Item = (usize, usize)> {
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.exceptiontable.get()) };
    let mut loops = Vec::new();
    each_instruction(words, |i, op, _| {
        if op.family() == Opcode::END_SEND
            && let Some(handler) = ExceptionTable(table.as_slice()).find(i as u32)
            && words.get(handler.target as usize).and_then(|w| Opcode::from_u8(*w as u8)) == Some(Opcode::END_ASYNC_FOR)
        {
            loops.push((i, handler.target as usize));
        }
    });
    loops.into_iter()
}

/// Changes what a tool wants in one code object.
pub fn set_local_events(t: &Thread, code: Ref<Code>, tool: usize, wanted: EventSet) -> R<()> {
    let l = of(t, code)?;
    let i = &t.interpreter().instrumentation;
    let generation = i.generation[tool].load(Acquire);
    if wanted != 0 {
        i.note_local(tool);
    }
    l.local[tool].store(wanted, Release);
    l.generation[tool].store(generation, Release);
    update(t, code);
    if tier2::is_enabled() {
        t.mutator.stop_world(c"instrumentation", |_| tier2::retire_all(t.runtime()));
    }
    Ok(())
}

/// The code object's table, made if it has none.
fn of(t: &Thread, code: Ref<Code>) -> R<Ref<Locations>> {
    if let Some(l) = code.locations() {
        return Ok(l);
    }
    let made = Locations::new(t, code, &code.words())?;
    let _guard = t.lock(code);
    if let Some(l) = code.locations() {
        return Ok(l);
    }
    code.set_locations(t, made);
    Ok(made)
}

/// Brings a code object up to date.
pub fn update(t: &Thread, code: Ref<Code>) {
    let i = &t.interpreter().instrumentation;
    let version = i.version();
    let wants_some = (0..TOOLS).any(|tool| i.global(tool) & super::events::AT_INSTRUCTIONS != 0);
    if code.locations().is_none() && !wants_some {
        code.instrumented_at.store(version, Release);
        return;
    }
    let words = code.words();
    let Ok(l) = of(t, code) else {
        // No memory for the table: the code runs on unwatched.
        t.take_exception();
        return;
    };
    let _guard = t.lock(code);
    let from_scratch = code.instrumented_at.load(Acquire) < i.restart.load(Acquire);
    let change: Vec<(EventSet, EventSet)> = (0..TOOLS)
        .map(|tool| {
            let now = i.global(tool) | l.local(t, tool);
            let before = l.applied[tool].swap(now, AcqRel);
            let kept = if from_scratch { 0 } else { before & now };
            (now & !kept, before & !kept)
        })
        .collect();
    if change.iter().any(|(added, removed)| (added | removed) & super::events::AT_INSTRUCTIONS != 0) {
        let has_lines = (0..TOOLS).any(|tool| l.applied[tool].load(Relaxed) & Event::LINE.bit() != 0);
        if has_lines && !l.has_lines() {
            find_lines(code, l, &words);
        }
        l.has_lines.store(has_lines, Relaxed);
        each_instruction(&words, |i, op, oparg| {
            let here = l.at(i);
            let starts = here.flags.load(Relaxed) & (STARTS_LINE | JUMP_TARGET) != 0;
            // Where a frame starts or resumes is an event of its own.
            let of_any = (op.family() != Opcode::RESUME).then_some(Event::INSTRUCTION);
            let always = [of_any, starts.then_some(Event::LINE)];
            for event in own_events(op.family(), oparg, here.is_async_next()).iter().copied().chain(always.into_iter().flatten()) {
                let of_event = |side: fn(&(EventSet, EventSet)) -> EventSet| {
                    (0..TOOLS).filter(|&tool| side(&change[tool]) & event.bit() != 0).fold(0, |set: ToolSet, tool| set | 1 << tool)
                };
                let (added, removed) = (of_event(|c| c.0), of_event(|c| c.1));
                let tools = here.tools(event);
                tools.store(tools.load(Relaxed) & !removed | added, Relaxed);
            }
        });
        note_jumps(l, &words);
        each_instruction(&words, |i, _, _| mark(code, l, i));
    }
    code.instrumented_at.store(version, Release);
}

/// Finds the instructions at which lines start.
fn find_lines(code: Ref<Code>, l: Ref<Locations>, words: &[u16]) {
    let line = |at: usize| l.line_at(at);
    // RESUME and what ends a loop or a delegation have the line of what they belong to, but nobody thinks of them as its start.
    let is_artificial = |op: Opcode| matches!(op, Opcode::RESUME | Opcode::POP_ITER | Opcode::END_SEND | Opcode::END_ASYNC_FOR);
    let mut current = -1;
    each_instruction(words, |i, op, oparg| {
        let starts = line(i) > 0 && line(i) != current && !is_artificial(op.family());
        let flags = &l.at(i).flags;
        flags.store(flags.load(Relaxed) & ASYNC_NEXT | if starts { STARTS_LINE } else { 0 }, Relaxed);
        // What follows the start of a frame starts a line in any case; what follows a yield goes on with the line of the yield.
        current = if op.family() == Opcode::RESUME && oparg & 3 == 0 { -1 } else { line(i) };
    });
    let target = |at: usize, from: i32| {
        if at < words.len() && line(at) > 0 && !is_artificial(l.at(at).opcode()) {
            // Where one comes from matters if the jump says otherwise than the instruction before.
            let flags = &l.at(at).flags;
            if (line(at) != from) != (flags.load(Relaxed) & STARTS_LINE != 0) {
                flags.fetch_or(JUMP_TARGET, Relaxed);
            }
        }
    };
    each_instruction(words, |i, op, oparg| {
        if let Some(to) = jump_target(i, op.family(), oparg) {
            target(to, line(i));
        }
    });
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.exceptiontable.get()) };
    ExceptionTable(table.as_slice()).handlers().for_each(|h| target(h.target as usize, -1));
}

/// The line of each word, -1 for none.
pub fn line_of_words(code: Ref<Code>, len: usize) -> Vec<i32> {
    let mut lines = vec![-1; len];
    // SAFETY: the field is bytes.
    let table = unsafe { Ref::<Bytes>::from_value(code.linetable.get()) };
    for range in (LineTable { bytes: table.as_slice(), firstlineno: code.firstlineno }).lines() {
        let (start, end) = (range.start as usize, range.end as usize);
        if start < end && end <= len {
            lines[start..end].fill(range.line);
        }
    }
    lines
}

/// Tells the jumps whose targets want to know where one comes from.
fn note_jumps(l: Ref<Locations>, words: &[u16]) {
    each_instruction(words, |i, op, oparg| {
        let wanted = jump_target(i, op.family(), oparg)
            .is_some_and(|to| to < words.len() && l.at(to).flags.load(Relaxed) & JUMP_TARGET != 0 && l.at(to).line.load(Relaxed) != 0);
        let flags = &l.at(i).flags;
        // The loop's own jump to its end leads to no start of a line.
        let wanted = wanted && !matches!(op.family(), Opcode::FOR_ITER | Opcode::SEND);
        flags.store(flags.load(Relaxed) & !NOTES_JUMP | if wanted { NOTES_JUMP } else { 0 }, Relaxed);
    });
}

/// Marks an instruction in all copies of the code, or takes the mark away.
fn mark(code: Ref<Code>, l: Ref<Locations>, i: usize) {
    let (watched, original) = (l.at(i).is_watched(), l.at(i).opcode() as u8);
    let main = code.bytecode();
    code.each_copy(|copy| {
        let byte = copy.opcode_byte(i);
        let form = if copy == main { Some(&l.at(i).form) } else { copy.form(i) };
        match (watched, byte.load(Relaxed) == INSTRUMENTED, form) {
            (true, false, Some(form)) => mark_and_note(byte, form),
            (true, ..) => byte.store(INSTRUMENTED, Release),
            (false, true, _) => byte.store(original, Release),
            (false, false, _) => {}
        }
    });
}

/// Marks the instructions of a new copy of the code as they are marked in the main one.
pub fn mark_copy(code: Ref<Code>, copy: Ref<Bytecode>) {
    let main = code.bytecode();
    for i in 0..main.len() {
        if code.locations().is_some_and(|l| l.at(i).is_watched()) {
            copy.opcode_byte(i).store(INSTRUMENTED, Release);
        }
    }
}

/// A callback wants to hear no more of an event at an instruction.
pub fn disable(t: &Thread, code: Ref<Code>, at: usize, event: Event, tool: usize) {
    let Some(l) = code.locations() else { return };
    let words = code.words();
    let _guard = t.lock(code);
    let here = l.at(at);
    let others = here.tools(event).fetch_and(!(1 << tool), AcqRel) & !(1 << tool);
    if event == Event::LINE && others == 0 && here.flags.load(Relaxed) & JUMP_TARGET != 0 {
        note_jumps(l, &words);
        each_instruction(&words, |i, op, oparg| {
            if jump_target(i, op.family(), oparg) == Some(at) {
                mark(code, l, i);
            }
        });
    }
    mark(code, l, at);
}
