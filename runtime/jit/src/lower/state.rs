//! The interpreter's state while a trace is lowered: which value is in which variable and stack place of which frame, and which of them
//! the interpreter's stack has too.
//!
//! Frames of inlined calls exist here only, until a snapshot or a [`flush`](Lowering::flush) writes them.

use super::{Abort, Lowering};
use crate::ir::{FrameState, Id, Op, Snapshot, Ty};
use limpid_heap::Value;
use limpid_vm::interp::frame::{Frame as VmFrame, HEADER};
use limpid_vm::object::Ref;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Code, Generator};
use std::mem::offset_of;

/// A variable or a place of the value stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its value; None: in memory, and not looked at yet.
    pub value: Option<Id>,
    /// Does the interpreter's stack have the value?
    pub in_memory: bool,
}

impl Place {
    pub const MEMORY: Place = Place { value: None, in_memory: true };

    pub fn of(value: Id) -> Place {
        Place { value: Some(value), in_memory: false }
    }
}

/// A frame.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// What its place is measured from, if that is not the first frame: the address of a frame in a generator or called from one.
    pub base: Option<Id>,
    /// Its place, in words.
    pub place: i32,
    /// Where the interpreter's stack is free when it starts, in words from where it was free at the start of the trace.
    pub extent: i32,
    /// Where it was while the trace was recorded.
    pub recorded: *mut Value,
    /// The function.
    pub function: Option<Id>,
    /// Its code, none for the shim under `__init__`.
    pub code: Option<Ref<Code>>,
    /// Local variables.
    pub nlocals: usize,
    /// Where it returns to.
    pub return_pc: u64,
    /// Does the interpreter's stack have its header?
    pub header_in_memory: bool,
    /// Variables, then the value stack.
    pub places: Vec<Place>,
}

