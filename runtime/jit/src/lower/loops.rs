//! Loops: what a round starts with, and the jump back.
//!
//! A loop's first frame is in registers while the loop runs. Which places of it, as what, and whether a round changes them is not known
//! before the whole round was lowered; so it is assumed, and lowered again with better assumptions until they hold ([`Assumptions`]).

use super::build::{Fact, is_stable};
use super::state::Place;
use super::{Abort, LinkTarget, Lowered, Lowering, SHORTEST, lower_open};
use crate::executor::{Entry, State};
use crate::ir::{Id, Op, Ty, Uop};
use limpid_heap::ShapeRef;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::Recording;
use limpid_vm::tier2::recorder::{End, Observed};
use std::collections::BTreeMap;

/// How often a loop is lowered with other assumptions.
const ATTEMPTS: usize = 12;

/// What is assumed of a place of the first frame at the start of each round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Assumption {
    ty: Ty,
    shape: Option<ShapeRef>,
    /// No round changes it.
    fixed: bool,
}

type Assumptions = BTreeMap<u32, Assumption>;

/// Lowers a recording that started at a loop's header.
pub fn lower_loop(recording: &Recording, target: Option<&LinkTarget>, thread: &Thread) -> Result<Lowered, Abort> {
    if recording.end != End::Closed {
        return lower_open(recording, target, thread, SHORTEST);
    }
    let mut assumptions = Assumptions::new();
    for _ in 0..ATTEMPTS {
        let mut l = Lowering::new(recording, target, thread);
        l.start_loop(&assumptions)?;
        let steps = l.run()?;
        if l.linked {
            return lower_open(recording, target, thread, SHORTEST);
        }
        if steps + 1 < recording.steps.len() {
            // Where frames lie deep, or await each other, each round is another path, and traces would go on from each other without end.
            return Err(Abort::TooDeep);
        }
        let better = l.close(&assumptions)?;
        if better == assumptions {
            let entry = assumptions.iter().map(|(place, a)| Entry { place: *place, ty: a.ty, shape: a.shape, fixed: a.fixed }).collect();
            return Ok(l.finish(entry));
        }
        assumptions = better;
    }
    Err(Abort::Unstable)
}

impl Lowering<'_> {
    fn start_loop(&mut self, assumptions: &Assumptions) -> Result<(), Abort> {
        let frame = self.base_frame()?;
        self.frames.push(frame);
        for (k, (place, a)) in assumptions.iter().enumerate() {
            let id = self.trace.add(Uop { op: Op::Input, ty: a.ty, args: Vec::new(), imm: k as i64, exit: None });
            self.trace.inputs.push(id);
            self.trace.entry.push(id);
            if let Some(shape) = a.shape {
                self.facts.insert(id, Fact { shape: Some(shape), from_entry: true, ..Fact::default() });
            }
            self.frames[0].places[*place as usize] = Place { value: Some(id), in_memory: a.fixed };
            self.touched.insert(*place);
        }
        self.guard_room();
        if self.may_expect_to_be_alone() {
            // Leaving there is counted, so the exit is no other one's.
            self.exit = None;
            self.guard(Op::GuardAlone, &[], 0);
        }
        self.trace.entry.append(&mut self.trace.body);
        Ok(())
    }

    /// May rounds rely on it that what they do not change stays as it is? That was not tried in vain before.
    fn may_expect_to_be_alone(&self) -> bool {
        let header = self.recording.origin.header();
        // SAFETY: the state belongs to the thread that lowers, and nothing else refers into it.
        let is_plain = header.is_none_or(|header| unsafe { &mut *State::of(self.thread) }.loop_at(header).is_plain);
        !is_plain && limpid_heap::is_alone()
    }

    fn assume_from_entry(&self, place: u32) -> Assumption {
        match self.recording.entry.get(place as usize) {
            Some(Observed::Int | Observed::Negative) => Assumption { ty: Ty::Int, shape: None, fixed: true },
            Some(Observed::Float) => Assumption { ty: Ty::Float, shape: None, fixed: true },
            Some(Observed::Cell(shape)) if is_stable(ShapeRef(*shape)) => {
                Assumption { ty: Ty::Value, shape: Some(ShapeRef(*shape)), fixed: true }
            }
            _ => Assumption { ty: Ty::Value, shape: None, fixed: true },
        }
    }

    /// The jump back; the assumptions under which the round should have been lowered.
    fn close(&mut self, assumptions: &Assumptions) -> Result<Assumptions, Abort> {
        if self.frames.len() != 1 {
            return Err(Abort::Lost);
        }
        let mut better = assumptions.clone();
        // What lies above the stack at the header is of no concern to the next round.
        let known = self.recording.entry.len() as u32;
        for place in self.touched.range(..known).copied().collect::<Vec<_>>() {
            better.entry(place).or_insert_with(|| self.assume_from_entry(place));
        }
        // Places of the value stack hold iterators, which the trace looks at in every round.
        for place in self.frames[0].nlocals..self.frames[0].places.len() {
            better.entry(place as u32).or_insert_with(|| self.assume_from_entry(place as u32));
        }
        if better != *assumptions {
            return Ok(better);
        }
        let mut next = Vec::new();
        for (k, (place, a)) in assumptions.iter().enumerate() {
            let input = self.trace.inputs[k];
            let last = match self.frames[0].places[*place as usize].value {
                Some(id) => id,
                // It was written behind the trace's back.
                None => input,
            };
            let in_memory = self.frames[0].places[*place as usize].value.is_none();
            if last == input && !in_memory {
                next.push(input);
                continue;
            }
            let b = better.get_mut(place).expect("a copy");
            b.fixed = false;
            b.shape = None;
            let ty = self.ty(last);
            if in_memory {
                b.ty = Ty::Value;
            } else if ty != a.ty && matches!(ty, Ty::Int | Ty::Float) {
                // The type it has from the second round on.
                b.ty = ty;
            } else if ty != a.ty && !self.is_read(input) {
                b.ty = Ty::Value;
            }
            if b == a {
                let v = if in_memory {
                    let base = self.emit(Op::Frame, Ty::Word, &[], 0);
                    self.emit_with(Op::Load, Ty::Value, &[base], *place as i64 * 8, None)
                } else {
                    self.convert(last, a.ty, None)?
                };
                next.push(v);
            }
        }
        if better == *assumptions {
            self.settle_depth();
            self.guard(Op::GuardBreaker, &[], 0);
            self.trace.next = Some(next);
        }
        Ok(better)
    }

    /// Does the trace look at an input, or just carry it?
    fn is_read(&self, input: Id) -> bool {
        self.trace.body.iter().any(|id| self.trace.uop(*id).args.contains(&input))
    }
}
