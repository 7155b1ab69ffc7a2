//! What the uops of a round write in memory, as far as loads may read it.
//!
//! Objects that [`StoreSlot`](Op::StoreSlot) and [`AddSlot`](Op::AddSlot) write to are behind a guard of their shape, which tells where their
//! slots are, and so is what is loaded from such objects. What was loaded and is loaded from without a guard is an inner part of
//! something: a table, a list's storage, a function's globals or closure.

use crate::executor::Entry;
use crate::ir::{Effect, Id, Op, Trace, Ty, Uop};
use limpid_heap::ShapeRef;
use limpid_vm::types::List;
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::list::Storage;
use rustc_hash::{FxHashMap, FxHashSet};

/// Does a uop change what a load reads?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overlap {
    Never,
    Always,
    /// If this object is the one that is loaded from.
    IfSame(Id),
    Perhaps,
}

/// What is known of a loop's memory.
pub struct Memory {
    /// Which shape values have, None: different ones.
    shapes: FxHashMap<Id, Option<ShapeRef>>,
    /// The uops of the body that change what loads read.
    pub writes: Vec<Id>,
}

impl Memory {
    /// What the loop does that these inputs enter. None: an object may get another shape meanwhile that was there before.
    pub fn of(trace: &Trace, entry: &[Entry]) -> Option<Memory> {
        let mut shapes: FxHashMap<Id, Option<ShapeRef>> = FxHashMap::default();
        for (input, e) in trace.inputs.iter().zip(entry) {
            if e.shape.is_some() {
                shapes.insert(*input, e.shape);
            }
        }
        let mut writes = Vec::new();
        for id in trace.entry.iter().chain(&trace.body) {
            let uop = trace.uop(*id);
            match uop.op {
                Op::GuardShape => {
                    let shape = Some(ShapeRef(uop.imm as u32));
                    let known = shapes.entry(uop.args[0]).or_insert(shape);
                    if *known != shape {
                        *known = None;
                    }
                }
                Op::AddSlot if !matches!(trace.uop(uop.args[0]).op, Op::NewInstance | Op::Make) => return None,
                Op::AddSlot | Op::StoreSlot | Op::StoreItem | Op::Append | Op::Resume | Op::Suspend | Op::SuspendInSend => writes.push(*id),
                _ => {}
            }
        }
        Some(Memory { shapes, writes })
    }

    /// Does one of the writes change what a load reads, whose address is the same in every round?
    pub fn overlap(&self, trace: &Trace, write: &Uop, load: &Uop) -> Overlap {
        let (object, base) = (write.args[0], load.args[0]);
        match (write.op, load.op) {
            // Versions.
            (_, Op::Load32) => Overlap::Never,
            // Made in this round, and what is loaded from was there before.
            _ if matches!(trace.uop(object).op, Op::NewInstance | Op::Make | Op::BuildList) => Overlap::Never,
            (Op::StoreItem | Op::Append, Op::LoadItem) if self.shape(base) != Some(shapes::TUPLE) => Overlap::Perhaps,
            (_, Op::LoadItem) | (Op::StoreItem, _) => Overlap::Never,
            (Op::AddSlot, _) if write.imm & 0xFFFF != load.imm => Overlap::Never,
            (Op::StoreSlot, _) if write.imm != load.imm => Overlap::Never,
            (Op::AddSlot | Op::StoreSlot, _) if object == base => Overlap::Always,
            (Op::AddSlot | Op::StoreSlot, _) if self.is_inner(trace, base) => Overlap::Never,
            (Op::Append, _) if !is_part_of_list(load.imm) => Overlap::Never,
            (Op::Append, _) if load.imm == Storage::CAPACITY as i64 => Overlap::Perhaps,
            (Op::Append, _) if object == base => Overlap::Always,
            (Op::Append, _) if self.is_inner(trace, base) => Overlap::Never,
            (Op::AddSlot | Op::StoreSlot | Op::Append, _) => match (self.shape(object), self.shape(base)) {
                (Some(a), Some(b)) if a != b => Overlap::Never,
                _ => Overlap::IfSame(object),
            },
            // A generator's state.
            _ if self.is_inner(trace, base) => Overlap::Never,
            _ => match self.shape(base) {
                Some(shape) if ![shapes::GENERATOR, shapes::COROUTINE].contains(&shape) => Overlap::Never,
                _ => Overlap::Perhaps,
            },
        }
    }

    fn shape(&self, id: Id) -> Option<ShapeRef> {
        self.shapes.get(&id).copied().flatten()
    }

    /// Is it no object that slots are stored in?
    fn is_inner(&self, trace: &Trace, id: Id) -> bool {
        let uop = trace.uop(id);
        let is_word = uop.op == Op::Const && uop.ty == Ty::Word;
        is_word || matches!(uop.op, Op::Load | Op::LoadFixed) && !self.shapes.contains_key(&id)
    }
}

fn is_part_of_list(offset: i64) -> bool {
    [List::LEN, List::STORAGE, Storage::CAPACITY].iter().any(|part| *part as i64 == offset)
}

/// Is it a load that is the same in every round if nothing is written there? Variables of frames are not looked at.
pub fn is_load_from_object(trace: &Trace, uop: &Uop) -> bool {
    matches!(uop.op, Op::Load | Op::Load32 | Op::LoadItem) && {
        let base = trace.uop(uop.args[0]);
        base.ty == Ty::Value || base.op == Op::Const
    }
}

/// Adds the values whose memory a guard that stays in the loop may have to test before they are loaded from: its operands, and what they
/// were computed of, up to values that were loaded.
pub fn add_tested(trace: &Trace, guard: &Uop, tested: &mut FxHashSet<Id>) {
    let mut work = guard.args.clone();
    while let Some(id) = work.pop() {
        let uop = trace.uop(id);
        if uop.op == Op::Const || !tested.insert(id) {
            continue;
        }
        let is_load = matches!(uop.op, Op::LoadFixed | Op::Load | Op::Load32 | Op::LoadItem);
        if is_load && uop.ty == Ty::Word || !is_load && uop.op.effect() == Effect::Pure {
            work.extend(&uop.args);
        }
    }
}
