//! What exits are, and which of their values are in which word of the thread's buffer.
//!
//! There are many more exits than are ever taken, and most of what one writes to the buffer the one before it writes too. So the words of an
//! exit may begin with those of an earlier one, and its code goes on in the code of that one: then it has to write the rest only. A few
//! words that it has no use for do no harm.

use crate::executor::{BUFFER_WORDS, Exit, ExitFrame, ExitObject, ExitState, Source};
use crate::ir::{Id, Op, Trace, Ty};
use limpid_heap::Value;
use rustc_hash::FxHashSet;
use std::ffi::CStr;

/// So many exits at most go on in each other.
const LONGEST_CHAIN: usize = 8;
/// Of the words of the one before, one in so many may be of no use.
const USEFUL: usize = 4;

/// What an exit writes to the buffer.
#[derive(Clone, Default, Debug)]
pub struct Words {
    /// The values, in the order of the words.
    pub ids: Vec<Id>,
    /// The earlier exit whose words its own begin with, if there is one, ...
    pub behind: Option<u32>,
    /// ... and how many those are.
    pub shared: usize,
    /// How many exits it goes on in.
    depth: usize,
}

/// The exits of a trace, and what each of them writes to the buffer.
pub type Exits = (Vec<Box<Exit>>, Vec<Words>);

/// Why a trace is left through an exit.
#[derive(Clone, Copy)]
struct Reason {
    /// The name of the first uop that leaves there.
    name: &'static CStr,
    /// See [`ExitState`].
    needs_python: bool,
    is_miss: bool,
}

/// The exits of a trace. None: too many values.
pub fn exits(trace: &Trace) -> Option<Exits> {
    let mut reasons = vec![Reason { name: c"none", needs_python: false, is_miss: false }; trace.snapshots.len()];
    for id in trace.entry.iter().chain(&trace.body).rev() {
        let uop = trace.uop(*id);
        if let Some(exit) = uop.exit {
            let reason = &mut reasons[exit as usize];
            reason.name = uop.op.name_c();
            reason.needs_python |= uop.op.avoids_python();
            reason.is_miss |= uop.op == Op::GuardAlone;
        }
    }
    let words = words(trace)?;
    let state = |(snapshot, reason)| exit_state(trace, snapshot, reason, &words[snapshot].ids).map(|state| Box::new(Exit::new(state)));
    let exits = reasons.into_iter().enumerate().map(state).collect::<Option<Vec<_>>>()?;
    Some((exits, words))
}

/// What each exit writes. None: too many values.
fn words(trace: &Trace) -> Option<Vec<Words>> {
    let mut words: Vec<Words> = (0..trace.snapshots.len() as u32).map(|exit| words_behind(trace, exit, None, &[])).collect();
    // In front of the loop some values are others than in it.
    let mut done: FxHashSet<u32> = trace.entry.iter().filter_map(|id| trace.uop(*id).exit).collect();
    let mut before = None;
    for exit in trace.body.iter().filter_map(|id| trace.uop(*id).exit) {
        if done.insert(exit) {
            words[exit as usize] = words_behind(trace, exit, before, &words);
            before = Some(exit);
        }
    }
    words.iter().all(|w| w.ids.len() <= BUFFER_WORDS).then_some(words)
}

/// What an exit writes, perhaps behind what the one before it writes.
fn words_behind(trace: &Trace, exit: u32, before: Option<u32>, words: &[Words]) -> Words {
    let mut wanted: Vec<Id> = Vec::new();
    let mut known = FxHashSet::default();
    for id in trace.snapshot_ids(exit) {
        if trace.uop(id).op != Op::Const && known.insert(id) {
            wanted.push(id);
        }
    }
    let useful = |w: &Words| w.ids.iter().filter(|id| known.contains(id)).count();
    let fits = |w: &Words| {
        let (all, useful) = (w.ids.len(), useful(w));
        let is_long = w.depth + 1 >= LONGEST_CHAIN || all - useful + wanted.len() > BUFFER_WORDS;
        all > 0 && (all - useful) * USEFUL <= all && !is_long
    };
    let behind = before.filter(|exit| fits(&words[*exit as usize]));
    let Some(first) = behind.map(|exit| &words[exit as usize]) else { return Words { ids: wanted, ..Words::default() } };
    let mut ids = first.ids.clone();
    ids.extend(wanted.into_iter().filter(|id| !first.ids.contains(id)));
    Words { ids, behind, shared: first.ids.len(), depth: first.depth + 1 }
}