impl Lowering<'_> {
    pub(super) fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a trace has a frame")
    }

    /// How many more frames are entered than at the start.
    pub(super) fn level(&self) -> i32 {
        self.frames.len() as i32 - 1 - self.returned
    }

    pub(super) fn frame_index(&self) -> usize {
        self.frames.len() - 1
    }

    /// The value of a place in a frame; loads it if need be.
    fn read(&mut self, frame: usize, place: usize) -> Result<Id, Abort> {
        let f = self.frames.get(frame).ok_or(Abort::Lost)?;
        let p = f.places.get(place).ok_or(Abort::Lost)?;
        if let Some(id) = p.value {
            return Ok(id);
        }
        let offset = (f.place as i64 + place as i64) * 8;
        if frame == 0 {
            self.touched.insert(place as u32);
        }
        let base = self.base_of(frame);
        let id = self.emit_with(Op::Load, Ty::Value, &[base], offset, None);
        self.frames[frame].places[place].value = Some(id);
        Ok(id)
    }

    pub(super) fn local(&mut self, i: u32) -> Result<Id, Abort> {
        self.read(self.frame_index(), i as usize)
    }

    pub(super) fn set_local(&mut self, i: u32, v: Id) {
        if self.frames.len() == 1 {
            self.touched.insert(i);
        }
        self.top().places[i as usize] = Place::of(v);
    }

    /// The value `n` places from the top, 1 being the top.
    pub(super) fn peek(&mut self, n: usize) -> Result<Id, Abort> {
        let frame = self.frame_index();
        let f = &self.frames[frame];
        let place = f.places.len().checked_sub(n).filter(|p| *p >= f.nlocals).ok_or(Abort::Lost)?;
        self.read(frame, place)
    }

    pub(super) fn poke(&mut self, n: usize, v: Id) {
        let f = self.top();
        let place = f.places.len() - n;
        f.places[place] = Place::of(v);
    }

    pub(super) fn push(&mut self, v: Id) {
        self.top().places.push(Place::of(v));
    }

    pub(super) fn drop_n(&mut self, n: usize) {
        let f = self.top();
        let keep = f.places.len() - n;
        f.places.truncate(keep);
    }

    pub(super) fn pop(&mut self) -> Result<Id, Abort> {
        let v = self.peek(1)?;
        self.drop_n(1);
        Ok(v)
    }

    /// The function of the innermost frame.
    pub(super) fn function(&mut self) -> Id {
        let frame = self.frame_index();
        if let Some(id) = self.frames[frame].function {
            return id;
        }
        let offset = (self.frames[frame].place as i64 - HEADER as i64) * 8;
        let base = self.base_of(frame);
        // The frame that a loop starts in is there from the start; the place of another one has held something else before.
        let id = match frame {
            0 if self.returned == 0 => self.emit(Op::LoadFixed, Ty::Value, &[base], offset),
            _ => self.emit_with(Op::Load, Ty::Value, &[base], offset, None),
        };
        self.frames[frame].function = Some(id);
        id
    }

    // ---- snapshots ----

    /// The state as it is now, with the instruction to go on with.
    pub(super) fn snapshot(&self, pc: *const u16) -> Snapshot {
        let frames = self.frames.iter().map(|f| FrameState {
            base: f.base,
            place: f.place,
            extent: f.extent,
            nlocals: f.nlocals as u32,
            used: f.places.len() as u32,
            return_pc: f.return_pc,
            header: if f.header_in_memory { None } else { f.function },
            stores: f.places.iter().enumerate().filter(|(_, p)| !p.in_memory).filter_map(|(i, p)| Some((i as u32, p.value?))).collect(),
            code: f.code.map_or(0, |code| code.value().bits()),
        });
        Snapshot { pc: pc as u64, frames: frames.collect(), depth: self.depth + self.returned, objects: Vec::new() }
    }

    /// The exit of the instruction that is being lowered: goes on with it as if it had not been begun.
    pub(super) fn exit(&mut self) -> u32 {
        if self.exit.is_none() {
            self.trace.snapshots.push(self.before.clone());
            self.exit = Some(self.trace.snapshots.len() as u32 - 1);
        }
        self.exit.expect("just set")
    }

    // ---- memory ----

    /// What the places of a frame are measured from.
    pub(super) fn base_of(&mut self, frame: usize) -> Id {
        match self.frames[frame].base {
            Some(base) => base,
            None => self.emit(Op::Frame, Ty::Word, &[], 0),
        }
    }

    /// The address `words` behind a frame's first.
    pub(super) fn address(&mut self, frame: usize, words: i64) -> Id {
        let offset = (self.frames[frame].place as i64 + words) * 8;
        match self.frames[frame].base {
            None => self.emit(Op::Frame, Ty::Word, &[], offset),
            Some(base) if offset == 0 => base,
            Some(base) => {
                let offset = self.word_constant(offset as u64);
                self.emit(Op::AddFits, Ty::Word, &[base, offset], 0)
            }
        }
    }

    fn store_word(&mut self, frame: usize, words: i64, v: Id) {
        let base = self.base_of(frame);
        let offset = (self.frames[frame].place as i64 + words) * 8;
        self.emit_with(Op::StoreFrame, Ty::None, &[base, v], offset, None);
    }

    /// Writes everything that the interpreter's stack does not have yet, frames of inlined calls included.
    pub(super) fn flush(&mut self) {
        self.flush_headers();
        for i in 0..self.frames.len() {
            self.flush_places(i);
            if VmFrame(self.frames[i].recorded).is_generator() && i + 1 < self.frames.len() {
                // It keeps the top of its stack while it calls.
                let end = self.frames[i].places.len() as i64;
                let top = self.address(i, end);
                let base = self.base_of(i);
                let offset = offset_of!(Generator, sp) as i64 - Generator::FRAME_OFFSET as i64;
                self.emit_with(Op::StoreFrame, Ty::None, &[base, top], offset, None);
            }
        }
        self.settle_depth();
    }

    /// Writes the headers of frames of inlined calls.
    pub(super) fn flush_headers(&mut self) {
        for i in 1..self.frames.len() {
            if self.frames[i].header_in_memory {
                continue;
            }
            let null = self.word_constant(0);
            let previous = self.address(i - 1, 0);
            let return_pc = self.word_constant(self.frames[i].return_pc);
            let function = self.frames[i].function.expect("a frame that is not in memory has a function");
            for (below, v) in [(5, function), (4, previous), (3, return_pc), (2, null), (1, null)] {
                self.store_word(i, -below, v);
            }
            self.frames[i].header_in_memory = true;
        }
    }

    /// Writes the variables and the value stack of a frame.
    pub(super) fn flush_places(&mut self, frame: usize) {
        for k in 0..self.frames[frame].places.len() {
            if let Place { value: Some(v), in_memory: false } = self.frames[frame].places[k] {
                let v = self.value(v);
                self.store_word(frame, k as i64, v);
                self.frames[frame].places[k].in_memory = true;
            }
        }
    }

    /// Makes the thread's depth what it is in the interpreter.
    pub(super) fn settle_depth(&mut self) {
        let level = self.level();
        if level != self.depth {
            self.emit_with(Op::AddDepth, Ty::None, &[], (level - self.depth) as i64, None);
            self.depth = level;
            // An exit from here on finds the new depth.
            self.before.depth = level + self.returned;
            self.exit = None;
        }
    }

    /// The innermost frame that the interpreter's stack has, and where the stack ends there.
    pub(super) fn registers(&mut self) -> (Id, Id) {
        let frame = self.frames.iter().rposition(|f| f.header_in_memory).expect("the first frame is in memory");
        let end = self.frames[frame].places.len() as i64;
        (self.address(frame, 0), self.address(frame, end))
    }

    /// Tells the thread which frame is the innermost, and where its stack ends.
    pub(super) fn save_registers(&mut self) {
        let (fp, sp) = self.registers();
        self.emit_with(Op::StoreThread, Ty::None, &[fp], offset_of!(Thread, fp) as i64, None);
        self.emit_with(Op::StoreThread, Ty::None, &[sp], offset_of!(Thread, sp) as i64, None);
    }

    /// Notes how far the interpreter's stack is used.
    pub(super) fn need_room(&mut self, code: Ref<Code>) {
        let end = self.top().extent + code.frame_values() as i32 + HEADER as i32;
        self.words = self.words.max(end);
        self.deepest = self.deepest.max(self.frames.len() as i32 - 1);
    }
}