/// Where an exit has its values, which are in these words of the buffer.
fn exit_state(trace: &Trace, snapshot: usize, reason: Reason, words: &[Id]) -> Option<ExitState> {
    let snapshot = &trace.snapshots[snapshot];
    let taken = |id: Id| {
        let uop = trace.uop(id);
        if uop.op == Op::Const {
            return Some(Source::Constant(constant_bits(uop.ty, uop.imm)));
        }
        let word = words.iter().position(|known| *known == id)?;
        Some(Source::Buffer(word as u32, uop.ty))
    };
    let source = |id: Id| match snapshot.objects.iter().position(|o| o.id == id) {
        Some(object) => Some(Source::Object(object as u32)),
        None => taken(id),
    };
    let mut frames = Vec::new();
    for f in &snapshot.frames {
        let base = match f.base {
            Some(id) => Some(source(id)?),
            None => None,
        };
        let header = match f.header {
            Some(id) => Some(source(id)?),
            None => None,
        };
        let stores = f.stores.iter().map(|(place, id)| Some((*place, source(*id)?))).collect::<Option<Vec<_>>>()?;
        frames.push(ExitFrame {
            base,
            extent: f.extent,
            place: f.place,
            nlocals: f.nlocals,
            used: f.used,
            return_pc: f.return_pc,
            header,
            stores,
        });
    }
    let mut objects = Vec::new();
    for o in &snapshot.objects {
        let unless = match o.unless {
            Some(id) => Some(taken(id)?),
            None => None,
        };
        let parts = o.parts.iter().map(|id| source(*id)).collect::<Option<Vec<_>>>()?;
        objects.push(ExitObject { layout: trace.layouts[o.layout as usize].clone(), unless, parts });
    }
    let Reason { name, needs_python, is_miss } = reason;
    Some(ExitState { pc: snapshot.pc, frames, depth: snapshot.depth, objects, reason: name, needs_python, is_miss })
}

/// The Python value of a constant.
fn constant_bits(ty: Ty, imm: i64) -> u64 {
    match ty {
        Ty::Int => Value::from_shifted(imm).bits(),
        Ty::Float => Value::float(f64::from_bits(imm as u64)).bits(),
        Ty::Bool => Value::bool(imm != 0).bits(),
        Ty::Value | Ty::Word | Ty::None => imm as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_writes_what_the_one_before_it_has_not_written() {
        let trace = Trace::parse(
            "entry:
                v0: value = input #0
                v1: int = input #1
                v2: int = const #7
                guard_int v0 !0
             body:
                v4: int = add_int v1 v2 !1
                v5: int = add_int v4 v2 !2
                guard_true v5 !3
                leave !4
             !0: at 1 [v0, v1]
             !1: at 2 [v0, v1]
             !2: at 3 [v2, v4, v0, v1]
             !3: at 4 [v4, v5]
             !4: at 5 [v5, v4]",
        );
        let words = words(&trace).unwrap();
        let ids = |exit: usize| words[exit].ids.iter().map(|id| id.0).collect::<Vec<_>>();
        // What is in front of the loop has nothing before it, and neither has the first one behind it.
        assert_eq!((ids(0), words[0].behind, ids(1), words[1].behind), (vec![0, 1], None, vec![0, 1], None));
        assert_eq!((ids(2), words[2].behind, words[2].shared), (vec![0, 1, 4], Some(1), 2));
        // Two of three would be of no use.
        assert_eq!((ids(3), words[3].behind), (vec![4, 5], None));
        assert_eq!((ids(4), words[4].behind, words[4].shared), (vec![4, 5], Some(3), 2));
    }
}
